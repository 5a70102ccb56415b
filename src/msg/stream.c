/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams of frames: beginning and end, and the writer's credit. How it lays
 * frames is in msg/stream_writer.c.
 *
 * Thread: see msg/stream.h. Owns: the chunks, and the buffers that unread
 * frames refer to.
 */
#include "msg/stream.h"

#include "msg/metadata.h"

enum {
    /* With no high-water mark, credit comes in portions, so that a mark set
     * later takes effect. */
    UNLIMITED_PORTION = 1024,
};

void cz_stream_init(struct cz_stream *s, uint32_t hwm, struct cz_pool *pool)
{
    memset(s, 0, sizeof *s);
    s->pool = pool;
    s->w.chunk_wanted = CZ_CHUNK_MIN / 64;
    atomic_init(&s->ctl, CZ_STREAM_ASLEEP | CZ_STREAM_QUIET);
    s->r.is_asleep = true;
    s->r.is_quiet = true;
    cz_stream_set_hwm(s, hwm);
}

void cz_stream_set_hwm(struct cz_stream *s, uint32_t hwm)
{
    uint32_t step = hwm ? hwm / 2 + hwm % 2 : UINT32_MAX;

    /* Relaxed: a number on its own; it may take effect a message later. */
    atomic_store_explicit(&s->hwm, hwm, memory_order_relaxed);
    atomic_store_explicit(&s->credit_step, step, memory_order_relaxed);
}

/* ---- counting ------------------------------------------------------- */

/* Relaxed: numbers on their own, and the writer's. */
static void stream_count(struct cz_stream *s, uint32_t ahead)
{
    struct cz_stream_count *count = &s->count;

    cz_count_follow(&count->messages, s->w.messages);
    cz_count_follow(&count->bytes, s->w.pos);
    if (ahead > atomic_load_explicit(&count->depth_max, memory_order_relaxed))
        atomic_store_explicit(&count->depth_max, ahead, memory_order_relaxed);
}

void cz_stream_count_ahead(struct cz_stream *s)
{
    stream_count(s, cz_stream_ahead(s));
}

static void stream_count_full(struct cz_stream *s)
{
    uint32_t full = atomic_load_explicit(&s->count.full, memory_order_relaxed);

    atomic_store_explicit(&s->count.full, full + 1, memory_order_relaxed);
}

/* ---- end ------------------------------------------------------------ */

void cz_stream_drop_frames(struct cz_stream *s, struct cz_chunk *chunk,
                           const uint8_t *at, uint32_t left)
{
    while (chunk && left > 0) {
        const uint8_t *end =
            chunk->bytes +
            atomic_load_explicit(&chunk->limit, memory_order_relaxed);
        struct cz_metadata *metadata;
        struct cz_frame_ref ref;
        uint8_t flags;
        uint64_t body;
        size_t used;

        if (at >= end) {
            chunk = chunk->next;
            at = chunk ? chunk->bytes + chunk->begin : NULL;
            continue;
        }
        used = cz_frame_get_header(at, left, &flags, &body);
        if (body >= CZ_REF_MIN) {
            memcpy(&ref, at + used, sizeof ref);
            cz_buffer_unref(ref.buffer);
            cz_count_add(&s->count.elsewhere, sizeof ref - body);
        } else if (flags & CZ_FRAME_NOTE) {
            memcpy(&metadata, at + used, sizeof metadata);
            if (metadata)
                cz_metadata_unref(metadata, 1);
        }
        used = cz_frame_extent(used, body);
        at += used;
        left -= (uint32_t)used;
    }
}

void cz_stream_fini(struct cz_stream *s)
{
    struct cz_stream_reader *r = &s->r;

    if (r->side)
        cz_stream_drop_side(s);
    cz_stream_drop_partial(s);
    if (s->restart) {
        r->chunk = s->restart;
        r->at = r->chunk->bytes + r->chunk->begin;
    }
    if (s->w.chunk) {
        cz_stream_drop_frames(s, r->chunk, r->at, cz_stream_unread(s));
        cz_chunk_destroy_chain(r->chunk);
    }
    cz_chunk_destroy(atomic_load_explicit(&s->spare, memory_order_relaxed));
    cz_stream_drop_latest(s);
}

/* ---- credit -------------------------------------------------------- */

static bool stream_take_credit(struct cz_stream *s)
{
    /* seq_cst: pairs with the store in cz_stream_give_credit; together with
     * is_writer_waiting neither side can miss the other. */
    uint32_t ahead = s->w.messages - atomic_load(&s->consumed);
    /* Relaxed, and after the load above: who raises the mark and then gives
     * credit is seen to have done both. */
    uint32_t hwm = atomic_load_explicit(&s->hwm, memory_order_relaxed);

    stream_count(s, ahead);
    if (cz_stream_is_too_far_ahead(s))
        return false;
    if (hwm == 0) {
        s->w.credit = UNLIMITED_PORTION;
        return true;
    }
    if (ahead >= hwm)
        return false;
    s->w.credit = hwm - ahead;
    return true;
}

bool cz_stream_arm(struct cz_stream *s)
{
    if (s->w.is_armed)
        return false;
    s->w.is_armed = true;
    /* seq_cst: pairs with cz_stream_give_credit and the detour's
     * giving room: cz_stream_disarm. */
    atomic_store(&s->is_writer_waiting, 1);
    return true;
}

/* Relaxed: nobody but the writer puts anything there; and what it writes to
 * the stream when it sees that all was taken is looked at only after that. */
static bool stream_is_detoured(const struct cz_stream *s)
{
    const struct cz_detour *detour = cz_stream_detour(s);

    return detour &&
           (detour->takes_all || detour->is_in_message ||
            atomic_load_explicit(&detour->has_data, memory_order_relaxed));
}

bool cz_stream_refill(struct cz_stream *s)
{
    /* There is always room for the latest; and with no credit there is no way
     * around cz_stream_write_latest. */
    if (s->is_conflating)
        return true;
    if (stream_is_detoured(s))
        return false;
    if (stream_take_credit(s))
        goto enough;
    if (!cz_stream_arm(s))
        return false;
    if (!stream_take_credit(s)) {
        stream_count_full(s);
        return false;
    }
enough:
    /* If the reader has already answered, the wake-up is under way and only
     * its arrival disarms us: it must not be sent twice. */
    if (s->w.is_armed && atomic_exchange(&s->is_writer_waiting, 0) == 1)
        s->w.is_armed = false;
    return true;
}
