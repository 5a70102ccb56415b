/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers, on a clock that the test turns by hand.
 *
 * Thread: one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/clock.h"
#include "reactor/timers.h"

/* Timers that write down when they fire. */
struct probe {
    struct cz_timer timer;
    struct log *log;
    int name;
    /* What the handler does, if anything. */
    void (*then)(struct probe *probe);
    struct probe *other;
};

struct log {
    struct cz_timers timers;
    uint64_t now_us;
    int count;
    int fired[64];
};

static void probe_on_expire(struct cz_timer *timer)
{
    struct probe *probe = cz_container_of(timer, struct probe, timer);

    assert_false(cz_timer_is_set(timer));
    assert_true(probe->log->count < 64);
    probe->log->fired[probe->log->count++] = probe->name;
    if (probe->then)
        probe->then(probe);
}

static void log_init(struct log *log, struct probe *probes, int count)
{
    *log = (struct log){0};
    cz_timers_init(&log->timers);
    for (int i = 0; i < count; i++)
        probes[i] = (struct probe){
            .timer.on_expire = probe_on_expire,
            .log = log,
            .name = i,
        };
}

static void run_at(struct log *log, uint64_t now_us)
{
    log->count = 0;
    log->now_us = now_us;
    cz_timers_run(&log->timers, now_us);
}

static void set(struct probe *probe, uint64_t due_us)
{
    cz_timer_set(&probe->log->timers, &probe->timer, due_us);
}

static void without_timers_nothing_is_ever_due(void **state)
{
    struct log log;

    (void)state;
    log_init(&log, NULL, 0);
    assert_true(cz_timers_next(&log.timers) == CZ_CLOCK_NEVER);
    run_at(&log, CZ_CLOCK_NEVER - 1);
    assert_int_equal(log.count, 0);
}

static void timer_fires_once_when_it_is_due(void **state)
{
    struct probe probe;
    struct log log;

    (void)state;
    log_init(&log, &probe, 1);
    assert_false(cz_timer_is_set(&probe.timer));
    set(&probe, 100);
    assert_true(cz_timer_is_set(&probe.timer));
    assert_true(cz_timers_next(&log.timers) == 100);
    run_at(&log, 99);
    assert_int_equal(log.count, 0);
    run_at(&log, 100);
    assert_int_equal(log.count, 1);
    assert_false(cz_timer_is_set(&probe.timer));
    run_at(&log, 200);
    assert_int_equal(log.count, 0);
}

static void timers_fire_by_due_time_and_then_in_order(void **state)
{
    const uint64_t due_us[] = {30, 10, 20, 10, 30, 10};
    const int expected[] = {1, 3, 5, 2, 0, 4};
    struct probe probes[6];
    struct log log;

    (void)state;
    log_init(&log, probes, 6);
    for (int i = 0; i < 6; i++)
        set(&probes[i], due_us[i]);
    run_at(&log, 30);
    assert_int_equal(log.count, 6);
    assert_memory_equal(log.fired, expected, sizeof expected);
}

static void moved_timer_fires_at_its_new_time_only(void **state)
{
    struct probe probes[2];
    struct log log;

    (void)state;
    log_init(&log, probes, 2);
    set(&probes[0], 10);
    set(&probes[1], 50);
    set(&probes[0], 60);
    set(&probes[1], 20);
    assert_true(cz_timers_next(&log.timers) == 20);
    run_at(&log, 20);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.fired[0], 1);
    run_at(&log, 60);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.fired[0], 0);
}

static void cancelled_timer_never_fires(void **state)
{
    struct probe probe;
    struct log log;

    (void)state;
    log_init(&log, &probe, 1);
    cz_timer_cancel(&log.timers, &probe.timer);
    set(&probe, 10);
    cz_timer_cancel(&log.timers, &probe.timer);
    cz_timer_cancel(&log.timers, &probe.timer);
    assert_false(cz_timer_is_set(&probe.timer));
    run_at(&log, 10);
    assert_int_equal(log.count, 0);
}

static void set_self_in_the_past(struct probe *probe)
{
    set(probe, 0);
}

