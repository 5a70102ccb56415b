/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams, seen by an application: what is written comes out whole and in
 * order, nobody is woken twice, and the high-water mark counts exactly.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/membarrier.h"
#include "stream_kit.h"

static const size_t sizes[] = {
    0,   1,    2,    254,   255,   256,   257,   495,    510,
    511, 1000, 9000, 16382, 16383, 16384, 16385, 100000,
};

static void a_new_stream_is_empty_and_holds_nothing(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 10);
    kit_expect_dry(&k);
    assert_false(cz_stream_is_fat(&k.stream));
    kit_fini(&k);
}

static void every_size_comes_out_as_it_went_in(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 1000);
    for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
        assert_int_equal(kit_write(&k, i, sizes[i], false), 0);
        assert_true(kit_wake(&k));
        kit_expect(&k, i, sizes[i], false);
        kit_expect_dry(&k);
    }
    for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++)
        assert_int_equal(kit_write(&k, i, sizes[i], false), 0);
    kit_wake(&k);
    for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++)
        kit_expect(&k, i, sizes[i], false);
    kit_expect_dry(&k);
    kit_fini(&k);
}

static void unread_messages_are_freed_with_the_stream(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++)
        assert_int_equal(kit_write(&k, i, sizes[i], false), 0);
    kit_wake(&k);
    kit_expect(&k, 0, sizes[0], false);
    assert_int_equal(kit_write(&k, 1, 20000, true), 0);
    kit_fini(&k);
}

static void a_message_is_seen_when_its_last_frame_is_there(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 10);
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(kit_write(&k, i, 300, true), 0);
        assert_int_equal(k.wakes, 0);
    }
    kit_expect_dry(&k);
    assert_int_equal(kit_write(&k, 60, 20000, true), 0);
    assert_int_equal(kit_write(&k, 61, 3, false), 0);
    assert_true(kit_wake(&k));
    for (uint32_t i = 0; i < 60; i++)
        kit_expect(&k, i, 300, true);
    kit_expect(&k, 60, 20000, true);
    kit_expect(&k, 61, 3, false);
    kit_expect_dry(&k);
    kit_fini(&k);
}

static void one_sleep_is_ended_by_one_wake(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    for (unsigned round = 1; round <= 20; round++) {
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(kit_write(&k, i, 10, false), 0);
        assert_int_equal(k.wakes, round);
        assert_true(kit_wake(&k));
        for (uint32_t i = 0; i < 100; i++)
            kit_expect(&k, i, 10, false);
        kit_expect_dry(&k);
        kit_expect_dry(&k);
    }
    kit_fini(&k);
}

/* The interleaving that the mark alone does not tell from an empty stream:
 * published after the reader's last look, before its mark. The mark is put
 * by hand, as reader_sleep does it. */
static void a_claim_spares_what_the_reader_has_not_seen(void **state)
{
    struct kit k;
    struct cz_stream *s = &k.stream;

    (void)state;
    kit_init(&k, 0);
    assert_int_equal(kit_write(&k, 1, 100, false), 0);
    kit_wake(&k);
    kit_expect(&k, 1, 100, false);
    assert_int_equal(kit_write(&k, 2, 100, false), 0);
    assert_false(k.is_wake_due);
    s->r.is_asleep = true;
    atomic_store(&s->consumed_pos, s->r.seen);
    atomic_fetch_or(&s->ctl, CZ_STREAM_ASLEEP);

    cz_stream_trim(s);
    assert_int_equal(kit_write(&k, 3, 5000, true), 0);
    cz_stream_rollback(s);
    assert_true(atomic_load(&s->ctl) & CZ_STREAM_ASLEEP);
    assert_int_equal(kit_write(&k, 4, 5000, false), 0);
    assert_true(kit_wake(&k));
    kit_expect(&k, 2, 100, false);
    kit_expect(&k, 4, 5000, false);
    kit_expect_dry(&k);
    kit_fini(&k);
}

