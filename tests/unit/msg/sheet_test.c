/* SPDX-License-Identifier: MPL-2.0 */
/*
 * msg/sheet: what many streams take from the same memory comes out of each of
 * them as if it had been written there alone, whatever they miss, roll back,
 * and whoever ends first; and the memory is given back.
 *
 * Thread: one; in the last test a reader each for its part of the streams.
 * Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "common/random.h"
#include "msg/sheet.h"
#include "os/thread.h"
#include "stream_kit.h"

enum { STREAMS = 6, QUEUE_MAX = 4096, LONG = 600 };

struct expected {
    uint32_t seed;
    uint32_t size;
    bool has_more;
};

struct scene {
    struct cz_sheet sheet;
    struct cz_pool *pool;
    struct kit kits[STREAMS];
    struct expected queues[STREAMS][QUEUE_MAX];
    uint32_t written[STREAMS]; /* frames of whole messages */
    uint32_t read[STREAMS];
    uint32_t shared; /* how often a stream took a frame from the sheet */
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->pool = cz_pool_create(1 << 20);
    assert_non_null(s->pool);
    for (int i = 0; i < STREAMS; i++)
        cz_stream_init(&s->kits[i].stream, 0, s->pool);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    cz_alloc_fail_at(0);
    for (int i = 0; i < STREAMS; i++)
        kit_fini(&s->kits[i]);
    cz_sheet_fini(&s->sheet);
    assert_int_equal(cz_pool_in_use(s->pool), 0);
    cz_pool_unref(s->pool);
    free(s);
    return 0;
}

/* As pattern/dist does it. False: no memory. */
static bool put(struct scene *s, int i, const struct cz_frame *frame)
{
    struct cz_stream *stream = &s->kits[i].stream;
    bool has_more = frame->flags & CZ_FRAME_MORE;
    bool must_wake = false;

    if (cz_sheet_follow(&s->sheet, stream, has_more) ||
        cz_sheet_share(&s->sheet, stream, frame)) {
        s->shared++;
        must_wake = !has_more && cz_stream_flush(stream);
    } else if (cz_stream_write(stream, frame, &must_wake) != 0) {
        return false;
    }
    kit_owe_wake(&s->kits[i], must_wake);
    return true;
}

/* One frame for all streams whose bit is set in `who`. Those without memory
 * for it lose their bit, and the message. */
static uint32_t send(struct scene *s, uint32_t who, uint32_t seed, size_t size,
                     bool has_more)
{
    uint8_t space[CZ_REF_MIN];
    struct cz_frame frame;

    assert_true(kit_frame(&frame, space, seed, size, has_more));
    cz_sheet_next(&s->sheet);
    if (seed % 2)
        cz_sheet_offer(&s->sheet, &frame);
    for (int i = 0; i < STREAMS; i++) {
        if (!(who >> i & 1))
            continue;
        if (!put(s, i, &frame)) {
            cz_stream_rollback(&s->kits[i].stream);
            who &= ~(1u << i);
        }
    }
    return who;
}

static const uint8_t *expect(struct scene *s, int i, uint32_t seed, size_t size)
{
    struct cz_frame frame;

    (void)kit_wake(&s->kits[i]);
    assert_true(kit_next(&s->kits[i], &frame));
    assert_int_equal(frame.size, size);
    assert_true(kit_matches(frame.data, seed, size));
    return frame.data;
}

/* All of them have more in their own chunks than fits. */
static void fill(struct scene *s)
{
    (void)send(s, (1 << STREAMS) - 1, 1, CZ_CHUNK_MIN - 20, false);
}

static void drain(struct scene *s, int i)
{
    struct cz_frame frame;

    do
        while (kit_next(&s->kits[i], &frame))
            continue;
    while (kit_wake(&s->kits[i]));
}

/* ---- tests ------------------------------------------------------------ */

static void streams_that_get_all_read_one_copy(void **state)
{
    struct scene *s = *state;

    fill(s);
    for (uint32_t seed = 2; seed < 200; seed++)
        (void)send(s, 7, seed, LONG, false);
    for (int i = 0; i < 3; i++)
        (void)expect(s, i, 1, CZ_CHUNK_MIN - 20);
    for (uint32_t seed = 2; seed < 200; seed++) {
        const uint8_t *first = expect(s, 0, seed, LONG);

        assert_ptr_equal(expect(s, 1, seed, LONG), first);
        assert_ptr_equal(expect(s, 2, seed, LONG), first);
    }
}

