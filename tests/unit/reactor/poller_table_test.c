/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of registrations, against a list of the ids that should live.
 *
 * Thread: one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "common/random.h"
#include "reactor/poller_table.h"

#include <errno.h>

enum { LIVE_MAX = 300, STEPS = 20000 };

static struct cz_poll_handler handler;

static cz_poll_id take(struct cz_poll_table *table, int fd)
{
    cz_poll_id id;

    assert_int_equal(cz_poll_table_take(table, fd, &handler, &id), 0);
    return id;
}

static void id_finds_its_slot_until_it_is_dropped(void **state)
{
    struct cz_poll_table table;
    cz_poll_id id;

    (void)state;
    cz_poll_table_init(&table);
    assert_null(cz_poll_table_find(&table, 0));
    id = take(&table, 5);
    assert_true(id != 0);
    assert_int_equal(cz_poll_table_find(&table, id)->fd, 5);
    assert_int_equal(cz_poll_table_find(&table, id)->interest, 0);
    assert_true(cz_poll_table_id(&table, cz_poll_id_slot(id)) == id);
    assert_null(cz_poll_table_find(&table, 0));
    cz_poll_table_drop(&table, id);
    assert_null(cz_poll_table_find(&table, id));
    cz_poll_table_fini(&table);
}

static void reused_slot_has_another_id(void **state)
{
    struct cz_poll_table table;
    cz_poll_id first, second;

    (void)state;
    cz_poll_table_init(&table);
    first = take(&table, 5);
    cz_poll_table_drop(&table, first);
    second = take(&table, 6);
    assert_int_equal(cz_poll_id_slot(first), cz_poll_id_slot(second));
    assert_true(first != second);
    assert_null(cz_poll_table_find(&table, first));
    cz_poll_table_fini(&table);
}

static void
id_stays_dead_when_its_slot_is_given_back_and_grown_again(void **state)
{
    struct cz_poll_table table;
    cz_poll_id ids[64];

    (void)state;
    cz_poll_table_init(&table);
    for (int i = 0; i < 64; i++)
        ids[i] = take(&table, i);
    for (int i = 0; i < 64; i++)
        cz_poll_table_drop(&table, ids[i]);
    assert_int_equal(table.capacity, 8);
    for (int i = 0; i < 64; i++)
        take(&table, i);
    for (int i = 0; i < 64; i++)
        assert_null(cz_poll_table_find(&table, ids[i]));
    cz_poll_table_fini(&table);
}

static void growth_without_memory_changes_nothing(void **state)
{
    struct cz_poll_table table;
    cz_poll_id ids[8], id;

    (void)state;
    cz_poll_table_init(&table);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_poll_table_take(&table, 1, &handler, &id), -ENOMEM);
    for (int i = 0; i < 8; i++)
        ids[i] = take(&table, i);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_poll_table_take(&table, 1, &handler, &id), -ENOMEM);
    cz_alloc_fail_at(0);
    assert_int_equal(table.count, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(cz_poll_table_find(&table, ids[i])->fd, i);
    cz_poll_table_fini(&table);
}

static void shrinking_without_memory_keeps_the_table(void **state)
{
    struct cz_poll_table table;
    cz_poll_id ids[64];

    (void)state;
    cz_poll_table_init(&table);
    for (int i = 0; i < 64; i++)
        ids[i] = take(&table, i);
    for (int i = 63; i > 0; i--) {
        cz_alloc_fail_at(1);
        cz_poll_table_drop(&table, ids[i]);
    }
    cz_alloc_fail_at(0);
    assert_int_equal(table.capacity, 64);
    assert_int_equal(cz_poll_table_find(&table, ids[0])->fd, 0);
    for (int i = 1; i < 64; i++)
        take(&table, i);
    assert_int_equal(table.capacity, 64);
    cz_poll_table_fini(&table);
}

static void table_agrees_with_its_model(void **state)
{
    uint64_t random = random_seed();
    cz_poll_id live[LIVE_MAX], dead = 0;
    struct cz_poll_table table;
    uint32_t count = 0;

    (void)state;
    cz_poll_table_init(&table);
    for (int step = 0; step < STEPS; step++) {
        /* Waves: it fills up, and then empties, by turns. */
        bool is_drop = random_below(&random, 4) < (step / 1024 % 2 ? 3 : 1);

        if (is_drop && count > 0) {
            uint32_t i = random_below(&random, count);

            dead = live[i];
            cz_poll_table_drop(&table, dead);
            live[i] = live[--count];
        } else if (!is_drop && count < LIVE_MAX) {
            live[count] = take(&table, step);
            count++;
        }
        assert_int_equal(table.count, count);
        assert_null(cz_poll_table_find(&table, dead));
        for (uint32_t i = 0; i < count; i++)
            assert_non_null(cz_poll_table_find(&table, live[i]));
    }
    while (count > 0)
        cz_poll_table_drop(&table, live[--count]);
    assert_int_equal(table.capacity, 8);
    cz_poll_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_finds_its_slot_until_it_is_dropped),
        cmocka_unit_test(reused_slot_has_another_id),
        cmocka_unit_test(
            id_stays_dead_when_its_slot_is_given_back_and_grown_again),
        cmocka_unit_test(growth_without_memory_changes_nothing),
        cmocka_unit_test(shrinking_without_memory_keeps_the_table),
        cmocka_unit_test(table_agrees_with_its_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
