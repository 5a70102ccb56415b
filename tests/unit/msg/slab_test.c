/* SPDX-License-Identifier: MPL-2.0 */
/*
 * msg/slab: what is given, and what goes back. Where the library is built to
 * do without slabs (ASan, the simulation) there is nothing to be said.
 *
 * Thread: the test's, and two that take and give. Owns: its blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "msg/slab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    SMALL = 2048 + 40,
    LARGE = 8192 + 40,
    LARGEST = 32768 + 64,
    COUNT = 1000,
    BURST = 2500, /* 80 MiB of the largest */
};

static void *blocks[COUNT];

/* The clock of these tests. */
static _Atomic uint64_t now_us;

static bool age(void)
{
    return cz_slab_age(atomic_fetch_add(&now_us, CZ_SLAB_AGE_US) +
                       CZ_SLAB_AGE_US);
}

static void skip_without_slabs(void)
{
    void *block = cz_slab_get(SMALL);

    if (!block)
        skip();
    cz_slab_put(block, SMALL);
}

static void give_all_back(size_t size)
{
    for (int i = 0; i < COUNT; i++)
        cz_slab_put(blocks[i], size);
}

static void blocks_do_not_overlap(void **state)
{
    const size_t sizes[] = {SMALL, LARGE, LARGEST};

    (void)state;
    skip_without_slabs();
    for (size_t s = 0; s < 3; s++) {
        for (int i = 0; i < COUNT; i++) {
            blocks[i] = cz_slab_get(sizes[s]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 64, 0);
            memset(blocks[i], i & 0xff, sizes[s]);
        }
        for (int i = 0; i < COUNT; i++) {
            const uint8_t *bytes = blocks[i];

            assert_int_equal(bytes[0], i & 0xff);
            assert_memory_equal(bytes, bytes + 1, sizes[s] - 1);
        }
        give_all_back(sizes[s]);
    }
}

static void other_sizes_come_from_elsewhere(void **state)
{
    (void)state;
    assert_null(cz_slab_get(512 + 40));
    assert_null(cz_slab_get(1024 + 32));
    assert_null(cz_slab_get(4096 + 32));
    assert_null(cz_slab_get(8192 + 65));
    assert_null(cz_slab_get(16384 + 32));
    assert_null(cz_slab_get(LARGEST + 1));
    assert_null(cz_slab_get(131072));
}

static void a_block_given_back_is_used_again(void **state)
{
    void *first, *second;

    (void)state;
    skip_without_slabs();
    first = cz_slab_get(SMALL);
    cz_slab_put(first, SMALL);
    second = cz_slab_get(SMALL);
    assert_ptr_equal(first, second);
    cz_slab_put(second, SMALL);
}

static void what_is_empty_for_a_while_goes_back(void **state)
{
    (void)state;
    skip_without_slabs();
    for (int i = 0; i < COUNT; i++)
        blocks[i] = cz_slab_get(SMALL);
    give_all_back(SMALL);
    assert_true(age()); /* not at once */
    assert_false(age());
}

/* A thousand blocks that were in use before, or not. */
static void take_all(bool were_used)
{
    for (int i = 0; i < COUNT; i++) {
        uint8_t *bytes = blocks[i] = cz_slab_get(SMALL);

        assert_non_null(bytes);
        assert_int_equal(bytes[SMALL / 2], were_used);
        bytes[SMALL / 2] = 1;
    }
}

static void many_who_sweep_age_nothing_sooner(void **state)
{
    (void)state;
    skip_without_slabs();
    cz_slab_trim();
    take_all(false);
    give_all_back(SMALL);
    assert_true(age());
    for (uint64_t i = 1; i < 10; i++)
        assert_true(cz_slab_age(now_us + i * CZ_SLAB_AGE_US / 10));
    take_all(true);
    give_all_back(SMALL);
    (void)age();
    assert_false(age());
    take_all(false);
    give_all_back(SMALL);
}

static void what_is_in_use_stays(void **state)
{
    void *block;

    (void)state;
    skip_without_slabs();
    block = cz_slab_get(LARGE);
    memset(block, 1, LARGE);
    (void)age();
    assert_false(age());
    memset(block, 2, LARGE);
    cz_slab_put(block, LARGE);
}

/* Takes a burst of the largest and gives it back. How many of them were kept
 * since the last time: fresh ones are zeroed. */
static int burst(void)
{
    static uint8_t *bytes[BURST];
    int kept = 0;

    for (int i = 0; i < BURST; i++) {
        bytes[i] = cz_slab_get(LARGEST);
        assert_non_null(bytes[i]);
        kept += bytes[i][LARGEST / 2];
        bytes[i][LARGEST / 2] = 1;
    }
    for (int i = 0; i < BURST; i++)
        cz_slab_put(bytes[i], LARGEST);
    return kept;
}

static void where_nobody_sweeps_there_is_a_limit(void **state)
{
    int kept;

    (void)state;
    skip_without_slabs();
    cz_slab_trim();
    assert_int_equal(burst(), 0);
    kept = burst();
    assert_true(kept > 0 && kept < BURST / 2);
}

static void who_sweeps_finds_all_of_a_burst_again(void **state)
{
    (void)state;
    skip_without_slabs();
    cz_slab_trim();
    assert_int_equal(burst(), 0);
    assert_true(age());
    (void)burst();
    assert_int_equal(burst(), BURST);
    (void)age();
    assert_int_equal(burst(), BURST);
    (void)age();
    (void)age();
    assert_false(age());
    assert_int_equal(burst(), 0);
}

static void what_is_trimmed_keeps_nothing(void **state)
{
    (void)state;
    skip_without_slabs();
    (void)burst();
    cz_slab_trim();
    assert_int_equal(burst(), 0);
    cz_slab_trim();
}

/* Each gives back what the other took. */
static _Atomic(void *) slots[64];

static void *exchange(void *seed)
{
    uint32_t random = *(uint32_t *)seed;

    for (int i = 0; i < 200000; i++) {
        void *block = cz_slab_get(SMALL);

        if (block)
            memset(block, i & 0xff, SMALL);
        random = random * 1664525 + 1013904223;
        block = atomic_exchange(&slots[random >> 26], block);
        if (block)
            cz_slab_put(block, SMALL);
        if (i % 1000 == 0)
            (void)age();
    }
    return NULL;
}

static void threads_may_give_back_what_others_took(void **state)
{
    uint32_t seeds[2] = {1, 2};
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, exchange, &seeds[i]),
                         0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 64; i++) {
        void *block = atomic_exchange(&slots[i], NULL);

        if (block)
            cz_slab_put(block, SMALL);
    }
    (void)age();
    assert_false(age());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(other_sizes_come_from_elsewhere),
        cmocka_unit_test(a_block_given_back_is_used_again),
        cmocka_unit_test(what_is_empty_for_a_while_goes_back),
        cmocka_unit_test(many_who_sweep_age_nothing_sooner),
        cmocka_unit_test(what_is_in_use_stays),
        cmocka_unit_test(where_nobody_sweeps_there_is_a_limit),
        cmocka_unit_test(who_sweeps_finds_all_of_a_burst_again),
        cmocka_unit_test(what_is_trimmed_keeps_nothing),
        cmocka_unit_test(threads_may_give_back_what_others_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
