/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams, seen by the network: what is gathered is exactly what ZMTP puts
 * on the wire, however little of it the kernel takes at a time; a broken
 * connection costs the message that was under way and no other; and what
 * arrives in runs and chunks comes out as messages.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "stream_kit.h"

struct part {
    size_t size;
    bool has_more;
};

/* Small ones in several chunks, and references among small ones. */
static const struct part small_parts[] = {
    {0, false},  {1, true},    {255, true}, {256, false}, {40, false},
    {600, true}, {0, true},    {7, false},  {300, false}, {200, true},
    {200, true}, {200, false}, {90, false}, {1500, true}, {3, false},
};
static const struct part mixed_parts[] = {
    {5, false},     {20000, false}, {3, true},  {16384, true}, {2, false},
    {16383, false}, {17000, true},  {1, false}, {9, true},     {9, false},
};

enum { WIRE_MAX = 100000 };

struct scene {
    const struct part *parts;
    size_t count;
    size_t size; /* of all parts on the wire */
    uint8_t bytes[WIRE_MAX];
    size_t ends[32]; /* where each message ends on the wire */
    size_t messages;
};

static void scene_make(struct scene *scene, const struct part *parts,
                       size_t count)
{
    memset(scene, 0, sizeof *scene);
    scene->parts = parts;
    scene->count = count;
    for (size_t i = 0; i < count; i++) {
        scene->size += kit_put_wire(scene->bytes + scene->size, (uint32_t)i,
                                    parts[i].size, parts[i].has_more);
        if (!parts[i].has_more)
            scene->ends[scene->messages++] = scene->size;
    }
}

static void scene_write(struct kit *k, const struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++) {
        assert_int_equal(kit_write(k, (uint32_t)i, scene->parts[i].size,
                                   scene->parts[i].has_more),
                         0);
    }
    kit_wake(k);
}

/* Passes up to `size` bytes on, comparing them. Returns how many. */
static size_t pass(struct kit *k, const uint8_t *expected, size_t size,
                   int count_max)
{
    struct iovec pieces[16];
    size_t total = 0;
    int count = cz_stream_gather(&k->stream, pieces, count_max, size);

    for (int i = 0; i < count && total < size; i++) {
        size_t part = pieces[i].iov_len;

        assert_true(part > 0);
        if (part > size - total)
            part = size - total;
        assert_memory_equal(pieces[i].iov_base, expected + total, part);
        total += part;
    }
    if (cz_stream_sent(&k->stream, total))
        kit_owe_credit(k, cz_stream_give_credit(&k->stream));
    return total;
}

static void pass_all(struct kit *k, const uint8_t *expected, size_t size,
                     size_t portion, int count_max)
{
    while (size > 0) {
        size_t part =
            pass(k, expected, portion < size ? portion : size, count_max);

        assert_true(part > 0);
        expected += part;
        size -= part;
    }
}

static void expect_nothing_to_gather(struct kit *k)
{
    struct iovec pieces[2];

    assert_int_equal(cz_stream_gather(&k->stream, pieces, 2, 1000), 0);
    assert_true(k->stream.r.is_asleep);
    kit_owe_credit(k, k->stream.r.owes_wake);
    k->stream.r.owes_wake = false;
    assert_int_equal(k->stream.r.consumed, k->stream.w.messages);
    assert_int_equal(atomic_load(&k->stream.consumed), k->stream.w.messages);
}

/* In the bodies of references every offset is like the next. */
static size_t next_split(size_t at)
{
    if (CZ_TSAN)
        return at + 61; /* one thread: nothing to find, and slow */
    return at % 211 == 0 && at > 4000 ? at + 190 : at + 1;
}

static void play_splits(const struct scene *scene)
{
    for (size_t at = 0; at <= scene->size; at = next_split(at)) {
        struct kit k;

        kit_init(&k, 0);
        scene_write(&k, scene);
        pass_all(&k, scene->bytes, at, WIRE_MAX, 16);
        pass_all(&k, scene->bytes + at, scene->size - at, WIRE_MAX, 16);
        expect_nothing_to_gather(&k);
        kit_fini(&k);
    }
}

static void the_kernel_may_stop_at_any_byte(void **state)
{
    static struct scene scene;

    (void)state;
    scene_make(&scene, small_parts, CZ_COUNT_OF(small_parts));
    play_splits(&scene);
    scene_make(&scene, mixed_parts, CZ_COUNT_OF(mixed_parts));
    play_splits(&scene);
}

static void the_kernel_may_take_any_portion(void **state)
{
    static struct scene scene;

    (void)state;
    for (int mixed = 0; mixed < 2; mixed++) {
        if (mixed)
            scene_make(&scene, mixed_parts, CZ_COUNT_OF(mixed_parts));
        else
            scene_make(&scene, small_parts, CZ_COUNT_OF(small_parts));
        for (size_t portion = 1; portion < 400; portion += 1 + portion / 7) {
            for (int count_max = 2; count_max <= 16; count_max *= 2) {
                struct kit k;

                kit_init(&k, 0);
                scene_write(&k, &scene);
                pass_all(&k, scene.bytes, scene.size, portion, count_max);
                expect_nothing_to_gather(&k);
                kit_fini(&k);
            }
        }
    }
}

