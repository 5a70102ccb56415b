/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams of frames: how the writer lays them, and in which chunks.
 *
 * Thread: the writer's. Owns: the chunks that the reader has not got yet.
 */
#include "msg/stream.h"

enum {
    /* A larger chunk is given up as soon as all in it has been read. */
    KEPT_MAX = 8192,
    /* Behind so many bytes a batch goes back to the front of its chunk, if
     * what was written of it is no longer than that. */
    FRONT_MIN = 1024,
    MOVED_MAX = 256,
};

/* ---- chunks -------------------------------------------------------- */

/* Takes the mark of a reader that has read everything. Then the reader looks
 * at nothing until it is woken, and the stream is the writer's alone. Only
 * between messages. */
static bool stream_claim(struct cz_stream *s)
{
    struct cz_stream_writer *w = &s->w;

    if (w->has_claim)
        return true;
    /* The mark alone does not say that everything is read: a message
     * published just before it was set is only found by the reader's last
     * look, or by the next flush. Taking the mark here, and putting it back
     * if no message follows, would lose that message's wake-up. */
    if (!cz_stream_is_read(s))
        return false;
    /* Acquire: pairs with the reader's setting of the mark, so that its last
     * reads come before what is written now. */
    w->has_claim = atomic_fetch_and_explicit(&s->ctl, ~CZ_STREAM_ASLEEP,
                                             memory_order_acq_rel) &
                   CZ_STREAM_ASLEEP;
    return w->has_claim;
}

static void stream_unclaim(struct cz_stream *s)
{
    if (!s->w.has_claim)
        return;
    s->w.has_claim = false;
    atomic_fetch_or_explicit(&s->ctl, CZ_STREAM_ASLEEP, memory_order_acq_rel);
}

/* With a claim: frees the chunks before the open one, in which the reader
 * stopped, or which a rollback left empty. */
static void stream_free_passed(struct cz_stream *s)
{
    struct cz_chunk *chunk = s->restart ? s->restart : s->r.chunk;

    while (chunk != s->w.chunk) {
        struct cz_chunk *next = chunk->next;

        cz_chunk_destroy(chunk);
        chunk = next;
    }
    s->restart = NULL;
}

static void stream_open(struct cz_stream *s, struct cz_chunk *chunk)
{
    struct cz_stream_writer *w = &s->w;

    w->chunk = chunk;
    w->at = chunk->bytes + chunk->begin;
    w->room = chunk->capacity - chunk->begin;
    cz_stream_count_ahead(s);
}

/* There is no open chunk, nor a place that could be taken for one (see
 * cz_sheet_follow). */
static void stream_close(struct cz_stream_writer *w)
{
    w->chunk = NULL;
    w->at = NULL;
    w->room = 0;
}

/* With a claim, and nothing in the chunk: begins it again at the front. */
static void stream_begin_again(struct cz_stream *s, struct cz_chunk *chunk)
{
    cz_chunk_reset(chunk);
    s->restart = chunk;
    stream_open(s, chunk);
}

/* Leaves the open chunk, if there is one, for another. */
static void stream_link(struct cz_stream *s, struct cz_chunk *chunk)
{
    struct cz_stream_writer *w = &s->w;

    chunk->is_continuation = w->is_in_message;
    if (w->chunk) {
        w->chunk->messages = w->messages;
        w->chunk->next = chunk;
        /* Relaxed: see msg/chunk.h. */
        atomic_store_explicit(&w->chunk->limit,
                              (uint32_t)(w->at - w->chunk->bytes),
                              memory_order_relaxed);
    } else {
        s->restart = chunk;
    }
    stream_open(s, chunk);
    if (!w->is_in_message)
        cz_stream_remember(w);
}

/* A chunk with at least `need` bytes: the reader's last one, or a new one,
 * four times larger each time while the reader does not keep up. */
static struct cz_chunk *stream_obtain(struct cz_stream *s, size_t need)
{
    uint32_t wanted = (uint32_t)s->w.chunk_wanted * 64;
    /* Acquire: pairs with the release of the reader's exchange. */
    struct cz_chunk *chunk =
        atomic_exchange_explicit(&s->spare, NULL, memory_order_acquire);

    if (chunk && chunk->capacity >= need && chunk->capacity >= wanted / 4) {
        cz_chunk_reset(chunk);
        return chunk;
    }
    cz_chunk_destroy(chunk);
    while (wanted < need)
        wanted *= 2;
    chunk = cz_chunk_create(s->pool, wanted);
    if (chunk && wanted * 4 <= CZ_CHUNK_MAX)
        s->w.chunk_wanted = (uint16_t)(wanted * 4 / 64);
    return chunk;
}

