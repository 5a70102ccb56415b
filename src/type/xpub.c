/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XPUB: peers, sending, receiving.
 *
 * Thread: the socket's. Owns: see type/xpub.h.
 */
#include "type/xpub.h"

#include "base/assert.h"
#include "type/types.h"
#include "wire/socket_type.h"

#include <string.h>

CZ_STATIC_ASSERT(sizeof(struct cz_xpub) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

void cz_xpub_init(struct cz_socket *s)
{
    struct cz_xpub *x = cz_xpub_of(s);

    cz_dist_init(&x->dist);
    cz_audience_init(&x->audience);
    cz_audience_init(&x->asked);
    cz_list_init(&x->stalled);
    x->epoch = 1;
}

void cz_xpub_fini(struct cz_socket *s)
{
    struct cz_xpub *x = cz_xpub_of(s);

    cz_dist_fini(&x->dist);
    cz_audience_fini(&x->audience);
    cz_audience_fini(&x->asked);
    cz_inbox_fini(&x->inbox);
    if (x->welcome)
        cz_buffer_unref(x->welcome);
}

/* ---- peers ------------------------------------------------------------ */

static void xpub_welcome(struct cz_xpub *x, struct cz_pipe_end *end)
{
    struct cz_frame frame = {0};

    if (!x->welcome)
        return;
    frame.data = x->welcome->data;
    frame.size = x->welcome->size;
    if (frame.size >= CZ_REF_MIN)
        frame.buffer = cz_buffer_ref(x->welcome);
    /* There is room in a new pipe. */
    if (cz_pipe_write(end, &frame) != 0 && frame.buffer)
        cz_buffer_unref(frame.buffer);
}

void cz_xpub_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xpub *x = cz_xpub_of(s);

    /* Without memory it is tried again when the peer says something. */
    (void)!cz_dist_add(&x->dist, end);
    xpub_welcome(x, end);
}

int cz_xpub_connecting(struct cz_socket *s)
{
    return cz_dist_prepare(&cz_xpub_of(s)->dist);
}

void cz_xpub_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xpub *x = cz_xpub_of(s);

    cz_xpub_drop_held(x, end);
    /* Of a socket that closes nobody wants to know what was cancelled. */
    if (!cz_socket_is_alive(s))
        return;
    cz_xpub_forget(x, end);
    cz_dist_remove(&x->dist, end);
}

void cz_xpub_introduced(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_xpub *x = cz_xpub_of(s);
    struct cz_dist_pipe *pipe;

    if (!cz_dist_has(end))
        return;
    pipe = cz_dist_pipe(&x->dist, end);
    /* Over a new connection the peer says again what it wants, and it may be
     * another peer. */
    if (pipe->is_known)
        cz_xpub_forget(x, end);
    pipe->is_known = true;
}

void cz_xpub_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    if (!end->is_peer_closed)
        cz_dist_writable(&cz_xpub_of(s)->dist, end);
}

const struct cz_dist_pipe *cz_xpub_last(const struct cz_xpub *x)
{
    const struct cz_inbox_source *source = &x->last;
    const struct cz_dist_pipe *pipe;

    if (source->serial == 0 || source->number >= x->dist.limit)
        return NULL;
    pipe = &x->dist.pipes[source->number];
    return pipe->end && pipe->serial == source->serial ? pipe : NULL;
}

/* ---- sending ---------------------------------------------------------- */

/* Compiled once for crowds and once for others, which know nothing of sheets:
 * to look for one at each of ten pipes cost a quarter of the rate. */
static CZ_ALWAYS_INLINE void
xpub_deliver_to(struct cz_xpub *x, const struct cz_audience_seat *seats,
                uint32_t count, const struct cz_frame *frame, bool is_crowd)
{
    enum { AHEAD = 8 };

    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            cz_dist_expect(&x->dist, seats[i + AHEAD].id);
            cz_dist_expect_next(&x->dist, seats[i + AHEAD / 2].id);
        }
        cz_dist_deliver(&x->dist, seats[i].id, frame, is_crowd);
    }
}

/* One frame for whoever wants it and has room. */
static void xpub_deliver(struct cz_xpub *x, const struct cz_frame *frame)
{
    struct cz_audience_match match;
    const struct cz_audience_seat *seats;
    uint32_t total = 0;
    uint32_t count;

    cz_dist_begin(&x->dist);
    cz_audience_match(&match, &x->audience, cz_span(frame->data, frame->size));
    while ((seats = cz_audience_match_next(&match, &count))) {
        total += count;
        if (cz_dist_expect_crowd(&x->dist, count, frame))
            xpub_deliver_to(x, seats, count, frame, true);
        else
            xpub_deliver_to(x, seats, count, frame, false);
    }
    cz_dist_end(&x->dist, frame, total <= 1);
    cz_frame_drop(frame);
}