/* ---- broken connections --------------------------------------------- */

/* The beginning of the first message that is still whole. */
static size_t scene_after_drop(const struct scene *scene, size_t at,
                               size_t *dropped)
{
    for (size_t i = 0; i < scene->messages; i++) {
        size_t begin = i ? scene->ends[i - 1] : 0;

        if (at > begin && at < scene->ends[i]) {
            *dropped = 1;
            return scene->ends[i];
        }
    }
    *dropped = 0;
    return at;
}

static void play_breaks(const struct scene *scene)
{
    for (size_t at = 0; at <= scene->size; at = next_split(at)) {
        struct kit k;
        size_t dropped;
        size_t next = scene_after_drop(scene, at, &dropped);

        kit_init(&k, (uint32_t)scene->messages);
        scene_write(&k, scene);
        pass_all(&k, scene->bytes, at, WIRE_MAX, 16);
        cz_stream_drop_partial(&k.stream);
        cz_stream_drop_partial(&k.stream);
        pass_all(&k, scene->bytes + next, scene->size - next, WIRE_MAX, 16);
        expect_nothing_to_gather(&k);
        kit_credit(&k);
        /* The next ones pass, as many as before. */
        scene_write(&k, scene);
        assert_int_equal(kit_write(&k, 0, 1, false), -EAGAIN);
        pass_all(&k, scene->bytes, scene->size, WIRE_MAX, 16);
        kit_fini(&k);
    }
}

static void a_break_costs_the_message_under_way(void **state)
{
    static struct scene scene;

    (void)state;
    scene_make(&scene, small_parts, CZ_COUNT_OF(small_parts));
    play_breaks(&scene);
    scene_make(&scene, mixed_parts, CZ_COUNT_OF(mixed_parts));
    play_breaks(&scene);
}

static void what_a_break_dropped_counts_as_read(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(kit_write(&k, i, 20000, false), 0);
    assert_int_equal(kit_write(&k, 4, 1, false), -EAGAIN);
    kit_wake(&k);
    assert_false(cz_stream_sent(&k.stream, 0));
    assert_int_equal(cz_stream_gather(&k.stream, (struct iovec[8]){{0}}, 8, 1),
                     2);
    assert_false(cz_stream_sent(&k.stream, 5000));
    cz_stream_drop_partial(&k.stream);
    assert_int_equal(k.stream.r.consumed, 1);
    assert_true(cz_stream_sent(&k.stream, 20009)); /* the second of four */
    assert_true(cz_stream_give_credit(&k.stream));
    kit_fini(&k);
}

static void a_stream_may_end_at_any_byte(void **state)
{
    static struct scene scene;

    (void)state;
    scene_make(&scene, mixed_parts, CZ_COUNT_OF(mixed_parts));
    for (size_t at = 0; at <= scene.size; at = next_split(at)) {
        struct kit k;

        kit_init(&k, 0);
        scene_write(&k, &scene);
        pass_all(&k, scene.bytes, at, WIRE_MAX, 16);
        assert_int_equal(kit_write(&k, 1, 30000, true), 0);
        kit_fini(&k);
    }
}

/* ---- arriving ------------------------------------------------------- */

/* Hands over parts [from, to), as a run or as a chunk. */
static void arrive(struct kit *k, const struct part *parts, size_t from,
                   size_t to, bool is_chunk)
{
    struct cz_chunk *chunk = cz_chunk_create(NULL, 20000);
    uint32_t begin = is_chunk ? 123 : 0;
    size_t size = 0;
    size_t complete = 0;
    uint32_t messages = 0;
    bool must_wake;

    assert_non_null(chunk);
    for (size_t i = from; i < to; i++) {
        size += kit_put_wire(chunk->bytes + begin + size, (uint32_t)i,
                             parts[i].size, parts[i].has_more);
        if (!parts[i].has_more) {
            complete = size;
            messages++;
        }
    }
    if (is_chunk) {
        must_wake = cz_stream_write_chunk(&k->stream, chunk, begin, complete,
                                          size, messages);
    } else {
        assert_int_equal(cz_stream_write_run(&k->stream, chunk->bytes, complete,
                                             size, messages, &must_wake),
                         0);
        cz_chunk_destroy(chunk);
    }
    kit_owe_wake(k, must_wake);
}

static void expect_messages(struct kit *k, const struct part *parts,
                            size_t from, size_t to)
{
    while (to > from && parts[to - 1].has_more)
        to--;
    kit_wake(k);
    for (size_t i = from; i < to; i++)
        kit_expect(k, (uint32_t)i, parts[i].size, parts[i].has_more);
    kit_expect_dry(k);
}

/* The first frame behind the last complete message before `at`. */
static size_t message_begin(const struct part *parts, size_t at)
{
    while (at > 0 && parts[at - 1].has_more)
        at--;
    return at;
}