static void who_misses_a_frame_copies_the_next_and_comes_back(void **state)
{
    struct scene *s = *state;
    const uint8_t *first;
    uint32_t seed = 4;

    fill(s);
    (void)send(s, 3, 2, LONG, false);
    (void)send(s, 1, 3, LONG, false);
    for (; seed < 100; seed++)
        (void)send(s, 3, seed, LONG, false);
    for (int i = 0; i < 2; i++)
        (void)expect(s, i, 1, CZ_CHUNK_MIN - 20);
    assert_ptr_equal(expect(s, 0, 2, LONG), expect(s, 1, 2, LONG));
    (void)expect(s, 0, 3, LONG);
    first = expect(s, 0, 4, LONG);
    assert_ptr_not_equal(expect(s, 1, 4, LONG), first);
    for (seed = 5; seed < 100; seed++)
        first = expect(s, 0, seed, LONG);
    for (seed = 5; seed < 99; seed++)
        (void)expect(s, 1, seed, LONG);
    assert_ptr_equal(expect(s, 1, 99, LONG), first);
}

static void light_traffic_stays_in_small_chunks(void **state)
{
    struct scene *s = *state;

    for (uint32_t seed = 1; seed < 500; seed++) {
        (void)send(s, 63, seed, 100, false);
        for (int i = 0; i < STREAMS; i++) {
            (void)expect(s, i, seed, 100);
            kit_expect_dry(&s->kits[i]);
        }
    }
    assert_int_equal(s->shared, 0);
    assert_null(s->sheet.chunk);
}

static void a_sheet_that_nobody_reads_any_more_is_used_again(void **state)
{
    struct scene *s = *state;
    const struct cz_chunk *chunk;

    fill(s);
    (void)send(s, 63, 2, 8000, false);
    chunk = s->sheet.chunk;
    assert_non_null(chunk);
    for (int i = 0; i < STREAMS; i++) {
        drain(s, i);
        cz_stream_trim(&s->kits[i].stream);
    }
    assert_true(cz_chunk_is_unshared(s->sheet.chunk));
    fill(s);
    (void)send(s, 63, 3, 8000, false);
    assert_ptr_equal(s->sheet.chunk, chunk);
    (void)expect(s, 5, 1, CZ_CHUNK_MIN - 20);
    (void)expect(s, 5, 3, 8000);
}

static void a_rollback_takes_back_what_was_shared(void **state)
{
    struct scene *s = *state;

    fill(s);
    (void)send(s, 3, 2, LONG, true);
    (void)send(s, 3, 3, 3000, true);
    cz_stream_rollback(&s->kits[1].stream);
    (void)send(s, 1, 4, LONG, false);
    (void)send(s, 3, 5, LONG, false);
    for (int i = 0; i < 2; i++)
        (void)expect(s, i, 1, CZ_CHUNK_MIN - 20);
    (void)expect(s, 0, 2, LONG);
    (void)expect(s, 0, 3, 3000);
    (void)expect(s, 0, 4, LONG);
    (void)expect(s, 0, 5, LONG);
    (void)expect(s, 1, 5, LONG);
    kit_expect_dry(&s->kits[1]);
}

static void any_allocation_may_fail(void **state)
{
    struct scene *s = *state;

    for (int nth = 1; nth < 60; nth++) {
        uint32_t got[STREAMS] = {0};

        fill(s);
        for (int i = 0; i < STREAMS; i++)
            (void)expect(s, i, 1, CZ_CHUNK_MIN - 20);
        cz_alloc_fail_at((uint64_t)nth);
        for (uint32_t seed = 2; seed < 12; seed++) {
            uint32_t who = send(s, 63, seed, 7000, false);

            for (int i = 0; i < STREAMS; i++)
                got[i] |= (who >> i & 1) << seed;
        }
        cz_alloc_fail_at(0);
        for (int i = 0; i < STREAMS; i++) {
            for (uint32_t seed = 2; seed < 12; seed++)
                if (got[i] >> seed & 1)
                    (void)expect(s, i, seed, 7000);
            (void)kit_wake(&s->kits[i]);
            kit_expect_dry(&s->kits[i]);
            cz_stream_trim(&s->kits[i].stream);
        }
    }
}

/* ---- at random --------------------------------------------------------- */

static void read_some(struct scene *s, int i, uint32_t count)
{
    while (count-- > 0 && s->read[i] != s->written[i]) {
        const struct expected *e = &s->queues[i][s->read[i]++ % QUEUE_MAX];
        struct cz_frame frame;

        (void)kit_wake(&s->kits[i]);
        assert_true(kit_next(&s->kits[i], &frame));
        assert_int_equal(frame.size, e->size);
        assert_int_equal(frame.flags, e->has_more ? CZ_FRAME_MORE : 0);
        assert_true(kit_matches(frame.data, e->seed, e->size));
    }
}

