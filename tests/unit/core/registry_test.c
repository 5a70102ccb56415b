/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The registry of inproc names: against a plain array that is searched from
 * end to end, with thousands of names, and without memory.
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
#include "common/random.h"
#include "core/pipe.h"
#include "core/registry.h"
#include "core/socket.h"

enum { SOCKETS = 8, NAMES = 60, ROWS = 200, STEPS = 30000, MANY = 20000 };

struct scene {
    struct cz_registry registry;
    struct cz_socket sockets[SOCKETS]; /* only their lists of names are used */
};

static int scene_open(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    cz_registry_init(&scene->registry);
    for (size_t i = 0; i < SOCKETS; i++)
        cz_list_init(&scene->sockets[i].names);
    *state = scene;
    return 0;
}

static int scene_close(void **state)
{
    struct scene *scene = *state;

    cz_registry_fini(&scene->registry);
    free(scene);
    return 0;
}

static void name_of(unsigned number, char name[32])
{
    snprintf(name, 32, "inproc://name-%u", number);
}

static struct cz_registry_entry *
bind_number(struct scene *scene, unsigned number, struct cz_socket *socket)
{
    char name[32];

    name_of(number, name);
    return cz_registry_add(&scene->registry, CZ_REGISTRY_BOUND, name, socket,
                           NULL);
}

static struct cz_registry_entry *find_bound(struct scene *scene,
                                            unsigned number)
{
    char name[32];

    name_of(number, name);
    return cz_registry_find(&scene->registry, CZ_REGISTRY_BOUND, name);
}

/* An end that waits under the name; the other one is the caller's. */
static struct cz_pipe_end *wait_for(struct scene *scene, const char *name,
                                    struct cz_socket *socket)
{
    const uint32_t unlimited[2] = {0, 0};
    struct cz_pipe *pipe = cz_pipe_create(unlimited, NULL);

    assert_non_null(pipe);
    assert_non_null(cz_registry_add(&scene->registry, CZ_REGISTRY_WAITING, name,
                                    socket, &pipe->ends[1]));
    return &pipe->ends[0];
}

static void a_name_is_found_by_its_kind(void **state)
{
    struct scene *scene = *state;
    struct cz_registry *registry = &scene->registry;
    struct cz_registry_entry *entry =
        cz_registry_add(registry, CZ_REGISTRY_BOUND, "a", NULL, NULL);

    assert_ptr_equal(cz_registry_find(registry, CZ_REGISTRY_BOUND, "a"), entry);
    assert_null(cz_registry_find(registry, CZ_REGISTRY_BOUND, "b"));
    assert_null(cz_registry_find(registry, CZ_REGISTRY_WAITING, "a"));
    assert_false(cz_registry_is_free(registry, "a"));
    assert_true(cz_registry_is_free(registry, "b"));
    cz_registry_remove(entry);
    assert_true(cz_registry_is_free(registry, "a"));
}

static void a_name_may_be_bound_while_others_wait_for_it(void **state)
{
    struct scene *scene = *state;
    struct cz_pipe_end *end = wait_for(scene, "a", &scene->sockets[0]);

    assert_true(cz_registry_is_free(&scene->registry, "a"));
    cz_registry_close_socket(&scene->registry, &scene->sockets[0]);
    assert_null(cz_registry_find(&scene->registry, CZ_REGISTRY_WAITING, "a"));
    cz_pipe_close(end, 0);
}

static void the_first_who_waits_is_found_first(void **state)
{
    struct scene *scene = *state;
    struct cz_registry *registry = &scene->registry;
    struct cz_pipe_end *ends[50];

    for (unsigned i = 0; i < 50; i++) {
        ends[i] = wait_for(scene, "a", &scene->sockets[i % SOCKETS]);
        /* So that the table grows meanwhile. */
        for (unsigned k = 0; k < 4; k++)
            assert_non_null(bind_number(scene, 4 * i + k, NULL));
    }
    for (unsigned i = 0; i < 50; i++) {
        struct cz_registry_entry *entry =
            cz_registry_find(registry, CZ_REGISTRY_WAITING, "a");

        assert_ptr_equal(entry->end, ends[i]->peer);
        cz_pipe_close(entry->end, 0);
        cz_registry_remove(entry);
        cz_pipe_close(ends[i], 0);
    }
}

static void what_was_sent_waits_without_its_socket(void **state)
{
    struct scene *scene = *state;
    struct cz_registry *registry = &scene->registry;
    struct cz_pipe_end *end = wait_for(scene, "a", &scene->sockets[0]);
    struct cz_frame frame = {.data = (const uint8_t *)"word", .size = 4};
    struct cz_registry_entry *entry;

    assert_int_equal(cz_pipe_write(end, &frame), 0);
    cz_registry_close_socket(registry, &scene->sockets[0]);
    cz_pipe_close(end, -1);
    entry = cz_registry_find(registry, CZ_REGISTRY_WAITING, "a");
    assert_non_null(entry);
    assert_null(entry->socket);
    assert_true(cz_list_is_empty(&scene->sockets[0].names));
}

static void what_is_disowned_outlives_its_socket(void **state)
{
    struct scene *scene = *state;
    struct cz_registry_entry *entry = bind_number(scene, 1, &scene->sockets[0]);

    cz_registry_disown(entry);
    cz_registry_close_socket(&scene->registry, &scene->sockets[0]);
    assert_ptr_equal(find_bound(scene, 1), entry);
}

