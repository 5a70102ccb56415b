/* SPDX-License-Identifier: MPL-2.0 */
/*
 * base/pool: what is kept, what is not, and who may go first.
 *
 * Thread: the test's, and two that take and give. Owns: its blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/pool.h"

#include <pthread.h>
#include <string.h>

enum { LARGE = 100000 };

/* The clock of these tests. */
static uint64_t now_us;

static bool age(struct cz_pool *pool)
{
    now_us += CZ_POOL_AGE_US;
    return cz_pool_age(pool, now_us);
}

static void a_block_given_back_is_used_again(void **state)
{
    struct cz_pool *pool = cz_pool_create(1 << 20);
    void *block = cz_pool_get(pool, LARGE);

    (void)state;
    assert_non_null(block);
    cz_pool_put(pool, block, LARGE);
    /* Of the same class, though not of the same size. */
    assert_ptr_equal(cz_pool_get(pool, LARGE - 1), block);
    cz_pool_put(pool, block, LARGE - 1);
    cz_pool_unref(pool);
}

static void every_size_has_its_room(void **state)
{
    struct cz_pool *pool = cz_pool_create(64 << 20);

    (void)state;
    for (size_t size = 1; size <= 2 * CZ_POOL_BLOCK_MAX; size += 1 + size / 7) {
        for (int i = 0; i < 2; i++) {
            void *block = cz_pool_get(pool, size);

            assert_non_null(block);
            memset(block, 0x5a, size);
            cz_pool_put(pool, block, size);
        }
    }
    cz_pool_unref(pool);
}

static void the_bounds_of_the_classes_have_room(void **state)
{
    struct cz_pool *pool = cz_pool_create(64 << 20);

    (void)state;
    for (size_t size = CZ_POOL_BLOCK_MIN; size <= CZ_POOL_BLOCK_MAX;
         size *= 2) {
        for (int i = -1; i <= 1; i++) {
            size_t near = size + (size_t)i;
            void *block = cz_pool_get(pool, near);

            assert_non_null(block);
            memset(block, 0x5a, near);
            cz_pool_put(pool, block, near);
        }
    }
    cz_pool_unref(pool);
}

static void blocks_may_outlive_the_owner(void **state)
{
    struct cz_pool *pool = cz_pool_create(1 << 20);
    void *block = cz_pool_get(pool, LARGE);

    (void)state;
    assert_non_null(block);
    cz_pool_unref(pool);
    memset(block, 0x5a, LARGE);
    cz_pool_put(pool, block, LARGE);
}

static void without_a_pool_it_is_plain_memory(void **state)
{
    void *block = cz_pool_get(NULL, LARGE);

    (void)state;
    assert_non_null(block);
    memset(block, 0x5a, LARGE);
    cz_pool_put(NULL, block, LARGE);
    cz_pool_put(NULL, NULL, LARGE);
    cz_pool_unref(NULL);
}

static void *take_and_give(void *arg)
{
    struct cz_pool *pool = arg;

    for (uintptr_t i = 0; i < 20000; i++) {
        uintptr_t *block = cz_pool_get(pool, LARGE);

        if (!block)
            return arg;
        *block = i;
        if (*(volatile uintptr_t *)block != i)
            return arg;
        cz_pool_put(pool, block, LARGE);
    }
    return NULL;
}

static void no_two_threads_have_the_same_block(void **state)
{
    struct cz_pool *pool = cz_pool_create(1 << 20);
    pthread_t other;
    void *result;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, take_and_give, pool), 0);
    assert_null(take_and_give(pool));
    assert_int_equal(pthread_join(other, &result), 0);
    assert_null(result);
    cz_pool_unref(pool);
}

static void a_trimmed_pool_keeps_nothing(void **state)
{
    struct cz_pool *pool = cz_pool_common();
    void *block = cz_pool_get(pool, LARGE);
    uint64_t calls;

    (void)state;
    assert_non_null(block);
    cz_pool_put(pool, block, LARGE);
    cz_pool_trim(pool);
    cz_alloc_fail_at(1);
    assert_null(cz_pool_get(pool, LARGE));
    cz_alloc_fail_at(0);
    block = cz_pool_get(pool, LARGE);
    assert_non_null(block);
    cz_pool_put(pool, block, LARGE);
    calls = cz_alloc_calls();
    block = cz_pool_get(pool, LARGE);
    assert_int_equal(cz_alloc_calls(), calls);
    cz_pool_put(pool, block, LARGE);
    cz_pool_trim(pool);
}

static void what_was_not_needed_for_long_goes_back(void **state)
{
    enum { COUNT = 4 };
    struct cz_pool *pool = cz_pool_create(1 << 20);
    void *blocks[COUNT];
    uint64_t calls;

    (void)state;
    assert_false(age(pool));
    for (int i = 0; i < COUNT; i++)
        blocks[i] = cz_pool_get(pool, LARGE);
    for (int i = 0; i < COUNT; i++)
        cz_pool_put(pool, blocks[i], LARGE);
    assert_true(age(pool));
    /* Of four, one is needed. */
    cz_pool_put(pool, cz_pool_get(pool, LARGE), LARGE);
    assert_true(age(pool));
    calls = cz_alloc_calls();
    blocks[0] = cz_pool_get(pool, LARGE);
    assert_int_equal(cz_alloc_calls(), calls);
    blocks[1] = cz_pool_get(pool, LARGE);
    assert_int_equal(cz_alloc_calls(), calls + 1);
    for (int i = 0; i < 2; i++)
        cz_pool_put(pool, blocks[i], LARGE);
    (void)age(pool);
    assert_false(age(pool));
    cz_pool_unref(pool);
}

