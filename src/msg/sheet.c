/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sheets: laying frames, and who takes part.
 *
 * Thread: see msg/sheet.h. Owns: a reference to the sheet.
 */
#include "msg/sheet.h"

void cz_sheet_fini(struct cz_sheet *sheet)
{
    cz_chunk_unref(sheet->chunk);
}

/* An empty sheet: the old one, if nobody reads it any more, or a new one, four
 * times larger each time. */
static bool sheet_renew(struct cz_sheet *sheet, size_t need,
                        struct cz_pool *pool)
{
    struct cz_chunk *old = sheet->chunk;
    uint32_t wanted = old ? old->size : CZ_CHUNK_MIN;

    if (!old || old->size < need || !cz_chunk_is_unshared(old)) {
        do
            wanted *= 4;
        while (wanted < need);
        if (wanted > CZ_CHUNK_MAX)
            wanted = CZ_CHUNK_MAX;
        sheet->chunk = cz_chunk_create(pool, wanted);
        if (!sheet->chunk) {
            sheet->chunk = old;
            return false;
        }
        cz_chunk_unref(old);
    }
    sheet->left_at = sheet->at;
    sheet->at = sheet->chunk->bytes;
    sheet->room = sheet->chunk->size;
    return true;
}

static bool sheet_lay(struct cz_sheet *sheet, const struct cz_frame *frame,
                      struct cz_pool *pool)
{
    size_t need = cz_frame_footprint(frame->size);

    if (sheet->size > 0)
        return true;
    if (need > sheet->room && !sheet_renew(sheet, need, pool))
        return false;
    sheet->size =
        (uint32_t)cz_frame_lay(sheet->at, frame->flags & CZ_FRAME_MORE, frame);
    return true;
}

/* A stream that reads what it gets at once does best with its small chunk; one
 * that does not is here when that is full. */
static bool sheet_suits(const struct cz_sheet *sheet, struct cz_stream *s,
                        size_t need)
{
    const struct cz_stream_writer *w = &s->w;

    if (!w->chunk)
        return false;
    if (w->chunk->shared)
        return w->at == sheet->at || w->at == sheet->left_at;
    return need > w->room && !cz_stream_is_read(s);
}

bool cz_sheet_share(struct cz_sheet *sheet, struct cz_stream *s,
                    const struct cz_frame *frame)
{
    bool has_more = frame->flags & CZ_FRAME_MORE;

    if (!(s->w.is_in_message ? s->w.credit > 0 : cz_stream_has_credit(s)))
        return false;
    if (!sheet_suits(sheet, s, cz_frame_footprint(frame->size)) ||
        !sheet_lay(sheet, frame, s->pool))
        return false;
    return cz_sheet_follow(sheet, s, has_more) ||
           (cz_stream_open_view(s, sheet->chunk, sheet->at) &&
            cz_sheet_follow(sheet, s, has_more));
}
