/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pattern/audience: who has subscribed to what, compared with a table of all
 * subscribers and all prefixes.
 *
 * Thread: the test's. Owns: its audiences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "common/random.h"
#include "pattern/audience.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 40, KEYS = 150 };

struct model {
    struct cz_audience audience;
    bool has[IDS][KEYS];
    uint64_t random;
};

static int model_setup(void **state)
{
    struct model *m = calloc(1, sizeof *m);

    if (!m)
        return -1;
    m->random = random_seed();
    cz_audience_init(&m->audience);
    *state = m;
    return 0;
}

static int model_teardown(void **state)
{
    struct model *m = *state;

    cz_alloc_fail_at(0);
    cz_audience_fini(&m->audience);
    free(m);
    return 0;
}

/* The key of a number: the first bytes of one text, so that all of them that
 * are not longer match it. */
static const uint8_t text[KEYS + 1];

static struct cz_span key(uint32_t number)
{
    return cz_span(text, number);
}

static uint32_t model_count(const struct model *m, uint32_t number)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < IDS; id++)
        count += m->has[id][number];
    return count;
}

static int model_add(struct model *m, uint32_t id, uint32_t number)
{
    bool is_first;
    int rc = cz_audience_add(&m->audience, id, key(number), &is_first);

    if (rc != 0)
        return rc;
    assert_int_equal(is_first, model_count(m, number) == 0);
    m->has[id][number] = true;
    return 0;
}

static void model_remove(struct model *m, uint32_t id, uint32_t number)
{
    uint32_t before = model_count(m, number);
    enum cz_audience_left left =
        cz_audience_remove(&m->audience, id, key(number));

    m->has[id][number] = false;
    if (before == 0)
        assert_int_equal(left, CZ_AUDIENCE_NOBODY);
    else
        assert_int_equal(left, model_count(m, number) ? CZ_AUDIENCE_OTHERS
                                                      : CZ_AUDIENCE_LAST);
}

static void model_drop(struct model *m, uint32_t id)
{
    struct cz_span prefix;
    bool is_last;

    while (cz_audience_take(&m->audience, id, &prefix, &is_last)) {
        assert_true(prefix.size < KEYS);
        assert_memory_equal(prefix.bytes, text, prefix.size);
        assert_true(m->has[id][prefix.size]);
        m->has[id][prefix.size] = false;
        assert_int_equal(is_last, model_count(m, (uint32_t)prefix.size) == 0);
    }
    for (uint32_t number = 0; number < KEYS; number++)
        assert_false(m->has[id][number]);
}

static void model_check(struct model *m, size_t size)
{
    struct cz_audience_match match;
    const struct cz_audience_seat *seats;
    uint32_t found[IDS] = {0};
    uint32_t count;

    cz_audience_match(&match, &m->audience, cz_span(text, size));
    while ((seats = cz_audience_match_next(&match, &count)))
        for (uint32_t i = 0; i < count; i++)
            found[seats[i].id]++;
    for (uint32_t id = 0; id < IDS; id++) {
        uint32_t expected = 0;

        for (uint32_t number = 0; number < KEYS && number <= size; number++)
            expected += m->has[id][number];
        assert_int_equal(found[id], expected);
    }
}

static void nobody_is_found_in_an_empty_audience(void **state)
{
    struct model *m = *state;

    model_check(m, 10);
    model_remove(m, 3, 3);
    model_drop(m, 3);
}

static void a_subscriber_has_a_prefix_once(void **state)
{
    struct model *m = *state;

    assert_int_equal(model_add(m, 7, 2), 0);
    assert_int_equal(model_add(m, 7, 2), 0);
    model_check(m, 5);
    model_remove(m, 7, 2);
    model_check(m, 5);
    model_remove(m, 7, 2);
}

static void a_crowd_shares_a_prefix(void **state)
{
    struct model *m = *state;

    for (uint32_t id = 0; id < IDS; id++)
        assert_int_equal(model_add(m, id, 0), 0);
    for (uint32_t id = 0; id < IDS; id++)
        assert_int_equal(model_add(m, id, 0), 0);
    model_check(m, 0);
    for (uint32_t id = 0; id < IDS; id += 2)
        model_drop(m, id);
    model_check(m, 0);
    for (uint32_t id = 1; id < IDS; id += 2)
        model_remove(m, id, 0);
    assert_int_equal(m->audience.subs.count, 0);
}

static void who_goes_leaves_the_oldest_prefix_first(void **state)
{
    struct model *m = *state;
    struct cz_span prefix;
    bool is_last;

    for (uint32_t number = 1; number < 90; number++)
        assert_int_equal(model_add(m, 1, number), 0);
    for (uint32_t number = 1; number < 90; number++) {
        assert_true(cz_audience_take(&m->audience, 1, &prefix, &is_last));
        assert_int_equal(prefix.size, number);
        assert_true(is_last);
    }
    assert_false(cz_audience_take(&m->audience, 1, &prefix, &is_last));
    assert_int_equal(m->audience.subs.count, 0);
}

static void an_audience_does_what_a_table_does(void **state)
{
    struct model *m = *state;

    for (int i = 0; i < 60000; i++) {
        uint32_t id = random_below(&m->random, IDS);
        uint32_t number = random_below(&m->random, KEYS);
        uint32_t what = random_below(&m->random, 100);

        if (what == 0)
            model_drop(m, id);
        else if (what < (i / 10000 % 2 ? 30 : 70))
            assert_int_equal(model_add(m, id, number), 0);
        else
            model_remove(m, id, number);
        if (i % 50 == 0)
            model_check(m, random_below(&m->random, KEYS));
    }
    for (uint32_t id = 0; id < IDS; id++)
        model_drop(m, id);
    assert_int_equal(m->audience.subs.count, 0);
}

static void without_memory_nothing_changes(void **state)
{
    struct model *m = *state;
    uint32_t failures = 0;

    for (int i = 0; i < 20000; i++) {
        uint32_t id = random_below(&m->random, IDS);
        uint32_t number = random_below(&m->random, KEYS);
        int rc;

        cz_alloc_fail_range(1 + random_below(&m->random, 3), 100);
        if (random_below(&m->random, 2)) {
            rc = model_add(m, id, number);
            assert_true(rc == 0 || rc == -ENOMEM);
            failures += rc != 0;
        } else if (random_below(&m->random, 50) == 0) {
            model_drop(m, id);
        } else {
            model_remove(m, id, number);
        }
        cz_alloc_fail_at(0);
        if (i % 20 == 0)
            model_check(m, KEYS - 1);
    }
    assert_true(failures > 10);
}

#define ON_MODEL(test)                                                         \
    cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_MODEL(nobody_is_found_in_an_empty_audience),
        ON_MODEL(a_subscriber_has_a_prefix_once),
        ON_MODEL(a_crowd_shares_a_prefix),
        ON_MODEL(who_goes_leaves_the_oldest_prefix_first),
        ON_MODEL(an_audience_does_what_a_table_does),
        ON_MODEL(without_memory_nothing_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
