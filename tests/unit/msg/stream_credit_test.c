/* SPDX-License-Identifier: MPL-2.0 */
/*
 * High-water marks of streams: N messages and not one more, credit in
 * portions of (N + 1) / 2, and marks that change under way.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_kit.h"

/* Writes until there is no credit; returns how many, at most `count_max`. */
static uint32_t write_until_full(struct kit *k, uint32_t count_max)
{
    uint32_t count = 0;
    int rc = 0;

    while (count < count_max && (rc = kit_write(k, 9, 9, false)) == 0)
        count++;
    assert_int_equal(rc, count < count_max ? -EAGAIN : 0);
    return count;
}

static void read_some(struct kit *k, uint32_t count)
{
    kit_wake(k);
    while (count-- > 0)
        kit_expect(k, 9, 9, false);
}

static const uint32_t marks[] = {1, 2, 3, 4, 5, 10, 99, 1000, 5001};

static void a_mark_of_n_allows_n(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(marks); i++) {
        struct kit k;

        kit_init(&k, marks[i]);
        assert_int_equal(write_until_full(&k, UINT32_MAX), marks[i]);
        assert_int_equal(write_until_full(&k, UINT32_MAX), 0);
        assert_false(cz_stream_has_credit(&k.stream));
        kit_fini(&k);
    }
}

static void credit_comes_after_half_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(marks); i++) {
        uint32_t half = marks[i] / 2 + marks[i] % 2;
        struct kit k;

        kit_init(&k, marks[i]);
        assert_int_equal(write_until_full(&k, UINT32_MAX), marks[i]);
        for (int round = 0; round < 5; round++) {
            read_some(&k, half - 1);
            assert_false(k.is_credit_due);
            assert_int_equal(write_until_full(&k, UINT32_MAX), 0);
            read_some(&k, 1);
            assert_true(kit_credit(&k));
            assert_int_equal(write_until_full(&k, UINT32_MAX), half);
        }
        kit_fini(&k);
    }
}

static void a_writer_that_does_not_wait_is_not_woken(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 10);
    for (int round = 0; round < 100; round++) {
        assert_int_equal(write_until_full(&k, 10), 10);
        read_some(&k, 10);
        assert_false(k.is_credit_due);
    }
    kit_fini(&k);
}

static void a_writer_is_woken_once_for_each_wait(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 4);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 4);
    /* Two portions of credit, and the writer has not heard of the first
     * yet; kit_owe_credit checks that there is one wake-up only. */
    read_some(&k, 4);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 4);
    kit_expect(&k, 9, 9, false);
    kit_expect(&k, 9, 9, false);
    assert_true(kit_credit(&k));
    assert_int_equal(write_until_full(&k, UINT32_MAX), 2);
    kit_expect(&k, 9, 9, false);
    kit_expect(&k, 9, 9, false);
    assert_true(kit_credit(&k));
    kit_fini(&k);
}

static void falling_asleep_tells_all_that_was_read(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 10);
    assert_int_equal(write_until_full(&k, 3), 3);
    read_some(&k, 3);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 7);
    read_some(&k, 4);
    assert_true(kit_credit(&k));
    read_some(&k, 3);
    kit_expect_dry(&k);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 10);
    kit_fini(&k);
}

static void a_sleeper_wakes_the_writer_that_waits(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 2);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 2);
    /* Raised meanwhile: half of it is more than there is to read. */
    cz_stream_set_hwm(&k.stream, 100);
    read_some(&k, 2);
    assert_false(k.is_credit_due);
    kit_expect_dry(&k);
    assert_true(kit_credit(&k));
    assert_int_equal(write_until_full(&k, UINT32_MAX), 100);
    kit_fini(&k);
}