/* ---- against a model ------------------------------------------------ */

struct row {
    struct cz_registry_entry *entry; /* NULL: not in use */
    unsigned number;
    struct cz_socket *socket;
};

static int rows_remove(struct row *rows, const struct cz_socket *socket,
                       int number)
{
    int count = 0;

    for (size_t i = 0; i < ROWS; i++) {
        if (!rows[i].entry || rows[i].socket != socket ||
            (number >= 0 && rows[i].number != (unsigned)number))
            continue;
        rows[i].entry = NULL;
        count++;
    }
    return count;
}

static void rows_check(struct scene *scene, const struct row *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++) {
        if (!rows[i].entry)
            continue;
        count++;
        assert_ptr_equal(find_bound(scene, rows[i].number), rows[i].entry);
    }
    assert_int_equal(scene->registry.count, count);
}

static void it_agrees_with_a_plain_array(void **state)
{
    struct scene *scene = *state;
    struct row rows[ROWS] = {{NULL, 0, NULL}};
    uint64_t seed = random_seed();
    char name[32];

    for (int step = 0; step < STEPS; step++) {
        struct row *row = &rows[random_below(&seed, ROWS)];
        unsigned number = random_below(&seed, NAMES);
        struct cz_socket *socket =
            &scene->sockets[random_below(&seed, SOCKETS)];

        name_of(number, name);
        if (!row->entry && !find_bound(scene, number)) {
            *row = (struct row){bind_number(scene, number, socket), number,
                                socket};
            assert_non_null(row->entry);
        } else if (row->entry && random_below(&seed, 2)) {
            cz_registry_remove(row->entry);
            row->entry = NULL;
        } else if (random_below(&seed, 2)) {
            assert_int_equal(
                cz_registry_remove_socket(&scene->registry, socket, name),
                rows_remove(rows, socket, (int)number));
        } else if (random_below(&seed, 8) == 0) {
            cz_registry_close_socket(&scene->registry, socket);
            (void)rows_remove(rows, socket, -1);
        }
        if (step % 50 == 0)
            rows_check(scene, rows);
    }
    rows_check(scene, rows);
}

/* ---- many names ----------------------------------------------------- */

static size_t longest_list(const struct cz_registry *registry)
{
    size_t longest = 0;

    for (size_t i = 0; i < registry->list_count; i++) {
        size_t length = 0;

        cz_list_for_each (node, &registry->lists[i])
            length++;
        if (length > longest)
            longest = length;
    }
    return longest;
}

static void many_names_are_told_apart_quickly(void **state)
{
    struct scene *scene = *state;
    struct cz_registry *registry = &scene->registry;

    for (unsigned i = 0; i < MANY; i++)
        assert_non_null(bind_number(scene, i, &scene->sockets[i % SOCKETS]));
    assert_in_range(longest_list(registry), 1, 16);
    for (unsigned i = 0; i < MANY; i++)
        assert_ptr_equal(find_bound(scene, i)->socket,
                         &scene->sockets[i % SOCKETS]);
}

static void the_memory_of_many_names_comes_back(void **state)
{
    struct scene *scene = *state;
    struct cz_registry *registry = &scene->registry;

    for (unsigned i = 0; i < MANY; i++)
        assert_non_null(bind_number(scene, i, &scene->sockets[i % SOCKETS]));
    assert_in_range(registry->list_count, MANY, 4 * MANY);
    for (size_t i = 0; i < SOCKETS; i++)
        cz_registry_close_socket(registry, &scene->sockets[i]);
    assert_int_equal(registry->count, 0);
    assert_ptr_equal(registry->lists, registry->few);
}

static void without_memory_an_entry_is_refused(void **state)
{
    struct scene *scene = *state;

    for (uint64_t nth = 1; nth <= 2; nth++) {
        cz_alloc_fail_at(nth);
        assert_null(bind_number(scene, 1, &scene->sockets[0]));
        cz_alloc_fail_at(0);
        assert_null(find_bound(scene, 1));
        assert_true(cz_list_is_empty(&scene->sockets[0].names));
    }
}

static void without_memory_for_a_larger_table_the_old_one_serves(void **state)
{
    struct scene *scene = *state;
    unsigned number = 0;

    while (scene->registry.count < CZ_REGISTRY_LISTS_MIN)
        assert_non_null(bind_number(scene, number++, NULL));
    cz_alloc_fail_at(3); /* after the entry and its name */
    assert_non_null(bind_number(scene, number++, NULL));
    cz_alloc_fail_at(0);
    assert_ptr_equal(scene->registry.lists, scene->registry.few);
    for (unsigned i = 0; i < number; i++)
        assert_non_null(find_bound(scene, i));
    assert_non_null(bind_number(scene, number, NULL));
    assert_ptr_not_equal(scene->registry.lists, scene->registry.few);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_found_by_its_kind),
        TEST(a_name_may_be_bound_while_others_wait_for_it),
        TEST(the_first_who_waits_is_found_first),
        TEST(what_was_sent_waits_without_its_socket),
        TEST(what_is_disowned_outlives_its_socket),
        TEST(it_agrees_with_a_plain_array),
        TEST(many_names_are_told_apart_quickly),
        TEST(the_memory_of_many_names_comes_back),
        TEST(without_memory_an_entry_is_refused),
        TEST(without_memory_for_a_larger_table_the_old_one_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
