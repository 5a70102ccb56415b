/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sets of values.
 *
 * Thread: the main thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "core/blobs.h"

#include <errno.h>

static void set(struct cz_blobs **blobs, uint8_t number, const char *text)
{
    assert_int_equal(cz_blobs_set(blobs, number, cz_span_of_text(text)), 0);
}

static void assert_value(const struct cz_blobs *blobs, uint8_t number,
                         const char *text)
{
    assert_true(
        cz_span_equals(cz_blobs_find(blobs, number), cz_span_of_text(text)));
}

static void nothing_is_in_the_empty_set(void **state)
{
    struct cz_blobs *blobs = NULL;

    (void)state;
    assert_value(blobs, 1, "");
    assert_null(cz_blobs_ref(blobs));
    cz_blobs_unref(blobs);
    set(&blobs, 1, "");
    assert_null(blobs);
}

static void each_value_has_its_number(void **state)
{
    struct cz_blobs *blobs = NULL;

    (void)state;
    set(&blobs, 1, "one");
    set(&blobs, 255, "last");
    set(&blobs, 0, "none");
    assert_value(blobs, 1, "one");
    assert_value(blobs, 255, "last");
    assert_value(blobs, 0, "none");
    assert_value(blobs, 2, "");
    cz_blobs_unref(blobs);
}

static void a_new_value_takes_the_place_of_the_old(void **state)
{
    struct cz_blobs *blobs = NULL;

    (void)state;
    set(&blobs, 1, "one");
    set(&blobs, 2, "two");
    set(&blobs, 1, "a longer one");
    assert_value(blobs, 1, "a longer one");
    assert_value(blobs, 2, "two");
    set(&blobs, 1, "");
    assert_value(blobs, 1, "");
    assert_value(blobs, 2, "two");
    cz_blobs_unref(blobs);
}

static void more_goes_behind_what_is_there(void **state)
{
    struct cz_blobs *blobs = NULL;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cz_blobs_append(&blobs, 7, cz_span_of_text("ab")), 0);
    set(&blobs, 8, "other");
    assert_value(blobs, 7, "ababab");
    cz_blobs_unref(blobs);
}

static void who_shares_a_set_keeps_it(void **state)
{
    struct cz_blobs *blobs = NULL;
    struct cz_blobs *snapshot;

    (void)state;
    set(&blobs, 1, "old");
    snapshot = cz_blobs_ref(blobs);
    set(&blobs, 1, "new");
    assert_value(snapshot, 1, "old");
    assert_value(blobs, 1, "new");
    cz_blobs_unref(blobs);
    assert_value(snapshot, 1, "old");
    cz_blobs_unref(snapshot);
}

static void without_memory_all_stays_as_it_is(void **state)
{
    struct cz_blobs *blobs = NULL;

    (void)state;
    set(&blobs, 1, "one");
    cz_alloc_fail_at(1);
    assert_int_equal(cz_blobs_set(&blobs, 1, cz_span_of_text("two")), -ENOMEM);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_blobs_append(&blobs, 1, cz_span_of_text("two")),
                     -ENOMEM);
    assert_value(blobs, 1, "one");
    cz_blobs_unref(blobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_in_the_empty_set),
        cmocka_unit_test(each_value_has_its_number),
        cmocka_unit_test(a_new_value_takes_the_place_of_the_old),
        cmocka_unit_test(more_goes_behind_what_is_there),
        cmocka_unit_test(who_shares_a_set_keeps_it),
        cmocka_unit_test(without_memory_all_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
