/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Binding and connecting a socket by a stream transport.
 *
 * Thread: the socket's. Owns: nothing; listeners and sessions are handed to
 * their I/O thread.
 */
#include "net/stream_transport.h"

#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/monitor.h"
#include "core/socket.h"
#include "core/swap.h"
#include "net/listener.h"
#include "net/session.h"
#include "net/socks.h"

#include <errno.h>

/* Listens, and enters the endpoint. */
static int stream_listen(struct cz_socket *s, struct cz_tenant *tenant,
                         struct cz_options *options,
                         const struct cz_stream_transport *transport,
                         const char *address)
{
    struct cz_listening listening = {.fd = -1};
    struct cz_io_object *object;
    int rc = transport->listen(options, address, &listening);

    if (rc != 0) {
        cz_monitor_tell(s->monitor, CZ_EVENT_BIND_FAILED, (uint32_t)-rc,
                        address, NULL);
        return rc;
    }
    object = cz_listener_create(tenant, s->tenants, s->ctx->io_count, options,
                                transport, &listening);
    if (!object) {
        (void)!cz_listening_close(&listening);
        return -ENOMEM;
    }
    if (!cz_socket_add_endpoint(s, listening.name, object, true)) {
        (void)!cz_listening_close(&listening);
        cz_io_object_unref(object);
        cz_io_object_unref(object);
        return -ENOMEM;
    }
    cz_monitor_tell(s->monitor, CZ_EVENT_LISTENING, (uint32_t)listening.fd,
                    listening.name, NULL);
    cz_io_object_post_start(object);
    return 0;
}

int cz_stream_bind(struct cz_socket *s,
                   const struct cz_stream_transport *transport,
                   const char *address)
{
    struct cz_options *options;
    struct cz_tenant *tenant;
    int rc = cz_socket_tenant(s, &tenant);

    if (rc == 0 && !cz_options_are_served(&s->options))
        rc = -ENOTSUP;
    if (rc == 0)
        rc = cz_swap_check(&s->options, true);
    if (rc != 0)
        return rc;
    options = cz_options_snapshot(&s->options);
    if (!options)
        return -ENOMEM;
    rc = cz_socket_settle(s);
    if (rc == 0)
        rc = stream_listen(s, tenant, options, transport, address);
    cz_options_unref(options);
    return rc;
}

/* Gives a new session its pipe, whose other end the socket may write to at
 * once: what it sends waits there for the connection. */
static int stream_attach(struct cz_socket *s, struct cz_session *session,
                         struct cz_endpoint_entry *entry)
{
    struct cz_pipe *pipe;
    int rc = cz_session_make_pipe(session, &pipe);

    if (rc != 0)
        return rc;
    cz_pipe_own(&pipe->ends[0], s->mailbox, &cz_socket_pipe_events, s);
    cz_pipe_own(&pipe->ends[1], session->object.tenant->io->mailbox,
                &cz_session_pipe_events, session);
    session->pipe = &pipe->ends[1];
    cz_socket_attach(s, &pipe->ends[0], entry);
    cz_pipe_kick(&pipe->ends[0]);
    return 0;
}

static int stream_open_session(struct cz_socket *s, struct cz_tenant *tenant,
                               struct cz_options *options,
                               const struct cz_stream_transport *transport,
                               const char *endpoint, const char *address)
{
    struct cz_endpoint_entry *entry;
    struct cz_session *session =
        cz_session_create(tenant, options, transport, endpoint, address);
    int rc = 0;

    if (!session)
        return -ENOMEM;
    entry = cz_socket_add_endpoint(s, endpoint, &session->object, false);
    if (!entry) {
        cz_io_object_unref(&session->object);
        cz_io_object_unref(&session->object);
        return -ENOMEM;
    }
    if (!options->immediate)
        rc = stream_attach(s, session, entry);
    if (rc != 0) {
        cz_socket_remove_endpoint(entry);
        cz_io_object_unref(&session->object);
        return rc;
    }
    cz_io_object_post_start(&session->object);
    return 0;
}

int cz_stream_connect(struct cz_socket *s,
                      const struct cz_stream_transport *transport,
                      const char *endpoint, const char *address)
{
    struct cz_options *options;
    struct cz_tenant *tenant;
    int rc = cz_socket_tenant(s, &tenant);

    if (rc == 0 && !cz_options_are_served(&s->options))
        rc = -ENOTSUP;
    if (rc == 0)
        rc = transport->check(address);
    if (rc == 0)
        rc = cz_swap_check(&s->options, false);
    if (rc == 0 && transport->has_proxies)
        rc = cz_socks_check(&s->options);
    if (rc != 0)
        return rc;
    options = cz_options_snapshot(&s->options);
    if (!options)
        return -ENOMEM;
    rc = stream_open_session(s, tenant, options, transport, endpoint, address);
    cz_options_unref(options);
    return rc;
}