static void a_message_needs_credit_only_to_begin(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 1);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(kit_write(&k, i, 200, true), 0);
    assert_int_equal(kit_write(&k, 100, 200, false), 0);
    assert_int_equal(kit_write(&k, 0, 200, true), -EAGAIN);
    assert_int_equal(kit_write(&k, 0, 200, false), -EAGAIN);
    kit_fini(&k);
}

static void a_rollback_returns_no_more_credit_than_it_took(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 3);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(kit_write(&k, 1, 1, true), 0);
        cz_stream_rollback(&k.stream);
    }
    assert_int_equal(write_until_full(&k, UINT32_MAX), 3);
    kit_fini(&k);
}

/* Also of a message that never ends, which uses up no credit: positions would
 * come round. Nobody has so much memory in a test. */
static void nobody_gets_too_far_ahead(void **state)
{
    static const uint8_t bytes[40000];
    struct kit k;
    bool must_wake;

    (void)state;
    kit_init(&k, 0);
    assert_int_equal(kit_write(&k, 9, 9, false), 0);
    assert_false(cz_stream_is_too_far_ahead(&k.stream));
    k.stream.w.pos += CZ_STREAM_SPAN;
    assert_true(cz_stream_is_too_far_ahead(&k.stream));
    assert_int_equal(
        cz_stream_write_run(&k.stream, bytes, 0, sizeof bytes, 0, &must_wake),
        -ENOMEM);
    k.stream.w.pos -= CZ_STREAM_SPAN;
    read_some(&k, 1);
    kit_fini(&k);
}

static void no_mark_is_no_limit(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    assert_int_equal(write_until_full(&k, 300000), 300000);
    read_some(&k, 300000);
    kit_expect_dry(&k);
    kit_fini(&k);
}

static void a_lower_mark_counts_what_is_there_already(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 10);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 10);
    cz_stream_set_hwm(&k.stream, 4);
    read_some(&k, 2);
    assert_true(kit_credit(&k));
    assert_int_equal(write_until_full(&k, UINT32_MAX), 0);
    read_some(&k, 4);
    assert_true(kit_credit(&k));
    assert_int_equal(write_until_full(&k, UINT32_MAX), 0);
    read_some(&k, 2);
    assert_true(kit_credit(&k));
    assert_int_equal(write_until_full(&k, UINT32_MAX), 2);
    kit_fini(&k);
}

static void a_mark_set_later_takes_effect(void **state)
{
    uint32_t count;
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    assert_int_equal(write_until_full(&k, 10), 10);
    cz_stream_set_hwm(&k.stream, 5);
    count = write_until_full(&k, 5000);
    assert_true(count < 5000); /* the portion that was granted before */
    read_some(&k, 10 + count);
    assert_true(kit_credit(&k));
    kit_expect_dry(&k);
    assert_int_equal(write_until_full(&k, UINT32_MAX), 5);
    cz_stream_set_hwm(&k.stream, 0);
    read_some(&k, 5);
    kit_expect_dry(&k);
    assert_true(kit_credit(&k));
    assert_int_equal(write_until_full(&k, 5000), 5000);
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_of_n_allows_n),
        cmocka_unit_test(credit_comes_after_half_of_them),
        cmocka_unit_test(a_writer_that_does_not_wait_is_not_woken),
        cmocka_unit_test(a_writer_is_woken_once_for_each_wait),
        cmocka_unit_test(falling_asleep_tells_all_that_was_read),
        cmocka_unit_test(a_sleeper_wakes_the_writer_that_waits),
        cmocka_unit_test(a_message_needs_credit_only_to_begin),
        cmocka_unit_test(a_rollback_returns_no_more_credit_than_it_took),
        cmocka_unit_test(nobody_gets_too_far_ahead),
        cmocka_unit_test(no_mark_is_no_limit),
        cmocka_unit_test(a_lower_mark_counts_what_is_there_already),
        cmocka_unit_test(a_mark_set_later_takes_effect),
    };

    return cmocka_run_group_tests_name("stream_credit", tests, NULL, NULL);
}
