/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The heap, against a plain array that is searched from end to end.
 *
 * Thread: one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/heap.h"

#include <errno.h>

enum { NODES = 500, STEPS = 60000, NODES_BURST = 4096 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* From CZ_SEED, to repeat a run, or from the clock. */
static uint64_t make_seed(void)
{
    const char *text = getenv("CZ_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed: CZ_SEED=%llu\n", (unsigned long long)seed);
    return seed * 2 + 1;
}

static void empty_heap_has_no_top(void **state)
{
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    assert_null(cz_heap_top(&heap));
    cz_heap_fini(&heap);
}

static void nodes_come_out_by_key(void **state)
{
    const uint64_t keys[] = {5, 3, 9, UINT64_MAX, 0, 7};
    const uint64_t sorted[] = {0, 3, 5, 7, 9, UINT64_MAX};
    struct cz_heap_node nodes[6] = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(cz_heap_set(&heap, &nodes[i], keys[i]), 0);
    for (size_t i = 0; i < 6; i++) {
        struct cz_heap_node *top = cz_heap_top(&heap);

        assert_true(top->key == sorted[i]);
        assert_true(cz_heap_contains(top));
        cz_heap_remove(&heap, top);
        assert_false(cz_heap_contains(top));
    }
    assert_null(cz_heap_top(&heap));
    cz_heap_fini(&heap);
}

static void equal_keys_come_out_in_the_order_they_were_set(void **state)
{
    struct cz_heap_node nodes[100] = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(cz_heap_set(&heap, &nodes[i], 1), 0);
    /* Set again: behind its equals now. */
    assert_int_equal(cz_heap_set(&heap, &nodes[0], 1), 0);
    for (size_t i = 1; i < 100; i++) {
        assert_ptr_equal(cz_heap_top(&heap), &nodes[i]);
        cz_heap_remove(&heap, &nodes[i]);
    }
    assert_ptr_equal(cz_heap_top(&heap), &nodes[0]);
    cz_heap_fini(&heap);
}

static void removing_what_is_in_no_heap_is_harmless(void **state)
{
    struct cz_heap_node inside = {0}, outside = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    cz_heap_remove(&heap, &outside);
    assert_int_equal(cz_heap_set(&heap, &inside, 1), 0);
    cz_heap_remove(&heap, &outside);
    assert_ptr_equal(cz_heap_top(&heap), &inside);
    cz_heap_fini(&heap);
}

/* What the heap should say: the least (key, order) by a linear search. */
static struct cz_heap_node *model_top(struct cz_heap_node *nodes,
                                      const uint64_t *keys,
                                      const uint64_t *orders)
{
    size_t best = NODES;

    for (size_t i = 0; i < NODES; i++) {
        if (!orders[i])
            continue;
        if (best == NODES || keys[i] < keys[best] ||
            (keys[i] == keys[best] && orders[i] < orders[best]))
            best = i;
    }
    return best == NODES ? NULL : &nodes[best];
}

static void heap_agrees_with_its_model(void **state)
{
    static struct cz_heap_node nodes[NODES];
    static uint64_t keys[NODES], orders[NODES];
    uint64_t random = make_seed();
    struct cz_heap heap;
    size_t count = 0;

    (void)state;
    cz_heap_init(&heap);
    for (uint64_t step = 1; step <= STEPS; step++) {
        size_t i = next_random(&random) % NODES;
        /* Waves: the heap fills up, and then empties, by turns. */
        bool is_removal = next_random(&random) % 4 < (step / 4096 % 2 ? 3 : 1);
        struct cz_heap_node *top = cz_heap_top(&heap);

        if (next_random(&random) % 8 == 0 && top)
            i = (size_t)(top - nodes);
        if (is_removal) {
            count -= orders[i] != 0;
            orders[i] = 0;
            cz_heap_remove(&heap, &nodes[i]);
        } else {
            count += orders[i] == 0;
            orders[i] = step;
            keys[i] = next_random(&random) % 64;
            assert_int_equal(cz_heap_set(&heap, &nodes[i], keys[i]), 0);
        }
        assert_int_equal(cz_heap_contains(&nodes[i]), orders[i] != 0);
        assert_int_equal(heap.count, count);
        assert_ptr_equal(cz_heap_top(&heap), model_top(nodes, keys, orders));
    }
    cz_heap_fini(&heap);
}

static void growth_is_given_back(void **state)
{
    static struct cz_heap_node nodes[NODES_BURST];
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < NODES_BURST; i++)
        assert_int_equal(cz_heap_set(&heap, &nodes[i], i), 0);
    for (size_t i = 0; i < NODES_BURST; i++)
        cz_heap_remove(&heap, &nodes[i]);
    assert_true(heap.capacity <= 8);
    cz_heap_fini(&heap);
}

