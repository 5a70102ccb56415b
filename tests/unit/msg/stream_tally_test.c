/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams, counted from outside: every message and byte that was published
 * counts, once, and nothing that was taken back; beyond 2^32, too; and looking
 * on disturbs nobody.
 *
 * Thread: the main thread, and in one test a writer and a reader.
 * Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "msg/stream_tally.h"
#include "os/thread.h"
#include "stream_kit.h"

static const size_t sizes[] = {0, 1, 255, 256, 511, 16383, 16384, 100000};

static struct cz_stream_tally tally_of(struct kit *k)
{
    struct cz_stream_tally tally;

    cz_stream_tally(&k->stream, &tally);
    return tally;
}

static uint64_t wire_size(size_t body)
{
    return cz_frame_header_size(body) + body;
}

static void frames_of_all_sizes_count_as_they_go_on_the_wire(void **state)
{
    uint64_t bytes = 0;
    struct kit k;

    (void)state;
    kit_init(&k, 1000);
    assert_int_equal(tally_of(&k).messages, 0);
    assert_int_equal(tally_of(&k).bytes, 0);
    for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
        assert_int_equal(kit_write(&k, i, sizes[i], false), 0);
        kit_wake(&k);
        bytes += wire_size(sizes[i]);
        assert_int_equal(tally_of(&k).messages, i + 1);
        assert_int_equal(tally_of(&k).bytes, bytes);
        kit_expect(&k, i, sizes[i], false);
        kit_expect_dry(&k);
    }
    assert_int_equal(tally_of(&k).bytes, bytes);
    kit_fini(&k);
}

static void a_message_counts_when_it_is_complete(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 1000);
    assert_int_equal(kit_write(&k, 1, 10, true), 0);
    assert_int_equal(tally_of(&k).messages, 0);
    assert_int_equal(tally_of(&k).bytes, 0);
    assert_int_equal(kit_write(&k, 2, 10, false), 0);
    assert_int_equal(tally_of(&k).messages, 1);
    assert_int_equal(tally_of(&k).bytes, 24);
    kit_fini(&k);
}

static void what_is_taken_back_does_not_count(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 1000);
    assert_int_equal(kit_write(&k, 0, 10, false), 0);
    for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++)
        assert_int_equal(kit_write(&k, i, sizes[i], true), 0);
    cz_stream_rollback(&k.stream);
    assert_int_equal(tally_of(&k).messages, 1);
    assert_int_equal(tally_of(&k).bytes, 12);
    assert_int_equal(kit_write(&k, 0, 20000, false), 0);
    assert_int_equal(tally_of(&k).messages, 2);
    assert_int_equal(tally_of(&k).bytes, 12 + 9 + 20000);
    kit_fini(&k);
}

static void notes_are_nobodys_messages(void **state)
{
    struct cz_metadata *none = NULL;
    bool must_wake;
    struct kit k;

    (void)state;
    kit_init(&k, 1000);
    assert_int_equal(
        cz_stream_write_note(&k.stream, &none, sizeof none, &must_wake), 0);
    assert_int_equal(tally_of(&k).messages, 0);
    assert_int_equal(tally_of(&k).bytes, 0);
    kit_fini(&k);
}

static void counts_go_on_beyond_32_bits(void **state)
{
    const uint32_t brink = UINT32_MAX - 100;
    struct cz_stream *s;
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    s = &k.stream;
    /* As after so many bytes, and so many messages. */
    s->w.pos = s->r.seen = brink;
    s->w.messages = s->r.consumed = s->r.credited = s->r.messages_seen = brink;
    s->r.slept_at = brink;
    atomic_store(&s->consumed, brink);
    atomic_store(&s->consumed_pos, brink);
    atomic_store(&s->published, (uint64_t)brink << 32 | brink);
    cz_count_add(&s->count.messages, brink);
    cz_count_add(&s->count.bytes, brink);
    for (uint32_t i = 1; i <= 5000; i++) {
        assert_int_equal(kit_write(&k, i, 100, false), 0);
        kit_wake(&k);
        assert_int_equal(tally_of(&k).messages, (uint64_t)brink + i);
        assert_int_equal(tally_of(&k).bytes, (uint64_t)brink + 102 * i);
        assert_int_equal(tally_of(&k).queued, 1);
        kit_expect(&k, i, 100, false);
        assert_int_equal(tally_of(&k).queued, 0);
    }
    kit_fini(&k);
}

static void the_queue_is_what_is_not_read(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 7);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(kit_write(&k, i, 10, false), 0);
        assert_int_equal(tally_of(&k).queued, i + 1);
    }
    kit_wake(&k);
    for (uint32_t i = 0; i < 5; i++) {
        kit_expect(&k, i, 10, false);
        assert_int_equal(tally_of(&k).queued, 4 - i);
    }
    assert_int_equal(tally_of(&k).queued_max, 5);
    assert_int_equal(tally_of(&k).hwm, 7);
    kit_fini(&k);
}

/* The reader knows of two when five more come, and finds no more than those
 * five at once. Who looked on has seen six. */
