/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PULL (RFC 30): takes messages from PUSH peers, fairly.
 *
 * Thread: the socket's.
 */
#include "base/assert.h"
#include "pattern/fq.h"
#include "type/types.h"
#include "wire/socket_type.h"

struct pull {
    struct cz_socket base;
    struct cz_fq fq;
};

CZ_STATIC_ASSERT(sizeof(struct pull) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct pull *pull_of(struct cz_socket *s)
{
    return cz_container_of(s, struct pull, base);
}

static void pull_init(struct cz_socket *s)
{
    cz_fq_init(&pull_of(s)->fq, s);
}

static void pull_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    (void)s;
    (void)end; /* nothing to read before the first wake-up */
}

static void pull_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_peer_closed(&pull_of(s)->fq, end);
}

static void pull_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_remove(&pull_of(s)->fq, end);
}

static void pull_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_add(&pull_of(s)->fq, end);
}

static void pull_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    (void)s;
    (void)end; /* nothing is ever sent */
}

static int pull_send(struct cz_socket *s, struct cz_frame *frame)
{
    (void)s;
    (void)frame;
    return -ENOTSUP;
}

static int pull_recv(struct cz_socket *s, struct cz_frame *frame)
{
    return cz_fq_recv(&pull_of(s)->fq, frame);
}

static unsigned pull_events(struct cz_socket *s)
{
    return cz_fq_is_readable(&pull_of(s)->fq) ? CZ_POLLED_IN : 0;
}

const struct cz_socket_ops cz_pull_ops = {
    .name = "PULL",
    .type = CZ_SOCKET_PULL,
    .size = sizeof(struct pull),
    .init = pull_init,
    .attach = pull_attach,
    .peer_closed = pull_peer_closed,
    .detach = pull_detach,
    .readable = pull_readable,
    .writable = pull_writable,
    .send = pull_send,
    .recv = pull_recv,
    .events = pull_events,
};
