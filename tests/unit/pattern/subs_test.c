/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pattern/subs and pattern/records: sets of prefixes, compared with a list of
 * texts that is searched from end to end.
 *
 * Thread: the test's. Owns: its sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "common/random.h"
#include "pattern/subs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a set and what is known of it ------------------------------------ */

enum { MODEL_MAX = 4000 };

struct model_item {
    uint8_t *bytes;
    size_t size;
    uint32_t value;
    cz_record_ref ref;
};

struct model {
    struct cz_subs subs;
    struct model_item items[MODEL_MAX];
    uint32_t count;
    uint64_t random;
};

/* Each value is the item's number: so the model follows its records. */
static void model_on_move(void *owner, cz_record_ref to)
{
    struct model *m = owner;
    uint32_t value = *cz_subs_value(&m->subs, to);

    for (uint32_t i = 0; i < m->count; i++)
        if (m->items[i].value == value)
            m->items[i].ref = to;
}

static int model_setup(void **state)
{
    struct model *m = calloc(1, sizeof *m);

    if (!m)
        return -1;
    m->random = random_seed();
    cz_subs_init(&m->subs, 2, model_on_move, m);
    *state = m;
    return 0;
}

static int model_teardown(void **state)
{
    struct model *m = *state;

    cz_alloc_fail_at(0);
    for (uint32_t i = 0; i < m->count; i++)
        free(m->items[i].bytes);
    cz_subs_fini(&m->subs);
    free(m);
    return 0;
}

static struct model_item *model_find(struct model *m, struct cz_span key)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (cz_span_equals(cz_span(m->items[i].bytes, m->items[i].size), key))
            return &m->items[i];
    return NULL;
}

static int model_add(struct model *m, struct cz_span key)
{
    static uint32_t last_value;
    struct model_item *item = model_find(m, key);
    cz_record_ref ref;
    bool is_new;
    int rc = cz_subs_add(&m->subs, key, &ref, &is_new);

    if (rc != 0)
        return rc;
    assert_int_equal(is_new, !item);
    if (item) {
        assert_int_equal(ref, item->ref);
        return 0;
    }
    assert_int_equal(*cz_subs_value(&m->subs, ref), 0);
    item = &m->items[m->count++];
    item->bytes = malloc(key.size + 1);
    assert_non_null(item->bytes);
    cz_span_copy(item->bytes, key);
    item->size = key.size;
    item->ref = ref;
    item->value = *cz_subs_value(&m->subs, ref) = ++last_value;
    return 0;
}

static void model_remove(struct model *m, struct model_item *item)
{
    assert_int_equal(*cz_subs_value(&m->subs, item->ref), item->value);
    cz_subs_remove(&m->subs, item->ref);
    free(item->bytes);
    *item = m->items[--m->count];
    cz_subs_tidy(&m->subs);
}

static bool is_prefix(const struct model_item *item, struct cz_span topic)
{
    return item->size <= topic.size &&
           memcmp(item->bytes, topic.bytes, item->size) == 0;
}

/* The set finds what the list finds, shortest first, each once. */
static void model_check_topic(struct model *m, struct cz_span topic)
{
    struct cz_subs_match match;
    cz_record_ref ref;
    size_t longest = 0;
    uint32_t expected = 0;
    uint32_t found = 0;

    for (uint32_t i = 0; i < m->count; i++)
        expected += is_prefix(&m->items[i], topic);
    cz_subs_match(&match, &m->subs, topic);
    while ((ref = cz_subs_match_next(&match))) {
        struct cz_span prefix = cz_subs_prefix(&m->subs, ref);

        assert_true(found == 0 || prefix.size > longest);
        assert_non_null(model_find(m, prefix));
        assert_memory_equal(prefix.bytes, topic.bytes, prefix.size);
        longest = prefix.size;
        found++;
    }
    assert_int_equal(found, expected);
    assert_int_equal(cz_subs_matches(&m->subs, topic), expected > 0);
}

static void model_check_all(struct model *m)
{
    struct cz_records_walk walk = cz_records_walk();
    uint32_t count = 0;

    assert_int_equal(m->subs.count, m->count);
    while (cz_subs_next(&m->subs, &walk))
        count++;
    assert_int_equal(count, m->count);
    for (uint32_t i = 0; i < m->count; i++) {
        struct model_item *item = &m->items[i];
        struct cz_span key = cz_span(item->bytes, item->size);

        assert_int_equal(cz_subs_find(&m->subs, key), item->ref);
        assert_int_equal(*cz_subs_value(&m->subs, item->ref), item->value);
        assert_true(cz_span_equals(cz_subs_prefix(&m->subs, item->ref), key));
    }
}

/* ---- simple things ----------------------------------------------------- */

static void an_empty_set_matches_nothing(void **state)
{
    struct model *m = *state;

    assert_false(cz_subs_matches(&m->subs, cz_span_of_text("anything")));
    assert_false(cz_subs_matches(&m->subs, cz_span(NULL, 0)));
    assert_int_equal(cz_subs_find(&m->subs, cz_span(NULL, 0)), 0);
    cz_subs_tidy(&m->subs);
}

