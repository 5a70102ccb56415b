/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The routing table: against a plain array that is searched from end to end,
 * without memory, and with ids of every length.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "common/random.h"
#include "pattern/routing.h"

#include <errno.h>

enum { NAMES = 400, STEPS = 40000, MANY = 20000 };

/* Ends are only pointers here. */
static struct cz_pipe_end *end_of(uintptr_t number)
{
    return (struct cz_pipe_end *)(number * 64 + 64);
}

static struct cz_route *add(struct cz_routing *routing, struct cz_span id,
                            uintptr_t number)
{
    struct cz_route *route = NULL;

    assert_int_equal(cz_routing_add(routing, id, end_of(number), &route), 0);
    assert_ptr_equal(route->end, end_of(number));
    return route;
}

static void assert_owns_nothing(const struct cz_routing *routing)
{
    assert_int_equal(routing->count, 0);
    assert_int_equal(routing->capacity, 0);
    assert_null(routing->slots);
}

static void empty_table_finds_nothing(void **state)
{
    struct cz_routing routing;

    (void)state;
    cz_routing_init(&routing);
    assert_null(cz_routing_find(&routing, cz_span_of_text("a")));
    assert_null(cz_routing_find(&routing, cz_span(NULL, 0)));
    assert_owns_nothing(&routing);
}

static void route_is_found_by_exactly_its_id(void **state)
{
    struct cz_routing routing;
    struct cz_route *route;

    (void)state;
    cz_routing_init(&routing);
    route = add(&routing, cz_span_of_text("peer"), 1);
    assert_ptr_equal(cz_routing_find(&routing, cz_span_of_text("peer")), route);
    assert_null(cz_routing_find(&routing, cz_span_of_text("pee")));
    assert_null(cz_routing_find(&routing, cz_span_of_text("peers")));
    assert_null(cz_routing_find(&routing, cz_span_of_text("Peer")));
    assert_null(cz_routing_find(&routing, cz_span(NULL, 0)));
    cz_routing_remove(&routing, route);
    assert_null(cz_routing_find(&routing, cz_span_of_text("peer")));
    assert_owns_nothing(&routing);
}

static void ids_of_every_length_are_told_apart(void **state)
{
    uint8_t bytes[CZ_ROUTE_ID_MAX + 1] = {0};
    struct cz_route *routes[CZ_ROUTE_ID_MAX + 1];
    struct cz_routing routing;

    (void)state;
    cz_routing_init(&routing);
    for (size_t size = 1; size <= CZ_ROUTE_ID_MAX; size++)
        routes[size] = add(&routing, cz_span(bytes, size), size);
    for (size_t size = 1; size <= CZ_ROUTE_ID_MAX; size++) {
        assert_ptr_equal(cz_routing_find(&routing, cz_span(bytes, size)),
                         routes[size]);
        /* Any other byte makes it another id. */
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 1;
            assert_null(cz_routing_find(&routing, cz_span(bytes, size)));
            bytes[i] = 0;
        }
    }
    for (size_t size = 1; size <= CZ_ROUTE_ID_MAX; size++)
        cz_routing_remove(&routing, routes[size]);
    assert_owns_nothing(&routing);
}

static void id_in_use_or_too_long_is_refused(void **state)
{
    uint8_t bytes[CZ_ROUTE_ID_MAX + 1] = {0};
    struct cz_routing routing;
    struct cz_route *route;
    struct cz_route *second = NULL;

    (void)state;
    cz_routing_init(&routing);
    assert_int_equal(cz_routing_add(&routing, cz_span(bytes, sizeof bytes),
                                    end_of(1), &second),
                     -EINVAL);
    assert_owns_nothing(&routing);
    route = add(&routing, cz_span_of_text("a"), 1);
    assert_int_equal(
        cz_routing_add(&routing, cz_span_of_text("a"), end_of(2), &second),
        -EEXIST);
    assert_null(second);
    assert_ptr_equal(route->end, end_of(1));
    cz_routing_remove(&routing, route);
}