/* Has everybody room who wants the frame? The last one is asked first: the
 * I/O side will come to it last, so that when it has room, and the sender is
 * woken for that, the others have, too. */
static bool xpub_has_room(struct cz_xpub *x, const struct cz_frame *frame)
{
    struct cz_audience_match match;
    const struct cz_audience_seat *seats;
    uint32_t count;

    cz_audience_match(&match, &x->audience, cz_span(frame->data, frame->size));
    while ((seats = cz_audience_match_next(&match, &count)))
        while (count-- > 0)
            if (!cz_dist_has_room(&x->dist, seats[count].id))
                return false;
    return true;
}

/* Collects whom a message is for, by its first frame. */
static void xpub_choose(struct cz_xpub *x, const struct cz_frame *frame)
{
    const struct cz_dist_pipe *last = x->is_answering ? cz_xpub_last(x) : NULL;
    bool inverts = x->base.options.invert_matching;
    struct cz_audience_match match;
    const struct cz_audience_seat *seats;
    uint32_t count;

    cz_dist_begin(&x->dist);
    cz_audience_match(&match, &x->audience, cz_span(frame->data, frame->size));
    while ((seats = cz_audience_match_next(&match, &count)))
        for (uint32_t i = 0; i < count; i++)
            if (inverts)
                cz_dist_spare(&x->dist, seats[i].id);
            else if (!last || last == &x->dist.pipes[seats[i].id])
                cz_dist_choose(&x->dist, seats[i].id);
    if (inverts)
        cz_dist_choose_others(&x->dist);
}

int cz_xpub_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct cz_xpub *x = cz_xpub_of(s);
    bool is_simple = !((frame->flags & CZ_FRAME_MORE) | x->dist.is_in_message |
                       x->is_answering | s->options.invert_matching);

    if (CZ_LIKELY(is_simple)) {
        if (CZ_UNLIKELY(x->dist.never_drops) && !xpub_has_room(x, frame))
            return -EAGAIN;
        xpub_deliver(x, frame);
        return 0;
    }
    if (!x->dist.is_in_message) {
        xpub_choose(x, frame);
        if (x->dist.never_drops && x->dist.has_full)
            return -EAGAIN;
        x->is_answering = false;
    }
    cz_dist_send(&x->dist, frame);
    return 0;
}

/* ---- receiving -------------------------------------------------------- */

static bool xpub_is_readable(struct cz_xpub *x)
{
    if (cz_inbox_has_data(&x->inbox))
        return true;
    x->epoch++;
    x->large_told = 0;
    cz_xpub_resume(x);
    return cz_inbox_has_data(&x->inbox);
}

/* What peers write themselves is no event, and changes nothing here. */
static void xpub_note_event(struct cz_xpub *x)
{
    x->last = x->inbox.source;
    x->last.metadata = NULL;
    x->is_answering = x->answers_last && cz_xpub_last(x);
}

static int xpub_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct cz_xpub *x = cz_xpub_of(s);

    if (!xpub_is_readable(x) || !cz_inbox_pop(&x->inbox, frame))
        return -EAGAIN;
    if (x->inbox.source.is_event)
        xpub_note_event(x);
    return 0;
}

static unsigned xpub_events(struct cz_socket *s)
{
    return CZ_POLLED_OUT | (xpub_is_readable(cz_xpub_of(s)) ? CZ_POLLED_IN : 0);
}

const struct cz_socket_ops cz_xpub_ops = {
    .name = "XPUB",
    .type = CZ_SOCKET_XPUB,
    .size = sizeof(struct cz_xpub),
    .init = cz_xpub_init,
    .fini = cz_xpub_fini,
    .connecting = cz_xpub_connecting,
    .attach = cz_xpub_attach,
    .peer_closed = cz_xpub_peer_closed,
    .detach = cz_xpub_detach,
    .introduced = cz_xpub_introduced,
    .readable = cz_xpub_readable,
    .writable = cz_xpub_writable,
    .send = cz_xpub_send,
    .recv = xpub_recv,
    .events = xpub_events,
    .set_option = cz_xpub_set_option,
    .get_option = cz_xpub_get_option,
};
