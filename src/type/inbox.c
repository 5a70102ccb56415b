/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inboxes.
 *
 * Thread: see type/inbox.h. Owns: what is listed there.
 */
#include "type/inbox.h"

#include "base/alloc.h"
#include "msg/metadata.h"

#include <errno.h>
#include <string.h>

static bool inbox_open(struct cz_inbox *inbox)
{
    if (inbox->stream)
        return true;
    inbox->stream = cz_zalloc_lines(sizeof *inbox->stream);
    if (!inbox->stream)
        return false;
    cz_stream_init(inbox->stream, 0, NULL);
    /* The writer is at hand: nobody needs a barrier. */
    inbox->stream->r.stays_quiet = true;
    return true;
}

static int inbox_change_source(struct cz_inbox *inbox,
                               const struct cz_inbox_source *source)
{
    bool must_wake;
    int rc;

    if (memcmp(source, &inbox->pushed, sizeof *source) == 0 ||
        inbox->stream->w.is_in_message)
        return 0;
    rc =
        cz_stream_write_note(inbox->stream, source, sizeof *source, &must_wake);
    if (must_wake)
        cz_stream_on_wake(inbox->stream);
    if (rc != 0)
        return rc;
    if (source->metadata)
        cz_metadata_ref(source->metadata, 1);
    inbox->pushed = *source;
    return 0;
}

int cz_inbox_push(struct cz_inbox *inbox, const struct cz_inbox_source *source,
                  const struct cz_frame *frame)
{
    bool must_wake;
    int rc;

    if (!inbox_open(inbox) || inbox_change_source(inbox, source) != 0)
        return -ENOMEM;
    rc = cz_stream_write(inbox->stream, frame, &must_wake);
    if (must_wake)
        cz_stream_on_wake(inbox->stream);
    /* Without a mark it is full only when positions run out. */
    return rc == 0 ? 0 : -ENOMEM;
}

void cz_inbox_rollback(struct cz_inbox *inbox)
{
    if (inbox->stream)
        cz_stream_rollback(inbox->stream);
}

/* What a note says holds for the frame behind it, when that is popped. */
static void inbox_take_note(struct cz_inbox *inbox, const struct cz_frame *note)
{
    if (inbox->has_next && inbox->next.metadata)
        cz_metadata_unref(inbox->next.metadata, 1);
    memcpy(&inbox->next, note->data, sizeof inbox->next);
    inbox->has_next = true;
}

static void inbox_enter_next(struct cz_inbox *inbox)
{
    if (!inbox->has_next)
        return;
    if (inbox->source.metadata)
        cz_metadata_unref(inbox->source.metadata, 1);
    inbox->source = inbox->next;
    inbox->has_next = false;
}

bool cz_inbox_has_data(struct cz_inbox *inbox)
{
    struct cz_frame note;

    if (!inbox->stream)
        return false;
    while (cz_stream_has_data(inbox->stream)) {
        if (!(inbox->stream->r.at[0] & CZ_FRAME_NOTE))
            return true;
        if (cz_stream_read(inbox->stream, &note))
            inbox_take_note(inbox, &note);
    }
    return false;
}

bool cz_inbox_pop(struct cz_inbox *inbox, struct cz_frame *frame)
{
    if (!cz_inbox_has_data(inbox) || !cz_stream_read(inbox->stream, frame))
        return false;
    inbox_enter_next(inbox);
    if (!(frame->flags & CZ_FRAME_MORE))
        (void)!cz_stream_count(inbox->stream); /* nobody waits for credit */
    frame->metadata = inbox->source.metadata;
    return true;
}

void cz_inbox_fini(struct cz_inbox *inbox)
{
    inbox_enter_next(inbox);
    if (inbox->source.metadata)
        cz_metadata_unref(inbox->source.metadata, 1);
    if (!inbox->stream)
        return;
    cz_stream_rollback(inbox->stream);
    cz_stream_fini(inbox->stream);
    cz_free(inbox->stream);
}
