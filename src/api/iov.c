/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Several parts in one call: zmq_sendiov and zmq_recviov.
 *
 * What is received lies in memory from the C library's own malloc, since the
 * caller gives it to the C library's free. It is the one place where memory
 * does not come from base/alloc.
 *
 * Thread: the socket's. Owns: nothing; received buffers are the caller's.
 */
#include "api/internal.h"
#include "base/alloc.h"
#include "zmq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

int zmq_sendiov(void *socket, struct iovec *iov, size_t count, int flags)
{
    int rc = -1;

    if (!api_socket(socket))
        return -1;
    if (!iov || count == 0) {
        errno = EINVAL;
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == count - 1)
            flags &= ~ZMQ_SNDMORE;
        rc = zmq_send(socket, iov[i].iov_base, iov[i].iov_len, flags);
        if (rc < 0)
            break;
    }
    return rc;
}

static void *iov_alloc(size_t size)
{
    /* An empty part has an address, too: NULL would look like a failure. */
    return cz_alloc_is_refused() ? NULL : malloc(size > 0 ? size : 1);
}

/* Receives one part into memory of its own. Whether more follow, or -errno; a
 * part for which there is no memory stays the next one. */
static int iov_receive(struct cz_socket *socket, struct iovec *part, int flags)
{
    bool had_more = socket->has_more;
    struct cz_frame frame;
    int rc = cz_socket_make_reserve(socket);

    if (rc == 0)
        rc = cz_socket_recv(socket, &frame, flags);
    if (rc != 0)
        return rc;
    part->iov_base = iov_alloc(frame.size);
    if (!part->iov_base) {
        cz_socket_put_back(socket, &frame, had_more);
        return -ENOMEM;
    }
    memcpy(part->iov_base, frame.data, frame.size);
    part->iov_len = frame.size;
    cz_frame_drop(&frame);
    return socket->has_more;
}

/* If it fails after some parts, *count tells how many there are in iov: they
 * are the caller's, and the next call goes on behind them. */
int zmq_recviov(void *handle, struct iovec *iov, size_t *count, int flags)
{
    struct cz_socket *socket = api_socket(handle);
    size_t room;

    if (!socket)
        return -1;
    if (!iov || !count || *count == 0) {
        errno = EINVAL;
        return -1;
    }
    room = *count;
    *count = 0;
    while (*count < room) {
        int more = iov_receive(socket, &iov[*count], flags);

        if (more < 0)
            return api_result(more);
        (*count)++;
        if (!more)
            break;
    }
    return api_size(*count);
}
