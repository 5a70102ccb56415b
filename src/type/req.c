/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REQ (RFC 28): one request, then its reply, then the next request. Requests
 * are balanced over all peers; only who got the request may answer it.
 *
 *              send, first frame          last frame
 *      READY ──────────────────▶ SENDING ───────────▶ WAITING
 *        ▲                                               │ a reply came
 *        └──────────────── REPLYING ◀────────────────────┘
 *            its last frame read
 *
 * On the wire a request is [id] [empty] frames..., the id only with
 * ZMQ_REQ_CORRELATE, and so is its reply; what looks different is passed
 * over. With ZMQ_REQ_RELAXED a new request may also be sent from WAITING and
 * REPLYING, which gives the old one up.
 *
 * Thread: the socket's.
 */
#include "base/assert.h"
#include "core/error.h"
#include "os/random.h"
#include "pattern/fq.h"
#include "pattern/lb.h"
#include "pattern/probe.h"
#include "type/types.h"
#include "wire/socket_type.h"

enum {
    OPTION_REQ_CORRELATE = 52,
    OPTION_REQ_RELAXED = 53,
};

enum req_state { READY, SENDING, WAITING, REPLYING };

struct req {
    struct cz_socket base;
    struct cz_lb lb;
    struct cz_fq fq;
    enum req_state state;
    /* Who got the request; NULL: gone, then anybody may answer. */
    struct cz_pipe_end *replier;
    /* As on the wire, where the order of its bytes does not matter. */
    uint32_t id;
    bool is_correlated; /* this request has an id */
    bool correlates;    /* and the next one will */
    bool is_relaxed;
};

CZ_STATIC_ASSERT(sizeof(struct req) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct req *req_of(struct cz_socket *s)
{
    return cz_container_of(s, struct req, base);
}

static void req_init(struct cz_socket *s)
{
    struct req *q = req_of(s);

    cz_lb_init(&q->lb);
    cz_fq_init(&q->fq, s);
    q->id = cz_random_u32();
}

/* ---- peers ---------------------------------------------------------- */

static void req_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_probe_attach(s, end);
    cz_lb_add(&req_of(s)->lb, end);
}

static void req_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_lb_remove(&req_of(s)->lb, end);
    cz_fq_peer_closed(&req_of(s)->fq, end);
}

static void req_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct req *q = req_of(s);

    /* A reply that was shown in part is lost; one that was not shown at all
     * may come again from elsewhere. */
    if (q->state == REPLYING && q->fq.current == end)
        q->state = s->has_more ? READY : WAITING;
    if (q->replier == end)
        q->replier = NULL;
    cz_lb_remove(&q->lb, end);
    cz_fq_remove(&q->fq, end);
}

static void req_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    cz_fq_add(&req_of(s)->fq, end);
}

static void req_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    if (!end->is_peer_closed)
        cz_lb_add(&req_of(s)->lb, end);
}

/* ---- sending -------------------------------------------------------- */

static int req_put(struct req *q, const void *data, size_t size)
{
    struct cz_frame frame = {
        .data = data,
        .size = size,
        .flags = CZ_FRAME_MORE,
    };

    return cz_lb_send(&q->lb, &frame);
}

static int req_put_envelope(struct req *q)
{
    uint32_t id = q->id + 1;
    int rc = q->correlates ? req_put(q, &id, sizeof id) : 0;

    if (rc == 0)
        rc = req_put(q, "", 0);
    if (rc != 0)
        cz_lb_rollback(&q->lb);
    return rc;
}

/* Begins a request. Whatever has come so far answers an earlier one. */
static int req_begin(struct req *q)
{
    uint32_t old = cz_fq_waiting(&q->fq);
    int rc = req_put_envelope(q);

    if (rc != 0)
        return rc;
    for (; old > 0 && cz_fq_is_readable(&q->fq); old--)
        cz_fq_skip(&q->fq);
    q->replier = q->lb.is_dropping ? NULL : q->lb.current;
    q->is_correlated = q->correlates;
    q->id += q->correlates;
    q->state = SENDING;
    return 0;
}

static int req_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct req *q = req_of(s);
    int rc;

    if (CZ_LIKELY(q->state != SENDING)) {
        if (CZ_UNLIKELY(q->state != READY) && !q->is_relaxed)
            return -CZ_EFSM;
        rc = req_begin(q);
        if (rc != 0)
            return rc;
    }
    rc = cz_lb_send(&q->lb, frame);
    if (rc >= 0 && !(frame->flags & CZ_FRAME_MORE))
        q->state = WAITING;
    return rc;
}

/* ---- receiving ------------------------------------------------------ */

/* Reads one frame; is it this one, with more to follow? */
static bool req_take(struct req *q, const void *data, size_t size)
{
    struct cz_frame frame;

    if (cz_fq_recv(&q->fq, &frame) != 0)
        return false;
    cz_frame_drop(&frame);
    return frame.flags & CZ_FRAME_MORE && frame.size == size &&
           memcmp(frame.data, data, size) == 0;
}

static bool req_take_envelope(struct req *q)
{
    return (!q->is_correlated || req_take(q, &q->id, sizeof q->id)) &&
           req_take(q, "", 0);
}

/* Goes to the body of the reply; what is no reply to this request is passed
 * over. False: it has not come yet. */
static bool req_find_reply(struct req *q)
{
    for (int skips = 0; cz_fq_is_readable(&q->fq); skips++) {
        if (skips == CZ_FQ_SKIPS_MAX) {
            cz_fq_put_off(&q->fq);
            break;
        }
        if (!q->replier || q->replier == q->fq.current) {
            if (req_take_envelope(q)) {
                q->state = REPLYING;
                return true;
            }
            if (!q->fq.is_in_message)
                continue;
        }
        cz_fq_skip(&q->fq);
    }
    return false;
}

static int req_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct req *q = req_of(s);
    int rc;

    if (CZ_LIKELY(q->state == WAITING)) {
        if (!req_find_reply(q))
            return -EAGAIN;
    } else if (q->state != REPLYING) {
        return -CZ_EFSM;
    }
    rc = cz_fq_recv(&q->fq, frame);
    if (rc == 0 && !(frame->flags & CZ_FRAME_MORE))
        q->state = READY;
    return rc;
}

static unsigned req_events(struct cz_socket *s)
{
    struct req *q = req_of(s);
    unsigned events = 0;

    if (q->state == REPLYING || (q->state == WAITING && req_find_reply(q)))
        events |= CZ_POLLED_IN;
    if ((q->state <= SENDING || q->is_relaxed) && cz_lb_is_writable(&q->lb))
        events |= CZ_POLLED_OUT;
    return events;
}

/* ---- options -------------------------------------------------------- */

static int req_set_option(struct cz_socket *s, int number, const void *value,
                          size_t size)
{
    struct req *q = req_of(s);

    switch (number) {
    case OPTION_REQ_CORRELATE:
        return cz_options_take_switch(value, size, &q->correlates);
    case OPTION_REQ_RELAXED:
        return cz_options_take_switch(value, size, &q->is_relaxed);
    default:
        return cz_probe_set_option(s, number, value, size);
    }
}

const struct cz_socket_ops cz_req_ops = {
    .name = "REQ",
    .type = CZ_SOCKET_REQ,
    .size = sizeof(struct req),
    .connects_once = true,
    .init = req_init,
    .attach = req_attach,
    .peer_closed = req_peer_closed,
    .detach = req_detach,
    .readable = req_readable,
    .writable = req_writable,
    .send = req_send,
    .recv = req_recv,
    .events = req_events,
    .set_option = req_set_option,
};
