/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Calls of zmq.h that later versions fill in: ENOTSUP, but for what is wrong
 * with the call in any version. docs/compat.md lists them, and
 * tests/api/compat_test.c compares.
 *
 * zmq_join, zmq_leave and zmq_disconnect_peer fail with ENOTSUP on all types
 * but a few, and those few are still to come.
 *
 * Thread: the socket's. Owns: nothing.
 */
#define ZMQ_BUILD_DRAFT_API
#include "api/internal.h"
#include "zmq.h"

static int unsupported(void *socket)
{
    if (api_socket(socket))
        errno = ENOTSUP;
    return -1;
}

int zmq_join(void *socket, const char *group)
{
    (void)group;
    return unsupported(socket);
}

int zmq_leave(void *socket, const char *group)
{
    (void)group;
    return unsupported(socket);
}

uint32_t zmq_connect_peer(void *socket, const char *endpoint)
{
    (void)endpoint;
    (void)unsupported(socket);
    return 0;
}

int zmq_disconnect_peer(void *socket, uint32_t routing_id)
{
    (void)routing_id;
    return unsupported(socket);
}

/* Version 1 to a PAIR is zmq_socket_monitor. */
int zmq_socket_monitor_versioned(void *socket, const char *endpoint,
                                 uint64_t events, int version, int type)
{
    if (!api_socket(socket))
        return -1;
    if (version < ZMQ_CURRENT_EVENT_VERSION ||
        version > ZMQ_CURRENT_EVENT_VERSION_DRAFT ||
        (type != ZMQ_PAIR && type != ZMQ_PUB && type != ZMQ_PUSH) ||
        (version == ZMQ_CURRENT_EVENT_VERSION && events > ZMQ_EVENT_ALL_V1)) {
        errno = EINVAL;
        return -1;
    }
    if (version != ZMQ_CURRENT_EVENT_VERSION || type != ZMQ_PAIR)
        return unsupported(socket);
    return zmq_socket_monitor(socket, endpoint, (int)events);
}

int zmq_socket_monitor_pipes_stats(void *socket)
{
    return unsupported(socket);
}
