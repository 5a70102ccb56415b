/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XSUB: publishers, sending, receiving.
 *
 * Thread: the socket's. Owns: see type/xsub.h.
 */
#include "type/xsub.h"

#include "base/assert.h"
#include "type/types.h"
#include "wire/socket_type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

CZ_STATIC_ASSERT(sizeof(struct cz_xsub) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

enum {
    OPTION_ONLY_FIRST_SUBSCRIBE = 108,
    OPTION_XSUB_VERBOSE_UNSUBSCRIBE = 115,
    OPTION_TOPICS_COUNT = 116,
};

void cz_xsub_init(struct cz_socket *s)
{
    struct cz_xsub *x = cz_xsub_of(s);

    cz_subs_init(&x->subs, 1, NULL, NULL);
    cz_fq_init(&x->fq, s);
    cz_dist_init(&x->dist);
    /* What it has still to send when it closes is of no use to anybody. */
    s->options.linger_ms = 0;
}

void cz_xsub_fini(struct cz_socket *s)
{
    struct cz_xsub *x = cz_xsub_of(s);

    cz_subs_fini(&x->subs);
    cz_dist_fini(&x->dist);
}

/* ---- publishers --------------------------------------------------------- */

int cz_xsub_connecting(struct cz_socket *s)
{
    return cz_dist_prepare(&cz_xsub_of(s)->dist);
}

void cz_xsub_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xsub *x = cz_xsub_of(s);

    if (!cz_xsub_enlist(x, end))
        x->unlisted++;
}

void cz_xsub_introduced(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xsub *x = cz_xsub_of(s);
    struct cz_dist_pipe *pipe;

    if (!cz_dist_has(end))
        return;
    pipe = cz_dist_pipe(&x->dist, end);
    if (pipe->is_known || pipe->is_behind)
        cz_xsub_tell_set(x, end);
    pipe->is_known = true;
}

void cz_xsub_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_peer_closed(&cz_xsub_of(s)->fq, end);
}

void cz_xsub_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xsub *x = cz_xsub_of(s);

    if (x->held_from == end) {
        cz_frame_drop(&x->held);
        x->held_from = NULL;
    }
    cz_fq_remove(&x->fq, end);
    x->unlisted -= !cz_dist_has(end);
    if (cz_dist_has(end) && cz_dist_pipe(&x->dist, end)->is_behind)
        x->behind--;
    cz_dist_remove(&x->dist, end);
}

void cz_xsub_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_add(&cz_xsub_of(s)->fq, end);
}

void cz_xsub_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xsub *x = cz_xsub_of(s);

    if (end->is_peer_closed)
        return;
    cz_dist_writable(&x->dist, end);
    cz_xsub_catch_up(x);
}

/* ---- sending ------------------------------------------------------------ */

/* A subscription that the application sends as a message stays one. Pipes that
 * are in the message get it as a part of that, the others by itself. */
static void xsub_forward(struct cz_xsub *x, const struct cz_frame *frame)
{
    struct cz_dist *d = &x->dist;
    bool is_first = !d->is_in_message;

    if (is_first)
        cz_dist_begin(d);
    cz_xsub_catch_up(x);
    for (uint32_t i = 0; i < d->limit; i++) {
        struct cz_pipe_end *end = d->pipes[i].end;
        struct cz_frame part = *frame;

        if (!end)
            continue;
        if (!is_first && !cz_pipe_is_in_message(end))
            part.flags = 0;
        cz_xsub_tell(x, end, &part);
        if (is_first && cz_pipe_is_in_message(end))
            d->targets[d->target_count++] = i;
    }
    d->is_in_message = frame->flags & CZ_FRAME_MORE;
}

/* A frame may be a subscription, in any part of a message; with
 * ZMQ_ONLY_FIRST_SUBSCRIBE only if the first one is. */
