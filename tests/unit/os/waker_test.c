/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Wakers: any number of signals is one event, until it is cleared.
 *
 * Thread: one, and helpers that it joins. Owns: nothing.
 */
#include "os/waker.h"

#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

static bool is_readable(const struct cz_waker *waker)
{
    struct pollfd at = {.fd = waker->fd, .events = POLLIN};

    return poll(&at, 1, 0) == 1;
}

static void signals_add_up_to_one_event(void **state)
{
    struct cz_waker waker;
    int i;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    assert_false(is_readable(&waker));
    for (i = 0; i < 1000; i++)
        cz_waker_signal(&waker);
    assert_true(is_readable(&waker));
    cz_waker_clear(&waker);
    assert_false(is_readable(&waker));
    cz_waker_fini(&waker);
}

static void clearing_a_quiet_waker_does_not_block(void **state)
{
    struct cz_waker waker;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    cz_waker_clear(&waker);
    assert_false(is_readable(&waker));
    cz_waker_fini(&waker);
}

static void fini_leaves_it_closed_and_may_be_repeated(void **state)
{
    struct cz_waker waker;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    cz_waker_fini(&waker);
    assert_int_equal(waker.fd, -1);
    cz_waker_fini(&waker);
}

static void the_descriptor_is_not_inherited(void **state)
{
    struct cz_waker waker;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    assert_true(fcntl(waker.fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(waker.fd, F_GETFL) & O_NONBLOCK);
    cz_waker_fini(&waker);
}

static void no_descriptor_left_is_an_error(void **state)
{
    struct rlimit limit, none;
    struct cz_waker waker;
    int rc;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    rc = cz_waker_init(&waker);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(rc, -EMFILE);
}

static void helper_signal(void *arg)
{
    cz_waker_signal(arg);
}

static void another_thread_ends_a_poll_without_limit(void **state)
{
    struct cz_waker waker;
    struct cz_thread helper;
    struct pollfd at;

    (void)state;
    assert_int_equal(cz_waker_init(&waker), 0);
    assert_int_equal(cz_thread_start(&helper, NULL, helper_signal, &waker), 0);
    at = (struct pollfd){.fd = waker.fd, .events = POLLIN};
    assert_int_equal(poll(&at, 1, -1), 1);
    cz_thread_join(&helper);
    cz_waker_fini(&waker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_add_up_to_one_event),
        cmocka_unit_test(clearing_a_quiet_waker_does_not_block),
        cmocka_unit_test(fini_leaves_it_closed_and_may_be_repeated),
        cmocka_unit_test(the_descriptor_is_not_inherited),
        cmocka_unit_test(no_descriptor_left_is_an_error),
        cmocka_unit_test(another_thread_ends_a_poll_without_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