static void the_empty_prefix_matches_everything(void **state)
{
    struct model *m = *state;

    assert_int_equal(model_add(m, cz_span(NULL, 0)), 0);
    assert_true(cz_subs_matches(&m->subs, cz_span_of_text("anything")));
    assert_true(cz_subs_matches(&m->subs, cz_span(NULL, 0)));
    model_check_all(m);
}

static void a_prefix_matches_what_begins_with_it(void **state)
{
    struct model *m = *state;

    assert_int_equal(model_add(m, cz_span_of_text("weather")), 0);
    assert_true(cz_subs_matches(&m->subs, cz_span_of_text("weather")));
    assert_true(cz_subs_matches(&m->subs, cz_span_of_text("weather.oslo")));
    assert_false(cz_subs_matches(&m->subs, cz_span_of_text("weathe")));
    assert_false(cz_subs_matches(&m->subs, cz_span_of_text("weatheR")));
    assert_false(cz_subs_matches(&m->subs, cz_span_of_text("xweather")));
    assert_false(cz_subs_matches(&m->subs, cz_span(NULL, 0)));
}

static void bytes_of_zero_count(void **state)
{
    struct model *m = *state;
    static const uint8_t zeros[80];

    for (size_t size = 1; size < sizeof zeros; size += 2)
        assert_int_equal(model_add(m, cz_span(zeros, size)), 0);
    model_check_all(m);
    for (size_t size = 0; size <= sizeof zeros; size++)
        model_check_topic(m, cz_span(zeros, size));
}

static void what_is_removed_does_not_match(void **state)
{
    struct model *m = *state;

    assert_int_equal(model_add(m, cz_span_of_text("ab")), 0);
    assert_int_equal(model_add(m, cz_span_of_text("a")), 0);
    model_remove(m, model_find(m, cz_span_of_text("a")));
    assert_false(cz_subs_matches(&m->subs, cz_span_of_text("a")));
    model_check_topic(m, cz_span_of_text("abc"));
    assert_int_equal(model_add(m, cz_span_of_text("a")), 0);
    model_check_topic(m, cz_span_of_text("abc"));
    model_check_all(m);
}

/* ---- hostile ones ------------------------------------------------------ */

static void prefixes_of_every_length_are_found(void **state)
{
    struct model *m = *state;
    uint8_t topic[3000];

    for (size_t i = 0; i < sizeof topic; i++)
        topic[i] = (uint8_t)random_below(&m->random, 3);
    for (size_t size = 0; size < sizeof topic; size++)
        assert_int_equal(model_add(m, cz_span(topic, size)), 0);
    model_check_all(m);
    model_check_topic(m, cz_span(topic, sizeof topic));
    for (int i = 0; i < 50; i++) {
        size_t at = random_below(&m->random, sizeof topic);

        topic[at] ^= 1;
        model_check_topic(m, cz_span(topic, sizeof topic));
        topic[at] ^= 1;
    }
    while (m->count > 0)
        model_remove(m, &m->items[random_below(&m->random, m->count)]);
}

static void
strange_lengths_cost_others_no_more_than_a_probe_a_byte(void **state)
{
    struct model *m = *state;
    struct cz_subs_match match;
    static uint8_t bytes[3000];

    /* Nobody's topic begins like this, so only the short lengths and one stem
     * are looked at. */
    bytes[0] = 1;
    for (size_t size = 1; size < sizeof bytes; size++)
        assert_int_equal(model_add(m, cz_span(bytes, size)), 0);
    bytes[0] = 2;
    cz_subs_match(&match, &m->subs, cz_span(bytes, sizeof bytes));
    assert_int_equal(cz_subs_match_next(&match), 0);
    assert_true(match.index <= 65);
    assert_true(match.hash.done <= 64);
}

static void long_prefixes_are_kept(void **state)
{
    struct model *m = *state;
    size_t size = 300000;
    uint8_t *bytes = calloc(1, size + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < 10; i++) {
        bytes[size - 1 - i] = (uint8_t)i;
        assert_int_equal(model_add(m, cz_span(bytes, size - i)), 0);
    }
    model_check_all(m);
    model_check_topic(m, cz_span(bytes, size + 1));
    while (m->count > 5)
        model_remove(m, &m->items[0]);
    model_check_topic(m, cz_span(bytes, size + 1));
    free(bytes);
}

static void absurd_lengths_are_refused(void **state)
{
    struct model *m = *state;
    cz_record_ref ref;
    bool is_new;
    /* Never read: too long to be looked at. */
    struct cz_span absurd = {(const uint8_t *)"",
                             (size_t)CZ_RECORD_KEY_MAX + 1};

    assert_int_equal(cz_subs_add(&m->subs, absurd, &ref, &is_new), -ENOMEM);
    assert_int_equal(m->subs.count, 0);
}

/* ---- at random --------------------------------------------------------- */

/* Keys that are often beginnings of each other. */
static struct cz_span random_key(struct model *m, uint8_t *bytes, size_t max)
{
    size_t size = random_below(&m->random, 4) == 0
                      ? random_below(&m->random, (uint32_t)max)
                      : random_below(&m->random, 12);

