/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Spools: adding frames, writing them out, handing them over.
 *
 * Thread: see core/swap_spool.h. Owns: what is listed there.
 */
#include "core/swap_spool.h"

#include "base/bytes.h"
#include "core/swap_record.h"

#include <errno.h>
#include <string.h>

enum {
    /* So that one takes all that is written at once (swap.c), and a frame. */
    SPOOL_CHUNK_SIZE = 278528,
    PIECES_MAX = 64,
    /* Checks are made here, and short frames copied behind theirs: one piece,
     * which a kernel takes faster than several. */
    SCRATCH_SIZE = 1024,
};

void cz_spool_init(struct cz_spool *spool, struct cz_pool *pool)
{
    memset(spool, 0, sizeof *spool);
    spool->pool = pool;
}

void cz_spool_drop_frames(const uint8_t *at, size_t size)
{
    const uint8_t *end = at + size;

    while (at < end) {
        struct cz_frame_ref ref;
        uint8_t flags;
        uint64_t body;
        size_t header =
            cz_frame_get_header(at, CZ_FRAME_HEADER_MAX, &flags, &body);

        if (body >= CZ_REF_MIN) {
            memcpy(&ref, at + header, sizeof ref);
            cz_buffer_unref(ref.buffer);
        }
        at += cz_frame_footprint(body);
    }
}

/* The bytes of frames in a chunk. */
static uint32_t spool_size(const struct cz_spool *spool,
                           const struct cz_chunk *chunk)
{
    return chunk == spool->last ? spool->used : chunk->capacity;
}

static void spool_drop(struct cz_spool *spool, struct cz_chunk *chunk)
{
    if (chunk->has_refs)
        cz_spool_drop_frames(chunk->bytes, spool_size(spool, chunk));
    cz_chunk_destroy(chunk);
}

static void spool_clear(struct cz_spool *spool)
{
    while (spool->first) {
        struct cz_chunk *next = spool->first->next;

        spool_drop(spool, spool->first);
        spool->first = next;
    }
    spool->last = NULL;
    spool->used = spool->complete = 0;
    spool->bytes = spool->begun = 0;
}

void cz_spool_fini(struct cz_spool *spool)
{
    spool_clear(spool);
}

/* ---- adding --------------------------------------------------------- */

/* A chunk with what there is of the message that is not complete. */
static struct cz_chunk *spool_carry(const struct cz_spool *spool, size_t need)
{
    uint32_t part = spool->used - spool->complete;
    size_t capacity = SPOOL_CHUNK_SIZE;
    const struct cz_chunk *last = spool->last;
    struct cz_chunk *chunk;

    /* A long message of short frames: not copied for each of them. */
    if (part + need > capacity)
        capacity = (part + need) * 2;
    chunk = capacity <= UINT32_MAX / 2
                ? cz_chunk_create(spool->pool, (uint32_t)capacity)
                : NULL;
    if (chunk && last && part > 0) {
        memcpy(chunk->bytes, last->bytes + spool->complete, part);
        chunk->has_refs = last->has_refs;
    }
    return chunk;
}

/* A new last chunk; the message under way moves there. */
static int spool_extend(struct cz_spool *spool, size_t need)
{
    struct cz_chunk *chunk = spool_carry(spool, need);
    struct cz_chunk *old = spool->last;

    if (!chunk)
        return -ENOMEM;
    if (old && spool->complete > 0) {
        old->capacity = spool->complete;
        old->next = chunk;
    } else if (old) {
        /* It held nothing else; and it is the only one, for others are left
         * because a message ends in them. */
        struct cz_chunk **link = &spool->first;

        while (*link != old)
            link = &(*link)->next;
        *link = chunk;
        cz_chunk_destroy(old);
    } else {
        spool->first = chunk;
    }
    spool->used -= spool->complete;
    spool->complete = 0;
    spool->last = chunk;
    return 0;
}

/* What a frame takes in a file. */
static uint64_t spool_frame_size(const struct cz_spool *spool, size_t body)
{
    return spool->frame_excess + cz_frame_header_size(body) + body;
}

