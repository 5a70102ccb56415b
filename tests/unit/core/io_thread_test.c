/* SPDX-License-Identifier: MPL-2.0 */
/*
 * I/O threads: one that has nothing to do can be ended, and descriptors are
 * served. Commands are in io_helm_test.c, timers and naps in io_timer_test.c.
 * Each claim for each back-end of the reactor.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread is the application. Owns: nothing.
 */
#include "io_scene.h"

#include <poll.h>

static void a_thread_may_have_nothing_to_do(void **state)
{
    (void)state;
}

/* ---- descriptors ---------------------------------------------------- */

static void the_thread_serves_descriptors(void **state)
{
    struct scene *scene = *state;
    struct watched w;

    watched_open(&w, scene);
    for (uint32_t i = 1; i <= 200; i++) {
        watched_poke(&w);
        event_await(&w.event, i);
        assert_true(atomic_load(&w.event.thread) != cz_thread_self());
    }
    watched_close(&w);
}

static void an_interest_may_change_while_the_thread_waits(void **state)
{
    struct scene *scene = *state;
    struct watched w;

    watched_open(&w, scene);
    for (uint32_t i = 1; i <= 50; i++) {
        cz_io_lock(scene->io);
        cz_io_set_interest(scene->io, w.id, 0);
        cz_io_unlock(scene->io);
        watched_poke(&w);
        cz_io_lock(scene->io);
        assert_int_equal(atomic_load(&w.event.count), i - 1);
        cz_io_set_interest(scene->io, w.id, CZ_POLL_IN);
        cz_io_unlock(scene->io);
        event_await(&w.event, i);
    }
    watched_close(&w);
}

/* Its far end hears of it, though the thread may just be waiting for it. */
static void what_is_closed_while_the_thread_waits_is_closed(void **state)
{
    struct scene *scene = *state;
    struct watched w;

    for (uint32_t i = 0; i < 50; i++) {
        struct pollfd far = {0};

        watched_open(&w, scene);
        watched_poke(&w);
        event_await(&w.event, 1);
        cz_io_lock(scene->io);
        cz_io_unwatch(scene->io, w.id);
        close(w.fds[0]);
        cz_io_unlock(scene->io);
        far.fd = w.fds[1];
        assert_int_equal(poll(&far, 1, PATIENCE_US / 1000), 1);
        assert_true(far.revents & POLLERR);
        close(w.fds[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_thread_may_have_nothing_to_do),
        ON_EACH(the_thread_serves_descriptors),
        ON_EACH(an_interest_may_change_while_the_thread_waits),
        ON_EACH(what_is_closed_while_the_thread_waits_is_closed),
    };

    return BACKENDS_RUN(tests);
}
