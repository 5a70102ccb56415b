/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: frames that were taken from a pipe, and that nobody has room for.
 *
 * Thread: the socket's. Owns: the reserve, and the frame that was put back.
 */
#include "core/socket.h"
#include "msg/metadata.h"

#include <errno.h>
#include <string.h>

int cz_socket_make_reserve(struct cz_socket *s)
{
    if (!s->reserve)
        s->reserve = cz_buffer_create(NULL, CZ_REF_MIN);
    return s->reserve ? 0 : -ENOMEM;
}

static void held_forget_metadata(struct cz_socket *s)
{
    if (s->held.metadata)
        cz_metadata_unref(s->held.metadata, 1);
    s->held.metadata = NULL;
}

void cz_socket_put_back(struct cz_socket *s, const struct cz_frame *frame,
                        bool had_more)
{
    /* It may be the one that was held before. */
    if (frame->metadata)
        cz_metadata_ref(frame->metadata, 1);
    held_forget_metadata(s);
    s->held = *frame;
    if (!frame->buffer) {
        memmove(s->reserve->data, frame->data, frame->size);
        s->held.data = s->reserve->data;
    }
    s->has_held = true;
    s->has_more = had_more;
    cz_socket_review(s);
}

void cz_socket_take_held(struct cz_socket *s, struct cz_frame *frame)
{
    *frame = s->held;
    s->has_held = false;
    cz_socket_review(s);
}

void cz_socket_drop_held(struct cz_socket *s)
{
    if (s->has_held)
        cz_frame_drop(&s->held);
    s->has_held = false;
    held_forget_metadata(s);
}