static void a_reader_in_a_steady_flow_changes_to_fast_and_back(void **state)
{
    struct kit k;

    (void)state;
    if (!cz_heavy_barrier_available())
        skip();
    kit_init(&k, 0);
    assert_true(k.stream.r.is_quiet);
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(kit_write(&k, i, 10, false), 0);
    kit_wake(&k);
    for (uint32_t i = 0; i < 64; i++)
        kit_expect(&k, i, 10, false);
    kit_expect_dry(&k);
    assert_false(k.stream.r.is_quiet);
    for (uint32_t i = 0; i < 4; i++) {
        assert_false(k.stream.r.is_quiet);
        assert_int_equal(kit_write(&k, i, 10, false), 0);
        assert_true(kit_wake(&k));
        kit_expect(&k, i, 10, false);
        kit_expect_dry(&k);
    }
    assert_true(k.stream.r.is_quiet);
    kit_fini(&k);
}

/* One round of `count` messages after which the reader falls asleep. */
static void round_of(struct kit *k, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(kit_write(k, i, 10, false), 0);
    assert_true(kit_wake(k));
    for (uint32_t i = 0; i < count; i++)
        kit_expect(k, i, 10, false);
    kit_expect_dry(k);
}

static void
who_reads_what_it_wrote_itself_is_soon_fast_and_stays_so(void **state)
{
    struct kit k;

    (void)state;
    if (!cz_heavy_barrier_available())
        skip();
    kit_init(&k, 0);
    k.stream.r.is_writers = true;
    round_of(&k, 15);
    assert_true(k.stream.r.is_quiet);
    round_of(&k, 16);
    for (int i = 0; i < 10; i++) {
        assert_false(k.stream.r.is_quiet);
        round_of(&k, 1);
    }
    /* Another thread decides for itself. */
    k.stream.r.is_writers = false;
    for (int i = 0; i < 4; i++)
        round_of(&k, 1);
    assert_true(k.stream.r.is_quiet);
    kit_fini(&k);
}

/* ---- taking back ---------------------------------------------------- */

