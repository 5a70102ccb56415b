/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REP (RFC 28): takes requests fairly, one at a time, and answers each to
 * where it came from.
 *
 *      IDLE ───────▶ READING ───────▶ ANSWERING ──────▶ REPLYING ──▶ IDLE
 *         a request        its last          the first        the last
 *         is taken         frame read        frame sent       frame sent
 *
 * A request is frames..., empty, body...: an envelope up to the first empty
 * frame, with which the reply begins as well. It is not kept in between: what
 * is read of the envelope is written to the requester's pipe at once, where
 * it waits, unpublished, for the rest of the reply. A requester that is full
 * by the time of the reply, or gone, gets none.
 *
 * Thread: the socket's.
 */
#include "base/assert.h"
#include "core/error.h"
#include "pattern/fq.h"
#include "pattern/probe.h"
#include "type/types.h"
#include "wire/socket_type.h"

/* Options of ROUTER that REP takes and has no use for. */
enum {
    OPTION_ROUTER_MANDATORY = 33,
    OPTION_ROUTER_RAW = 41,
    OPTION_ROUTER_HANDOVER = 56,
    OPTION_CONNECT_ROUTING_ID = 61,
};

enum rep_state { IDLE, READING, ANSWERING, REPLYING };

struct rep {
    struct cz_socket base;
    struct cz_fq fq;
    enum rep_state state;
    /* Whose pipe the envelope is in; NULL: the reply will be dropped. */
    struct cz_pipe_end *requester;
    bool has_room; /* for the reply */
    /* There was no memory to keep this frame of the envelope. It is valid as
     * long as nothing more is read. */
    bool is_stuck;
    struct cz_frame stuck;
};

CZ_STATIC_ASSERT(sizeof(struct rep) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct rep *rep_of(struct cz_socket *s)
{
    return cz_container_of(s, struct rep, base);
}

static void rep_init(struct cz_socket *s)
{
    cz_fq_init(&rep_of(s)->fq, s);
}

/* ---- peers ---------------------------------------------------------- */

static void rep_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_peer_closed(&rep_of(s)->fq, end);
}

static void rep_lose_requester(struct rep *r)
{
    if (r->is_stuck)
        cz_frame_drop(&r->stuck);
    r->is_stuck = false;
    r->requester = NULL;
}

static void rep_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct rep *r = rep_of(s);

    /* The rest of the request is lost. */
    if (r->state == READING && r->fq.current == end)
        r->state = IDLE;
    if (r->requester == end)
        rep_lose_requester(r);
    cz_fq_remove(&r->fq, end);
}

static void rep_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_add(&rep_of(s)->fq, end);
}

static void rep_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    (void)s;
    (void)end; /* nobody waits for it */
}

/* ---- receiving ------------------------------------------------------ */

static void rep_forget_requester(struct rep *r)
{
    if (!r->requester)
        return;
    /* With the envelope goes what it was lent to be begun. */
    cz_pipe_rollback(r->requester);
    if (!r->has_room)
        cz_stream_return_loan(r->requester->out);
    r->requester = NULL;
}

/* Reads a frame of the envelope, or the one again that could not be kept. */
static int rep_read(struct rep *r, struct cz_frame *frame)
{
    if (CZ_LIKELY(!r->is_stuck))
        return cz_fq_recv(&r->fq, frame);
    *frame = r->stuck;
    return 0;
}

/* The frame's buffer becomes the pipe's. 0 or -ENOMEM. Into a swap whose disk
 * fails nothing can be written any more: then there is no reply. */
static int rep_keep(struct rep *r, const struct cz_frame *frame)
{
    int rc = r->requester ? cz_pipe_write_beyond(r->requester, frame) : -EIO;

    r->is_stuck = rc == -ENOMEM;
    if (CZ_LIKELY(rc == 0))
        return 0;
    if (r->is_stuck) {
        r->stuck = *frame;
        return rc;
    }
    rep_forget_requester(r);
    cz_frame_drop(frame);
    return 0;
}

/* Reads the envelope of the next message. 0; -EAGAIN: it was not a request, and
 * has been read to its end; -ENOMEM: not yet. */
static int rep_take_envelope(struct rep *r)
{
    struct cz_frame frame;
    int rc;

    do {
        if (rep_read(r, &frame) != 0)
            return -EAGAIN;
        if (!(frame.flags & CZ_FRAME_MORE)) {
            cz_frame_drop(&frame);
            rep_forget_requester(r);
            return -EAGAIN;
        }
        rc = rep_keep(r, &frame);
        if (CZ_UNLIKELY(rc != 0))
            return rc;
    } while (frame.size > 0);
    return 0;
}

