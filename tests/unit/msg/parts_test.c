/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The parts that streams and messages are made of: chunks, buffers, frame
 * headers and metadata.
 *
 * Thread: one, and helpers that it joins. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fuzz/check.h"
#include "msg/chunk.h"
#include "msg/frame.h"
#include "msg/metadata.h"
#include "os/thread.h"

#include <string.h>

static void a_used_chunk_becomes_like_new(void **state)
{
    struct cz_chunk *chunk = cz_chunk_create(NULL, 600);

    (void)state;
    assert_int_equal(chunk->capacity, 600);
    memset(chunk->bytes, 1, 600);
    atomic_store(&chunk->limit, 5);
    chunk->begin = 3;
    chunk->messages = 8;
    chunk->next = chunk;
    chunk->is_continuation = chunk->has_refs = true;
    cz_chunk_reset(chunk);
    assert_int_equal(atomic_load(&chunk->limit), CZ_CHUNK_OPEN);
    assert_int_equal(chunk->begin, 0);
    assert_int_equal(chunk->messages, 0);
    assert_null(chunk->next);
    assert_false(chunk->is_continuation);
    assert_false(chunk->has_refs);
    assert_int_equal(chunk->capacity, 600);
    cz_chunk_destroy(chunk);
    cz_chunk_destroy(NULL);
    cz_alloc_fail_at(1);
    assert_null(cz_chunk_create(NULL, 1));
    cz_alloc_fail_at(0);
}

/* ---- buffers -------------------------------------------------------- */

enum { HOLDERS = 4, TURNS = 2000 };

static _Atomic int freed;

static void count_free(void *data, void *hint)
{
    CHECK(data == hint);
    ((uint8_t *)data)[0] = 0xff;
    atomic_fetch_add(&freed, 1);
}

static void hold_and_drop(void *arg)
{
    struct cz_buffer *buffer = arg;

    for (int i = 0; i < TURNS; i++)
        cz_buffer_unref(cz_buffer_ref(buffer));
    cz_buffer_unref(buffer);
}

static void the_last_holder_frees_and_only_that(void **state)
{
    static uint8_t data[8];

    (void)state;
    for (int round = 1; round <= 20; round++) {
        struct cz_thread threads[HOLDERS] = {{0}};
        struct cz_buffer *buffer =
            cz_buffer_wrap(data, sizeof data, count_free, data);

        assert_non_null(buffer);
        for (int i = 0; i < HOLDERS; i++)
            assert_int_equal(cz_thread_start(&threads[i], NULL, hold_and_drop,
                                             cz_buffer_ref(buffer)),
                             0);
        cz_buffer_unref(buffer);
        for (int i = 0; i < HOLDERS; i++)
            cz_thread_join(&threads[i]);
        assert_int_equal(atomic_load(&freed), round);
    }
}

static void a_buffer_without_memory_is_none(void **state)
{
    struct cz_buffer *heads[1000];
    size_t count = 0;

    (void)state;
    assert_null(cz_buffer_create(NULL, SIZE_MAX));
    cz_alloc_fail_at(1);
    assert_null(cz_buffer_create(NULL, 1));
    /* Heads come many at a time. */
    cz_alloc_fail_range(1, UINT32_MAX);
    while ((heads[count] = cz_buffer_wrap(NULL, 0, NULL, NULL)))
        assert_true(++count < CZ_COUNT_OF(heads));
    cz_alloc_fail_at(0);
    while (count > 0)
        cz_buffer_unref(heads[--count]);
}

/* ---- frames --------------------------------------------------------- */

