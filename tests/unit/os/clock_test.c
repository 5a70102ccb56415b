/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The clock: monotonic, and on the same scale as the kernel's timeouts.
 *
 * Thread: one. Owns: nothing.
 */
#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

static void never_goes_back(void **state)
{
    uint64_t before = cz_clock_ns();
    int i;

    (void)state;
    for (i = 0; i < 100000; i++) {
        uint64_t now = cz_clock_ns();

        assert_true(now >= before);
        before = now;
    }
}

static void counts_at_least_the_time_that_the_kernel_slept(void **state)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    uint64_t start = cz_clock_us();

    (void)state;
    assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL), 0);
    assert_true(cz_clock_us() - start >= 5000 - 1);
}

static void is_the_clock_of_the_kernels_deadlines(void **state)
{
    struct timespec now;
    uint64_t before = cz_clock_ns(), kernel;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &now);
    kernel = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
    assert_in_range(kernel, before, cz_clock_ns());
}

static void a_threads_clock_stands_still_while_it_sleeps(void **state)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    uint64_t start_us = cz_clock_thread_us();

    (void)state;
    assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL), 0);
    assert_true(cz_clock_thread_us() - start_us < 20000);
}

static void a_threads_clock_goes_on_while_it_computes(void **state)
{
    uint64_t start_us = cz_clock_thread_us();

    (void)state;
    while (cz_clock_thread_us() - start_us < 1000)
        continue;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_goes_back),
        cmocka_unit_test(counts_at_least_the_time_that_the_kernel_slept),
        cmocka_unit_test(is_the_clock_of_the_kernels_deadlines),
        cmocka_unit_test(a_threads_clock_stands_still_while_it_sleeps),
        cmocka_unit_test(a_threads_clock_goes_on_while_it_computes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
