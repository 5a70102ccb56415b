/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The message object: what lives inside a zmq_msg_t.
 *
 *     bytes  0..7    metadata of the connection it came from, or NULL
 *            8..47   up to 33 bytes of content, or {buffer, data, size}
 *           48..51   routing id (SERVER and PEER sockets)
 *           52..54   size of inline content, kind, flags
 *           56..63   group (RADIO and DISH sockets), or NULL
 *
 * Thread: one at a time per object; copies that share a buffer may be used
 * by different threads.
 */
#ifndef CZ_MSG_MSG_H
#define CZ_MSG_MSG_H

#include "base/assert.h"
#include "base/compiler.h"
#include "msg/buffer.h"
#include "msg/frame.h"
#include "msg/metadata.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Programs can see which messages share memory and which do not
 * (ZMQ_SHARED), so this is the limit that they know. */
enum { CZ_MSG_INLINE_MAX = 33 };

/* Unlikely values, so that an object that was never initialised, or was
 * closed, is told from a live one. */
enum cz_msg_kind {
    CZ_MSG_INLINE = 0x61,
    CZ_MSG_BUFFER = 0x62,
    CZ_MSG_CONST = 0x63, /* memory that outlives everything; no buffer */
    CZ_MSG_CLOSED = 0x7f,
};

enum {
    CZ_MSG_FLAG_MORE = 1,
    CZ_MSG_FLAG_SHARED = 2, /* was copied by reference at least once */
};

struct cz_msg {
    struct cz_metadata *metadata;
    union {
        uint8_t bytes[40];
        struct {
            struct cz_buffer *buffer;
            const uint8_t *data;
            size_t size;
        } ref;
    } u;
    uint32_t routing_id;
    uint8_t inline_size;
    uint8_t kind;
    uint8_t flags;
    char *group;
};

CZ_STATIC_ASSERT(sizeof(struct cz_msg) == 64, "the ABI of zmq_msg_t");

static inline void cz_msg_init(struct cz_msg *msg)
{
    msg->metadata = NULL;
    msg->routing_id = 0;
    msg->inline_size = 0;
    msg->kind = CZ_MSG_INLINE;
    msg->flags = 0;
    msg->group = NULL;
}

/* All return 0, -ENOMEM, or -EFAULT for an object that is not alive. */
CZ_MUST_CHECK int cz_msg_init_size(struct cz_msg *msg, size_t size);
CZ_MUST_CHECK int cz_msg_init_data(struct cz_msg *msg, void *data, size_t size,
                                   cz_free_fn *free_fn, void *hint);
void cz_msg_init_const(struct cz_msg *msg, const void *data, size_t size);

/* From a frame that a pipe gave out: takes over the frame's buffer, also on
 * failure, and takes a reference to its metadata. */
CZ_MUST_CHECK int cz_msg_init_frame(struct cz_msg *msg,
                                    const struct cz_frame *frame);
CZ_MUST_CHECK int cz_msg_close(struct cz_msg *msg);
CZ_MUST_CHECK int cz_msg_move(struct cz_msg *to, struct cz_msg *from);
CZ_MUST_CHECK int cz_msg_copy(struct cz_msg *to, struct cz_msg *from);

/* A frame to send: borrows the bytes, and from CZ_REF_MIN on the message's own
 * reference to its buffer, so that a large body changes hands without a
 * locked operation that two threads would fight for. When the frame has been
 * sent, and only then, cz_msg_sent leaves an empty message. */
CZ_MUST_CHECK int cz_msg_to_frame(struct cz_msg *msg, struct cz_frame *frame);
void cz_msg_sent(struct cz_msg *msg);

/* Is it short, and does its memory go back to who lent it? */
static inline bool cz_msg_is_lent(const struct cz_msg *msg)
{
    return CZ_UNLIKELY(msg->kind == CZ_MSG_BUFFER) &&
           msg->u.ref.size < CZ_REF_MIN && msg->u.ref.buffer->free_fn != NULL;
}

static inline bool cz_msg_is_alive(const struct cz_msg *msg)
{
    return msg->kind >= CZ_MSG_INLINE && msg->kind <= CZ_MSG_CONST;
}

static inline const uint8_t *cz_msg_data(const struct cz_msg *msg)
{
    return msg->kind == CZ_MSG_INLINE ? msg->u.bytes : msg->u.ref.data;
}

static inline size_t cz_msg_size(const struct cz_msg *msg)
{
    return msg->kind == CZ_MSG_INLINE ? msg->inline_size : msg->u.ref.size;
}

#endif
