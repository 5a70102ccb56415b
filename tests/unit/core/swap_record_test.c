/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From a spool into a file and from there into chunks: everything comes back,
 * and nothing that was not written.
 *
 * Thread: one. Owns: the spool and the file of a scene.
 */
#include "core/swap_record.h"

#include "core/swap_spool.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

enum { LARGE = CZ_REF_MIN + 1000 };

struct scene {
    struct cz_spool spool;
    struct cz_swap_file file;
    uint64_t written;
    bool has_checks;
};

static void open_scene(struct scene *s, bool has_checks)
{
    memset(s, 0, sizeof *s);
    s->has_checks = has_checks;
    cz_spool_init(&s->spool, NULL);
    s->spool.frame_excess = has_checks ? CZ_RECORD_CHECK_SIZE : 0;
    cz_swap_file_init(&s->file);
    s->file.fd = cz_file_open_nameless("/tmp");
    assert_true(s->file.fd >= 0);
}

static void close_scene(struct scene *s)
{
    cz_spool_fini(&s->spool);
    cz_swap_file_fini(&s->file);
}

/* A frame of this size whose bytes are all its number. */
static void put(struct scene *s, uint8_t number, size_t size, bool has_more)
{
    static uint8_t bytes[CZ_REF_MIN];
    struct cz_frame frame = {
        .data = bytes,
        .size = size,
        .flags = has_more ? CZ_FRAME_MORE : 0,
    };

    if (size >= CZ_REF_MIN) {
        frame.buffer = cz_buffer_create(NULL, size);
        assert_non_null(frame.buffer);
        frame.data = frame.buffer->data;
        memset(frame.buffer->data, number, size);
    } else {
        memset(bytes, number, size);
    }
    assert_int_equal(cz_spool_put(&s->spool, &frame), 0);
    if (!has_more)
        cz_spool_complete(&s->spool);
}

static void spill(struct scene *s)
{
    uint64_t size = s->spool.bytes;

    assert_int_equal(cz_spool_write(&s->spool, &s->file, s->written), 0);
    assert_false(cz_spool_has_data(&s->spool));
    s->written += size;
}

/* The next frame of a chunk is this one; returns what follows. */
static const uint8_t *expect(const uint8_t *at, uint8_t number, size_t size,
                             bool has_more)
{
    struct cz_frame_ref ref;
    uint8_t flags;
    uint64_t body;
    size_t header = cz_frame_get_header(at, CZ_FRAME_HEADER_MAX, &flags, &body);
    const uint8_t *bytes = at + header;

    assert_int_equal(body, size);
    assert_int_equal(flags & CZ_FRAME_MORE, has_more);
    if (size >= CZ_REF_MIN) {
        memcpy(&ref, bytes, sizeof ref);
        bytes = ref.data;
    }
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], number);
    return at + cz_frame_footprint(body);
}

static struct cz_record_range whole(const struct scene *s)
{
    return (struct cz_record_range){
        .file = &s->file,
        .has_checks = s->has_checks,
        .end = s->written,
    };
}

static void drop(struct cz_chunk *chunk, uint32_t size)
{
    cz_spool_drop_frames(chunk->bytes, size);
    cz_chunk_destroy(chunk);
}

/* ---- claims --------------------------------------------------------- */

static void check_round_trip(bool has_checks)
{
    struct cz_record_range range;
    struct cz_chunk *chunk;
    uint32_t size, messages;
    const uint8_t *at;
    struct scene s;

    open_scene(&s, has_checks);
    put(&s, 1, 0, false);
    put(&s, 2, 255, true);
    put(&s, 3, 256, false);
    put(&s, 4, LARGE, true);
    put(&s, 5, 10, false);
    spill(&s);
    put(&s, 6, 300000, false);
    put(&s, 7, 1, false);
    spill(&s);
    range = whole(&s);
    assert_int_equal(cz_record_load(&range, &chunk, &size, &messages), 0);
    assert_int_equal(messages, 3);
    at = expect(chunk->bytes, 1, 0, false);
    at = expect(at, 2, 255, true);
    at = expect(at, 3, 256, false);
    at = expect(at, 4, LARGE, true);
    at = expect(at, 5, 10, false);
    assert_ptr_equal(at, chunk->bytes + size);
    drop(chunk, size);
    /* Longer than a block: by itself. */
    assert_int_equal(cz_record_load(&range, &chunk, &size, &messages), 0);
    assert_int_equal(messages, 1);
    assert_ptr_equal(expect(chunk->bytes, 6, 300000, false),
                     chunk->bytes + size);
    drop(chunk, size);
    assert_int_equal(cz_record_load(&range, &chunk, &size, &messages), 0);
    assert_ptr_equal(expect(chunk->bytes, 7, 1, false), chunk->bytes + size);
    drop(chunk, size);
    assert_true(range.begin == range.end);
    close_scene(&s);
}

