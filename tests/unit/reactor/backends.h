/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The back-ends of the reactor, for tests that run on each. The includer
 * defines ON(backend, test), a row of a test table whose initial state is
 * the back-end's name.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_UNIT_REACTOR_BACKENDS_H
#define TESTS_UNIT_REACTOR_BACKENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reactor/poller.h"

/* Those that any thread may drive. kqueue and devpoll run on an emulation,
 * see tests/emulation. */
#define ON_EACH_DRIVABLE(test)                                                 \
    ON(epoll, test), ON(poll, test), ON(select, test), ON(kqueue, test),       \
        ON(devpoll, test)
#define ON_EACH(test) ON_EACH_DRIVABLE(test), ON(io_uring, test)

enum { BACKEND_ROWS_MAX = 240 };

/* Left out of the build, or refused by this kernel? */
static inline bool backend_is_here(const char *name)
{
    struct cz_poller *poller;
    bool is_refused;

    if (!cz_poller_is_known(name))
        return false;
    assert_int_equal(cz_poller_create(name, &poller), 0);
    is_refused = cz_poller_refused(poller);
    cz_poller_destroy(poller);
    return !is_refused;
}

/* Runs the rows without a back-end, and those whose back-end is here. */
static inline int backends_run(const struct CMUnitTest *rows, size_t count)
{
    struct CMUnitTest tests[BACKEND_ROWS_MAX];
    size_t kept = 0;

    assert_true(count <= BACKEND_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].initial_state || backend_is_here(rows[i].initial_state))
            tests[kept++] = rows[i];
        else
            print_message("not here: %s\n", rows[i].name);
    }
    return _cmocka_run_group_tests("reactor", tests, kept, NULL, NULL);
}

#define BACKENDS_RUN(tests)                                                    \
    backends_run(tests, sizeof(tests) / sizeof((tests)[0]))

#endif
