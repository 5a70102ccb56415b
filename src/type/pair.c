/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PAIR (RFC 31): one peer at a time. Others that come meanwhile are sent away
 * if they are in the same process, or else left standing: never read, never
 * written, dropped when they go. A connection that was hung up would only be
 * made again.
 *
 * Thread: the socket's.
 */
#include "base/assert.h"
#include "type/types.h"
#include "wire/socket_type.h"

struct pair {
    struct cz_socket base;
    struct cz_pipe_end *peer;
    bool is_readable; /* the pipe may have something */
    bool is_writable; /* and may have room */
    bool is_sending;  /* in the middle of a message */
    bool is_dropping; /* whose peer has gone */
};

CZ_STATIC_ASSERT(sizeof(struct pair) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct pair *pair_of(struct cz_socket *s)
{
    return cz_container_of(s, struct pair, base);
}

static void pair_init(struct cz_socket *s)
{
    pair_of(s)->peer = NULL;
}

static void pair_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct pair *p = pair_of(s);

    if (p->peer) {
        if (!end->endpoint && cz_pipe_joins_sockets(end))
            cz_socket_drop_end(s, end);
        return;
    }
    p->peer = end;
    p->is_readable = false;
    p->is_writable = true;
}

static void pair_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct pair *p = pair_of(s);

    if (p->peer != end)
        return;
    p->peer = NULL;
    p->is_dropping = p->is_sending;
}

static void pair_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct pair *p = pair_of(s);

    if (p->peer != end || !p->is_readable)
        cz_socket_drop_end(s, end);
    else
        p->is_writable = false;
}

static void pair_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct pair *p = pair_of(s);

    if (p->peer == end)
        p->is_readable = true;
}

static void pair_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct pair *p = pair_of(s);

    if (p->peer == end)
        p->is_writable = !end->is_peer_closed;
}

static int pair_drop(struct pair *p, struct cz_frame *frame)
{
    cz_frame_drop(frame);
    p->is_sending = p->is_dropping = frame->flags & CZ_FRAME_MORE;
    return 0;
}

static int pair_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct pair *p = pair_of(s);
    int rc;

    if (CZ_UNLIKELY(p->is_dropping))
        return pair_drop(p, frame);
    if (CZ_UNLIKELY(!p->peer || !p->is_writable))
        return -EAGAIN;
    if (CZ_LIKELY(cz_pipe_write_short(p->peer, frame)))
        return 0;
    rc = cz_pipe_write(p->peer, frame);
    if (rc == -EAGAIN)
        p->is_writable = false;
    if (rc != 0)
        return rc;
    p->is_sending = frame->flags & CZ_FRAME_MORE;
    return cz_pipe_has_run_ahead(p->peer) ? CZ_PIPE_SENT_AHEAD : 0;
}

static void pair_ran_dry(struct pair *p)
{
    p->is_readable = false;
    if (p->peer->is_peer_closed)
        cz_socket_drop_end(&p->base, p->peer);
}

static int pair_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct pair *p = pair_of(s);

    if (CZ_UNLIKELY(!p->peer || !p->is_readable))
        return -EAGAIN;
    if (CZ_LIKELY(cz_pipe_read_short(p->peer, frame)) ||
        cz_pipe_read(p->peer, frame))
        return 0;
    pair_ran_dry(p);
    return -EAGAIN;
}

static unsigned pair_events(struct cz_socket *s)
{
    struct pair *p = pair_of(s);
    unsigned events = 0;

    if (p->peer && p->is_readable) {
        if (cz_pipe_is_readable(p->peer))
            events |= CZ_POLLED_IN;
        else
            pair_ran_dry(p);
    }
    if (p->peer && p->is_writable && !p->is_sending)
        p->is_writable = cz_pipe_is_writable(p->peer);
    if (p->peer && p->is_writable)
        events |= CZ_POLLED_OUT;
    return events;
}

const struct cz_socket_ops cz_pair_ops = {
    .name = "PAIR",
    .type = CZ_SOCKET_PAIR,
    .size = sizeof(struct pair),
    .init = pair_init,
    .attach = pair_attach,
    .peer_closed = pair_peer_closed,
    .detach = pair_detach,
    .readable = pair_readable,
    .writable = pair_writable,
    .send = pair_send,
    .recv = pair_recv,
    .events = pair_events,
};