    for (size_t i = 0; i < size; i++)
        bytes[i] = random_below(&m->random, 50) == 0 || i < 3
                       ? (uint8_t)random_below(&m->random, 3)
                       : 0;
    return cz_span(bytes, size);
}

static void a_set_does_what_a_list_does(void **state)
{
    struct model *m = *state;
    uint8_t bytes[300];

    /* Grows and shrinks by turns. */
    for (int i = 0; i < 20000; i++) {
        bool grows = i / 2000 % 2 == 0;

        if (random_below(&m->random, 3) < (grows ? 2 : 1))
            assert_int_equal(model_add(m, random_key(m, bytes, 300)), 0);
        else if (m->count > 0)
            model_remove(m, &m->items[random_below(&m->random, m->count)]);
        if (i % 8 == 0)
            model_check_topic(m, random_key(m, bytes, 300));
        if (i % 500 == 0)
            model_check_all(m);
    }
    while (m->count > 0)
        model_remove(m, &m->items[random_below(&m->random, m->count)]);
}

static void without_memory_nothing_changes(void **state)
{
    struct model *m = *state;
    uint8_t bytes[1500];
    uint32_t failures = 0;

    for (int i = 0; i < 3000; i++) {
        struct cz_span key = random_key(m, bytes, sizeof bytes);
        uint32_t count = m->count;
        int rc;

        cz_alloc_fail_range(1 + random_below(&m->random, 2), 100);
        rc = model_add(m, key);
        cz_alloc_fail_at(0);
        if (rc != 0) {
            assert_int_equal(rc, -ENOMEM);
            assert_int_equal(m->count, count);
            assert_int_equal(cz_subs_find(&m->subs, key), 0);
            failures++;
            assert_int_equal(model_add(m, key), 0);
        }
        if (m->count > 0 && random_below(&m->random, 3) == 0) {
            cz_alloc_fail_range(1, 100);
            model_remove(m, &m->items[random_below(&m->random, m->count)]);
            cz_alloc_fail_at(0);
        }
        if (i % 200 == 0)
            model_check_all(m);
    }
    assert_true(failures > 10);
    model_check_all(m);
}

/* ---- memory ------------------------------------------------------------ */

static void numbered_key(uint8_t to[16], uint32_t number)
{
    memset(to, 0, 16);
    snprintf((char *)to, 16, "topic.%08u", number);
}

static size_t bytes_of(const struct cz_subs *subs)
{
    const struct cz_records *r = &subs->records;
    size_t units = r->first_units;

    if (r->segment_count > 1)
        units += (size_t)(r->segment_count - 1) * CZ_RECORD_SEGMENT_UNITS;
    return subs->slot_count * sizeof *subs->slots + units * CZ_RECORD_UNIT;
}

static void many_take_few_bytes_each(void **state)
{
    struct model *m = *state;
    enum { COUNT = 200000 };
    uint8_t key[16];
    cz_record_ref ref;
    bool is_new;

    cz_subs_fini(&m->subs);
    cz_subs_init(&m->subs, 1, NULL, NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        numbered_key(key, i);
        assert_int_equal(cz_subs_add(&m->subs, cz_span(key, 16), &ref, &is_new),
                         0);
        assert_true(is_new);
    }
    assert_true(bytes_of(&m->subs) < COUNT * 40);
    /* What remains, remains where it can be found; the rest goes back. */
    for (uint32_t i = 0; i < COUNT; i++) {
        numbered_key(key, i);
        if (i % 1000 == 0)
            continue;
        cz_subs_remove(&m->subs, cz_subs_find(&m->subs, cz_span(key, 16)));
        cz_subs_tidy(&m->subs);
    }
    assert_int_equal(m->subs.count, COUNT / 1000);
    assert_true(bytes_of(&m->subs) < 40000);
    for (uint32_t i = 0; i < COUNT; i++) {
        numbered_key(key, i);
        assert_int_equal(cz_subs_matches(&m->subs, cz_span(key, 16)),
                         i % 1000 == 0);
    }
    for (uint32_t i = 0; i < COUNT; i += 1000) {
        numbered_key(key, i);
        cz_subs_remove(&m->subs, cz_subs_find(&m->subs, cz_span(key, 16)));
    }
    cz_subs_tidy(&m->subs);
    assert_int_equal(bytes_of(&m->subs), 0);
}

#define ON_MODEL(test)                                                         \
    cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_MODEL(an_empty_set_matches_nothing),
        ON_MODEL(the_empty_prefix_matches_everything),
        ON_MODEL(a_prefix_matches_what_begins_with_it),
        ON_MODEL(bytes_of_zero_count),
        ON_MODEL(what_is_removed_does_not_match),
        ON_MODEL(prefixes_of_every_length_are_found),
        ON_MODEL(strange_lengths_cost_others_no_more_than_a_probe_a_byte),
        ON_MODEL(long_prefixes_are_kept),
        ON_MODEL(absurd_lengths_are_refused),
        ON_MODEL(a_set_does_what_a_list_does),
        ON_MODEL(without_memory_nothing_changes),
        ON_MODEL(many_take_few_bytes_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