static void insertion_without_memory_changes_nothing(void **state)
{
    struct cz_heap_node nodes[9] = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_heap_set(&heap, &nodes[0], 1), -ENOMEM);
    assert_false(cz_heap_contains(&nodes[0]));
    assert_null(cz_heap_top(&heap));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(cz_heap_set(&heap, &nodes[i], 10 - i), 0);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_heap_set(&heap, &nodes[8], 0), -ENOMEM);
    assert_false(cz_heap_contains(&nodes[8]));
    assert_ptr_equal(cz_heap_top(&heap), &nodes[7]);
    /* Moving needs none. */
    cz_alloc_fail_at(1);
    assert_int_equal(cz_heap_set(&heap, &nodes[0], 0), 0);
    assert_ptr_equal(cz_heap_top(&heap), &nodes[0]);
    cz_alloc_fail_at(0);
    cz_heap_fini(&heap);
}

static void insertion_after_a_removal_needs_no_memory(void **state)
{
    static struct cz_heap_node nodes[NODES_BURST];
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < NODES_BURST; i++)
        assert_int_equal(cz_heap_set(&heap, &nodes[i], i), 0);
    for (size_t i = 0; i < NODES_BURST; i++) {
        uint64_t calls;

        cz_heap_remove(&heap, &nodes[i]);
        cz_alloc_fail_at(0);
        assert_int_equal(cz_heap_set(&heap, &nodes[i], i), 0);
        calls = cz_alloc_calls();
        assert_true(calls == 0);
        cz_heap_remove(&heap, &nodes[i]);
    }
    cz_heap_fini(&heap);
}

static void shrinking_without_memory_keeps_the_nodes(void **state)
{
    static struct cz_heap_node nodes[64];
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(cz_heap_set(&heap, &nodes[i], i), 0);
    for (size_t i = 0; i < 63; i++) {
        cz_alloc_fail_at(1);
        cz_heap_remove(&heap, &nodes[i]);
        assert_ptr_equal(cz_heap_top(&heap), &nodes[i + 1]);
    }
    cz_alloc_fail_at(0);
    assert_int_equal(heap.capacity, 64);
    cz_heap_remove(&heap, &nodes[63]);
    assert_true(heap.capacity < 64);
    cz_heap_fini(&heap);
}

static void reserved_places_need_no_memory(void **state)
{
    struct cz_heap_node nodes[50] = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_heap_reserve(&heap, 50), -ENOMEM);
    assert_int_equal(cz_heap_reserve(&heap, 50), 0);
    for (int round = 0; round < 2; round++) {
        cz_alloc_fail_at(0);
        for (size_t i = 0; i < 50; i++)
            assert_int_equal(cz_heap_set(&heap, &nodes[i], i), 0);
        for (size_t i = 0; i < 50; i++)
            cz_heap_remove(&heap, &nodes[i]);
        assert_true(cz_alloc_calls() == 0);
    }
    assert_int_equal(cz_heap_reserve(&heap, 0), 0);
    assert_int_equal(cz_heap_set(&heap, &nodes[0], 1), 0);
    cz_heap_remove(&heap, &nodes[0]);
    assert_true(heap.capacity < 50);
    cz_heap_fini(&heap);
}

static void absurd_reservation_is_refused(void **state)
{
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    assert_int_equal(cz_heap_reserve(&heap, SIZE_MAX / 4), -ENOMEM);
    assert_int_equal(heap.capacity, 0);
    cz_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_heap_has_no_top),
        cmocka_unit_test(nodes_come_out_by_key),
        cmocka_unit_test(equal_keys_come_out_in_the_order_they_were_set),
        cmocka_unit_test(removing_what_is_in_no_heap_is_harmless),
        cmocka_unit_test(heap_agrees_with_its_model),
        cmocka_unit_test(growth_is_given_back),
        cmocka_unit_test(insertion_without_memory_changes_nothing),
        cmocka_unit_test(insertion_after_a_removal_needs_no_memory),
        cmocka_unit_test(shrinking_without_memory_keeps_the_nodes),
        cmocka_unit_test(reserved_places_need_no_memory),
        cmocka_unit_test(absurd_reservation_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