static void rep_begin_request(struct rep *r)
{
    r->requester = r->fq.current;
    r->has_room = cz_pipe_is_writable(r->requester);
}

/* Goes to the body of the next request. 0; -EAGAIN: there is none; -ENOMEM:
 * there is one, but it cannot be answered. */
static int rep_find_request(struct rep *r)
{
    int rc = -EAGAIN;

    for (int skips = 0; rc == -EAGAIN && cz_fq_is_readable(&r->fq); skips++) {
        if (skips == CZ_FQ_SKIPS_MAX) {
            cz_fq_put_off(&r->fq);
            break;
        }
        if (CZ_LIKELY(!r->is_stuck))
            rep_begin_request(r);
        rc = rep_take_envelope(r);
    }
    if (rc == 0)
        r->state = READING;
    return rc;
}

static int rep_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct rep *r = rep_of(s);
    int rc;

    if (CZ_LIKELY(r->state == IDLE)) {
        rc = rep_find_request(r);
        if (rc != 0)
            return rc;
    } else if (r->state != READING) {
        return -CZ_EFSM;
    }
    rc = cz_fq_recv(&r->fq, frame);
    if (rc == 0 && !(frame->flags & CZ_FRAME_MORE))
        r->state = ANSWERING;
    return rc;
}

/* ---- sending -------------------------------------------------------- */

static void rep_begin_reply(struct rep *r)
{
    if (!r->requester) {
        cz_socket_count_drop(&r->base, CZ_DROP_NO_ROUTE);
    } else if (!r->has_room && !cz_pipe_has_room_by_now(r->requester)) {
        cz_pipe_count_drop(r->requester, CZ_DROP_HWM);
        rep_forget_requester(r);
    }
    r->state = REPLYING;
}

/* Whose swap cannot be read any more is as good as gone: else REP would stay
 * with it, and nobody else would be served. */
static int rep_write(struct rep *r, const struct cz_frame *frame)
{
    int rc;

    if (CZ_LIKELY(r->requester != NULL)) {
        rc = cz_pipe_write(r->requester, frame);
        if (CZ_LIKELY(rc == 0) || !cz_pipe_is_broken(r->requester))
            return rc;
        cz_socket_count_drop(&r->base, CZ_DROP_NO_ROUTE);
        rep_forget_requester(r);
    }
    cz_frame_drop(frame);
    return 0;
}

static int rep_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct rep *r = rep_of(s);
    int rc;

    if (CZ_LIKELY(r->state == ANSWERING))
        rep_begin_reply(r);
    else if (r->state != REPLYING)
        return -CZ_EFSM;
    rc = rep_write(r, frame);
    if (rc == 0 && !(frame->flags & CZ_FRAME_MORE)) {
        r->requester = NULL;
        r->state = IDLE;
    }
    return rc;
}

static unsigned rep_events(struct cz_socket *s)
{
    struct rep *r = rep_of(s);

    if (r->state >= ANSWERING)
        return CZ_POLLED_OUT;
    if (r->state == READING || rep_find_request(r) != -EAGAIN)
        return CZ_POLLED_IN;
    return 0;
}

/* ---- options -------------------------------------------------------- */

static int rep_set_option(struct cz_socket *s, int number, const void *value,
                          size_t size)
{
    bool ignored;

    switch (number) {
    case OPTION_ROUTER_MANDATORY:
    case OPTION_ROUTER_RAW:
    case OPTION_ROUTER_HANDOVER:
        return cz_options_take_switch(value, size, &ignored);
    case OPTION_CONNECT_ROUTING_ID:
        return size > 0 && value ? 0 : -EINVAL;
    default:
        return cz_probe_set_option(s, number, value, size);
    }
}

const struct cz_socket_ops cz_rep_ops = {
    .name = "REP",
    .type = CZ_SOCKET_REP,
    .size = sizeof(struct rep),
    .init = rep_init,
    .attach = cz_probe_attach,
    .peer_closed = rep_peer_closed,
    .detach = rep_detach,
    .readable = rep_readable,
    .writable = rep_writable,
    .send = rep_send,
    .recv = rep_recv,
    .events = rep_events,
    .set_option = rep_set_option,
};