static void timer_set_again_by_its_handler_waits_for_the_next_run(void **state)
{
    struct probe probes[2];
    struct log log;

    (void)state;
    log_init(&log, probes, 2);
    probes[0].then = set_self_in_the_past;
    set(&probes[0], 5);
    set(&probes[1], 6);
    for (uint64_t now_us = 10; now_us < 13; now_us++) {
        run_at(&log, now_us);
        /* The other one is not starved, and fires the first time. */
        assert_int_equal(log.count, now_us == 10 ? 2 : 1);
        assert_int_equal(log.fired[0], 0);
        assert_true(cz_timers_next(&log.timers) == now_us + 1);
    }
}

static void set_other_now(struct probe *probe)
{
    set(probe->other, probe->log->now_us);
}

static void timer_set_by_another_handler_waits_for_the_next_run(void **state)
{
    struct probe probes[3];
    struct log log;

    (void)state;
    log_init(&log, probes, 3);
    /* One that was not set, and one that was due already. */
    probes[0].then = set_other_now;
    probes[0].other = &probes[1];
    probes[1].then = set_other_now;
    probes[1].other = &probes[2];
    set(&probes[0], 1);
    run_at(&log, 10);
    assert_int_equal(log.count, 1);
    set(&probes[2], 2);
    run_at(&log, 11);
    assert_int_equal(log.count, 2);
    assert_int_equal(log.fired[0], 2);
    assert_int_equal(log.fired[1], 1);
    assert_true(cz_timer_is_set(&probes[2].timer));
    run_at(&log, 12);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.fired[0], 2);
}

static void cancel_other(struct probe *probe)
{
    cz_timer_cancel(&probe->log->timers, &probe->other->timer);
}

static void handler_may_cancel_another_that_is_due(void **state)
{
    struct probe probes[2];
    struct log log;

    (void)state;
    log_init(&log, probes, 2);
    probes[0].then = cancel_other;
    probes[0].other = &probes[1];
    set(&probes[0], 1);
    set(&probes[1], 2);
    run_at(&log, 10);
    assert_int_equal(log.count, 1);
    assert_false(cz_timer_is_set(&probes[1].timer));
}

static void free_self(struct probe *probe)
{
    cz_free(probe);
}

static void handler_may_free_its_timer(void **state)
{
    struct probe *probe = cz_alloc(sizeof *probe);
    struct log log;

    (void)state;
    assert_non_null(probe);
    log_init(&log, probe, 1);
    probe->then = free_self;
    set(probe, 1);
    run_at(&log, 1);
    assert_int_equal(log.count, 1);
    assert_true(cz_timers_next(&log.timers) == CZ_CLOCK_NEVER);
}

static void due_times_in_the_past_are_allowed_outside_of_a_run(void **state)
{
    struct probe probe;
    struct log log;

    (void)state;
    log_init(&log, &probe, 1);
    run_at(&log, 1000);
    set(&probe, 3);
    assert_true(cz_timers_next(&log.timers) == 3);
    run_at(&log, 1000);
    assert_int_equal(log.count, 1);
}

static void timer_due_never_does_not_fire(void **state)
{
    struct probe probe;
    struct log log;

    (void)state;
    log_init(&log, &probe, 1);
    set(&probe, CZ_CLOCK_NEVER);
    assert_true(cz_timer_is_set(&probe.timer));
    assert_true(cz_timers_next(&log.timers) == CZ_CLOCK_NEVER);
    run_at(&log, CZ_CLOCK_NEVER - 1);
    assert_int_equal(log.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_timers_nothing_is_ever_due),
        cmocka_unit_test(timer_fires_once_when_it_is_due),
        cmocka_unit_test(timers_fire_by_due_time_and_then_in_order),
        cmocka_unit_test(moved_timer_fires_at_its_new_time_only),
        cmocka_unit_test(cancelled_timer_never_fires),
        cmocka_unit_test(timer_set_again_by_its_handler_waits_for_the_next_run),
        cmocka_unit_test(timer_set_by_another_handler_waits_for_the_next_run),
        cmocka_unit_test(handler_may_cancel_another_that_is_due),
        cmocka_unit_test(handler_may_free_its_timer),
        cmocka_unit_test(due_times_in_the_past_are_allowed_outside_of_a_run),
        cmocka_unit_test(timer_due_never_does_not_fire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
