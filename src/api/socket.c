/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: zmq_socket(3), zmq_bind(3), zmq_connect(3), zmq_setsockopt(3),
 * zmq_socket_monitor(3) and their opposites.
 *
 * Thread: the socket's.
 */
#define ZMQ_BUILD_DRAFT_API
#include "api/internal.h"
#include "core/monitor.h"
#include "type/types.h"
#include "wire/endpoint.h"
#include "zmq.h"

#include <string.h>

/* By number. Empty places are types that are not built yet. */
static const struct cz_socket_ops *const socket_types[] = {
    [ZMQ_PAIR] = &cz_pair_ops,     [ZMQ_PUB] = &cz_pub_ops,
    [ZMQ_SUB] = &cz_sub_ops,       [ZMQ_XPUB] = &cz_xpub_ops,
    [ZMQ_XSUB] = &cz_xsub_ops,     [ZMQ_REQ] = &cz_req_ops,
    [ZMQ_REP] = &cz_rep_ops,       [ZMQ_DEALER] = &cz_dealer_ops,
    [ZMQ_ROUTER] = &cz_router_ops, [ZMQ_PULL] = &cz_pull_ops,
    [ZMQ_PUSH] = &cz_push_ops,     [ZMQ_STREAM] = &cz_stream_ops,
};

void *zmq_socket(void *ctx_handle, int type)
{
    struct cz_ctx *ctx = api_ctx(ctx_handle);
    struct cz_socket *socket;
    int rc;

    if (!ctx)
        return NULL;
    if (type < 0 || (size_t)type >= CZ_COUNT_OF(socket_types)) {
        errno = EINVAL;
        return NULL;
    }
    if (!socket_types[type]) {
        errno = ENOTSUP;
        return NULL;
    }
    rc = cz_socket_create(ctx, socket_types[type], &socket);
    if (rc != 0) {
        errno = -rc;
        return NULL;
    }
    return socket;
}

int zmq_close(void *handle)
{
    struct cz_socket *socket = api_socket(handle);

    if (!socket)
        return -1;
    cz_socket_close(socket);
    return 0;
}

int zmq_setsockopt(void *handle, int option, const void *value, size_t size)
{
    struct cz_socket *socket = api_socket(handle);
    int rc;

    if (!socket)
        return -1;
    rc = cz_socket_set_option(socket, option, value, size);
    return api_result(rc);
}

int zmq_getsockopt(void *handle, int option, void *value, size_t *size)
{
    struct cz_socket *socket = api_socket(handle);
    int rc;

    if (!socket)
        return -1;
    if (!value || !size) {
        errno = EINVAL;
        return -1;
    }
    rc = cz_socket_get_option(socket, option, value, size);
    return api_result(rc);
}

int zmq_bind(void *handle, const char *endpoint)
{
    struct cz_socket *socket = api_socket(handle);

    return socket ? api_result(cz_socket_bind(socket, endpoint)) : -1;
}

int zmq_connect(void *handle, const char *endpoint)
{
    struct cz_socket *socket = api_socket(handle);

    return socket ? api_result(cz_socket_connect(socket, endpoint)) : -1;
}

int zmq_unbind(void *handle, const char *endpoint)
{
    struct cz_socket *socket = api_socket(handle);

    return socket ? api_result(cz_socket_unbind(socket, endpoint)) : -1;
}

int zmq_disconnect(void *handle, const char *endpoint)
{
    return zmq_unbind(handle, endpoint);
}

int zmq_socket_get_peer_state(void *handle, const void *routing_id, size_t size)
{
    struct cz_socket *socket = api_socket(handle);
    int rc;

    if (!socket)
        return -1;
    if (!socket->ops->peer_events)
        return api_result(-ENOTSUP);
    rc = cz_socket_process(socket);
    if (rc == 0)
        rc = socket->ops->peer_events(socket, cz_span(routing_id, size));
    return rc < 0 ? api_result(rc) : rc;
}

int zmq_socket_monitor(void *handle, const char *endpoint, int events)
{
    struct cz_socket *socket = api_socket(handle);
    struct cz_endpoint parts;
    int rc;

    if (!socket)
        return -1;
    rc = cz_socket_process(socket);
    if (rc != 0)
        return api_result(rc);
    if (!endpoint) {
        cz_monitor_stop(socket->monitor);
        return 0;
    }
    if (events & ~ZMQ_EVENT_ALL)
        return api_result(-EINVAL);
    rc = cz_endpoint_split(endpoint, &parts);
    if (rc == 0 && !cz_span_equals(parts.transport, cz_span_of_text("inproc")))
        rc = -EPROTONOSUPPORT;
    if (rc == 0)
        rc = cz_monitor_start(socket->monitor, endpoint, (uint32_t)events);
    return api_result(rc);
}
