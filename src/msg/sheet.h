/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sheets: frames that are laid once and go to many streams.
 *
 *     sheet        | frame | frame | frame | next ...
 *     a stream           [ view ............... ]
 *     another one              [ view .. ]         and then a chunk of its own
 *
 * Who sends to many lays each frame in a sheet, to which only he adds. A stream
 * takes frames from there by a view (msg/chunk.h): as long as it gets every
 * frame of the sheet, each is one step of its writer's position. What a
 * thousand streams carry lies in the memory once, which stays in the cache, and
 * a slow reader keeps no copy.
 *
 * A stream that misses a frame of the sheet leaves it for a chunk of its own,
 * and comes back when that is full: streams that get different frames copy
 * them, as if there were no sheet.
 *
 * Thread: the writer's of all the streams. Owns: a reference to the sheet.
 */
#ifndef CZ_MSG_SHEET_H
#define CZ_MSG_SHEET_H

#include "base/compiler.h"
#include "msg/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_sheet {
    struct cz_chunk *chunk; /* or NULL */
    uint8_t *at;            /* where the frame lies, or would */
    uint32_t room;          /* there */
    uint32_t size;          /* of the frame, with its header; 0: not laid */
    const uint8_t *left_at; /* the end of the sheet before this one */
};

/* Begins as zeros. */
void cz_sheet_fini(struct cz_sheet *sheet);

/* The next frame. */
static inline void cz_sheet_next(struct cz_sheet *sheet)
{
    if (sheet->size == 0)
        return;
    sheet->at += sheet->size;
    sheet->room -= sheet->size;
    sheet->size = 0;
}

/* Lays a short frame for those to come, if anybody took frames from this sheet
 * before. */
static CZ_ALWAYS_INLINE void cz_sheet_offer(struct cz_sheet *sheet,
                                            const struct cz_frame *frame)
{
    if ((frame->size > CZ_FRAME_SHORT_MAX) | (sheet->size > 0) |
            (frame->size + 2 > sheet->room) ||
        cz_chunk_is_unshared(sheet->chunk))
        return;
    sheet->size = (uint32_t)cz_frame_lay_short(
        sheet->at, frame->flags & CZ_FRAME_MORE, frame);
}

/* For a stream that got the frame before: takes the frame, if it is laid.
 * False: it is not that case, nothing was done. Then, after the last frame of
 * a message, cz_stream_flush. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_sheet_follow(const struct cz_sheet *sheet, struct cz_stream *s,
                bool has_more)
{
    struct cz_stream_writer *w = &s->w;

    if ((w->at != sheet->at) | (sheet->size == 0) | (w->credit == 0))
        return false;
    if (has_more && !w->is_in_message)
        cz_stream_remember(w);
    w->is_in_message = has_more;
    w->at += sheet->size;
    w->pos += sheet->size;
    w->credit -= !has_more;
    w->messages += !has_more;
    return true;
}

/* For any stream, and a frame of less than CZ_REF_MIN bytes: lays it, if that
 * was not done yet, and takes it. False: it is better copied, or there is no
 * credit or memory; the stream has not changed. */
CZ_MUST_CHECK bool cz_sheet_share(struct cz_sheet *sheet, struct cz_stream *s,
                                  const struct cz_frame *frame);

#endif
