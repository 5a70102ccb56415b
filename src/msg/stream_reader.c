/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams of frames: the reader's side, frame by frame. How the network reads
 * them is in msg/stream_wire.c.
 *
 * Thread: see msg/stream.h.
 */
#include "msg/stream.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/thread.h"

enum {
    /* A reader that sleeps after batches smaller than this, this many times
     * in a row, turns to quiet mode; after one larger than that, back. */
    SMALL_BATCH = 16,
    SMALL_BATCHES_MAX = 4,
    LARGE_BATCH = 64,
    /* How long a reader in a busy stream waits for more before it sleeps. A
     * sleep costs the heavy barrier (10 us and more on virtual machines) and
     * a wake-up. */
    DALLY_US = 10,
    /* A look into a busy stream that finds less than these bytes came too
     * early; how long the next one waits, in turns of cz_cpu_relax, 0.7 us at
     * most where it was measured; and how many looks at most do not. */
    CLOSE_BYTES = 1024,
    HANG_BACK_TURNS = 16,
    BACKOFF_MAX = 127,
};

/* ---- following the chunks ------------------------------------------ */

static uint32_t reader_offset(const struct cz_stream_reader *r)
{
    return (uint32_t)(r->at - r->chunk->bytes);
}

/* Splits what is published from here on into this chunk's part and the rest. */
static void reader_split(struct cz_stream_reader *r, uint32_t total)
{
    /* Relaxed: see msg/chunk.h. */
    uint32_t limit =
        atomic_load_explicit(&r->chunk->limit, memory_order_relaxed);
    uint32_t here = limit - reader_offset(r);

    r->run = total < here ? total : here;
    r->left = total - r->run;
}

/* Steps from a chunk that has been read to its end into the next one, and
 * hands it back to the writer. */
static void reader_next_chunk(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    struct cz_chunk *old = r->chunk;

    r->chunk = old->next;
    r->at = r->chunk->bytes + r->chunk->begin;
    r->capacity = r->chunk->size;
    cz_stream_set_consumed(r, old->messages);
    /* Release: pairs with the acquire in the writer's exchange, so that the
     * reads above come before the chunk is filled again. */
    if (!old->is_on_loan)
        old = atomic_exchange_explicit(&s->spare, old, memory_order_acq_rel);
    cz_chunk_destroy(old);
    /* Relaxed: only keeps the writer within 2^31 bytes. */
    atomic_store_explicit(&s->consumed_pos, r->seen - r->left,
                          memory_order_relaxed);
    reader_split(r, r->left);
}

/* Takes in what has been published. False: nothing new. */
static bool reader_look(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    /* Acquire: pairs with the release in cz_stream_flush. */
    uint64_t word = atomic_load_explicit(&s->published, memory_order_acquire);
    uint32_t total = (uint32_t)word - r->seen;

    if (total == 0)
        return false;
    r->seen = (uint32_t)word;
    r->messages_seen = (uint32_t)(word >> 32);
    if (r->messages_seen - r->consumed > r->depth_max)
        __atomic_store_n(&r->depth_max, r->messages_seen - r->consumed,
                         __ATOMIC_RELAXED);
    reader_split(r, total);
    while (r->run == 0)
        reader_next_chunk(s);
    return true;
}

/* ---- the detour ---------------------------------------------------- */

/* Goes on in a chunk of the detour; the place in the stream is its end. */
static bool reader_take(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    uint32_t size, messages = 0;
    struct cz_detour *detour = cz_stream_detour(s);
    struct cz_chunk *chunk = detour->take(detour, &size, &messages);

    r->messages_seen += messages;
    if (!chunk) {
        cz_stream_set_consumed(r, r->consumed + messages);
        r->is_starved =
            atomic_load_explicit(&detour->has_data, memory_order_relaxed);
        return false;
    }
    r->main = r->chunk;
    r->main_at = r->at;
    r->side = r->chunk = chunk;
    r->at = chunk->bytes + chunk->begin;
    r->run = size;
    return true;
}

/* A chunk of the detour is read: back to the stream, where nothing is left of
 * what was published before. */
static void reader_leave_side(struct cz_stream_reader *r)
{
    cz_chunk_destroy(r->side);
    r->side = NULL;
    r->chunk = r->main;
    r->at = r->main_at;
}

/* Finds something to read. What is on a detour was put there when all that is
 * in the stream had been published, if it was there before the look. */
static bool reader_find(struct cz_stream *s)
{
    /* Acquire: pairs with the writer's setting it. */
    bool has_data = cz_stream_detour(s) &&
                    atomic_load_explicit(&cz_stream_detour(s)->has_data,
                                         memory_order_acquire);

    s->r.is_starved = false;
    return reader_look(s) || (has_data && reader_take(s));
}

