/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Parking: woken, refused, timed out and interrupted.
 *
 * Thread: one, and helpers that it joins. Owns: nothing.
 */
#include "os/park.h"

#include "os/clock.h"
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static void a_changed_word_does_not_sleep(void **state)
{
    _Atomic uint32_t word = 1;

    (void)state;
    assert_int_equal(cz_park(&word, 0, CZ_CLOCK_NEVER), 0);
}

static void a_deadline_is_never_early(void **state)
{
    _Atomic uint32_t word = 0;
    int round;

    (void)state;
    for (round = 0; round < 20; round++) {
        uint64_t deadline = cz_clock_us() + 500;

        while (cz_park(&word, 0, deadline) != -ETIMEDOUT)
            assert_true(cz_clock_us() < deadline + 10000000);
        assert_true(cz_clock_us() >= deadline);
    }
}

static void a_passed_deadline_times_out_at_once(void **state)
{
    _Atomic uint32_t word = 0;

    (void)state;
    assert_int_equal(cz_park(&word, 0, 0), -ETIMEDOUT);
    assert_int_equal(cz_park(&word, 0, cz_clock_us()), -ETIMEDOUT);
}

struct table {
    _Atomic uint32_t ball;
    int rounds;
};

/* Waits for `mine` to come and passes `theirs` on. */
static void table_play(struct table *table, uint32_t mine, uint32_t theirs)
{
    int i;

    for (i = 0; i < table->rounds; i++) {
        while (atomic_load_explicit(&table->ball, memory_order_acquire) != mine)
            assert_int_equal(cz_park(&table->ball, theirs, CZ_CLOCK_NEVER), 0);
        atomic_store_explicit(&table->ball, theirs, memory_order_release);
        cz_unpark(&table->ball, 1);
    }
}

static void partner_play(void *arg)
{
    table_play(arg, 1, 0);
}

static void unpark_wakes_the_sleeper_every_time(void **state)
{
    struct table table = {.ball = 0, .rounds = 2000};
    struct cz_thread partner;

    (void)state;
    assert_int_equal(cz_thread_start(&partner, NULL, partner_play, &table), 0);
    table_play(&table, 0, 1);
    cz_thread_join(&partner);
}

static void sleeper_wait(void *arg)
{
    _Atomic uint32_t *word = arg;

    while (atomic_load_explicit(word, memory_order_acquire) == 0)
        assert_int_equal(cz_park(word, 0, CZ_CLOCK_NEVER), 0);
}

static void one_unpark_wakes_all_sleepers(void **state)
{
    _Atomic uint32_t word = 0;
    struct cz_thread sleepers[4];
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(sleepers); i++)
        assert_int_equal(
            cz_thread_start(&sleepers[i], NULL, sleeper_wait, (void *)&word),
            0);
    atomic_store_explicit(&word, 1, memory_order_release);
    cz_unpark(&word, INT_MAX);
    for (i = 0; i < CZ_COUNT_OF(sleepers); i++)
        cz_thread_join(&sleepers[i]);
}

static void on_alarm(int number)
{
    (void)number;
}

/* The timer repeats, so that a signal that comes before the sleep does not
 * decide the test. */
static void expect_interruption(int flags)
{
    _Atomic uint32_t word = 0;
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    struct itimerspec often = {
        .it_value.tv_nsec = 1000000,
        .it_interval.tv_nsec = 1000000,
    };
    timer_t timer;

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
    assert_int_equal(cz_park(&word, 0, CZ_CLOCK_NEVER), -EINTR);
    assert_int_equal(timer_delete(timer), 0);
    signal(SIGALRM, SIG_DFL);
}

static void a_signal_interrupts_the_sleep(void **state)
{
    (void)state;
    expect_interruption(0);
}

static void a_restarting_handler_interrupts_it_too(void **state)
{
    (void)state;
    expect_interruption(SA_RESTART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_word_does_not_sleep),
        cmocka_unit_test(a_passed_deadline_times_out_at_once),
        cmocka_unit_test(a_deadline_is_never_early),
        cmocka_unit_test(unpark_wakes_the_sleeper_every_time),
        cmocka_unit_test(one_unpark_wakes_all_sleepers),
        cmocka_unit_test(a_signal_interrupts_the_sleep),
        cmocka_unit_test(a_restarting_handler_interrupts_it_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
