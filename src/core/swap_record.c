/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Records: from the file of a swap into chunks for a reader.
 *
 * A block is read, and the whole messages in it are counted. If they are all
 * short, the block is what the reader gets; frames that travel by reference get
 * buffers. A message that is longer than a block is read by itself.
 *
 * Thread: the reader's. Owns: nothing beyond a call.
 */
#include "core/swap_record.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "core/swap_spool.h"
#include "msg/frame.h"

#include <errno.h>
#include <string.h>

enum { BLOCK_SIZE = 131072 };

/* ---- checks --------------------------------------------------------- */

void cz_record_make_check(uint8_t to[CZ_RECORD_CHECK_SIZE], uint64_t position,
                          const uint8_t *header, size_t header_size,
                          const uint8_t *body, size_t body_size)
{
    uint8_t place[8];
    uint32_t crc;

    cz_put_be64(place, position);
    crc = cz_crc32c(0, place, sizeof place);
    crc = cz_crc32c(crc, header, header_size);
    crc = cz_crc32c(crc, body, body_size);
    cz_put_be32(to, crc);
}

/* ---- looking -------------------------------------------------------- */

/* The block that was read at the beginning of the range. */
struct view {
    const struct cz_record_range *range;
    const uint8_t *block;
    size_t size;
    uint32_t excess; /* bytes before each frame */
};

struct record {
    uint64_t position;
    uint8_t check[CZ_RECORD_CHECK_SIZE];
    uint8_t head[CZ_FRAME_HEADER_MAX];
    size_t header;
    uint64_t body;
    uint64_t end;
    uint8_t flags;
};

/* Bytes from the block, or from the file where it ends. */
static int view_read(const struct view *v, uint64_t position, void *to,
                     size_t size)
{
    uint64_t offset = position - v->range->begin;
    size_t here = 0;

    if (offset < v->size) {
        here = v->size - offset < size ? (size_t)(v->size - offset) : size;
        memcpy(to, v->block + offset, here);
    }
    if (here == size)
        return 0;
    return cz_swap_file_read(v->range->file, (uint8_t *)to + here, size - here,
                             position + here);
}

static int view_look(const struct view *v, uint64_t position,
                     struct record *record)
{
    uint8_t bytes[CZ_RECORD_CHECK_SIZE + CZ_FRAME_HEADER_MAX];
    uint64_t left = v->range->end - position;
    size_t size = v->excess + CZ_FRAME_HEADER_MAX;
    int rc;

    if (left < size)
        size = (size_t)left;
    if (size < v->excess + 2)
        return -EBADMSG;
    rc = view_read(v, position, bytes, size);
    if (rc != 0)
        return rc;
    memcpy(record->check, bytes, v->excess);
    size -= v->excess;
    record->header = cz_frame_get_header(bytes + v->excess, size,
                                         &record->flags, &record->body);
    if (record->header == 0 || record->body > left - v->excess - record->header)
        return -EBADMSG;
    memcpy(record->head, bytes + v->excess, record->header);
    record->position = position;
    record->end = position + v->excess + record->header + record->body;
    return 0;
}

/* Is the body what was written? */
static bool record_is_intact(const struct view *v, const struct record *record,
                             const uint8_t *body)
{
    uint8_t check[CZ_RECORD_CHECK_SIZE];

    if (v->excess == 0)
        return true;
    cz_record_make_check(check, record->position, record->head, record->header,
                         body, (size_t)record->body);
    return memcmp(check, record->check, sizeof check) == 0;
}

/* ---- how much ------------------------------------------------------- */

struct extent {
    uint64_t end;
    uint64_t footprint; /* of the frames in a chunk */
    uint32_t messages;
    bool has_large;
};

/* Messages of one short frame, as far as they are all in the block and have no
 * checks: most are like that. */
static void view_scan_short(const struct view *v, struct extent *extent)
{
    uint64_t offset = extent->end - v->range->begin;
    const uint8_t *end = v->block + v->size;
    const uint8_t *begin, *at;

    if (v->excess > 0 || offset > v->size)
        return;
    begin = at = v->block + offset;
    while (end - at >= 2 && at[0] == 0 && end - at >= 2 + at[1]) {
        at += 2 + at[1];
        extent->messages++;
    }
    extent->end += (uint64_t)(at - begin);
    extent->footprint += (uint64_t)(at - begin);
}