static void count_free(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

static void a_rollback_leaves_no_trace(void **state)
{
    static uint8_t large[CZ_REF_MIN];
    int freed = 0;
    struct kit k;

    (void)state;
    kit_init(&k, 10);
    for (uint32_t frames = 1; frames < 40; frames++) {
        struct cz_frame frame = {
            .data = large, .size = sizeof large, .flags = CZ_FRAME_MORE};
        bool must_wake;

        for (uint32_t i = 0; i < frames; i++)
            assert_int_equal(kit_write(&k, i, i * 37, true), 0);
        frame.buffer = cz_buffer_wrap(large, sizeof large, count_free, &freed);
        assert_non_null(frame.buffer);
        assert_int_equal(cz_stream_write(&k.stream, &frame, &must_wake), 0);
        cz_stream_rollback(&k.stream);
        assert_int_equal(freed, frames);
        kit_expect_dry(&k);
        assert_int_equal(kit_write(&k, frames, frames, false), 0);
        assert_true(kit_wake(&k));
        kit_expect(&k, frames, frames, false);
        kit_expect_dry(&k);
    }
    kit_fini(&k);
}

static void a_rollback_keeps_what_is_complete(void **state)
{
    struct kit k;

    (void)state;
    for (size_t size = 400; size < 520; size++) {
        kit_init(&k, 10);
        assert_int_equal(kit_write(&k, 1, size, false), 0);
        assert_int_equal(kit_write(&k, 2, 300, true), 0);
        assert_int_equal(kit_write(&k, 3, 3000, true), 0);
        cz_stream_rollback(&k.stream);
        cz_stream_rollback(&k.stream);
        assert_int_equal(kit_write(&k, 4, 30, true), 0);
        assert_int_equal(kit_write(&k, 5, 600, false), 0);
        kit_wake(&k);
        kit_expect(&k, 1, size, false);
        kit_expect(&k, 4, 30, true);
        kit_expect(&k, 5, 600, false);
        kit_expect_dry(&k);
        kit_fini(&k);
    }
}

/* The reader stops in a chunk before the one that the rollback emptied. */
static void chunks_emptied_by_a_rollback_are_freed(void **state)
{
    struct kit k;

    (void)state;
    for (int is_trimmed = 0; is_trimmed < 2; is_trimmed++) {
        kit_init(&k, 0);
        assert_int_equal(kit_write(&k, 1, 500, false), 0);
        kit_wake(&k);
        kit_expect(&k, 1, 500, false);
        assert_int_equal(kit_write(&k, 2, 900, true), 0);
        cz_stream_rollback(&k.stream);
        kit_expect_dry(&k);
        if (is_trimmed)
            cz_stream_trim(&k.stream);
        assert_int_equal(kit_write(&k, 3, 9000, false), 0);
        assert_true(kit_wake(&k));
        kit_expect(&k, 3, 9000, false);
        kit_fini(&k);
    }
}

/* ---- memory --------------------------------------------------------- */

static void light_traffic_allocates_nothing(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    for (uint32_t i = 0; i < 10000; i++) {
        if (i == 10)
            cz_alloc_fail_at(0);
        assert_int_equal(kit_write(&k, i, i % 200, false), 0);
        assert_true(kit_wake(&k));
        kit_expect(&k, i, i % 200, false);
        kit_expect_dry(&k);
    }
    assert_int_equal(cz_alloc_calls(), 0);
    assert_true(k.stream.w.chunk->capacity <= CZ_CHUNK_MIN);
    kit_fini(&k);
}

/* Not wherever the one before has ended: a hundred streams that each went
 * through large chunks would not fit the cache. */
static void a_batch_begins_near_the_front_of_its_chunk(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    for (uint32_t round = 0; round < 1000; round++) {
        if (round == 10)
            cz_alloc_fail_at(0);
        for (uint32_t i = 0; i < 32; i++)
            assert_int_equal(kit_write(&k, i, 64, false), 0);
        assert_true(k.stream.w.at <= k.stream.w.chunk->bytes + 4096);
        assert_true(kit_wake(&k));
        for (uint32_t i = 0; i < 32; i++)
            kit_expect(&k, i, 64, false);
        kit_expect_dry(&k);
    }
    assert_int_equal(cz_alloc_calls(), 0);
    kit_fini(&k);
}

static void a_trim_gives_everything_back(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 5000; i++)
            assert_int_equal(kit_write(&k, i, 100, false), 0);
        cz_stream_trim(&k.stream);
        kit_wake(&k);
        cz_stream_trim(&k.stream);
        for (uint32_t i = 0; i < 5000; i++)
            kit_expect(&k, i, 100, false);
        cz_stream_trim(&k.stream);
        assert_true(cz_stream_is_fat(&k.stream));
        kit_expect_dry(&k);
        cz_stream_trim(&k.stream);
        assert_false(cz_stream_is_fat(&k.stream));
        cz_stream_trim(&k.stream);
        kit_expect_dry(&k);
    }
    assert_int_equal(kit_write(&k, 1, 1, true), 0);
    cz_stream_trim(&k.stream);
    assert_int_equal(kit_write(&k, 2, 2, false), 0);
    kit_wake(&k);
    kit_expect(&k, 1, 1, true);
    kit_expect(&k, 2, 2, false);
    kit_fini(&k);
}

/* Writes and reads all sorts; -ENOMEM leaves everything as it was. */
static bool play_without_memory(struct kit *k)
{
    bool has_failed = false;

    for (uint32_t round = 0; round < 3; round++) {
        bool is_written[CZ_COUNT_OF(sizes)];

        for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
            int rc = kit_write(k, i, 30 + i, true);

            if (rc == 0)
                rc = kit_write(k, i, sizes[i], false);
            is_written[i] = rc == 0;
            if (rc == 0)
                continue;
            assert_int_equal(rc, -ENOMEM);
            has_failed = true;
            cz_stream_rollback(&k->stream);
        }
        kit_wake(k);
        for (uint32_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
            if (!is_written[i])
                continue;
            kit_expect(k, i, 30 + i, true);
            kit_expect(k, i, sizes[i], false);
        }
        kit_expect_dry(k);
        if (round == 1)
            cz_stream_trim(&k->stream);
    }
    return has_failed;
}

static void any_allocation_may_fail(void **state)
{
    bool has_failed = true;
    struct kit k;

    (void)state;
    for (uint64_t nth = 1; has_failed; nth++) {
        assert_true(nth < 1000);
        kit_init(&k, 0);
        cz_alloc_fail_at(nth);
        has_failed = play_without_memory(&k);
        cz_alloc_fail_at(0);
        kit_fini(&k);
    }
}