/* The peer has gone, and what it sent is still to be shown with its id. */
static void withdrawn_route_keeps_its_id_and_leaves_it_to_others(void **state)
{
    struct cz_routing routing;
    struct cz_route *old;
    struct cz_route *successor;

    (void)state;
    cz_routing_init(&routing);
    old = add(&routing, cz_span_of_text("a"), 1);
    cz_routing_withdraw(&routing, old);
    cz_routing_withdraw(&routing, old);
    assert_null(cz_routing_find(&routing, cz_span_of_text("a")));
    successor = add(&routing, cz_span_of_text("a"), 2);
    assert_memory_equal(old->id, "a", 1);
    cz_routing_remove(&routing, old);
    assert_ptr_equal(cz_routing_find(&routing, cz_span_of_text("a")),
                     successor);
    cz_routing_remove(&routing, successor);
    assert_owns_nothing(&routing);
}

static void withdrawn_route_is_not_expected(void **state)
{
    struct cz_routing routing;
    struct cz_route *route;

    (void)state;
    cz_routing_init(&routing);
    route = add(&routing, cz_span_of_text("a"), 1);
    cz_routing_expect(&routing, route);
    assert_ptr_equal(cz_routing_find(&routing, cz_span_of_text("a")), route);
    assert_null(cz_routing_find(&routing, cz_span_of_text("b")));
    assert_null(cz_routing_find(&routing, cz_span_of_text("aa")));
    cz_routing_withdraw(&routing, route);
    assert_null(cz_routing_find(&routing, cz_span_of_text("a")));
    /* What it sent is shown all the same. */
    cz_routing_expect(&routing, route);
    assert_null(cz_routing_find(&routing, cz_span_of_text("a")));
    cz_routing_remove(&routing, route);
    assert_owns_nothing(&routing);
}

static void generated_ids_are_zero_and_a_counter(void **state)
{
    struct cz_routing routing;
    struct cz_route *routes[100];
    uint32_t first;

    (void)state;
    cz_routing_init(&routing);
    for (uint32_t i = 0; i < 100; i++) {
        routes[i] = add(&routing, cz_span(NULL, 0), i);
        assert_int_equal(routes[i]->size, 5);
        assert_int_equal(routes[i]->id[0], 0);
        if (i == 0)
            first = cz_get_be32(routes[0]->id + 1);
        assert_int_equal(cz_get_be32(routes[i]->id + 1), first + i);
    }
    for (uint32_t i = 0; i < 100; i++)
        cz_routing_remove(&routing, routes[i]);
}

static void generated_id_passes_over_those_in_use(void **state)
{
    struct cz_routing routing;
    struct cz_route *routes[4];
    uint8_t id[5] = {0};

    (void)state;
    cz_routing_init(&routing);
    routing.next_id = UINT32_MAX;
    for (uint32_t i = 0; i < 3; i++) {
        cz_put_be32(id + 1, UINT32_MAX + i);
        routes[i] = add(&routing, cz_span(id, 5), i);
    }
    routes[3] = add(&routing, cz_span(NULL, 0), 3);
    assert_int_equal(cz_get_be32(routes[3]->id + 1), 2);
    for (uint32_t i = 0; i < 4; i++)
        cz_routing_remove(&routing, routes[i]);
}

static void table_grows_and_shrinks_with_its_routes(void **state)
{
    struct cz_route **routes = calloc(MANY, sizeof(struct cz_route *));
    struct cz_routing routing;

    (void)state;
    cz_routing_init(&routing);
    for (uint32_t i = 0; i < MANY; i++) {
        routes[i] = add(&routing, cz_span(NULL, 0), i);
        assert_true(routing.count * 4 <= routing.capacity * 3);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        struct cz_span id = cz_span(routes[i]->id, routes[i]->size);

        assert_ptr_equal(cz_routing_find(&routing, id), routes[i]);
        cz_routing_remove(&routing, routes[i]);
        assert_true(routing.capacity <= 8 ||
                    routing.capacity < routing.count * 16);
    }
    assert_owns_nothing(&routing);
    free(routes);
}

