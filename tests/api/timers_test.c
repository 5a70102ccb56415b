/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers: when they run, in which order, and what their handlers may do.
 *
 * Thread: the main thread.
 * Owns: a set of timers per test.
 */
#include "common/suite.h"

#include <errno.h>

#define HOUR_MS (3600 * 1000)
#define RUNS_MAX 64
#define MANY 500

struct scene {
    void *timers;
    int ids[RUNS_MAX]; /* of what ran, in that order */
    int count;
    int other; /* the timer that a handler works on */
    int handler_result;
};

static int scene_open(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    if (scene == NULL)
        return -1;
    scene->timers = zmq_timers_new();
    *state = scene;
    return scene->timers == NULL ? -1 : 0;
}

static int scene_close(void **state)
{
    struct scene *scene = *state;

    if (scene->timers != NULL)
        zmq_timers_destroy(&scene->timers);
    free(scene);
    return 0;
}

static void note(int id, void *arg)
{
    struct scene *scene = arg;

    if (scene->count < RUNS_MAX)
        scene->ids[scene->count] = id;
    scene->count++;
}

static int add(struct scene *scene, size_t interval_ms, zmq_timer_fn *handler)
{
    int id = zmq_timers_add(scene->timers, interval_ms, handler, scene);

    assert_true(id > 0);
    return id;
}

/* Waits until the next timer is due, and runs what is. */
static void run_next(struct scene *scene)
{
    long timeout_ms = zmq_timers_timeout(scene->timers);

    assert_true(timeout_ms >= 0 && timeout_ms < PATIENCE_MS);
    assert_int_equal(zmq_poll(NULL, 0, timeout_ms), 0);
    assert_ok(zmq_timers_execute(scene->timers));
}

static void run_until(struct scene *scene, int count)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;

    while (scene->count < count) {
        assert_true(now_ms() < end_ms);
        run_next(scene);
    }
}

/* ---- adding, waiting, running --------------------------------------- */

static void ids_count_from_one(void **state)
{
    struct scene *scene = *state;

    for (int id = 1; id <= 5; id++)
        assert_int_equal(add(scene, HOUR_MS, note), id);
    assert_ok(zmq_timers_cancel(scene->timers, 5));
    assert_int_equal(add(scene, HOUR_MS, note), 6);
}

static void without_timers_there_is_nothing_to_wait_for(void **state)
{
    struct scene *scene = *state;
    int id;

    assert_int_equal(zmq_timers_timeout(scene->timers), -1);
    assert_ok(zmq_timers_execute(scene->timers));
    id = add(scene, HOUR_MS, note);
    assert_ok(zmq_timers_cancel(scene->timers, id));
    assert_int_equal(zmq_timers_timeout(scene->timers), -1);
}

static void the_timeout_is_that_of_the_next_timer(void **state)
{
    struct scene *scene = *state;
    long timeout_ms;

    add(scene, 3 * HOUR_MS, note);
    add(scene, HOUR_MS, note);
    add(scene, 2 * HOUR_MS, note);
    timeout_ms = zmq_timers_timeout(scene->timers);
    assert_true(timeout_ms <= HOUR_MS);
    assert_true(timeout_ms > HOUR_MS - PATIENCE_MS);
}

static void a_timer_does_not_run_before_it_is_due(void **state)
{
    struct scene *scene = *state;

    add(scene, HOUR_MS, note);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 0);
}

static void a_timer_runs_again_and_again(void **state)
{
    struct scene *scene = *state;
    int64_t start_ms = now_ms();

    add(scene, 5, note);
    run_until(scene, 3);
    assert_true(now_ms() - start_ms >= 3 * 5 - 1);
    assert_true(zmq_timers_timeout(scene->timers) <= 5);
}

static void an_overdue_timer_runs_once(void **state)
{
    struct scene *scene = *state;

    add(scene, 5, note);
    assert_int_equal(zmq_poll(NULL, 0, 30), 0);
    assert_int_equal(zmq_timers_timeout(scene->timers), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 1);
}

static void timers_run_by_due_time(void **state)
{
    struct scene *scene = *state;

    add(scene, 30, note);
    add(scene, 10, note);
    add(scene, 20, note);
    assert_int_equal(zmq_poll(NULL, 0, 40), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 3);
    assert_int_equal(scene->ids[0], 2);
    assert_int_equal(scene->ids[1], 3);
    assert_int_equal(scene->ids[2], 1);
}

static void the_argument_comes_back(void **state)
{
    struct scene *scene = *state;
    struct scene second = {.timers = scene->timers};

    assert_int_equal(zmq_timers_add(scene->timers, 1, note, scene), 1);
    assert_int_equal(zmq_timers_add(scene->timers, 1, note, &second), 2);
    assert_int_equal(zmq_poll(NULL, 0, 5), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 1);
    assert_int_equal(scene->ids[0], 1);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.ids[0], 2);
}