int cz_spool_put(struct cz_spool *spool, const struct cz_frame *frame)
{
    size_t need = cz_frame_footprint(frame->size);
    struct cz_frame_ref ref = {frame->buffer, frame->data};
    uint8_t *to;

    if (!spool->last || need > spool->last->capacity - spool->used) {
        int rc = spool_extend(spool, need);

        if (rc != 0)
            return rc;
    }
    to = spool->last->bytes + spool->used;
    to += cz_frame_put_header(to, frame->flags, frame->size);
    if (frame->size < CZ_REF_MIN) {
        if (frame->size > 0)
            memcpy(to, frame->data, frame->size);
    } else {
        memcpy(to, &ref, sizeof ref);
        spool->last->has_refs = true;
    }
    spool->used += (uint32_t)need;
    spool->begun += spool_frame_size(spool, frame->size);
    return 0;
}

void cz_spool_begin_run(struct cz_spool *spool, uint64_t size_max)
{
    struct cz_chunk *last = spool->last;
    uint32_t room = last ? last->capacity - spool->used : 0;

    spool->run.room = size_max < room ? (uint32_t)size_max : room;
    spool->run.at = last ? last->bytes + spool->used : NULL;
}

uint32_t cz_spool_end_run(struct cz_spool *spool)
{
    uint32_t messages = spool->run.messages;
    uint32_t size;

    spool->run.room = 0;
    if (messages == 0)
        return 0;
    size = (uint32_t)(spool->run.at - (spool->last->bytes + spool->used));
    spool->used += size;
    spool->complete = spool->used;
    spool->bytes += size;
    spool->last->messages += messages;
    spool->run.messages = 0;
    return messages;
}

void cz_spool_unput(struct cz_spool *spool, const struct cz_frame *frame)
{
    spool->used -= (uint32_t)cz_frame_footprint(frame->size);
    spool->begun -= spool_frame_size(spool, frame->size);
}

void cz_spool_complete(struct cz_spool *spool)
{
    spool->complete = spool->used;
    spool->bytes += spool->begun;
    spool->begun = 0;
    spool->last->messages++;
}

void cz_spool_rollback(struct cz_spool *spool)
{
    if (spool->used == spool->complete)
        return;
    cz_spool_drop_frames(spool->last->bytes + spool->complete,
                         spool->used - spool->complete);
    spool->used = spool->complete;
    spool->begun = 0;
}

/* ---- writing -------------------------------------------------------- */

struct batch {
    struct cz_swap_file *file;
    uint64_t position; /* where the first piece goes */
    uint64_t size;
    int count;
    uint32_t scratch_used;
    struct iovec pieces[PIECES_MAX];
    uint8_t scratch[SCRATCH_SIZE];
};

static int batch_write(struct batch *b)
{
    int rc = 0;

    if (b->count > 0)
        rc = cz_swap_file_write(b->file, b->pieces, b->count, b->position);
    b->position += b->size;
    b->size = 0;
    b->count = 0;
    b->scratch_used = 0;
    return rc;
}

static void batch_add(struct batch *b, const void *data, size_t size)
{
    struct iovec *piece = b->pieces + b->count;

    b->size += size;
    if (b->count > 0 &&
        (char *)piece[-1].iov_base + piece[-1].iov_len == data) {
        piece[-1].iov_len += size;
        return;
    }
    piece->iov_base = (void *)(uintptr_t)data;
    piece->iov_len = size;
    b->count++;
}

/* The same for bytes of which a copy is made, for which there is room. */
static void batch_add_copy(struct batch *b, const void *data, size_t size)
{
    uint8_t *to = b->scratch + b->scratch_used;

    memcpy(to, data, size);
    b->scratch_used += (uint32_t)size;
    batch_add(b, to, size);
}

/* One frame, with its check if there are any. Returns its size in the chunk,
 * or -errno. */