/* Long runs of neighbours would make every look-up a search. */
static void ids_that_differ_little_are_spread(void **state)
{
    struct cz_route **routes = calloc(MANY, sizeof(struct cz_route *));
    struct cz_routing routing;
    uint32_t run = 0;
    uint32_t longest = 0;

    (void)state;
    cz_routing_init(&routing);
    for (uint32_t i = 0; i < MANY; i++) {
        char id[16];

        snprintf(id, sizeof id, "client-%07u", i);
        routes[i] = add(&routing, cz_span_of_text(id), i);
    }
    for (uint32_t i = 0; i < routing.capacity; i++) {
        run = routing.slots[i] ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    assert_true(longest < 200);
    for (uint32_t i = 0; i < MANY; i++)
        cz_routing_remove(&routing, routes[i]);
    free(routes);
}

static void what_is_prepared_needs_no_memory(void **state)
{
    struct cz_routing routing;
    struct cz_route *routes[100];
    char id[CZ_ROUTE_ID_MAX] = "";
    struct cz_span longest = cz_span(id, sizeof id);

    (void)state;
    cz_routing_init(&routing);
    for (int i = 0; i < 100; i++) {
        id[0] = (char)i;
        assert_int_equal(cz_routing_prepare(&routing), 0);
        cz_alloc_fail_range(1, 100);
        routes[i] = add(&routing, longest, (uintptr_t)i);
        cz_alloc_fail_at(0);
    }
    for (int i = 0; i < 100; i++)
        cz_routing_remove(&routing, routes[i]);
    assert_int_equal(cz_routing_prepare(&routing), 0);
    cz_routing_fini(&routing);
}

static void lack_of_memory_changes_nothing(void **state)
{
    struct cz_routing routing;
    struct cz_route *routes[100];
    struct cz_route *route;
    uint32_t count = 0;

    (void)state;
    cz_routing_init(&routing);
    while (count < 100) {
        uint32_t capacity = routing.capacity;

        route = NULL;
        cz_alloc_fail_at(1);
        assert_int_equal(
            cz_routing_add(&routing, cz_span(NULL, 0), end_of(1), &route),
            -ENOMEM);
        cz_alloc_fail_at(0);
        assert_null(route);
        assert_int_equal(routing.count, count);
        assert_int_equal(routing.capacity, capacity);
        routes[count] = add(&routing, cz_span(NULL, 0), count);
        count++;
    }
    while (count > 0) {
        cz_alloc_fail_at(1); /* if it wants to shrink, it cannot */
        cz_routing_remove(&routing, routes[--count]);
        cz_alloc_fail_at(0);
        for (uint32_t i = 0; i < count; i++) {
            struct cz_span id = cz_span(routes[i]->id, routes[i]->size);

            assert_ptr_equal(cz_routing_find(&routing, id), routes[i]);
        }
    }
    assert_owns_nothing(&routing);
    /* The array is had, the route is not. */
    cz_alloc_fail_at(2);
    assert_int_equal(
        cz_routing_add(&routing, cz_span(NULL, 0), end_of(1), &route), -ENOMEM);
    cz_alloc_fail_at(0);
    assert_owns_nothing(&routing);
}

static void coming_and_going_agrees_with_a_plain_array(void **state)
{
    struct cz_route *routes[NAMES] = {NULL};
    struct cz_routing routing;
    uint64_t seed = random_seed();

    (void)state;
    cz_routing_init(&routing);
    for (int step = 0; step < STEPS; step++) {
        uint64_t number = random_below(&seed, NAMES);
        /* Few bits differ, and lengths vary. */
        struct cz_span id = cz_span(&number, 2 + number % 7);
        struct cz_route *route = cz_routing_find(&routing, id);

        assert_ptr_equal(route, routes[number]);
        if (!route) {
            routes[number] = add(&routing, id, number);
        } else if (random_below(&seed, 2)) {
            cz_routing_expect(&routing, route);
        } else {
            assert_ptr_equal(route->end, end_of(number));
            cz_routing_remove(&routing, route);
            routes[number] = NULL;
        }
    }
    for (size_t i = 0; i < NAMES; i++)
        if (routes[i])
            cz_routing_remove(&routing, routes[i]);
    assert_owns_nothing(&routing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_table_finds_nothing),
        cmocka_unit_test(route_is_found_by_exactly_its_id),
        cmocka_unit_test(ids_of_every_length_are_told_apart),
        cmocka_unit_test(id_in_use_or_too_long_is_refused),
        cmocka_unit_test(withdrawn_route_keeps_its_id_and_leaves_it_to_others),
        cmocka_unit_test(withdrawn_route_is_not_expected),
        cmocka_unit_test(generated_ids_are_zero_and_a_counter),
        cmocka_unit_test(generated_id_passes_over_those_in_use),
        cmocka_unit_test(table_grows_and_shrinks_with_its_routes),
        cmocka_unit_test(ids_that_differ_little_are_spread),
        cmocka_unit_test(what_is_prepared_needs_no_memory),
        cmocka_unit_test(lack_of_memory_changes_nothing),
        cmocka_unit_test(coming_and_going_agrees_with_a_plain_array),
    };

    return cmocka_run_group_tests_name("routing", tests, NULL, NULL);
}
