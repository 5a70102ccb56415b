/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Heads of buffers that wrap memory: that they are apart, that any thread may
 * drop them, and that nothing is left of a thread that ends.
 *
 * Thread: the test's, and short-lived ones. AddressSanitizer sees what leaks.
 */
#include "msg/buffer.h"
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { COUNT = 5000 }; /* more than free slabs have */

struct batch {
    struct cz_buffer *buffers[COUNT];
    int count;
};

static void count_freed(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

static void wrap_all(struct batch *batch, int *freed)
{
    for (int i = 0; i < batch->count; i++) {
        batch->buffers[i] =
            cz_buffer_wrap(batch, (size_t)i, count_freed, freed);
        assert_non_null(batch->buffers[i]);
    }
}

static int freed_elsewhere;

static void wrap_in_thread(void *arg)
{
    wrap_all(arg, &freed_elsewhere);
}

static void heads_do_not_overlap(void **state)
{
    struct batch batch = {.count = COUNT};
    int freed = 0;

    (void)state;
    wrap_all(&batch, &freed);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(batch.buffers[i]->size, i);
        assert_int_equal(atomic_load(&batch.buffers[i]->refs), 1);
    }
    /* Every third first: a slab goes with the last of its heads. */
    for (int step = 0; step < 3; step++)
        for (int i = step; i < COUNT; i += 3)
            cz_buffer_unref(batch.buffers[i]);
    assert_int_equal(freed, COUNT);
}

static void heads_outlive_the_thread_that_made_them(void **state)
{
    (void)state;
    for (int count = 0; count <= 70; count += 7) {
        struct batch batch = {.count = count};
        struct cz_thread thread = {0};

        freed_elsewhere = 0;
        assert_int_equal(cz_thread_start(&thread, NULL, wrap_in_thread, &batch),
                         0);
        cz_thread_join(&thread);
        for (int i = 0; i < count; i++) {
            assert_int_equal(batch.buffers[i]->size, i);
            cz_buffer_unref(batch.buffers[i]);
        }
        assert_int_equal(freed_elsewhere, count);
    }
}

static void unref_in_thread(void *arg)
{
    struct batch *batch = arg;

    for (int i = 0; i < batch->count; i++)
        cz_buffer_unref(batch->buffers[i]);
}

static void heads_are_dropped_where_others_are_made(void **state)
{
    (void)state;
    freed_elsewhere = 0;
    for (int round = 0; round < 20; round++) {
        struct batch first = {.count = 45 + round};
        struct batch second = {.count = 13 * round};
        struct cz_thread thread = {0};

        wrap_all(&first, &freed_elsewhere);
        assert_int_equal(
            cz_thread_start(&thread, NULL, unref_in_thread, &first), 0);
        wrap_all(&second, &freed_elsewhere);
        cz_thread_join(&thread);
        unref_in_thread(&second);
    }
    assert_int_equal(freed_elsewhere, 20 * 45 + 14 * 190);
}

static bool is_among(const struct batch *batch, const struct cz_buffer *buffer)
{
    for (int i = 0; i < batch->count; i++)
        if (batch->buffers[i] == buffer)
            return true;
    return false;
}

static void what_others_dropped_is_cut_again(void **state)
{
    struct batch first = {.count = COUNT};
    struct batch second = {.count = COUNT};
    struct cz_thread thread = {0};
    int again = 0;

    (void)state;
    freed_elsewhere = 0;
    wrap_all(&first, &freed_elsewhere);
    assert_int_equal(cz_thread_start(&thread, NULL, unref_in_thread, &first),
                     0);
    cz_thread_join(&thread);
    wrap_all(&second, &freed_elsewhere);
    for (int i = 0; i < second.count; i++)
        again += is_among(&first, second.buffers[i]);
    assert_true(again > COUNT / 2);
    unref_in_thread(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_do_not_overlap),
        cmocka_unit_test(heads_outlive_the_thread_that_made_them),
        cmocka_unit_test(heads_are_dropped_where_others_are_made),
        cmocka_unit_test(what_others_dropped_is_cut_again),
    };

    return cmocka_run_group_tests_name("buffer_head", tests, NULL, NULL);
}
