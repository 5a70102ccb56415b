/* SPDX-License-Identifier: MPL-2.0 */
/*
 * DEALER (RFC 28): balances what it sends over all peers and takes from them
 * fairly, with no order between the two.
 *
 * Thread: the socket's.
 */
#include "base/assert.h"
#include "pattern/fq.h"
#include "pattern/lb.h"
#include "pattern/probe.h"
#include "type/types.h"
#include "wire/socket_type.h"

struct dealer {
    struct cz_socket base;
    struct cz_lb lb;
    struct cz_fq fq;
};

CZ_STATIC_ASSERT(sizeof(struct dealer) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct dealer *dealer_of(struct cz_socket *s)
{
    return cz_container_of(s, struct dealer, base);
}

static void dealer_init(struct cz_socket *s)
{
    cz_lb_init(&dealer_of(s)->lb);
    cz_fq_init(&dealer_of(s)->fq, s);
}

static void dealer_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_probe_attach(s, end);
    cz_lb_add(&dealer_of(s)->lb, end);
}

static void dealer_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_lb_remove(&dealer_of(s)->lb, end);
    cz_fq_peer_closed(&dealer_of(s)->fq, end);
}

static void dealer_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_lb_remove(&dealer_of(s)->lb, end);
    cz_fq_remove(&dealer_of(s)->fq, end);
}

static void dealer_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_add(&dealer_of(s)->fq, end);
}

static void dealer_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    if (!end->is_peer_closed)
        cz_lb_add(&dealer_of(s)->lb, end);
}

static int dealer_send(struct cz_socket *s, struct cz_frame *frame)
{
    return cz_lb_send(&dealer_of(s)->lb, frame);
}

static int dealer_recv(struct cz_socket *s, struct cz_frame *frame)
{
    return cz_fq_recv(&dealer_of(s)->fq, frame);
}

static unsigned dealer_events(struct cz_socket *s)
{
    struct dealer *d = dealer_of(s);

    return (cz_fq_is_readable(&d->fq) ? CZ_POLLED_IN : 0) |
           (cz_lb_is_writable(&d->lb) ? CZ_POLLED_OUT : 0);
}

const struct cz_socket_ops cz_dealer_ops = {
    .name = "DEALER",
    .type = CZ_SOCKET_DEALER,
    .size = sizeof(struct dealer),
    .connects_once = true,
    .init = dealer_init,
    .attach = dealer_attach,
    .peer_closed = dealer_peer_closed,
    .detach = dealer_detach,
    .readable = dealer_readable,
    .writable = dealer_writable,
    .send = dealer_send,
    .recv = dealer_recv,
    .events = dealer_events,
    .set_option = cz_probe_set_option,
};