/* ---- sleeping and waking ------------------------------------------- */

/* Chooses between the two ways of falling asleep, by how much was read since
 * the last time. Returns the bits to set. */
static uint32_t reader_choose_mode(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    uint32_t batch = r->consumed - r->slept_at;
    /* Where falling asleep costs nothing, it is worth less. */
    uint32_t large = r->is_writers ? SMALL_BATCH : LARGE_BATCH;

    r->slept_at = r->consumed;
    if (r->is_quiet && batch >= large && !r->stays_quiet &&
        cz_heavy_barrier_available()) {
        r->is_quiet = false;
        r->small_batches = 0;
        /* A writer that still sees the bit does no harm. */
        atomic_fetch_and_explicit(&s->ctl, ~CZ_STREAM_QUIET,
                                  memory_order_relaxed);
    } else if (!r->is_quiet && !r->is_writers && batch < SMALL_BATCH) {
        if (++r->small_batches == SMALL_BATCHES_MAX)
            return CZ_STREAM_ASLEEP | CZ_STREAM_QUIET;
    } else {
        r->small_batches = 0;
    }
    return CZ_STREAM_ASLEEP;
}

static void reader_wake(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;

    r->is_asleep = false;
    if (s->restart) {
        r->chunk = s->restart;
        s->restart = NULL;
        r->at = r->chunk->bytes + r->chunk->begin;
        r->capacity = r->chunk->size;
    }
}

/* Marks the reader asleep. False: something was published meanwhile and the
 * reader is awake after all. */
static bool reader_sleep(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    uint32_t bits = reader_choose_mode(s);
    uint64_t word;

    r->is_asleep = true;
    /* Relaxed: released by the mark, for stream_claim. */
    atomic_store_explicit(&s->consumed_pos, r->seen, memory_order_relaxed);
    /* On the word that the writer's locked operation changes: it pairs with
     * cz_stream_flush_slow and stream_claim. seq_cst for the detour's sake:
     * pairs with cz_stream_went_around. */
    atomic_fetch_or(&s->ctl, bits);
    if (!r->is_quiet && !r->is_writers)
        cz_heavy_barrier(); /* pairs with the light one in cz_stream_flush */
    if (bits & CZ_STREAM_QUIET)
        r->is_quiet = true;
    word = atomic_load_explicit(&s->published, memory_order_acquire);
    if ((uint32_t)word == r->seen &&
        !(cz_stream_detour(s) && atomic_load(&cz_stream_detour(s)->has_data)))
        return true;
    /* Take the mark back. If the writer has it already, the wake-up is on
     * its way and everything here belongs to the writer until it comes. */
    if (!(atomic_fetch_and_explicit(&s->ctl, ~CZ_STREAM_ASLEEP,
                                    memory_order_acq_rel) &
          CZ_STREAM_ASLEEP))
        return true;
    /* The writer may have had the mark meanwhile, moved to another chunk,
     * and put it back (cz_stream_trim, cz_stream_rollback). */
    reader_wake(s);
    return false;
}

/* Is so much coming that it pays to wait for it? */
static bool reader_is_busy(const struct cz_stream_reader *r)
{
    return r->dallies && !r->is_quiet &&
           r->consumed - r->slept_at >= LARGE_BATCH;
}

/* Before a look: lets a writer on another processor get ahead. Right behind it
 * a reader takes messages one by one, and for each of them the line with
 * `published` and the one that is being written change processors twice (1
 * byte: 14 and 60 million messages a second). */
static bool reader_hang_back(struct cz_stream_reader *r)
{
    if (!r->is_close || !reader_is_busy(r))
        return false;
    r->is_close = false;
    if (r->skip > 0) {
        r->skip--;
        return false;
    }
    for (int i = 0; i < HANG_BACK_TURNS; i++)
        cz_cpu_relax();
    return true;
}

/* After a look that found something. Where no second message comes while one
 * waits, waiting only delays those that answer each other. */
static void reader_judge(struct cz_stream_reader *r, bool has_waited)
{
    r->is_close = r->run + r->left < CLOSE_BYTES;
    if (!has_waited)
        return;
    if (r->messages_seen - r->consumed > 1)
        r->backoff = 0;
    else if (r->backoff < BACKOFF_MAX)
        r->backoff = (uint8_t)(r->backoff * 2 + 1);
    r->skip = r->backoff;
}

/* Waits a moment for more. Yielding gives a writer on the same processor the
 * time to fill the stream; with one on another it is just the pause that
 * lets a batch form: looking all the time would make a cache-line transfer
 * of every message. */
static bool reader_dally(struct cz_stream *s)
{
    uint64_t until_us = cz_clock_us() + DALLY_US;

    do {
        cz_thread_yield();
        if (reader_find(s))
            return true;
    } while (cz_clock_us() < until_us);
    return false;
}