static void a_failed_growth_after_a_rollback_is_survived(void **state)
{
    struct kit k;

    (void)state;
    kit_init(&k, 0);
    assert_int_equal(kit_write(&k, 1, 500, false), 0);
    kit_wake(&k);
    kit_expect(&k, 1, 500, false);
    kit_expect_dry(&k);
    assert_int_equal(kit_write(&k, 2, 100, true), 0);
    cz_stream_rollback(&k.stream);
    cz_alloc_fail_at(1);
    assert_int_equal(kit_write(&k, 3, 9000, false), -ENOMEM);
    cz_alloc_fail_at(0);
    kit_expect_dry(&k);
    cz_stream_trim(&k.stream);
    assert_int_equal(kit_write(&k, 3, 9000, false), 0);
    assert_true(kit_wake(&k));
    kit_expect(&k, 3, 9000, false);
    kit_fini(&k);
}

/* ---- notes ---------------------------------------------------------- */

static void a_note_comes_in_its_place_and_costs_no_credit(void **state)
{
    struct cz_metadata *metadata;
    struct cz_frame frame;
    bool must_wake;
    struct kit k;

    (void)state;
    kit_init(&k, 2);
    assert_int_equal(kit_write(&k, 1, 10, false), 0);
    for (int fd = 5; fd < 7; fd++) {
        metadata = cz_metadata_create(NULL, 0, fd);
        assert_non_null(metadata);
        assert_int_equal(cz_stream_write_note(&k.stream, &metadata,
                                              sizeof metadata, &must_wake),
                         0);
        assert_false(must_wake);
    }
    assert_int_equal(kit_write(&k, 2, 10, false), 0);
    assert_int_equal(kit_write(&k, 3, 10, false), -EAGAIN);
    kit_wake(&k);
    kit_expect(&k, 1, 10, false);
    assert_true(kit_next(&k, &frame));
    assert_int_equal(frame.flags, CZ_FRAME_NOTE);
    memcpy(&metadata, frame.data, sizeof metadata);
    assert_int_equal(cz_metadata_fd(metadata), 5);
    cz_metadata_unref(metadata, 1);
    kit_fini(&k); /* frees the note that nobody read */
}

static void a_note_alone_wakes(void **state)
{
    struct cz_metadata *metadata = cz_metadata_create(NULL, 0, 3);
    bool must_wake;
    struct kit k;

    (void)state;
    kit_init(&k, 2);
    assert_int_equal(
        cz_stream_write_note(&k.stream, &metadata, sizeof metadata, &must_wake),
        0);
    assert_true(must_wake);
    cz_stream_on_wake(&k.stream);
    assert_true(cz_stream_has_data(&k.stream));
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_stream_is_empty_and_holds_nothing),
        cmocka_unit_test(every_size_comes_out_as_it_went_in),
        cmocka_unit_test(unread_messages_are_freed_with_the_stream),
        cmocka_unit_test(a_message_is_seen_when_its_last_frame_is_there),
        cmocka_unit_test(one_sleep_is_ended_by_one_wake),
        cmocka_unit_test(a_claim_spares_what_the_reader_has_not_seen),
        cmocka_unit_test(a_reader_in_a_steady_flow_changes_to_fast_and_back),
        cmocka_unit_test(
            who_reads_what_it_wrote_itself_is_soon_fast_and_stays_so),
        cmocka_unit_test(a_rollback_leaves_no_trace),
        cmocka_unit_test(a_rollback_keeps_what_is_complete),
        cmocka_unit_test(chunks_emptied_by_a_rollback_are_freed),
        cmocka_unit_test(light_traffic_allocates_nothing),
        cmocka_unit_test(a_batch_begins_near_the_front_of_its_chunk),
        cmocka_unit_test(a_trim_gives_everything_back),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(a_failed_growth_after_a_rollback_is_survived),
        cmocka_unit_test(a_note_comes_in_its_place_and_costs_no_credit),
        cmocka_unit_test(a_note_alone_wakes),
    };

    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
