/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sessions: their end of the pipe.
 *
 * Thread: with the helm. Owns: see net/session.h.
 */
#include "base/alloc.h"
#include "core/io_thread.h"
#include "core/swap.h"
#include "msg/metadata.h"
#include "net/engine.h"
#include "net/session.h"
#include "wire/socket_type.h"

#include <errno.h>

static void session_on_attach(void *owner, struct cz_pipe_end *end)
{
    (void)owner;
    (void)end;
}

void cz_session_drop_subscriptions(struct cz_session *session)
{
    uint8_t type = session->options->socket_type;
    struct cz_frame frame;

    if (!session->was_connected ||
        (type != CZ_SOCKET_SUB && type != CZ_SOCKET_XSUB))
        return;
    while (cz_pipe_read(session->pipe, &frame))
        cz_frame_drop(&frame);
}

static void session_on_readable(void *owner, struct cz_pipe_end *end)
{
    struct cz_session *session = owner;

    if (session->engine && end->rest_us)
        cz_engine_rest(session->engine, end->rest_us);
    else if (session->engine)
        cz_engine_flush(session->engine);
    else
        cz_session_drop_subscriptions(session);
}

static void session_on_writable(void *owner, struct cz_pipe_end *end CZ_UNUSED)
{
    struct cz_session *session = owner;

    if (session->engine)
        cz_engine_resume(session->engine);
}

static void session_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    cz_session_wind_up(owner, end->peer->linger_ms);
}

const struct cz_pipe_events cz_session_pipe_events = {
    .on_attach = session_on_attach,
    .on_readable = session_on_readable,
    .on_writable = session_on_writable,
    .on_peer_closed = session_on_peer_closed,
};

/* What the socket writes may wait on the disk. */
static int session_add_swap(const struct cz_session *session,
                            struct cz_pipe_end *end)
{
    const struct cz_tenant *tenant = session->object.tenant;
    const struct cz_swap_owner owner = {
        .options = session->options,
        .monitor = tenant->monitor,
        .endpoint = session->endpoint,
        .pool = tenant->io->pool,
        .is_wire = true,
    };
    struct cz_swap *swap;
    int rc;

    if (!cz_swap_is_wanted(session->options))
        return 0;
    rc = cz_swap_create(&owner, &swap);
    if (rc == 0)
        cz_pipe_set_swap(end, swap);
    return rc;
}

int cz_session_make_pipe(const struct cz_session *session, struct cz_pipe **out)
{
    const uint32_t hwm[2] = {
        (uint32_t)session->options->sndhwm,
        (uint32_t)session->options->rcvhwm,
    };
    struct cz_pipe *pipe =
        cz_pipe_create(hwm, session->object.tenant->io->pool);
    int rc;

    if (!pipe)
        return -ENOMEM;
    /* The I/O side publishes once per read, not once per message. */
    pipe->ends[0].in->r.stays_quiet = true;
    pipe->ends[0].out->is_conflating =
        cz_options_conflates_out(session->options);
    pipe->ends[0].in->is_conflating = cz_options_conflates_in(session->options);
    rc = session_add_swap(session, &pipe->ends[0]);
    if (rc != 0) {
        cz_pipe_close(&pipe->ends[1], 0);
        cz_pipe_close(&pipe->ends[0], 0);
        return rc;
    }
    *out = pipe;
    return 0;
}

int cz_session_open_pipe(struct cz_session *session, struct cz_metadata *peer)
{
    struct cz_tenant *tenant = session->object.tenant;
    struct cz_pipe *pipe;
    int rc = cz_session_make_pipe(session, &pipe);

    if (rc != 0)
        return rc;
    if (peer)
        cz_metadata_ref(peer, 1);
    cz_pipe_introduce(&pipe->ends[0], peer);
    /* For statistics only, which do without if there is no memory. */
    pipe->ends[0].name = cz_strdup(session->endpoint);
    cz_pipe_own(&pipe->ends[1], tenant->io->mailbox, &cz_session_pipe_events,
                session);
    cz_pipe_own(&pipe->ends[0], tenant->mailbox, tenant->socket_events,
                tenant->socket);
    if (!cz_pipe_post_attach(&pipe->ends[0])) {
        cz_pipe_close(&pipe->ends[1], 0);
        cz_pipe_close(&pipe->ends[0], 0);
        return -EPIPE; /* the socket is closing */
    }
    session->pipe = &pipe->ends[1];
    return 0;
}