bool cz_stream_refresh(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    bool has_waited;

    if (r->is_asleep)
        return false;
    if (r->left > 0) {
        while (r->run == 0)
            reader_next_chunk(s);
        return true;
    }
    if (r->side)
        reader_leave_side(r);
    has_waited = reader_hang_back(r);
    if (reader_find(s)) {
        reader_judge(r, has_waited);
        return true;
    }
    if (reader_is_busy(r) && reader_dally(s)) {
        reader_judge(r, false);
        return true;
    }
    while (!r->is_starved && !reader_sleep(s))
        if (reader_find(s))
            return true;
    if (r->consumed != r->credited && cz_stream_give_credit(s))
        r->owes_wake = true;
    return false;
}

bool cz_stream_slim(struct cz_stream *s)
{
    bool is_large = s->r.is_asleep && s->r.capacity > CZ_CHUNK_MIN;

    /* Acquire: as in stream_obtain. */
    cz_chunk_destroy(
        atomic_exchange_explicit(&s->spare, NULL, memory_order_acquire));
    if (is_large)
        s->r.capacity = 0;
    return is_large;
}

void cz_stream_on_wake(struct cz_stream *s)
{
    if (s->r.is_asleep)
        reader_wake(s);
}

bool cz_stream_disarm(struct cz_stream *s)
{
    return atomic_load(&s->is_writer_waiting) &&
           atomic_exchange(&s->is_writer_waiting, 0) == 1;
}

bool cz_stream_give_credit(struct cz_stream *s)
{
    s->r.credited = s->r.consumed;
    /* seq_cst, here and in what follows: pair with cz_stream_refill, which sets
     * the mark and then looks at the count; here it is the other way round. */
    atomic_store(&s->consumed, s->r.consumed);
    return cz_stream_disarm(s);
}

/* ---- for applications ---------------------------------------------- */

bool cz_stream_read(struct cz_stream *s, struct cz_frame *frame)
{
    struct cz_stream_reader *r = &s->r;
    struct cz_frame_ref ref;
    uint64_t body;
    size_t used;

    if (r->run == 0 && !cz_stream_refresh(s))
        return false;
    used = cz_frame_get_header(r->at, r->run, &frame->flags, &body);
    frame->flags &= (uint8_t)~CZ_FRAME_LONG;
    frame->size = body;
    if (body < CZ_REF_MIN) {
        frame->buffer = NULL;
        frame->data = r->at + used;
        used += body;
    } else {
        memcpy(&ref, r->at + used, sizeof ref);
        frame->buffer = ref.buffer;
        frame->data = ref.data;
        used += sizeof ref;
    }
    r->at += used;
    r->run -= (uint32_t)used;
    return true;
}

/* ---- dropping ------------------------------------------------------- */

/* Steps over one frame; true if it ended a message. */
static bool reader_skip_frame(struct cz_stream *s)
{
    struct cz_frame frame;

    if (!cz_stream_read(s, &frame))
        return true;
    if (frame.buffer)
        cz_buffer_unref(frame.buffer);
    return !(frame.flags & CZ_FRAME_MORE);
}

void cz_stream_drop_partial(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;
    const uint8_t *at;
    bool is_in_message;

    if (!r->chunk || r->is_asleep || r->run + r->left == 0)
        return;
    /* Find the frame that the broken-off byte belongs to, from the beginning
     * of the chunk: frames do not cross its border. */
    at = r->chunk->bytes + r->chunk->begin;
    is_in_message = r->chunk->is_continuation;
    for (;;) {
        uint8_t flags;
        uint64_t body;
        size_t used;

        if (at == r->at && r->sent == 0)
            break;
        used = cz_frame_get_header(at, CZ_FRAME_HEADER_MAX, &flags, &body);
        used = cz_frame_extent(used, body);
        if (at + used > r->at) {
            /* The frame itself is torn: go back to its first byte. */
            r->run += (uint32_t)(r->at - at);
            r->at = at;
            r->sent = 0;
            is_in_message = true;
            break;
        }
        is_in_message = flags & CZ_FRAME_MORE;
        at += used;
    }
    if (!is_in_message)
        return;
    while (!reader_skip_frame(s))
        continue;
    if (r->run + r->left == 0)
        cz_stream_set_consumed(r, r->messages_seen);
    else if (r->chunk->has_refs)
        /* As reader_pass_frames counts them. */
        cz_stream_set_consumed(r, r->consumed + 1);
}

void cz_stream_drop_side(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;

    /* Without references there is nothing to be freed, and the place may be in
     * the middle of a frame. */
    while (r->chunk->has_refs && r->run > 0)
        (void)!reader_skip_frame(s);
    r->run = 0;
    r->sent = 0;
    reader_leave_side(r);
}