static void what_was_seen_to_wait_stays_the_most(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 1000);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(kit_write(&k, i, 10, false), 0);
    kit_wake(&k);
    kit_expect(&k, 0, 10, false);
    for (uint32_t i = 2; i < 7; i++)
        assert_int_equal(kit_write(&k, i, 10, false), 0);
    assert_int_equal(tally_of(&k).queued, 6);
    for (uint32_t i = 1; i < 7; i++)
        kit_expect(&k, i, 10, false);
    assert_int_equal(tally_of(&k).queued, 0);
    assert_int_equal(tally_of(&k).queued_max, 6);
    kit_fini(&k);
}

static void meeting_the_mark_counts_once_until_there_is_room(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 3);
    for (unsigned round = 1; round <= 3; round++) {
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(kit_write(&k, i, 10, false), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(kit_write(&k, 0, 10, false), -EAGAIN);
        assert_int_equal(tally_of(&k).full, round);
        assert_int_equal(tally_of(&k).queued_max, 3);
        kit_wake(&k);
        for (uint32_t i = 0; i < 3; i++)
            kit_expect(&k, i, 10, false);
        kit_expect_dry(&k);
        kit_credit(&k);
    }
    kit_fini(&k);
}

static void of_conflated_messages_the_replaced_are_told_apart(void **state)
{
    const struct cz_frame frame = {.data = (const uint8_t *)"12345", .size = 5};
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    k.stream.is_conflating = true;
    for (int i = 0; i < 4; i++) {
        bool must_wake;

        assert_int_equal(cz_stream_write_latest(&k.stream, &frame, &must_wake),
                         0);
    }
    assert_int_equal(tally_of(&k).messages, 1);
    assert_int_equal(tally_of(&k).conflated, 3);
    assert_int_equal(tally_of(&k).bytes, 7);
    kit_fini(&k);
}

/* ---- threads -------------------------------------------------------- */

#if CZ_TSAN
enum { MESSAGES = 20000 };
#else
enum { MESSAGES = 200000 };
#endif

struct course {
    struct cz_stream stream;
    _Atomic uint32_t is_wake_due;
    _Atomic uint32_t is_over;
};

static void course_write(void *arg)
{
    struct course *c = arg;
    uint8_t body[40] = {0};

    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct cz_frame frame = {.data = body, .size = i % sizeof body};
        bool must_wake;

        CHECK(cz_stream_write(&c->stream, &frame, &must_wake) == 0);
        if (must_wake)
            atomic_store(&c->is_wake_due, 1);
    }
}

static void course_read(void *arg)
{
    struct course *c = arg;
    struct cz_frame frame;
    uint32_t count = 0;

    while (count < MESSAGES) {
        if (cz_stream_read(&c->stream, &frame)) {
            count++;
            if (cz_stream_count(&c->stream))
                CHECK(!cz_stream_give_credit(&c->stream));
        } else if (atomic_exchange(&c->is_wake_due, 0)) {
            cz_stream_on_wake(&c->stream);
        } else {
            cz_thread_yield();
        }
    }
    atomic_store(&c->is_over, 1);
}

static void looking_on_sees_counts_that_only_rise(void **state)
{
    struct cz_thread writer = {0}, reader = {0};
    struct cz_stream_tally last = {0};
    static struct course c;

    (void)state;
    cz_stream_init(&c.stream, 0, NULL);
    assert_int_equal(cz_thread_start(&writer, NULL, course_write, &c), 0);
    assert_int_equal(cz_thread_start(&reader, NULL, course_read, &c), 0);
    for (bool is_over = false; !is_over;) {
        struct cz_stream_tally now;

        is_over = atomic_load(&c.is_over);
        cz_stream_tally(&c.stream, &now);
        assert_true(now.messages >= last.messages);
        assert_true(now.messages <= MESSAGES);
        assert_true(now.bytes >= last.bytes);
        assert_true(now.queued <= now.messages);
        assert_true(now.queued <= now.queued_max);
        assert_true(now.queued_max >= last.queued_max);
        last = now;
        cz_thread_yield();
    }
    cz_thread_join(&writer);
    cz_thread_join(&reader);
    assert_int_equal(last.messages, MESSAGES);
    assert_int_equal(last.queued, 0);
    cz_stream_fini(&c.stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_all_sizes_count_as_they_go_on_the_wire),
        cmocka_unit_test(a_message_counts_when_it_is_complete),
        cmocka_unit_test(what_is_taken_back_does_not_count),
        cmocka_unit_test(notes_are_nobodys_messages),
        cmocka_unit_test(counts_go_on_beyond_32_bits),
        cmocka_unit_test(the_queue_is_what_is_not_read),
        cmocka_unit_test(what_was_seen_to_wait_stays_the_most),
        cmocka_unit_test(meeting_the_mark_counts_once_until_there_is_room),
        cmocka_unit_test(of_conflated_messages_the_replaced_are_told_apart),
        cmocka_unit_test(looking_on_sees_counts_that_only_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
