/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams of frames: the reader's side for the network, which takes bytes as
 * they go on the wire.
 *
 * Thread: see msg/stream.h.
 */
#include "base/assert.h"
#include "msg/stream.h"

/* A place in the stream, for looking ahead. */
struct cursor {
    struct cz_chunk *chunk;
    const uint8_t *at;
    uint32_t run;
    uint32_t left;
};

struct pieces {
    struct iovec *iov;
    int count;
    int count_max;
    size_t size;
};

static bool pieces_add(struct pieces *p, const uint8_t *data, size_t size)
{
    struct iovec *last = p->count ? &p->iov[p->count - 1] : NULL;

    if (last && (const uint8_t *)last->iov_base + last->iov_len == data) {
        last->iov_len += size;
    } else {
        if (p->count == p->count_max)
            return false;
        p->iov[p->count].iov_base = (void *)(uintptr_t)data;
        p->iov[p->count].iov_len = size;
        p->count++;
    }
    p->size += size;
    return true;
}

/* One frame of a chunk with references: header and body, of which the first
 * `skip` bytes have gone. */
static bool pieces_add_frame(struct pieces *p, const uint8_t *at, size_t skip)
{
    struct cz_frame_ref ref;
    uint8_t flags;
    uint64_t body;
    size_t header = cz_frame_get_header(at, CZ_FRAME_HEADER_MAX, &flags, &body);

    if (body < CZ_REF_MIN)
        return pieces_add(p, at + skip, header + body - skip);
    if (p->count_max - p->count < 2)
        return false;
    memcpy(&ref, at + header, sizeof ref);
    if (skip < header && !pieces_add(p, at + skip, header - skip))
        return false;
    skip = skip > header ? skip - header : 0;
    return pieces_add(p, ref.data + skip, body - skip);
}

static bool pieces_add_chunk(struct pieces *p, struct cursor *c, size_t skip,
                             size_t size_max)
{
    if (c->run == 0)
        return true; /* a chunk that a rollback left empty */
    if (!c->chunk->has_refs)
        return pieces_add(p, c->at, c->run);
    while (c->run > 0 && p->size < size_max) {
        uint8_t flags;
        uint64_t body;
        size_t used;

        if (!pieces_add_frame(p, c->at, skip))
            return false;
        skip = 0;
        used = cz_frame_get_header(c->at, CZ_FRAME_HEADER_MAX, &flags, &body);
        used = cz_frame_extent(used, body);
        c->at += used;
        c->run -= (uint32_t)used;
    }
    return true;
}

int cz_stream_gather(struct cz_stream *s, struct iovec *iov, int count,
                     size_t size_max)
{
    struct cz_stream_reader *r = &s->r;
    struct pieces p = {.iov = iov, .count_max = count};
    struct cursor c;
    size_t skip = r->sent;

    if (r->run == 0 && !cz_stream_refresh(s))
        return 0;
    c = (struct cursor){r->chunk, r->at, r->run, r->left};
    while (pieces_add_chunk(&p, &c, skip, size_max) && p.size < size_max &&
           c.left > 0) {
        uint32_t limit;

        c.chunk = c.chunk->next;
        c.at = c.chunk->bytes + c.chunk->begin;
        limit = atomic_load_explicit(&c.chunk->limit, memory_order_relaxed) -
                c.chunk->begin;
        c.run = c.left < limit ? c.left : limit;
        c.left -= c.run;
        skip = 0;
    }
    return p.count;
}

/* Passes whole frames of a chunk with references. */
static size_t reader_pass_frames(struct cz_stream *s, size_t size)
{
    struct cz_stream_reader *r = &s->r;

    size += r->sent;
    while (r->run > 0) {
        struct cz_frame_ref ref;
        uint8_t flags;
        uint64_t body;
        size_t header =
            cz_frame_get_header(r->at, CZ_FRAME_HEADER_MAX, &flags, &body);
        size_t used = cz_frame_extent(header, body);

        if (size < header + body)
            break;
        size -= header + body;
        if (body >= CZ_REF_MIN) {
            memcpy(&ref, r->at + header, sizeof ref);
            cz_buffer_unref(ref.buffer);
        }
        r->at += used;
        r->run -= (uint32_t)used;
        if (!(flags & CZ_FRAME_MORE))
            cz_stream_set_consumed(r, r->consumed + 1);
    }
    r->sent = r->run > 0 ? size : 0;
    return r->run > 0 ? 0 : size;
}

bool cz_stream_sent(struct cz_stream *s, size_t size)
{
    struct cz_stream_reader *r = &s->r;

    while (size > 0) {
        CZ_ASSERT(r->run > 0);
        if (r->chunk->has_refs) {
            size = reader_pass_frames(s, size);
        } else {
            uint32_t part = size < r->run ? (uint32_t)size : r->run;

            r->at += part;
            r->run -= part;
            size -= part;
        }
        if (r->run > 0)
            break;
        if (r->left == 0) {
            cz_stream_set_consumed(r, r->messages_seen);
            break;
        }
        (void)cz_stream_refresh(s); /* steps on: there is more */
    }
    return r->consumed - r->credited >=
           atomic_load_explicit(&s->credit_step, memory_order_relaxed);
}
