/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Message objects: making, sharing and closing them.
 *
 * Thread: the one that uses the object. Owns: a reference to the buffer, one
 * to the metadata, and the group's text.
 */
#include "msg/msg.h"

#include "base/alloc.h"
#include "base/pool.h"

#include <errno.h>
#include <string.h>

static void msg_set_buffer(struct cz_msg *msg, struct cz_buffer *buffer,
                           const uint8_t *data, size_t size)
{
    msg->kind = CZ_MSG_BUFFER;
    msg->u.ref.buffer = buffer;
    msg->u.ref.data = data;
    msg->u.ref.size = size;
}

int cz_msg_init_size(struct cz_msg *msg, size_t size)
{
    struct cz_buffer *buffer;

    cz_msg_init(msg);
    if (size <= CZ_MSG_INLINE_MAX) {
        msg->inline_size = (uint8_t)size;
        return 0;
    }
    buffer = cz_buffer_create(cz_pool_common(), size);
    if (!buffer)
        return -ENOMEM;
    msg_set_buffer(msg, buffer, buffer->data, size);
    return 0;
}

int cz_msg_init_data(struct cz_msg *msg, void *data, size_t size,
                     cz_free_fn *free_fn, void *hint)
{
    struct cz_buffer *buffer;

    cz_msg_init(msg);
    if (!free_fn) {
        cz_msg_init_const(msg, data, size);
        return 0;
    }
    buffer = cz_buffer_wrap(data, size, free_fn, hint);
    if (!buffer)
        return -ENOMEM;
    msg_set_buffer(msg, buffer, data, size);
    return 0;
}

void cz_msg_init_const(struct cz_msg *msg, const void *data, size_t size)
{
    cz_msg_init(msg);
    msg->kind = CZ_MSG_CONST;
    msg->u.ref.buffer = NULL;
    msg->u.ref.data = data;
    msg->u.ref.size = size;
}

int cz_msg_init_frame(struct cz_msg *msg, const struct cz_frame *frame)
{
    int rc;

    if (frame->buffer) {
        cz_msg_init(msg);
        msg_set_buffer(msg, frame->buffer, frame->data, frame->size);
    } else {
        rc = cz_msg_init_size(msg, frame->size);
        if (rc != 0)
            return rc;
        if (frame->size)
            memcpy((uint8_t *)cz_msg_data(msg), frame->data, frame->size);
    }
    if (frame->flags & CZ_FRAME_MORE)
        msg->flags |= CZ_MSG_FLAG_MORE;
    if (frame->metadata) {
        cz_metadata_ref(frame->metadata, 1);
        msg->metadata = frame->metadata;
    }
    return 0;
}

int cz_msg_close(struct cz_msg *msg)
{
    if (!cz_msg_is_alive(msg))
        return -EFAULT;
    if (msg->kind == CZ_MSG_BUFFER)
        cz_buffer_unref(msg->u.ref.buffer);
    if (CZ_UNLIKELY(msg->metadata != NULL))
        cz_metadata_unref(msg->metadata, 1);
    if (CZ_UNLIKELY(msg->group != NULL))
        cz_free(msg->group);
    msg->kind = CZ_MSG_CLOSED;
    return 0;
}

int cz_msg_move(struct cz_msg *to, struct cz_msg *from)
{
    int rc;

    if (!cz_msg_is_alive(from) || !cz_msg_is_alive(to))
        return -EFAULT;
    if (to == from)
        return 0;
    rc = cz_msg_close(to);
    if (rc != 0)
        return rc;
    *to = *from;
    cz_msg_init(from);
    return 0;
}

int cz_msg_copy(struct cz_msg *to, struct cz_msg *from)
{
    char *group = NULL;
    int rc;

    if (!cz_msg_is_alive(from) || !cz_msg_is_alive(to))
        return -EFAULT;
    if (to == from)
        return 0;
    if (from->group) {
        group = cz_strdup(from->group);
        if (!group)
            return -ENOMEM;
    }
    rc = cz_msg_close(to);
    if (rc != 0) {
        cz_free(group);
        return rc;
    }
    if (from->kind == CZ_MSG_BUFFER) {
        cz_buffer_ref(from->u.ref.buffer);
        from->flags |= CZ_MSG_FLAG_SHARED;
    }
    if (from->metadata)
        cz_metadata_ref(from->metadata, 1);
    *to = *from;
    to->group = group;
    return 0;
}

int cz_msg_to_frame(struct cz_msg *msg, struct cz_frame *frame)
{
    struct cz_buffer *buffer;

    frame->data = cz_msg_data(msg);
    frame->size = cz_msg_size(msg);
    if (CZ_UNLIKELY(!frame->data))
        frame->data = (const uint8_t *)""; /* memcpy wants an address */
    frame->buffer = NULL;
    frame->metadata = NULL;
    if (CZ_LIKELY(frame->size < CZ_REF_MIN))
        return 0;
    if (msg->kind == CZ_MSG_CONST) {
        buffer = cz_buffer_wrap((void *)(uintptr_t)frame->data, frame->size,
                                NULL, NULL);
        if (!buffer)
            return -ENOMEM;
        msg_set_buffer(msg, buffer, frame->data, frame->size);
        msg->flags |= CZ_MSG_FLAG_SHARED; /* as it was while constant */
    }
    frame->buffer = msg->u.ref.buffer;
    return 0;
}

void cz_msg_sent(struct cz_msg *msg)
{
    bool went = msg->kind == CZ_MSG_BUFFER && msg->u.ref.size >= CZ_REF_MIN;

    if (went)
        msg->kind = CZ_MSG_INLINE;
    (void)!cz_msg_close(msg); /* alive, or it had not become a frame */
    cz_msg_init(msg);
}