static void send_message(struct scene *s, uint64_t *dice)
{
    struct expected frames[3];
    uint32_t count = random_below(dice, 4) ? 1 : 1 + random_below(dice, 3);
    uint32_t who = random_below(dice, 4) ? 63 : random_below(dice, 64);

    for (int i = 0; i < STREAMS; i++)
        if (s->written[i] - s->read[i] > QUEUE_MAX - 3)
            read_some(s, i, QUEUE_MAX);
    for (uint32_t n = 0; n < count; n++) {
        frames[n].seed = random_below(dice, 1000);
        frames[n].size = random_below(dice, random_below(dice, 9) ? 90 : 9000);
        frames[n].has_more = n + 1 < count;
        who = send(s, who, frames[n].seed, frames[n].size, frames[n].has_more);
        for (int i = 0; i < STREAMS; i++)
            if (frames[n].has_more && (who >> i & 1) &&
                random_below(dice, 20) == 0) {
                cz_stream_rollback(&s->kits[i].stream);
                who &= ~(1u << i);
            }
    }
    for (int i = 0; i < STREAMS; i++)
        for (uint32_t n = 0; n < count && (who >> i & 1); n++)
            s->queues[i][s->written[i]++ % QUEUE_MAX] = frames[n];
}

static void whatever_is_sent_arrives_in_order_and_whole(void **state)
{
    struct scene *s = *state;
    uint64_t dice = random_seed();

    for (int turn = 0; turn < 40000; turn++) {
        int i = (int)random_below(&dice, STREAMS);

        switch (random_below(&dice, 12)) {
        case 0:
            read_some(s, i, QUEUE_MAX);
            (void)kit_wake(&s->kits[i]);
            kit_expect_dry(&s->kits[i]);
            break;
        case 1:
            read_some(s, i, random_below(&dice, 100));
            break;
        case 2:
            cz_stream_trim(&s->kits[i].stream);
            break;
        case 3: /* it ends, and another one begins in its place */
            if (random_below(&dice, 10))
                break;
            kit_fini(&s->kits[i]);
            kit_init(&s->kits[i], 0);
            s->kits[i].stream.pool = s->pool;
            s->read[i] = s->written[i];
            break;
        default:
            send_message(s, &dice);
        }
    }
    for (int i = 0; i < STREAMS; i++)
        read_some(s, i, QUEUE_MAX);
    assert_true(s->shared > 1000);
}

/* ---- between threads --------------------------------------------------- */

#if CZ_TSAN
enum { MESSAGES = 20000 };
#else
enum { MESSAGES = 200000 };
#endif

struct part {
    struct scene *scene;
    _Atomic uint32_t *woken;
    int first;
};

static size_t size_of(uint32_t seed)
{
    return seed % 37 == 0 ? seed % 5000 : seed % 100;
}

static void read_part(void *arg)
{
    struct part *part = arg;
    uint32_t done = 0, seeds[STREAMS] = {0};

    while (done < STREAMS / 2) {
        for (int i = part->first; i < part->first + STREAMS / 2; i++) {
            struct cz_frame frame;

            if (atomic_exchange(&part->woken[i], 0))
                cz_stream_on_wake(&part->scene->kits[i].stream);
            for (int n = 0; n < 100; n++) {
                if (!cz_stream_read(&part->scene->kits[i].stream, &frame))
                    break;
                CHECK(frame.size == size_of(seeds[i]));
                CHECK(kit_matches(frame.data, seeds[i], frame.size));
                if (++seeds[i] == MESSAGES)
                    done++;
                if (cz_stream_count(&part->scene->kits[i].stream))
                    (void)!cz_stream_give_credit(&part->scene->kits[i].stream);
            }
        }
        cz_thread_yield();
    }
}

static void readers_in_other_threads_read_what_is_being_laid(void **state)
{
    struct scene *s = *state;
    _Atomic uint32_t woken[STREAMS] = {0};
    struct part parts[2] = {{s, woken, 0}, {s, woken, STREAMS / 2}};
    struct cz_thread threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(
            cz_thread_start(&threads[i], NULL, read_part, &parts[i]), 0);
    for (uint32_t seed = 0; seed < MESSAGES; seed++) {
        (void)send(s, 63, seed, size_of(seed), false);
        for (int i = 0; i < STREAMS; i++) {
            if (s->kits[i].is_wake_due)
                atomic_store(&woken[i], 1);
            s->kits[i].is_wake_due = false;
        }
    }
    for (int i = 0; i < 2; i++)
        cz_thread_join(&threads[i]);
    assert_true(s->shared > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_that_get_all_read_one_copy,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            who_misses_a_frame_copies_the_next_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(light_traffic_stays_in_small_chunks,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_sheet_that_nobody_reads_any_more_is_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rollback_takes_back_what_was_shared,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(any_allocation_may_fail, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            whatever_is_sent_arrives_in_order_and_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(
            readers_in_other_threads_read_what_is_being_laid, setup, teardown),
    };

    return cmocka_run_group_tests_name("sheet", tests, NULL, NULL);
}
