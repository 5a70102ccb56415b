/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PUSH (RFC 30): hands messages out to PULL peers, one after the other, and
 * blocks when all of them are full.
 *
 * Thread: the socket's.
 */
#include "base/assert.h"
#include "pattern/lb.h"
#include "type/types.h"
#include "wire/socket_type.h"

struct push {
    struct cz_socket base;
    struct cz_lb lb;
};

CZ_STATIC_ASSERT(sizeof(struct push) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct push *push_of(struct cz_socket *s)
{
    return cz_container_of(s, struct push, base);
}

static void push_init(struct cz_socket *s)
{
    cz_lb_init(&push_of(s)->lb);
}

static void push_add(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_lb_add(&push_of(s)->lb, end);
}

static void push_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_lb_remove(&push_of(s)->lb, end);
}

/* Nothing is ever read, so there is nothing left to wait for; what a peer
 * sends all the same is read over. */
static void push_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_frame frame;

    (void)s;
    while (cz_pipe_read(end, &frame))
        cz_frame_drop(&frame);
}

static int push_send(struct cz_socket *s, struct cz_frame *frame)
{
    return cz_lb_send(&push_of(s)->lb, frame);
}

static int push_recv(struct cz_socket *s, struct cz_frame *frame)
{
    (void)s;
    (void)frame;
    return -ENOTSUP;
}

static unsigned push_events(struct cz_socket *s)
{
    return cz_lb_is_writable(&push_of(s)->lb) ? CZ_POLLED_OUT : 0;
}

const struct cz_socket_ops cz_push_ops = {
    .name = "PUSH",
    .type = CZ_SOCKET_PUSH,
    .size = sizeof(struct push),
    .init = push_init,
    .attach = push_add,
    .peer_closed = cz_socket_drop_end,
    .detach = push_detach,
    .readable = push_readable,
    .writable = push_add,
    .send = push_send,
    .recv = push_recv,
    .events = push_events,
};