/* ---- changing ------------------------------------------------------- */

static void a_cancelled_timer_does_not_run(void **state)
{
    struct scene *scene = *state;
    int id = add(scene, 1, note);

    assert_ok(zmq_timers_cancel(scene->timers, id));
    assert_int_equal(zmq_poll(NULL, 0, 5), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 0);
}

static void a_new_interval_counts_from_now(void **state)
{
    struct scene *scene = *state;
    int id = add(scene, 1, note);

    assert_ok(zmq_timers_set_interval(scene->timers, id, HOUR_MS));
    assert_int_equal(zmq_poll(NULL, 0, 5), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 0);
    assert_ok(zmq_timers_set_interval(scene->timers, id, 1));
    run_until(scene, 2);
}

static void reset_starts_the_interval_anew(void **state)
{
    struct scene *scene = *state;
    int id = add(scene, 200, note);
    int64_t reset_ms;

    assert_int_equal(zmq_poll(NULL, 0, 100), 0);
    reset_ms = now_ms();
    assert_ok(zmq_timers_reset(scene->timers, id));
    run_until(scene, 1);
    assert_true(now_ms() - reset_ms >= 199);
}

static void unknown_timers_are_refused(void **state)
{
    struct scene *scene = *state;
    int id = add(scene, HOUR_MS, note);
    const int unknown[] = {0, -1, id + 1, INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_fails(zmq_timers_cancel(scene->timers, unknown[i]), EINVAL);
        assert_fails(zmq_timers_reset(scene->timers, unknown[i]), EINVAL);
        assert_fails(zmq_timers_set_interval(scene->timers, unknown[i], 1),
                     EINVAL);
    }
    assert_ok(zmq_timers_cancel(scene->timers, id));
    assert_fails(zmq_timers_cancel(scene->timers, id), EINVAL);
}

static void of_many_timers_those_that_are_left_run(void **state)
{
    struct scene *scene = *state;
    int ids[MANY];

    for (int i = 0; i < MANY; i++)
        ids[i] = add(scene, (size_t)(1 + i * 7 % 5), note);
    for (int i = 0; i < MANY; i++)
        if (i % 10 != 0)
            assert_ok(zmq_timers_cancel(scene->timers, ids[i]));
    assert_int_equal(zmq_poll(NULL, 0, 10), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, MANY / 10);
    for (int i = 0; i < scene->count; i++)
        assert_int_equal((scene->ids[i] - ids[0]) % 10, 0);
}

/* ---- in a handler --------------------------------------------------- */

static void cancel_itself(int id, void *arg)
{
    struct scene *scene = arg;

    note(id, arg);
    scene->handler_result = zmq_timers_cancel(scene->timers, id);
}

static void a_handler_may_cancel_its_timer(void **state)
{
    struct scene *scene = *state;
    int id = add(scene, 1, cancel_itself);

    run_until(scene, 1);
    assert_int_equal(scene->handler_result, 0);
    assert_int_equal(zmq_timers_timeout(scene->timers), -1);
    assert_fails(zmq_timers_cancel(scene->timers, id), EINVAL);
}

static void add_another(int id, void *arg)
{
    struct scene *scene = arg;

    note(id, arg);
    if (scene->other == 0)
        scene->other = zmq_timers_add(scene->timers, 1, note, scene);
}

static void a_handler_may_add_a_timer(void **state)
{
    struct scene *scene = *state;
    int id = add(scene, 5, add_another);

    run_until(scene, 1);
    assert_int_equal(scene->other, id + 1);
    assert_ok(zmq_timers_cancel(scene->timers, id));
    run_until(scene, 3);
    assert_int_equal(scene->ids[2], id + 1);
}

static void cancel_other(int id, void *arg)
{
    struct scene *scene = arg;

    note(id, arg);
    scene->handler_result = zmq_timers_cancel(scene->timers, scene->other);
}

static void a_handler_may_cancel_what_is_due_with_it(void **state)
{
    struct scene *scene = *state;

    add(scene, 1, cancel_other);
    scene->other = add(scene, 5, note);
    assert_int_equal(zmq_poll(NULL, 0, 20), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->handler_result, 0);
    assert_int_equal(scene->count, 1);
}

static void put_off_other(int id, void *arg)
{
    struct scene *scene = arg;

    note(id, arg);
    scene->handler_result =
        zmq_timers_set_interval(scene->timers, scene->other, HOUR_MS) |
        zmq_timers_set_interval(scene->timers, id, HOUR_MS) |
        zmq_timers_execute(scene->timers);
}

