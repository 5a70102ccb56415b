/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of I/O threads share: an I/O thread on one of the back-ends
 * with the mailbox of an application, and things to wait for.
 *
 * Thread: the main thread is the application; events happen on any.
 * Owns: a scene owns its thread and mailbox.
 */
#ifndef TESTS_UNIT_CORE_IO_SCENE_H
#define TESTS_UNIT_CORE_IO_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/io_thread.h"
#include "fuzz/check.h"
#include "os/clock.h"
#include "os/park.h"
#include "os/thread.h"
#include "unit/reactor/backends.h"

#include <errno.h>
#include <unistd.h>

#if CZ_TSAN
enum { SCALE = 5 };
#else
enum { SCALE = 1 };
#endif

enum { PATIENCE_US = 30000000 };

struct scene {
    struct cz_io_thread *io;
    struct cz_mailbox *mailbox;
};

static inline int scene_open(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    assert_int_equal(cz_io_thread_create(*state, NULL, NULL, &scene->io), 0);
    assert_string_equal(cz_poller_backend(scene->io->poller), *state);
    scene->mailbox = cz_mailbox_create(NULL);
    assert_non_null(scene->mailbox);
    *state = scene;
    return 0;
}

static inline int scene_close(void **state)
{
    struct scene *scene = *state;

    cz_io_thread_destroy(scene->io);
    cz_mailbox_close(scene->mailbox);
    cz_mailbox_unref(scene->mailbox);
    free(scene);
    return 0;
}

static inline uint64_t patience(void)
{
    return cz_clock_us() + PATIENCE_US;
}

/* ---- events --------------------------------------------------------- */

/* Something to wait for. */
struct event {
    _Atomic uint32_t count;
    _Atomic uintptr_t thread; /* where it happened last */
    _Atomic uint64_t at_us;
};

static inline void event_happen(struct event *event)
{
    atomic_store(&event->thread, cz_thread_self());
    atomic_store(&event->at_us, cz_clock_us());
    atomic_fetch_add(&event->count, 1);
    cz_unpark(&event->count, 1);
}

static inline void event_await(struct event *event, uint32_t count)
{
    uint64_t deadline_us = patience();
    uint32_t now;

    while ((now = atomic_load(&event->count)) < count) {
        int rc = cz_park(&event->count, now, deadline_us);

        CHECK(rc != -ETIMEDOUT);
    }
}

/* A command that makes it happen; on a mailbox of the application, too. */
struct errand {
    struct cz_command command;
    struct event event;
};

static inline void errand_run(struct cz_command *command)
{
    event_happen(&cz_container_of(command, struct errand, command)->event);
}

static inline struct errand errand(void)
{
    return (struct errand){.command.run = errand_run};
}

/* ---- descriptors ---------------------------------------------------- */

struct watched {
    struct cz_poll_handler handler;
    struct scene *scene;
    int fds[2];
    cz_poll_id id;
    struct event event;
    struct errand reply; /* posted to the application, if it is to be */
    bool has_reply;
};

static inline void watched_on_events(struct cz_poll_handler *handler,
                                     unsigned events)
{
    struct watched *w = cz_container_of(handler, struct watched, handler);
    char byte;

    CHECK(events & CZ_POLL_IN);
    CHECK(read(w->fds[0], &byte, 1) == 1);
    if (w->has_reply)
        CHECK(cz_mailbox_post(w->scene->mailbox, &w->reply.command));
    event_happen(&w->event);
}

static inline void watched_open(struct watched *w, struct scene *scene)
{
    memset(w, 0, sizeof *w);
    w->handler.on_events = watched_on_events;
    w->scene = scene;
    w->reply = errand();
    assert_int_equal(pipe(w->fds), 0);
    cz_io_lock(scene->io);
    assert_int_equal(
        cz_io_watch_fd(scene->io, w->fds[0], &w->handler, CZ_POLL_IN, &w->id),
        0);
    cz_io_unlock(scene->io);
}

static inline void watched_poke(struct watched *w)
{
    assert_int_equal(write(w->fds[1], "x", 1), 1);
}

static inline void watched_close(struct watched *w)
{
    cz_io_lock(w->scene->io);
    cz_io_unwatch(w->scene->io, w->id);
    cz_io_unlock(w->scene->io);
    close(w->fds[0]);
    close(w->fds[1]);
}

/* Rows of a test table. */
#define ON(backend, test)                                                      \
    {                                                                          \
#test " " #backend, test, scene_open, scene_close,                     \
            (void *)(uintptr_t) #backend                                       \
    }

/* Until something is in the scene's mailbox. */
static inline int drive(struct scene *scene, uint64_t deadline_us,
                        uint32_t spin_us)
{
    bool at_once;

    return cz_io_drive(scene->io, scene->mailbox, deadline_us, spin_us,
                       &at_once);
}

#endif
