/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Atomic counters.
 *
 * Thread: the main thread, and counting threads.
 */
#include "common/call.h"

#define THREADS 4
#define ROUNDS 20000

static int counter_open(void **state)
{
    *state = zmq_atomic_counter_new();
    return *state == NULL ? -1 : 0;
}

static int counter_close(void **state)
{
    zmq_atomic_counter_destroy(state);
    return 0;
}

static void a_counter_starts_at_zero(void **state)
{
    assert_int_equal(zmq_atomic_counter_value(*state), 0);
}

static void a_counter_is_what_it_was_set_to(void **state)
{
    static const int values[] = {7, -7, 0, INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        zmq_atomic_counter_set(*state, values[i]);
        assert_int_equal(zmq_atomic_counter_value(*state), values[i]);
    }
}

static void counting_up_tells_the_value_before(void **state)
{
    for (int i = -3; i < 3; i++) {
        zmq_atomic_counter_set(*state, i);
        assert_int_equal(zmq_atomic_counter_inc(*state), i);
        assert_int_equal(zmq_atomic_counter_value(*state), i + 1);
    }
}

static void counting_down_tells_whether_anything_is_left(void **state)
{
    zmq_atomic_counter_set(*state, 2);
    assert_int_equal(zmq_atomic_counter_dec(*state), 1);
    assert_int_equal(zmq_atomic_counter_dec(*state), 0);
    assert_int_equal(zmq_atomic_counter_value(*state), 0);
    /* Below zero there is something, too. */
    assert_int_equal(zmq_atomic_counter_dec(*state), 1);
    assert_int_equal(zmq_atomic_counter_value(*state), -1);
}

static int count_up(void *counter)
{
    for (int i = 0; i < ROUNDS; i++)
        zmq_atomic_counter_inc(counter);
    return 0;
}

/* How often it became zero. */
static int count_down(void *counter)
{
    int zeros = 0;

    for (int i = 0; i < ROUNDS; i++)
        zeros += zmq_atomic_counter_dec(counter) == 0;
    return zeros;
}

static void no_thread_misses_a_count(void **state)
{
    struct call calls[THREADS];
    int zeros = 0;

    for (int i = 0; i < THREADS; i++)
        call_start(&calls[i], count_up, *state);
    for (int i = 0; i < THREADS; i++)
        call_join(&calls[i]);
    assert_int_equal(zmq_atomic_counter_value(*state), THREADS * ROUNDS);
    for (int i = 0; i < THREADS; i++)
        call_start(&calls[i], count_down, *state);
    for (int i = 0; i < THREADS; i++)
        zeros += call_join(&calls[i]);
    assert_int_equal(zmq_atomic_counter_value(*state), 0);
    assert_int_equal(zeros, 1);
}

static void destroying_a_counter_clears_the_pointer(void **state)
{
    void *counter = zmq_atomic_counter_new();

    (void)state;
    assert_non_null(counter);
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
}

#define ROW(test)                                                              \
    cmocka_unit_test_setup_teardown(test, counter_open, counter_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_counter_starts_at_zero),
        ROW(a_counter_is_what_it_was_set_to),
        ROW(counting_up_tells_the_value_before),
        ROW(counting_down_tells_whether_anything_is_left),
        ROW(no_thread_misses_a_count),
        cmocka_unit_test(destroying_a_counter_clears_the_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