/* One message, however long, and more as long as they are in the block. */
static int view_scan(const struct view *v, struct extent *extent)
{
    uint64_t begin = v->range->begin;
    struct extent so_far = {.end = begin};
    struct record record;

    view_scan_short(v, &so_far);
    *extent = so_far;
    while (so_far.end < v->range->end &&
           (so_far.end - begin < v->size || extent->messages == 0)) {
        int rc = view_look(v, so_far.end, &record);

        if (rc == 0 && record.end - begin > v->size && extent->messages > 0)
            return 0;
        if (rc == 0 && record.end - begin <= v->size &&
            !record_is_intact(v, &record,
                              v->block + (record.end - record.body - begin)))
            rc = -EBADMSG;
        /* What comes before it is good. */
        if (rc != 0)
            return extent->messages > 0 ? 0 : rc;
        so_far.footprint += cz_frame_footprint(record.body);
        so_far.has_large |= record.body >= CZ_REF_MIN;
        so_far.end = record.end;
        if (record.flags & CZ_FRAME_MORE)
            continue;
        so_far.messages++;
        view_scan_short(v, &so_far);
        *extent = so_far;
    }
    return extent->messages > 0 ? 0 : -EBADMSG;
}

/* ---- chunks --------------------------------------------------------- */

/* Takes the checks, which have been compared, out of a block. */
static int view_compact(const struct view *v, uint8_t *block,
                        const struct extent *extent)
{
    uint64_t position = v->range->begin;
    uint8_t *to = block;

    while (position < extent->end) {
        const uint8_t *from = block + (position - v->range->begin) + v->excess;
        struct record record;
        size_t size;
        int rc = view_look(v, position, &record);

        if (rc != 0)
            return rc;
        size = record.header + (size_t)record.body;
        memmove(to, from, size);
        to += size;
        position = record.end;
    }
    return 0;
}

/* One frame into a chunk at `to`; nothing of it is there if that fails. */
static int view_copy(const struct view *v, const struct record *record,
                     uint8_t *to)
{
    uint64_t position = record->end - record->body;
    size_t size = (size_t)record->body;
    struct cz_frame_ref ref = {NULL, to + record->header};
    uint8_t *body = to + record->header;
    int rc;

    memcpy(to, record->head, record->header);
    if (size >= CZ_REF_MIN) {
        ref.buffer = cz_buffer_create(v->range->pool, size);
        if (!ref.buffer)
            return -ENOMEM;
        ref.data = body = ref.buffer->data;
    }
    rc = view_read(v, position, body, size);
    if (rc == 0 && !record_is_intact(v, record, body))
        rc = -EBADMSG;
    if (rc != 0 && ref.buffer)
        cz_buffer_unref(ref.buffer);
    else if (ref.buffer)
        memcpy(to + record->header, &ref, sizeof ref);
    return rc;
}

static int view_build(const struct view *v, const struct extent *extent,
                      struct cz_chunk **out)
{
    uint64_t position = v->range->begin;
    struct cz_chunk *chunk =
        cz_chunk_create(v->range->pool, (uint32_t)extent->footprint);
    uint32_t used = 0;
    int rc = 0;

    if (!chunk)
        return -ENOMEM;
    while (position < extent->end && rc == 0) {
        struct record record;

        rc = view_look(v, position, &record);
        if (rc == 0)
            rc = view_copy(v, &record, chunk->bytes + used);
        if (rc != 0)
            break;
        used += (uint32_t)cz_frame_footprint(record.body);
        position = record.end;
    }
    if (rc != 0) {
        cz_spool_drop_frames(chunk->bytes, used);
        cz_chunk_destroy(chunk);
        return rc;
    }
    chunk->has_refs = extent->has_large;
    *out = chunk;
    return 0;
}

int cz_record_load(struct cz_record_range *range, struct cz_chunk **out,
                   uint32_t *size, uint32_t *messages)
{
    uint64_t there = range->end - range->begin;
    struct cz_chunk *block = cz_chunk_create(range->pool, BLOCK_SIZE);
    struct view v = {.range = range};
    struct extent extent;
    int rc;

    if (!block)
        return -ENOMEM;
    v.block = block->bytes;
    v.size = there < BLOCK_SIZE ? (size_t)there : BLOCK_SIZE;
    v.excess = range->has_checks ? CZ_RECORD_CHECK_SIZE : 0;
    rc = cz_swap_file_read(range->file, block->bytes, v.size, range->begin);
    if (rc == 0)
        rc = view_scan(&v, &extent);
    if (rc != 0)
        goto fail;
    if (extent.has_large || extent.end - range->begin > v.size) {
        rc = view_build(&v, &extent, out);
        if (rc != 0)
            goto fail;
        cz_chunk_destroy(block);
    } else {
        rc = range->has_checks ? view_compact(&v, block->bytes, &extent) : 0;
        if (rc != 0)
            goto fail;
        *out = block;
    }
    *size = (uint32_t)extent.footprint;
    *messages = extent.messages;
    range->begin = extent.end;
    return 0;

fail:
    cz_chunk_destroy(block);
    return rc;
}