uint8_t *cz_stream_grow(struct cz_stream *s, size_t need)
{
    struct cz_stream_writer *w = &s->w;
    struct cz_chunk *chunk = w->chunk;

    if (chunk && !w->is_in_message && stream_claim(s)) {
        /* Begin again at the front. */
        w->chunk_wanted = CZ_CHUNK_MIN / 64;
        stream_free_passed(s);
        if (chunk->capacity >= need && !chunk->has_refs && !chunk->is_on_loan &&
            chunk->capacity <= KEPT_MAX) {
            stream_begin_again(s, chunk);
            cz_stream_remember(w);
            return w->at;
        }
        stream_close(w);
        cz_chunk_destroy(chunk);
    }
    if (cz_stream_is_too_far_ahead(s))
        return NULL;
    chunk = stream_obtain(s, need);
    if (!chunk)
        return NULL;
    stream_link(s, chunk);
    return w->at;
}

bool cz_stream_open_view(struct cz_stream *s, struct cz_chunk *chunk,
                         const uint8_t *at)
{
    struct cz_chunk *view;

    if (cz_stream_is_too_far_ahead(s))
        return false;
    view = cz_chunk_view(chunk, at);
    if (view)
        stream_link(s, view);
    return view;
}

void cz_stream_trim(struct cz_stream *s)
{
    if (!s->w.chunk || s->w.is_in_message || !stream_claim(s))
        return;
    stream_free_passed(s);
    cz_chunk_destroy(s->w.chunk);
    stream_close(&s->w);
    s->w.chunk_wanted = CZ_CHUNK_MIN / 64;
    cz_chunk_destroy(
        atomic_exchange_explicit(&s->spare, NULL, memory_order_acquire));
    stream_unclaim(s);
}

bool cz_stream_is_fat(const struct cz_stream *s)
{
    return s->w.chunk ||
           atomic_load_explicit(&s->spare, memory_order_relaxed) != NULL;
}

/* ---- frames -------------------------------------------------------- */

static void stream_advance(struct cz_stream_writer *w, size_t size)
{
    w->at += size;
    w->room -= (uint32_t)size;
    w->pos += (uint32_t)size;
}

/* The reader sleeps until it is woken for what has just been published, the
 * beginning of a batch. Takes that to the front of the chunk: a hundred streams
 * that each went through their chunks would not fit the cache together. Not
 * inline, so that what calls it stays so (64 B over tcp: 4 % CPU a message). */
static CZ_NOINLINE void stream_go_to_front(struct cz_stream *s)
{
    struct cz_stream_writer *w = &s->w;
    struct cz_chunk *chunk = w->chunk;
    /* Relaxed: stored before the mark that has just been taken. */
    uint32_t size =
        w->pos - atomic_load_explicit(&s->consumed_pos, memory_order_relaxed);
    const uint8_t *from;

    if (size == 0 || size > MOVED_MAX || w->is_in_message ||
        chunk->is_on_loan || chunk->has_refs || chunk->capacity > KEPT_MAX ||
        w->at < chunk->bytes + FRONT_MIN + size)
        return;
    stream_free_passed(s);
    from = w->at - size;
    stream_begin_again(s, chunk);
    memcpy(w->at, from, size);
    w->at += size;
    w->room -= size;
}

bool cz_stream_flush_slow(struct cz_stream *s)
{
    if (s->w.has_claim) {
        s->w.has_claim = false;
        return true;
    }
    /* acq_rel, on the word that the reader marks: whichever of the two comes
     * second in that word's order sees what the other did before. */
    if (!(atomic_fetch_and_explicit(&s->ctl, ~CZ_STREAM_ASLEEP,
                                    memory_order_acq_rel) &
          CZ_STREAM_ASLEEP))
        return false;
    stream_go_to_front(s);
    return true;
}

/* Room in a chunk that may hold references. */
static uint8_t *stream_room_for_ref(struct cz_stream *s, size_t need)
{
    struct cz_stream_writer *w = &s->w;
    struct cz_chunk *chunk;

    if (w->chunk && w->chunk->has_refs && w->room >= need)
        return w->at;
    chunk = cz_chunk_create(s->pool, CZ_CHUNK_MIN);
    if (!chunk)
        return NULL;
    chunk->has_refs = true;
    stream_link(s, chunk);
    return w->at;
}

int cz_stream_put(struct cz_stream *s, const struct cz_frame *frame,
                  uint8_t flags)
{
    struct cz_stream_writer *w = &s->w;
    size_t need = cz_frame_footprint(frame->size);
    struct cz_frame_ref ref;
    uint8_t *to;

    if (frame->size < CZ_REF_MIN) {
        to = need <= w->room ? w->at : cz_stream_grow(s, need);
        if (!to)
            return -ENOMEM;
        CZ_PREFETCH_WRITE(to + CZ_STREAM_FETCH_AHEAD);
        (void)cz_frame_lay(to, flags, frame);
    } else {
        to = stream_room_for_ref(s, need);
        if (!to)
            return -ENOMEM;
        to += cz_frame_put_header(to, flags, frame->size);
        ref.buffer = frame->buffer;
        ref.data = frame->data;
        memcpy(to, &ref, sizeof ref);
        cz_count_add(&s->count.elsewhere, frame->size - sizeof ref);
    }
    stream_advance(w, need);
    return 0;
}

