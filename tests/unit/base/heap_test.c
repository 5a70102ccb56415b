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

#include <cmocka.h>

#include "base/heap.h"
#include "common/random.h"

enum { NODES = 500, STEPS = 60000, NODES_BURST = 4096 };

static void empty_heap_has_no_top(void **state)
{
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    assert_null(cz_heap_top(&heap));
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
        cz_heap_set(&heap, &nodes[i], keys[i]);
    for (size_t i = 0; i < 6; i++) {
        struct cz_heap_node *top = cz_heap_top(&heap);

        assert_true(top->key == sorted[i]);
        assert_true(cz_heap_contains(top));
        cz_heap_remove(&heap, top);
        assert_false(cz_heap_contains(top));
    }
    assert_null(cz_heap_top(&heap));
}

static void equal_keys_come_out_in_the_order_they_were_set(void **state)
{
    struct cz_heap_node nodes[100] = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < 100; i++)
        cz_heap_set(&heap, &nodes[i], 1);
    /* Set again: behind its equals now. */
    cz_heap_set(&heap, &nodes[0], 1);
    for (size_t i = 1; i < 100; i++) {
        assert_ptr_equal(cz_heap_top(&heap), &nodes[i]);
        cz_heap_remove(&heap, &nodes[i]);
    }
    assert_ptr_equal(cz_heap_top(&heap), &nodes[0]);
}

static void removing_what_is_in_no_heap_is_harmless(void **state)
{
    struct cz_heap_node inside = {0}, outside = {0};
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    cz_heap_remove(&heap, &outside);
    cz_heap_set(&heap, &inside, 1);
    cz_heap_remove(&heap, &outside);
    assert_ptr_equal(cz_heap_top(&heap), &inside);
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
    uint64_t random = random_seed();
    struct cz_heap heap;

    (void)state;
    cz_heap_init(&heap);
    for (uint64_t step = 1; step <= STEPS; step++) {
        size_t i = random_below(&random, NODES);
        /* Waves: the heap fills up, and then empties, by turns. */
        bool is_removal = random_below(&random, 4) < (step / 4096 % 2 ? 3 : 1);
        struct cz_heap_node *top = cz_heap_top(&heap);

        if (random_below(&random, 8) == 0 && top)
            i = (size_t)(top - nodes);
        if (is_removal) {
            orders[i] = 0;
            cz_heap_remove(&heap, &nodes[i]);
        } else {
            orders[i] = step;
            keys[i] = random_below(&random, 64);
            cz_heap_set(&heap, &nodes[i], keys[i]);
        }
        assert_int_equal(cz_heap_contains(&nodes[i]), orders[i] != 0);
        assert_ptr_equal(cz_heap_top(&heap), model_top(nodes, keys, orders));
    }
}

/* As deep and as wide as it gets: neither may cost stack. */
static void degenerate_heaps_come_apart(void **state)
{
    static struct cz_heap_node nodes[NODES_BURST];
    struct cz_heap heap;

    (void)state;
    for (int is_falling = 0; is_falling < 2; is_falling++) {
        cz_heap_init(&heap);
        for (size_t i = 0; i < NODES_BURST; i++)
            cz_heap_set(&heap, &nodes[i], is_falling ? NODES_BURST - i : i);
        for (size_t i = 0; i < NODES_BURST; i++) {
            struct cz_heap_node *top =
                &nodes[is_falling ? NODES_BURST - 1 - i : i];

            assert_ptr_equal(cz_heap_top(&heap), top);
            cz_heap_remove(&heap, top);
        }
        assert_null(cz_heap_top(&heap));
    }
}

/* An order of magnitude above log2 of the size would show. */
static void a_turn_stays_cheap(void **state)
{
    static struct cz_heap_node nodes[NODES_BURST];
    struct cz_heap heap;
    size_t visited = 0;

    (void)state;
    cz_heap_init(&heap);
    for (size_t i = 0; i < NODES_BURST; i++)
        cz_heap_set(&heap, &nodes[i], i);
    for (size_t turn = 0; turn < NODES_BURST * 8; turn++) {
        struct cz_heap_node *top = cz_heap_top(&heap);

        for (struct cz_heap_node *n = top->child; n; n = n->next)
            visited++;
        cz_heap_set(&heap, top, top->key + NODES_BURST);
    }
    assert_true(visited < NODES_BURST * 8 * 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_heap_has_no_top),
        cmocka_unit_test(nodes_come_out_by_key),
        cmocka_unit_test(equal_keys_come_out_in_the_order_they_were_set),
        cmocka_unit_test(removing_what_is_in_no_heap_is_harmless),
        cmocka_unit_test(heap_agrees_with_its_model),
        cmocka_unit_test(degenerate_heaps_come_apart),
        cmocka_unit_test(a_turn_stays_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