static bool xsub_is_subscription(struct cz_xsub *x,
                                 const struct cz_frame *frame)
{
    bool looks_like_one = frame->size > 0 && frame->data[0] <= 1;

    if (!x->is_sending)
        x->is_past_subscriptions = x->has_first_only && !looks_like_one;
    return looks_like_one && !x->is_past_subscriptions;
}

static int xsub_send_subscription(struct cz_xsub *x, struct cz_frame *frame)
{
    bool must_tell;
    int rc = cz_xsub_count(x, cz_span(frame->data + 1, frame->size - 1),
                           frame->data[0] == 1, &must_tell);

    if (rc != 0)
        return rc;
    /* Once begun, a message must go on to its end. */
    if (must_tell || x->dist.is_in_message)
        xsub_forward(x, frame);
    cz_frame_drop(frame);
    return 0;
}

static int xsub_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct cz_xsub *x = cz_xsub_of(s);
    int rc = 0;

    if (xsub_is_subscription(x, frame)) {
        rc = xsub_send_subscription(x, frame);
    } else {
        if (!x->dist.is_in_message) {
            cz_dist_begin(&x->dist);
            cz_dist_choose_others(&x->dist);
        }
        cz_dist_send(&x->dist, frame);
    }
    if (rc != 0)
        return rc;
    x->is_sending = frame->flags & CZ_FRAME_MORE;
    /* Who had a new connection meanwhile can be told now. */
    if (!x->is_sending)
        cz_xsub_catch_up(x);
    return 0;
}

/* ---- receiving ---------------------------------------------------------- */

static int xsub_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct cz_xsub *x = cz_xsub_of(s);
    int rc = cz_fq_recv(&x->fq, frame);

    if (CZ_UNLIKELY(rc != 0))
        cz_xsub_catch_up(x);
    return rc;
}

static unsigned xsub_events(struct cz_socket *s)
{
    struct cz_xsub *x = cz_xsub_of(s);

    if (cz_fq_is_readable(&x->fq))
        return CZ_POLLED_IN | CZ_POLLED_OUT;
    cz_xsub_catch_up(x);
    return CZ_POLLED_OUT;
}

/* ---- options ------------------------------------------------------------ */

static int xsub_set_option(struct cz_socket *s, int number, const void *value,
                           size_t size)
{
    struct cz_xsub *x = cz_xsub_of(s);
    int on;

    switch (number) {
    case OPTION_ONLY_FIRST_SUBSCRIBE:
        return cz_options_take_switch(value, size, &x->has_first_only);
    case OPTION_XSUB_VERBOSE_UNSUBSCRIBE:
        if (cz_options_take_int(value, size, INT_MIN, INT_MAX, &on) != 0)
            return -EINVAL;
        x->tells_all_cancels = on != 0;
        return 0;
    default:
        return -ENOENT;
    }
}

int cz_xsub_get_option(struct cz_socket *s, int number, void *value,
                       size_t *size)
{
    uint32_t count = cz_xsub_of(s)->subs.count;

    if (number != OPTION_TOPICS_COUNT)
        return -ENOENT;
    return cz_options_put_int(count < INT_MAX ? (int)count : INT_MAX, value,
                              size);
}

const struct cz_socket_ops cz_xsub_ops = {
    .name = "XSUB",
    .type = CZ_SOCKET_XSUB,
    .size = sizeof(struct cz_xsub),
    .init = cz_xsub_init,
    .fini = cz_xsub_fini,
    .connecting = cz_xsub_connecting,
    .attach = cz_xsub_attach,
    .peer_closed = cz_xsub_peer_closed,
    .detach = cz_xsub_detach,
    .introduced = cz_xsub_introduced,
    .readable = cz_xsub_readable,
    .writable = cz_xsub_writable,
    .send = xsub_send,
    .recv = xsub_recv,
    .events = xsub_events,
    .set_option = xsub_set_option,
    .get_option = cz_xsub_get_option,
};
