/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sending and receiving: zmq_send(3), zmq_recv(3), zmq_msg_send(3),
 * zmq_msg_recv(3). The hot path of the library begins and ends here.
 *
 * Thread: the socket's.
 */
#include "api/internal.h"
#include "core/loan.h"
#include "zmq.h"

#include <string.h>

static struct cz_msg *msg_of(zmq_msg_t *handle)
{
    return (struct cz_msg *)(void *)handle;
}

/* A large body gets a buffer of its own, once, however long it has to wait
 * for room. */
static CZ_NOINLINE int send_large(struct cz_socket *socket,
                                  struct cz_frame *frame,
                                  struct cz_buffer *buffer, int flags)
{
    int rc;

    if (!buffer)
        return -ENOMEM;
    frame->buffer = buffer;
    frame->data = buffer->data;
    rc = cz_socket_send(socket, frame, flags);
    if (rc != 0)
        cz_buffer_unref(buffer);
    return rc;
}

int zmq_send(void *handle, const void *data, size_t size, int flags)
{
    struct cz_socket *socket = api_socket(handle);
    struct cz_frame frame;
    struct cz_buffer *buffer;
    int rc;

    if (CZ_UNLIKELY(!socket))
        return -1;
    frame.data = CZ_LIKELY(data != NULL) ? data : (const void *)"";
    frame.size = size;
    frame.buffer = NULL;
    if (CZ_LIKELY(size < CZ_REF_MIN)) {
        rc = cz_socket_send(socket, &frame, flags);
    } else {
        buffer = cz_buffer_create(socket->ctx->pool, size);
        if (buffer)
            memcpy(buffer->data, data, size);
        rc = send_large(socket, &frame, buffer, flags);
    }
    return CZ_LIKELY(rc == 0) ? api_size(size) : api_result(rc);
}

int zmq_send_const(void *handle, const void *data, size_t size, int flags)
{
    struct cz_socket *socket = api_socket(handle);
    struct cz_frame frame = {.data = data, .size = size};
    int rc;

    if (size < CZ_REF_MIN)
        return zmq_send(handle, data, size, flags);
    if (!socket)
        return -1;
    rc = send_large(socket, &frame,
                    cz_buffer_wrap((void *)(uintptr_t)data, size, NULL, NULL),
                    flags);
    return rc == 0 ? api_size(size) : api_result(rc);
}

static CZ_ALWAYS_INLINE void copy_out(void *to, const uint8_t *from,
                                      size_t size)
{
    if (CZ_LIKELY(size <= CZ_FRAME_SHORT_MAX))
        cz_copy_short(to, from, size);
    else
        memcpy(to, from, size);
}

int zmq_recv(void *handle, void *to, size_t capacity, int flags)
{
    struct cz_socket *socket = api_socket(handle);
    struct cz_frame frame;
    int rc;

    if (CZ_UNLIKELY(!socket))
        return -1;
    rc = cz_socket_recv(socket, &frame, flags);
    if (CZ_UNLIKELY(rc != 0))
        return api_result(rc);
    if (CZ_LIKELY(capacity > 0))
        copy_out(to, frame.data, frame.size < capacity ? frame.size : capacity);
    cz_frame_drop(&frame);
    return api_size(frame.size);
}

/* The memory is kept until the message is on its way (core/loan.h). */
static CZ_NOINLINE int send_lent(struct cz_socket *socket, struct cz_msg *msg,
                                 struct cz_frame *frame, int flags)
{
    struct cz_loan_marks marks;
    int rc;

    cz_loan_mark(socket, &marks);
    rc = cz_socket_send(socket, frame, flags);
    if (rc == 0)
        cz_loan_take(socket, &marks, msg->u.ref.buffer);
    return rc;
}

int zmq_msg_send(zmq_msg_t *handle, void *socket_handle, int flags)
{
    struct cz_socket *socket = api_socket(socket_handle);
    struct cz_msg *msg = msg_of(handle);
    struct cz_frame frame;
    int rc;

    if (CZ_UNLIKELY(!socket))
        return -1;
    if (CZ_UNLIKELY(!cz_msg_is_alive(msg)))
        return api_result(-EFAULT);
    rc = cz_msg_to_frame(msg, &frame);
    if (CZ_UNLIKELY(rc != 0))
        return api_result(rc);
    if (CZ_UNLIKELY(cz_msg_is_lent(msg)))
        rc = send_lent(socket, msg, &frame, flags);
    else
        rc = cz_socket_send(socket, &frame, flags);
    if (CZ_UNLIKELY(rc != 0))
        return api_result(rc);
    cz_msg_sent(msg);
    return api_size(frame.size);
}

/* Makes a message of a frame, for which there is no other memory. */
static CZ_NOINLINE void use_reserve(struct cz_socket *socket,
                                    struct cz_msg *msg,
                                    const struct cz_frame *frame)
{
    struct cz_frame copy = *frame;

    copy.buffer = socket->reserve;
    copy.data = socket->reserve->data;
    /* There it lies already if it was put back. */
    memmove(socket->reserve->data, frame->data, frame->size);
    socket->reserve = NULL;
    (void)!cz_msg_init_frame(msg, &copy); /* needs none */
}

int zmq_msg_recv(zmq_msg_t *handle, void *socket_handle, int flags)
{
    struct cz_socket *socket = api_socket(socket_handle);
    struct cz_msg *msg = msg_of(handle);
    struct cz_frame frame;
    int rc;

    if (CZ_UNLIKELY(!socket))
        return -1;
    if (CZ_UNLIKELY(cz_msg_close(msg) != 0))
        return api_result(-EFAULT);
    cz_msg_init(msg);
    if (CZ_UNLIKELY(!socket->reserve) && cz_socket_make_reserve(socket) != 0)
        return api_result(-ENOMEM);
    rc = cz_socket_recv(socket, &frame, flags);
    if (CZ_UNLIKELY(rc != 0))
        return api_result(rc);
    if (CZ_UNLIKELY(cz_msg_init_frame(msg, &frame) != 0))
        use_reserve(socket, msg, &frame);
    return api_size(frame.size);
}

int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags)
{
    return zmq_msg_send(msg, socket, flags);
}

int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags)
{
    return zmq_msg_recv(msg, socket, flags);
}