static void arrivals_may_be_cut_between_any_frames(void **state)
{
    const size_t count = CZ_COUNT_OF(small_parts);

    (void)state;
    for (size_t cut = 0; cut <= count * 4; cut++) {
        size_t at = cut / 4;
        struct kit k;

        if (at == 0 || at == count)
            continue;
        kit_init(&k, 100);
        arrive(&k, small_parts, 0, at, cut & 1);
        expect_messages(&k, small_parts, 0, at);
        arrive(&k, small_parts, at, count, cut & 2);
        expect_messages(&k, small_parts, message_begin(small_parts, at), count);
        kit_fini(&k);
    }
}

static void a_break_takes_back_what_arrived_of_a_message(void **state)
{
    const size_t count = CZ_COUNT_OF(small_parts);

    (void)state;
    for (size_t cut = 4; cut < count * 4; cut++) {
        struct kit k;

        kit_init(&k, 100);
        arrive(&k, small_parts, 0, cut / 4, cut & 1);
        cz_stream_rollback(&k.stream);
        arrive(&k, small_parts, 0, count, cut & 2);
        kit_wake(&k);
        for (size_t i = 0; i < message_begin(small_parts, cut / 4); i++)
            kit_expect(&k, (uint32_t)i, small_parts[i].size,
                       small_parts[i].has_more);
        expect_messages(&k, small_parts, 0, count);
        kit_fini(&k);
    }
}

/* A peer may put a long header before any body. What it says in the body must
 * not be taken for a frame, least of all for one that refers to memory. */
static void a_long_header_before_a_short_body_is_no_trap(void **state)
{
    enum { BODY = 60, SIZE = 9 + BODY };
    static const uint8_t trap[] = {2, 0, 0, 0, 0, 1, 0};
    uint8_t bytes[2 * SIZE];

    (void)state;
    /* The trap ends in the header of the next frame. */
    memset(bytes, 'x', sizeof bytes);
    for (size_t at = 0; at < sizeof bytes; at += SIZE) {
        bytes[at] = 2;
        memset(bytes + at + 1, 0, 7);
        bytes[at + 8] = BODY;
        memcpy(bytes + at + SIZE - sizeof trap, trap, sizeof trap);
    }
    for (int unread = 0; unread < 4; unread++) {
        size_t complete = unread < 3 ? sizeof bytes : SIZE;
        struct cz_frame frame;
        bool must_wake;
        struct kit k;

        bytes[SIZE] = unread < 3 ? 2 : 3;
        kit_init(&k, 100);
        assert_int_equal(cz_stream_write_run(&k.stream, bytes, complete,
                                             sizeof bytes, complete / SIZE,
                                             &must_wake),
                         0);
        kit_owe_wake(&k, must_wake);
        kit_wake(&k);
        for (int i = unread % 3; i < 2; i++) {
            assert_true(kit_next(&k, &frame));
            assert_int_equal(frame.size, BODY);
            if (unread == 3)
                break;
        }
        cz_stream_rollback(&k.stream);
        kit_fini(&k);
    }
}

static void arrivals_use_up_credit(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 4);
    assert_true(cz_stream_has_credit(&k.stream));
    arrive(&k, small_parts, 0, 5, false); /* three messages */
    assert_true(cz_stream_has_credit(&k.stream));
    arrive(&k, small_parts, 0, 5, true);
    assert_false(cz_stream_has_credit(&k.stream));
    kit_wake(&k);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 5; i++)
            kit_expect(&k, (uint32_t)i, small_parts[i].size,
                       small_parts[i].has_more);
    }
    assert_true(kit_credit(&k));
    assert_true(cz_stream_has_credit(&k.stream));
    kit_fini(&k);
}

static void a_run_without_memory_changes_nothing(void **state)
{
    static uint8_t bytes[3000];
    size_t size = kit_put_wire(bytes, 7, 2000, false);
    bool must_wake;
    struct kit k;

    (void)state;
    kit_init(&k, 4);
    arrive(&k, small_parts, 0, 2, false);
    cz_alloc_fail_at(1);
    assert_int_equal(
        cz_stream_write_run(&k.stream, bytes, size, size, 1, &must_wake),
        -ENOMEM);
    cz_alloc_fail_at(0);
    assert_false(must_wake);
    arrive(&k, small_parts, 2, 5, false);
    expect_messages(&k, small_parts, 0, 5);
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_may_stop_at_any_byte),
        cmocka_unit_test(the_kernel_may_take_any_portion),
        cmocka_unit_test(a_break_costs_the_message_under_way),
        cmocka_unit_test(what_a_break_dropped_counts_as_read),
        cmocka_unit_test(a_stream_may_end_at_any_byte),
        cmocka_unit_test(arrivals_may_be_cut_between_any_frames),
        cmocka_unit_test(a_break_takes_back_what_arrived_of_a_message),
        cmocka_unit_test(a_long_header_before_a_short_body_is_no_trap),
        cmocka_unit_test(arrivals_use_up_credit),
        cmocka_unit_test(a_run_without_memory_changes_nothing),
    };

    return cmocka_run_group_tests_name("stream_wire", tests, NULL, NULL);
}