int cz_stream_write(struct cz_stream *s, const struct cz_frame *frame,
                    bool *must_wake)
{
    struct cz_stream_writer *w = &s->w;
    uint8_t flags = frame->flags;
    int rc;

    *must_wake = false;
    if (!w->is_in_message) {
        if (!cz_stream_has_credit(s))
            return -EAGAIN;
        if (flags & CZ_FRAME_MORE)
            cz_stream_remember(w);
    }
    rc = cz_stream_put(s, frame, flags);
    if (rc != 0)
        return rc;
    w->is_in_message = flags & CZ_FRAME_MORE;
    if (!w->is_in_message) {
        w->credit--;
        w->messages++;
        *must_wake = cz_stream_flush(s);
    }
    return 0;
}

int cz_stream_write_beyond(struct cz_stream *s, const struct cz_frame *frame,
                           bool *must_wake)
{
    struct cz_stream_writer *w = &s->w;
    bool is_lent = w->credit == 0;
    int rc;

    /* Lent: used up by the last frame, also of a message that a run began. */
    if (is_lent)
        w->credit = 1;
    rc = cz_stream_write(s, frame, must_wake);
    if (rc != 0 && is_lent)
        cz_stream_return_loan(s);
    return rc;
}

void cz_stream_rollback(struct cz_stream *s)
{
    struct cz_stream_writer *w = &s->w;

    if (!w->is_in_message)
        return;
    w->is_in_message = false;
    cz_stream_drop_frames(s, w->mark.chunk, w->mark.at, w->pos - w->mark.pos);
    cz_chunk_destroy_chain(w->mark.chunk->next);
    w->mark.chunk->next = NULL;
    atomic_store_explicit(&w->mark.chunk->limit, CZ_CHUNK_OPEN,
                          memory_order_relaxed);
    w->chunk = w->mark.chunk;
    w->at = w->mark.at;
    w->room = w->mark.room;
    w->pos = w->mark.pos;
    stream_unclaim(s);
}

int cz_stream_write_note(struct cz_stream *s, const void *note, size_t size,
                         bool *must_wake)
{
    struct cz_frame frame = {.data = note, .size = size};
    int rc = cz_stream_put(s, &frame, CZ_FRAME_NOTE);

    if (rc == 0) /* it is not the user's */
        cz_count_add(&s->count.elsewhere, -cz_frame_footprint(size));
    *must_wake = rc == 0 && cz_stream_flush(s);
    return rc;
}

/* Publishes up to where `complete` of the last `size` bytes end. */
static bool stream_publish_part(struct cz_stream *s, size_t complete,
                                size_t size, uint32_t messages)
{
    struct cz_stream_writer *w = &s->w;
    uint32_t rest = (uint32_t)(size - complete);
    bool must_wake = false;

    w->messages += messages;
    w->credit -= messages < w->credit ? messages : w->credit;
    if (messages > 0)
        w->is_in_message = false;
    if (rest > 0 && !w->is_in_message) {
        w->mark.chunk = w->chunk;
        w->mark.at = w->at - rest;
        w->mark.room = w->room + rest;
        w->mark.pos = w->pos - rest;
        w->is_in_message = true;
    }
    if (messages > 0) {
        w->pos -= rest;
        must_wake = cz_stream_flush(s);
        w->pos += rest;
    }
    return must_wake;
}

int cz_stream_write_run(struct cz_stream *s, const uint8_t *bytes,
                        size_t complete, size_t size, uint32_t messages,
                        bool *must_wake)
{
    struct cz_stream_writer *w = &s->w;
    uint8_t *to = size <= w->room ? w->at : cz_stream_grow(s, size);

    *must_wake = false;
    if (!to)
        return -ENOMEM;
    memcpy(to, bytes, size);
    stream_advance(w, size);
    *must_wake = stream_publish_part(s, complete, size, messages);
    return 0;
}

bool cz_stream_write_chunk(struct cz_stream *s, struct cz_chunk *chunk,
                           uint32_t begin, size_t complete, size_t size,
                           uint32_t messages)
{
    chunk->begin = begin;
    chunk->capacity = begin + (uint32_t)size;
    chunk->is_on_loan = true;
    stream_link(s, chunk);
    stream_advance(&s->w, size);
    return stream_publish_part(s, complete, size, messages);
}
