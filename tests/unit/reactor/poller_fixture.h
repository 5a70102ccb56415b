/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of the poller share: a poller of the back-end that the row
 * of the table names, and probes, which are socket pairs with a handler.
 *
 * Thread: checks end a test by a jump, so only the main thread may check.
 */
#ifndef TESTS_UNIT_REACTOR_POLLER_FIXTURE_H
#define TESTS_UNIT_REACTOR_POLLER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/clock.h"
#include "os/waker.h"
#include "reactor/poller.h"
#include "unit/reactor/backends.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Rows of a test table; the initial state is the back-end's name. */
#define ON(backend, test)                                                      \
    {                                                                          \
#backend " " #test, test, fixture_open, fixture_close,                 \
            (void *)(uintptr_t) #backend                                       \
    }

enum { PATIENCE_US = 20 * 1000 * 1000 };

struct fixture {
    const char *backend;
    struct cz_poller *poller;
    struct cz_poll_batch batch;
};

struct probe {
    struct cz_poll_handler handler;
    struct cz_poller *poller;
    int fd;
    int peer;
    cz_poll_id id;
    int calls;
    unsigned events;
    /* What the handler does, if anything. */
    void (*then)(struct probe *probe);
    struct probe *other;
};

static inline int fixture_open(void **state)
{
    const char *backend = *state;
    struct fixture *fixture = test_calloc(1, sizeof *fixture);

    fixture->backend = backend;
    assert_int_equal(cz_poller_create(backend, &fixture->poller), 0);
    assert_string_equal(cz_poller_backend(fixture->poller), backend);
    *state = fixture;
    return 0;
}

static inline int fixture_close(void **state)
{
    struct fixture *fixture = *state;

    cz_poller_destroy(fixture->poller);
    test_free(fixture);
    return 0;
}

static inline bool fixture_is(const struct fixture *fixture,
                              const char *backend)
{
    return strcmp(fixture->backend, backend) == 0;
}

static inline void probe_on_events(struct cz_poll_handler *handler,
                                   unsigned events)
{
    struct probe *probe = cz_container_of(handler, struct probe, handler);

    probe->calls++;
    probe->events = events;
    if (probe->then)
        probe->then(probe);
}

/* Registers an open descriptor. */
static inline void probe_add(struct probe *probe, struct cz_poller *poller,
                             int fd)
{
    *probe = (struct probe){
        .handler.on_events = probe_on_events,
        .poller = poller,
        .fd = fd,
        .peer = -1,
    };
    assert_int_equal(cz_poller_add(poller, fd, &probe->handler, 0, &probe->id),
                     0);
    assert_true(probe->id != 0);
}

/* A connection that its far end has reset. */
static inline int reset_connection(void)
{
    const struct linger at_once = {.l_onoff = 1};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd item = {.fd = fd};
    int far;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (void *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (void *)&address, &size), 0);
    assert_int_equal(connect(fd, (void *)&address, size), 0);
    far = accept(listener, NULL, NULL);
    assert_true(far >= 0);
    assert_int_equal(
        setsockopt(far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(far);
    close(listener);
    assert_int_equal(poll(&item, 1, PATIENCE_US / 1000), 1);
    assert_true(item.revents & POLLERR);
    return fd;
}

/* Opens and registers one end of a socket pair. */
static inline void probe_open(struct probe *probe, struct cz_poller *poller,
                              unsigned interest)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    probe_add(probe, poller, fds[0]);
    probe->peer = fds[1];
    cz_poller_watch(poller, probe->id, interest);
}

static inline void probe_close(struct probe *probe)
{
    cz_poller_remove(probe->poller, probe->id);
    close(probe->fd);
    if (probe->peer >= 0)
        close(probe->peer);
    probe->peer = -1;
}

static inline void probe_forget(struct probe *probe)
{
    probe->calls = 0;
    probe->events = 0;
}

/* Makes the probe readable. */
static inline void probe_feed(struct probe *probe)
{
    assert_int_equal(write(probe->peer, "x", 1), 1);
}

static inline void probe_drain(struct probe *probe)
{
    char bytes[64];

    while (read(probe->fd, bytes, sizeof bytes) > 0)
        continue;
}

/* The first two thirds of a turn. While the kernel takes apart the ring of an
 * earlier test, whose thread we were, it may cut us short (os/uring.c). */
static inline void fixture_look(struct fixture *fixture, int64_t timeout_us)
{
    int rc;

    do {
        cz_poller_prepare(fixture->poller);
        rc = cz_poller_wait(fixture->poller, &fixture->batch, timeout_us);
    } while (rc == -EINTR);
    assert_int_equal(rc, 0);
}

/* A turn; how many events the back-end found. */
static inline int fixture_turn(struct fixture *fixture, int64_t timeout_us)
{
    fixture_look(fixture, timeout_us);
    cz_poller_dispatch(fixture->poller, &fixture->batch);
    return fixture->batch.count;
}

/* Turns, of which some may bring nothing. */
static inline void fixture_turn_until_called(struct fixture *fixture,
                                             const struct probe *probe,
                                             int calls)
{
    uint64_t end_us = cz_clock_us() + PATIENCE_US;

    while (probe->calls < calls && cz_clock_us() < end_us)
        fixture_turn(fixture, 1000);
    assert_int_equal(probe->calls, calls);
}

#endif