static void headers_are_those_of_zmtp(void **state)
{
    uint8_t to[CZ_FRAME_HEADER_MAX];
    uint8_t flags;
    uint64_t body;

    (void)state;
    assert_int_equal(cz_frame_put_header(to, CZ_FRAME_MORE, 255), 2);
    assert_memory_equal(to, "\x01\xff", 2);
    assert_int_equal(cz_frame_put_header(to, CZ_FRAME_COMMAND, 256), 9);
    assert_memory_equal(to, "\x06\0\0\0\0\0\0\x01\0", 9);
    assert_int_equal(cz_frame_get_header(to, 9, &flags, &body), 9);
    assert_int_equal(flags, CZ_FRAME_COMMAND | CZ_FRAME_LONG);
    assert_int_equal(body, 256);
    for (size_t available = 2; available < 9; available++)
        assert_int_equal(cz_frame_get_header(to, available, &flags, &body), 0);
    assert_int_equal(
        cz_frame_get_header((const uint8_t *)"\0\x07", 2, &flags, &body), 2);
    assert_int_equal(body, 7);
}

static void a_large_body_leaves_only_a_reference(void **state)
{
    (void)state;
    assert_int_equal(cz_frame_footprint(0), 2);
    assert_int_equal(cz_frame_footprint(255), 257);
    assert_int_equal(cz_frame_footprint(256), 265);
    assert_int_equal(cz_frame_footprint(CZ_REF_MIN - 1), CZ_REF_MIN + 8);
    assert_int_equal(cz_frame_footprint(CZ_REF_MIN),
                     9 + sizeof(struct cz_frame_ref));
    assert_int_equal(cz_frame_footprint(SIZE_MAX),
                     9 + sizeof(struct cz_frame_ref));
}

/* ---- metadata ------------------------------------------------------- */

static struct cz_metadata_item item(const char *name, const char *value)
{
    return (struct cz_metadata_item){name, strlen(name), value, strlen(value)};
}

static void properties_are_found_by_name(void **state)
{
    const struct cz_metadata_item items[] = {
        item("Socket-Type", "PUSH"),
        item("Identity", "me"),
        item("Socket-Type", "PULL"),
        item("Empty", ""),
    };
    struct cz_metadata *m = cz_metadata_create(items, 4, 12);

    (void)state;
    assert_string_equal(cz_metadata_get(m, "Socket-Type"), "PUSH");
    assert_string_equal(cz_metadata_get(m, "Identity"), "me");
    assert_string_equal(cz_metadata_get(m, "Routing-Id"), "me");
    assert_string_equal(cz_metadata_get(m, "Empty"), "");
    assert_null(cz_metadata_get(m, "PUSH"));
    assert_null(cz_metadata_get(m, "Socket-Typ"));
    assert_null(cz_metadata_get(m, ""));
    assert_int_equal(cz_metadata_fd(m), 12);
    cz_metadata_ref(m, 3);
    cz_metadata_unref(m, 2);
    assert_string_equal(cz_metadata_get(m, "Identity"), "me");
    cz_metadata_unref(m, 2);
}

static void a_value_ends_at_its_first_nul(void **state)
{
    const struct cz_metadata_item items[] = {
        {"A", 1, "x\0B\0y", 5},
        {"B", 1, "right", 5},
        {"C", 1, NULL, 0},
    };
    struct cz_metadata *m = cz_metadata_create(items, 3, -1);

    (void)state;
    assert_string_equal(cz_metadata_get(m, "A"), "x");
    assert_string_equal(cz_metadata_get(m, "B"), "right");
    assert_string_equal(cz_metadata_get(m, "C"), "");
    assert_int_equal(cz_metadata_fd(m), -1);
    cz_metadata_unref(m, 1);
    cz_alloc_fail_at(1);
    assert_null(cz_metadata_create(items, 3, -1));
    cz_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_used_chunk_becomes_like_new),
        cmocka_unit_test(the_last_holder_frees_and_only_that),
        cmocka_unit_test(a_buffer_without_memory_is_none),
        cmocka_unit_test(headers_are_those_of_zmtp),
        cmocka_unit_test(a_large_body_leaves_only_a_reference),
        cmocka_unit_test(properties_are_found_by_name),
        cmocka_unit_test(a_value_ends_at_its_first_nul),
    };

    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