static void many_who_sweep_age_nothing_sooner(void **state)
{
    struct cz_pool *pool = cz_pool_create(1 << 20);
    uint64_t calls;

    (void)state;
    cz_pool_put(pool, cz_pool_get(pool, LARGE), LARGE);
    assert_true(age(pool));
    calls = cz_alloc_calls();
    for (uint64_t i = 1; i < 10; i++)
        assert_true(cz_pool_age(pool, now_us + i * CZ_POOL_AGE_US / 10));
    cz_pool_put(pool, cz_pool_get(pool, LARGE), LARGE);
    assert_int_equal(cz_alloc_calls(), calls);
    (void)age(pool);
    assert_false(age(pool));
    cz_pool_put(pool, cz_pool_get(pool, LARGE), LARGE);
    assert_int_equal(cz_alloc_calls(), calls + 1);
    cz_pool_unref(pool);
}

static void one_that_is_swept_keeps_more(void **state)
{
    enum { COUNT = 4 };
    struct cz_pool *pool = cz_pool_create(CZ_POOL_BLOCK_MAX);
    void *blocks[COUNT];
    uint64_t calls;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = cz_pool_get(pool, CZ_POOL_BLOCK_MAX);
        for (int i = 0; i < COUNT; i++)
            cz_pool_put(pool, blocks[i], CZ_POOL_BLOCK_MAX);
        /* The first round still keeps one, the second all of them. */
        calls = cz_alloc_calls();
        for (int i = 0; i < COUNT; i++)
            blocks[i] = cz_pool_get(pool, CZ_POOL_BLOCK_MAX);
        assert_int_equal(cz_alloc_calls() - calls, round == 0 ? COUNT - 1 : 0);
        for (int i = 0; i < COUNT; i++)
            cz_pool_put(pool, blocks[i], CZ_POOL_BLOCK_MAX);
        assert_true(age(pool));
    }
    (void)age(pool);
    assert_false(age(pool));
    cz_pool_unref(pool);
}

struct gift {
    struct cz_pool *pool;
    void *blocks[8];
};

static void *give_back(void *arg)
{
    struct gift *gift = arg;

    for (int i = 0; i < 8; i++)
        cz_pool_put(gift->pool, gift->blocks[i], LARGE);
    return NULL;
}

static void get_and_let_another_give_back(struct gift *gift)
{
    pthread_t other;

    for (int i = 0; i < 8; i++)
        gift->blocks[i] = cz_pool_get(gift->pool, LARGE);
    assert_int_equal(pthread_create(&other, NULL, give_back, gift), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
}

static void what_another_thread_gives_back_is_kept(void **state)
{
    struct gift gift = {.pool = cz_pool_create(1 << 20)};
    uint64_t calls;

    (void)state;
    get_and_let_another_give_back(&gift);
    calls = cz_alloc_calls();
    get_and_let_another_give_back(&gift);
    assert_int_equal(cz_alloc_calls(), calls);
    /* Seen by who sweeps, although nobody takes any more. */
    assert_true(age(gift.pool));
    (void)age(gift.pool);
    assert_false(age(gift.pool));
    get_and_let_another_give_back(&gift);
    assert_true(cz_alloc_calls() >= calls + 8);
    cz_pool_trim(gift.pool);
    assert_false(age(gift.pool) && age(gift.pool));
    cz_pool_unref(gift.pool);
}

static void there_is_a_limit_to_it(void **state)
{
    struct gift gift = {.pool = cz_pool_create(3 * LARGE)};
    uint64_t calls;

    (void)state;
    get_and_let_another_give_back(&gift);
    calls = cz_alloc_calls();
    get_and_let_another_give_back(&gift);
    assert_in_range(cz_alloc_calls() - calls, 3, 7);
    cz_pool_unref(gift.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_given_back_is_used_again),
        cmocka_unit_test(every_size_has_its_room),
        cmocka_unit_test(the_bounds_of_the_classes_have_room),
        cmocka_unit_test(blocks_may_outlive_the_owner),
        cmocka_unit_test(without_a_pool_it_is_plain_memory),
        cmocka_unit_test(a_trimmed_pool_keeps_nothing),
        cmocka_unit_test(what_was_not_needed_for_long_goes_back),
        cmocka_unit_test(many_who_sweep_age_nothing_sooner),
        cmocka_unit_test(one_that_is_swept_keeps_more),
        cmocka_unit_test(what_another_thread_gives_back_is_kept),
        cmocka_unit_test(there_is_a_limit_to_it),
        cmocka_unit_test(no_two_threads_have_the_same_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