static void what_was_written_comes_back(void **state)
{
    (void)state;
    check_round_trip(false);
    check_round_trip(true);
}

/* Wherever a bit is wrong: what comes before it, and no more. */
static void no_damage_passes_for_a_message(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, true);
    put(&s, 1, 20, false);
    put(&s, 2, 30, true);
    put(&s, 3, 300, false);
    put(&s, 4, 40, false);
    spill(&s);
    for (uint64_t place = 0; place < s.written; place++) {
        struct cz_record_range range = whole(&s);
        struct cz_chunk *chunk;
        uint32_t size, messages;
        uint8_t byte;
        struct iovec piece = {&byte, 1};
        int rc;

        assert_int_equal(cz_file_read(s.file.fd, &byte, 1, place), 1);
        byte ^= (uint8_t)(1 << place % 8);
        assert_int_equal(cz_file_write(s.file.fd, &piece, 1, place), 0);
        rc = cz_record_load(&range, &chunk, &size, &messages);
        if (place < 26) {
            assert_int_equal(rc, -EBADMSG);
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(messages, place < s.written - 46 ? 1 : 2);
            (void)expect(chunk->bytes, 1, 20, false);
            drop(chunk, size);
        }
        piece = (struct iovec){&byte, 1};
        byte ^= (uint8_t)(1 << place % 8);
        assert_int_equal(cz_file_write(s.file.fd, &piece, 1, place), 0);
    }
    close_scene(&s);
}

/* Cut anywhere, a file has whole messages and then none. */
static void no_torn_message_is_read(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, true);
    put(&s, 1, 20, false);
    put(&s, 2, 30, true);
    put(&s, 3, 300, false);
    spill(&s);
    for (uint64_t end = 0; end < s.written; end++) {
        struct cz_record_range range = whole(&s);
        struct cz_chunk *chunk;
        uint32_t size, messages;
        int rc;

        range.end = end;
        rc = cz_record_load(&range, &chunk, &size, &messages);
        assert_int_equal(rc, end < 26 ? -EBADMSG : 0);
        if (rc != 0)
            continue;
        assert_int_equal(messages, 1);
        drop(chunk, size);
        assert_int_equal(cz_record_load(&range, &chunk, &size, &messages),
                         -EBADMSG);
    }
    close_scene(&s);
}

static void the_spool_hands_over_whole_messages(void **state)
{
    struct cz_chunk *chunk;
    uint32_t size, messages;
    struct scene s;

    (void)state;
    open_scene(&s, false);
    put(&s, 1, 20, false);
    put(&s, 2, LARGE, false);
    put(&s, 3, 30, true);
    chunk = cz_spool_take(&s.spool, &size, &messages);
    assert_non_null(chunk);
    assert_int_equal(messages, 2);
    (void)expect(expect(chunk->bytes, 1, 20, false), 2, LARGE, false);
    drop(chunk, size);
    assert_false(cz_spool_has_data(&s.spool));
    put(&s, 4, 40, false);
    put(&s, 5, 50, true);
    cz_spool_rollback(&s.spool);
    chunk = cz_spool_take(&s.spool, &size, &messages);
    assert_int_equal(messages, 1);
    assert_ptr_equal(expect(expect(chunk->bytes, 3, 30, true), 4, 40, false),
                     chunk->bytes + size);
    drop(chunk, size);
    close_scene(&s);
}

/* However long, a message is in one chunk. */
static void a_message_of_many_frames_stays_together(void **state)
{
    struct cz_chunk *chunk;
    uint32_t size, messages;
    const uint8_t *at;
    struct scene s;

    (void)state;
    open_scene(&s, false);
    put(&s, 1, 100, false);
    for (int i = 0; i < 2000; i++)
        put(&s, 2, 200, true);
    put(&s, 3, 1, false);
    chunk = cz_spool_take(&s.spool, &size, &messages);
    assert_int_equal(messages, 1);
    drop(chunk, size);
    chunk = cz_spool_take(&s.spool, &size, &messages);
    assert_int_equal(messages, 1);
    at = chunk->bytes;
    for (int i = 0; i < 2000; i++)
        at = expect(at, 2, 200, true);
    assert_ptr_equal(expect(at, 3, 1, false), chunk->bytes + size);
    drop(chunk, size);
    assert_false(cz_spool_has_data(&s.spool));
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(no_damage_passes_for_a_message),
        cmocka_unit_test(no_torn_message_is_read),
        cmocka_unit_test(the_spool_hands_over_whole_messages),
        cmocka_unit_test(a_message_of_many_frames_stays_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
