/* SPDX-License-Identifier: MPL-2.0 */
/*
 * SUB (RFC 29): an XSUB that subscribes by zmq_setsockopt only, and lets
 * through only what it has subscribed to: what was on its way when a
 * subscription ended, or what a publisher sends to everybody, stays out.
 *
 * Thread: the socket's. Owns: see type/xsub.h.
 */
#include "type/types.h"
#include "type/xsub.h"
#include "wire/socket_type.h"

#include <errno.h>

enum {
    OPTION_SUBSCRIBE = 6,
    OPTION_UNSUBSCRIBE = 7,
};

static int sub_send(struct cz_socket *s, struct cz_frame *frame)
{
    (void)s;
    (void)frame;
    return -ENOTSUP;
}

/* ---- receiving ---------------------------------------------------------- */

static CZ_ALWAYS_INLINE bool sub_wants(const struct cz_xsub *x,
                                       const struct cz_frame *frame)
{
    return cz_subs_matches(&x->subs, cz_span(frame->data, frame->size)) !=
           x->base.options.invert_matching;
}

/* Throws away the message that begins with this frame, the nth in a row. */
static void sub_skip(struct cz_xsub *x, struct cz_frame *frame, int nth)
{
    cz_frame_drop(frame);
    if (frame->flags & CZ_FRAME_MORE)
        cz_fq_skip(&x->fq);
    if (nth == CZ_FQ_SKIPS_MAX)
        cz_fq_put_off(&x->fq);
}

static int sub_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct cz_xsub *x = cz_xsub_of(s);
    int skips = 0;

    if (x->held_from) {
        *frame = x->held;
        x->held_from = NULL;
        return 0;
    }
    for (;;) {
        bool is_first = !x->fq.is_in_message;

        if (CZ_UNLIKELY(cz_fq_recv(&x->fq, frame) != 0)) {
            cz_xsub_catch_up(x);
            return -EAGAIN;
        }
        if (!is_first || CZ_LIKELY(sub_wants(x, frame)))
            return 0;
        sub_skip(x, frame, ++skips);
    }
}

/* Looks for a message that it lets through, and holds its first frame. The
 * pipe stays in the round meanwhile, and what was read from it valid: nothing
 * else is read before. */
static bool sub_is_readable(struct cz_xsub *x)
{
    int skips = 0;

    if (x->held_from || x->fq.is_in_message)
        return true;
    while (cz_fq_is_readable(&x->fq)) {
        struct cz_pipe_end *end = x->fq.current;

        if (cz_fq_recv(&x->fq, &x->held) != 0)
            break;
        if (sub_wants(x, &x->held)) {
            x->held_from = end;
            return true;
        }
        sub_skip(x, &x->held, ++skips);
    }
    cz_xsub_catch_up(x);
    return false;
}

static unsigned sub_events(struct cz_socket *s)
{
    return sub_is_readable(cz_xsub_of(s)) ? CZ_POLLED_IN : 0;
}

/* ---- options ------------------------------------------------------------ */

static int sub_set_option(struct cz_socket *s, int number, const void *value,
                          size_t size)
{
    if (number != OPTION_SUBSCRIBE && number != OPTION_UNSUBSCRIBE)
        return -ENOENT;
    if (!value && size > 0)
        return -EINVAL;
    return cz_xsub_change(cz_xsub_of(s), cz_span(value, size),
                          number == OPTION_SUBSCRIBE);
}

const struct cz_socket_ops cz_sub_ops = {
    .name = "SUB",
    .type = CZ_SOCKET_SUB,
    .size = sizeof(struct cz_xsub),
    .connects_once = true,
    .init = cz_xsub_init,
    .fini = cz_xsub_fini,
    .connecting = cz_xsub_connecting,
    .attach = cz_xsub_attach,
    .peer_closed = cz_xsub_peer_closed,
    .detach = cz_xsub_detach,
    .introduced = cz_xsub_introduced,
    .readable = cz_xsub_readable,
    .writable = cz_xsub_writable,
    .send = sub_send,
    .recv = sub_recv,
    .events = sub_events,
    .set_option = sub_set_option,
    .get_option = cz_xsub_get_option,
};
