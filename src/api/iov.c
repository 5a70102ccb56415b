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

/* Receives one part into memory of its own. Whether more follow, or -1. */
static int iov_receive(void *socket, struct iovec *part, int flags)
{
    zmq_msg_t msg;
    size_t size;
    int more, error;

    (void)zmq_msg_init(&msg);
    if (zmq_msg_recv(&msg, socket, flags) < 0)
        goto fail;
    size = zmq_msg_size(&msg);
    /* An empty part has an address, too: NULL would look like a failure. */
    part->iov_base = malloc(size > 0 ? size : 1);
    if (!part->iov_base) {
        errno = ENOMEM;
        goto fail;
    }
    if (size > 0)
        memcpy(part->iov_base, zmq_msg_data(&msg), size);
    part->iov_len = size;
    more = zmq_msg_more(&msg);
    (void)zmq_msg_close(&msg);
    return more;

fail:
    error = errno;
    (void)zmq_msg_close(&msg);
    errno = error;
    return -1;
}

int zmq_recviov(void *socket, struct iovec *iov, size_t *count, int flags)
{
    size_t room;

    if (!api_socket(socket))
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
            return -1;
        (*count)++;
        if (!more)
            break;
    }
    return api_size(*count);
}