static void a_handler_may_change_timers(void **state)
{
    struct scene *scene = *state;

    /* libzmq does not support it. */
    if (!is_ceromq())
        skip();
    add(scene, 1, put_off_other);
    scene->other = add(scene, 5, note);
    assert_int_equal(zmq_poll(NULL, 0, 20), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->handler_result, 0);
    assert_int_equal(scene->count, 1);
    assert_true(zmq_timers_timeout(scene->timers) > PATIENCE_MS);
}

static void destroy_all(int id, void *arg)
{
    struct scene *scene = arg;
    void *timers = scene->timers;

    note(id, arg);
    scene->handler_result = zmq_timers_destroy(&scene->timers);
    scene->other = zmq_timers_add(timers, 1, note, scene);
}

static void a_handler_may_destroy_the_set(void **state)
{
    struct scene *scene = *state;

    /* libzmq does not support it. */
    if (!is_ceromq())
        skip();
    add(scene, 1, destroy_all);
    add(scene, 5, note);
    assert_int_equal(zmq_poll(NULL, 0, 20), 0);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->handler_result, 0);
    assert_int_equal(scene->other, -1);
    assert_null(scene->timers);
    assert_int_equal(scene->count, 1);
}

/* ---- extremes ------------------------------------------------------- */

static void an_interval_of_zero_runs_once_per_call(void **state)
{
    struct scene *scene = *state;

    /* libzmq 4.3.4 never returns. */
    if (!is_ceromq())
        skip();
    add(scene, 0, note);
    assert_int_equal(zmq_timers_timeout(scene->timers), 0);
    run_until(scene, 1);
    assert_int_equal(scene->count, 1);
    run_next(scene);
    assert_int_equal(scene->count, 2);
}

static void the_longest_intervals_are_in_the_future(void **state)
{
    struct scene *scene = *state;
    static const size_t intervals_ms[] = {SIZE_MAX, SIZE_MAX / 1000,
                                          SIZE_MAX / 1000 + 1, INT64_MAX};

    /* In libzmq 4.3.4 they come round to the past. */
    if (!is_ceromq())
        skip();
    for (size_t i = 0; i < sizeof(intervals_ms) / sizeof(size_t); i++)
        add(scene, intervals_ms[i], note);
    assert_true(zmq_timers_timeout(scene->timers) > HOUR_MS);
    assert_ok(zmq_timers_execute(scene->timers));
    assert_int_equal(scene->count, 0);
}

static void what_is_no_set_is_refused(void *timers)
{
    assert_fails(zmq_timers_add(timers, 1, note, NULL), EFAULT);
    assert_fails(zmq_timers_cancel(timers, 1), EFAULT);
    assert_fails(zmq_timers_set_interval(timers, 1, 1), EFAULT);
    assert_fails(zmq_timers_reset(timers, 1), EFAULT);
    assert_fails(zmq_timers_timeout(timers), EFAULT);
    assert_fails(zmq_timers_execute(timers), EFAULT);
    assert_fails(zmq_timers_destroy(&timers), EFAULT);
}

static void only_sets_of_timers_are_taken(void **state)
{
    struct scene *scene = *state;
    uint64_t nothing[32] = {0};

    what_is_no_set_is_refused(NULL);
    what_is_no_set_is_refused(nothing);
    assert_fails(zmq_timers_add(scene->timers, 1, NULL, NULL), EFAULT);
    /* libzmq 4.3.4 reads through it. */
    if (is_ceromq())
        assert_fails(zmq_timers_destroy(NULL), EFAULT);
}

static void destroying_a_set_clears_the_pointer(void **state)
{
    struct scene *scene = *state;

    add(scene, 1, note);
    assert_ok(zmq_timers_destroy(&scene->timers));
    assert_null(scene->timers);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(ids_count_from_one),
        ROW(without_timers_there_is_nothing_to_wait_for),
        ROW(the_timeout_is_that_of_the_next_timer),
        ROW(a_timer_does_not_run_before_it_is_due),
        ROW(a_timer_runs_again_and_again),
        ROW(an_overdue_timer_runs_once),
        ROW(timers_run_by_due_time),
        ROW(the_argument_comes_back),
        ROW(a_cancelled_timer_does_not_run),
        ROW(a_new_interval_counts_from_now),
        ROW(reset_starts_the_interval_anew),
        ROW(unknown_timers_are_refused),
        ROW(of_many_timers_those_that_are_left_run),
        ROW(a_handler_may_cancel_its_timer),
        ROW(a_handler_may_add_a_timer),
        ROW(a_handler_may_cancel_what_is_due_with_it),
        ROW(a_handler_may_change_timers),
        ROW(a_handler_may_destroy_the_set),
        ROW(an_interval_of_zero_runs_once_per_call),
        ROW(the_longest_intervals_are_in_the_future),
        ROW(only_sets_of_timers_are_taken),
        ROW(destroying_a_set_clears_the_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