static int64_t batch_add_frame(struct batch *b, const uint8_t *at, bool checks)
{
    struct cz_frame_ref ref;
    uint8_t flags;
    uint64_t body;
    size_t header = cz_frame_get_header(at, CZ_FRAME_HEADER_MAX, &flags, &body);

    if (b->count + 3 > PIECES_MAX ||
        b->scratch_used + CZ_RECORD_CHECK_SIZE > SCRATCH_SIZE) {
        int rc = batch_write(b);

        if (rc != 0)
            return rc;
    }
    ref.data = at + header;
    if (body >= CZ_REF_MIN)
        memcpy(&ref, at + header, sizeof ref);
    if (checks) {
        uint8_t check[CZ_RECORD_CHECK_SIZE];

        cz_record_make_check(check, b->position + b->size, at, header, ref.data,
                             body);
        batch_add_copy(b, check, sizeof check);
    }
    if (header + body <= SCRATCH_SIZE - b->scratch_used) {
        batch_add_copy(b, at, header + body);
    } else {
        batch_add(b, at, header);
        batch_add(b, ref.data, body);
    }
    return (int64_t)cz_frame_footprint(body);
}

static int batch_add_chunk(struct batch *b, const struct cz_chunk *chunk,
                           uint32_t size, bool checks)
{
    if (!chunk->has_refs && !checks) {
        if (b->count == PIECES_MAX) {
            int rc = batch_write(b);

            if (rc != 0)
                return rc;
        }
        batch_add(b, chunk->bytes, size);
        return 0;
    }
    for (uint32_t at = 0; at < size;) {
        int64_t used = batch_add_frame(b, chunk->bytes + at, checks);

        if (used < 0)
            return (int)used;
        at += (uint32_t)used;
    }
    return 0;
}

int cz_spool_write(struct cz_spool *spool, struct cz_swap_file *file,
                   uint64_t position)
{
    struct batch b; /* in part: the rest is large */
    const struct cz_chunk *chunk;
    struct cz_chunk *kept = NULL;
    int rc = 0;

    b.file = file;
    b.position = position;
    b.size = 0;
    b.count = 0;
    b.scratch_used = 0;
    for (chunk = spool->first; chunk && rc == 0; chunk = chunk->next)
        rc = batch_add_chunk(&b, chunk, spool_size(spool, chunk),
                             spool->frame_excess > 0);
    if (rc == 0)
        rc = batch_write(&b);
    if (rc != 0)
        return rc;
    if (spool->first && spool->first->size == SPOOL_CHUNK_SIZE) {
        kept = spool->first;
        spool->first = kept->next;
        if (kept->has_refs)
            cz_spool_drop_frames(kept->bytes, spool_size(spool, kept));
        kept->capacity = kept->size;
        cz_chunk_reset(kept);
    }
    spool_clear(spool);
    spool->first = spool->last = kept;
    return 0;
}

/* ---- handing over --------------------------------------------------- */

/* What the frames of a chunk take in a file. */
static uint64_t spool_measure(const struct cz_chunk *chunk, uint32_t size)
{
    uint64_t total = 0;

    if (!chunk->has_refs)
        return size;
    for (uint32_t at = 0; at < size;) {
        uint8_t flags;
        uint64_t body;

        total += cz_frame_get_header(chunk->bytes + at, CZ_FRAME_HEADER_MAX,
                                     &flags, &body);
        total += body;
        at += (uint32_t)cz_frame_footprint(body);
    }
    return total;
}

struct cz_chunk *cz_spool_take(struct cz_spool *spool, uint32_t *size,
                               uint32_t *messages)
{
    struct cz_chunk *chunk = spool->first;
    struct cz_chunk *rest = chunk->next;

    *size = chunk == spool->last ? spool->complete : chunk->capacity;
    if (chunk == spool->last && spool->used > spool->complete) {
        rest = spool_carry(spool, 0);
        if (!rest)
            return NULL;
    }
    if (chunk == spool->last) {
        spool->used -= spool->complete;
        spool->complete = 0;
        spool->last = rest;
    }
    spool->first = rest;
    spool->bytes -= spool_measure(chunk, *size);
    *messages = chunk->messages;
    chunk->next = NULL;
    return chunk;
}
