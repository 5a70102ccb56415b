/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTER (RFC 28): every peer has a routing id. It goes before what is read
 * from the peer, and says to whom goes what is sent.
 *
 *     end ── type_data ──▶ route {id, end} ◀── routing table, by id
 *
 * A pipe has its route as soon as its peer is known: by ZMQ_CONNECT_ROUTING_ID
 * when it is attached, else by the introduction of the far end. Nothing is
 * read from it before. It keeps that id, whoever answers at the other end
 * later. A pipe whose id is in use, or is taken over by a newcomer
 * (ZMQ_ROUTER_HANDOVER), is stranded: nothing is written to it, what it brings
 * is thrown away, and it is left standing until its peer goes, so that the peer
 * does not dial again and take the id back. If the pipe outlives that
 * connection, the next one is a newcomer like any other. Over inproc nobody
 * dials again: there, a pipe that is taken over ends.
 *
 * The id of a message is shown before the message is touched; then its frames
 * are read as from any other socket.
 *
 * Thread: the socket's. Owns: the routes, one for each of its pipes.
 */
#include "base/assert.h"
#include "pattern/fq.h"
#include "pattern/lb.h"
#include "pattern/probe.h"
#include "pattern/routing.h"
#include "type/types.h"
#include "wire/socket_type.h"

#include <string.h>

enum {
    OPTION_ROUTER_MANDATORY = 33,
    OPTION_ROUTER_RAW = 41,
    OPTION_ROUTER_HANDOVER = 56,
    OPTION_CONNECT_ROUTING_ID = 61,
    OPTION_ROUTER_NOTIFY = 97,
};

struct router {
    struct cz_socket base;
    struct cz_fq fq;
    struct cz_lb roomy; /* pipes with room; nothing is balanced over them */
    struct cz_routing routing;
    struct cz_pipe_end *target; /* of the message that is sent; NULL: dropped */
    bool is_sending;            /* the id has been given */
    bool is_id_shown;           /* of the message that is read */
    bool is_mandatory;
    bool takes_over;
};

CZ_STATIC_ASSERT(sizeof(struct router) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

/* What a stranded pipe has in the place of a route. */
static const struct cz_route stranded;

static struct router *router_of(struct cz_socket *s)
{
    return cz_container_of(s, struct router, base);
}

static bool is_stranded(const struct cz_pipe_end *end)
{
    return end->type_data == &stranded;
}

static struct cz_route *route_of(const struct cz_pipe_end *end)
{
    return is_stranded(end) ? NULL : end->type_data;
}

static void router_init(struct cz_socket *s)
{
    struct router *r = router_of(s);

    cz_fq_init(&r->fq, s);
    cz_lb_init(&r->roomy);
    cz_routing_init(&r->routing);
}

static void router_fini(struct cz_socket *s)
{
    cz_routing_fini(&router_of(s)->routing);
}

/* ---- peers ---------------------------------------------------------- */

static void router_strand(struct router *r, struct cz_pipe_end *end)
{
    end->type_data = (void *)(uintptr_t)&stranded;
    cz_lb_remove(&r->roomy, end);
}

static bool is_in_message(const struct router *r)
{
    return r->is_id_shown || r->fq.is_in_message;
}

/* A newcomer has its id. A pipe that ends for it does so after the message that
 * is being read, as if its peer had gone. */
static void router_replace(struct router *r, struct cz_pipe_end *end)
{
    router_strand(r, end);
    if (!cz_pipe_joins_sockets(end))
        return;
    if (r->fq.current == end && is_in_message(r))
        end->is_peer_closed = true;
    else
        cz_socket_drop_end(&r->base, end);
}

/* Gives a pipe its id; an empty one means that it is generated. Touches of it
 * only what may be touched from within reading: not its place in the round.
 * Without memory the pipe stays as it is. */
static void router_name(struct router *r, struct cz_pipe_end *end,
                        struct cz_span id)
{
    struct cz_route *route = id.size ? cz_routing_find(&r->routing, id) : NULL;

    if (route && !r->takes_over) {
        router_strand(r, end);
        return;
    }
    if (route) {
        router_replace(r, route->end);
        route->end = end;
    } else if (cz_routing_add(&r->routing, id, end, &route) != 0) {
        return;
    }
    end->type_data = route;
    cz_lb_add(&r->roomy, end);
}

/* The peer has said who it is. The second time, over a new connection, it is
 * too late for another name, unless the pipe has none. */
static void router_introduced(struct cz_socket *s, struct cz_pipe_end *end)
{
    if (!route_of(end))
        router_name(router_of(s), end, cz_pipe_peer_id(end));
}

static void router_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct router *r = router_of(s);
    struct cz_span id = {NULL, 0};

    cz_probe_attach(s, end);
    if (end->endpoint)
        id = cz_routing_take_connect_id(&r->routing);
    if (id.size > 0)
        router_name(r, end, id);
    else if (end->is_introduced)
        router_introduced(s, end);
}

/* Two peers of one id, one of them of our own making, cannot be meant. */
static int router_connecting(struct cz_socket *s)
{
    int rc = cz_routing_check_connect_id(&router_of(s)->routing);

    return rc == 0 ? cz_routing_prepare(&router_of(s)->routing) : rc;
}

/* What the peer has sent is still shown with its id, which is free now. */
static void router_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct router *r = router_of(s);
    struct cz_route *route = route_of(end);

    if (route)
        cz_routing_withdraw(&r->routing, route);
    cz_lb_remove(&r->roomy, end);
    if (is_stranded(end) && cz_list_is_empty(&end->fq_link))
        cz_socket_drop_end(s, end);
    else
        cz_fq_peer_closed(&r->fq, end);
}

static void router_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct router *r = router_of(s);
    struct cz_route *route = route_of(end);

    if (r->target == end)
        r->target = NULL;
    if (r->fq.current == end)
        r->is_id_shown = false;
    cz_lb_remove(&r->roomy, end);
    cz_fq_remove(&r->fq, end);
    end->type_data = NULL;
    if (route)
        cz_routing_remove(&r->routing, route);
}

static void router_ignore_message(struct cz_pipe_end *end)
{
    struct cz_frame frame;

    do {
        if (!cz_pipe_read(end, &frame))
            return;
        cz_frame_drop(&frame);
    } while (frame.flags & CZ_FRAME_MORE);
}

/* What a stranded peer says is for nobody. It is read all the same: with a
 * full pipe the end of the connection would not be noticed. Looking for more
 * takes in the introduction of the next one, which may have a name. */
static void router_ignore(struct router *r, struct cz_pipe_end *end)
{
    uint32_t left = cz_pipe_waiting(end);

    while (cz_pipe_is_readable(end)) {
        if (!is_stranded(end)) {
            cz_fq_add(&r->fq, end);
            return;
        }
        if (left-- == 0) {
            cz_pipe_read_later(end);
            return;
        }
        router_ignore_message(end);
    }
}

static void router_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    /* Perhaps it is only the introduction, which reading takes in. */
    if (!end->is_introduced && !cz_pipe_is_readable(end))
        return;
    if (is_stranded(end))
        router_ignore(router_of(s), end);
    else
        cz_fq_add(&router_of(s)->fq, end);
}

static void router_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    if (!end->is_peer_closed && route_of(end))
        cz_lb_add(&router_of(s)->roomy, end);
}

/* ---- receiving ------------------------------------------------------ */

/* The pipe that is to be read has no route: either it is stranded, and nothing
 * keeps it once its peer has gone; or there was no memory, and it is tried
 * again until there is. */
static void router_settle(struct router *r, struct cz_pipe_end *end)
{
    if (!end->type_data)
        router_introduced(&r->base, end);
    if (route_of(end))
        return;
    cz_fq_remove(&r->fq, end);
    if (!is_stranded(end))
        cz_pipe_read_later(end);
    else if (!end->is_peer_closed)
        router_ignore(r, end);
    else
        cz_socket_drop_end(&r->base, end);
}

static CZ_NOINLINE struct cz_pipe_end *router_seek(struct router *r)
{
    while (cz_fq_is_readable(&r->fq)) {
        struct cz_pipe_end *end = r->fq.current;

        if (CZ_LIKELY(route_of(end) != NULL))
            return end;
        router_settle(r, end);
    }
    return NULL;
}

/* Whose message is next; NULL: there is none. Not within one. */
static inline struct cz_pipe_end *router_next(struct router *r)
{
    struct cz_pipe_end *end = r->fq.current;

    return CZ_LIKELY(end != NULL) && CZ_LIKELY(route_of(end) != NULL) &&
                   CZ_LIKELY(cz_pipe_has_message(end))
               ? end
               : router_seek(r);
}

static int router_show_id(struct router *r, struct cz_frame *frame)
{
    const struct cz_pipe_end *end = router_next(r);
    struct cz_route *route;

    if (!end)
        return -EAGAIN;
    route = end->type_data;
    frame->data = route->id;
    frame->size = route->size;
    frame->buffer = NULL;
    frame->metadata = end->metadata;
    frame->flags = CZ_FRAME_MORE;
    r->is_id_shown = true;
    cz_routing_expect(&r->routing, route);
    return 0;
}

/* With many peers, each message of the round is from another one, and what is
 * needed for it and for its answer is not in the innermost cache any more. So
 * it is asked for in three steps, each of which finds what the one before has
 * brought: the end of a pipe, its streams, what lies in them. */
static void router_fetch_ahead(const struct router *r)
{
    const struct cz_pipe_end *first = r->fq.current, *second, *third;

    if (!first)
        return;
    second = cz_fq_after(&r->fq, first);
    third = cz_fq_after(&r->fq, second);
    CZ_PREFETCH(first->in->r.at);
    CZ_PREFETCH(first->in->r.at + CZ_CACHE_LINE);
    CZ_PREFETCH(first->type_data);
    CZ_PREFETCH_WRITE(first->out->w.at);
    CZ_PREFETCH_WRITE((uintptr_t)first->out->w.at + CZ_CACHE_LINE);
    CZ_PREFETCH_WRITE(&second->in->r);
    CZ_PREFETCH(&second->in->ctl);
    CZ_PREFETCH_WRITE(&second->out->w);
    CZ_PREFETCH_WRITE(&second->out->published);
    CZ_PREFETCH(&second->out->ctl);
    CZ_PREFETCH(third);
}

static int router_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct router *r = router_of(s);
    int rc;

    if (!is_in_message(r))
        return router_show_id(r, frame);
    r->is_id_shown = false;
    rc = cz_fq_recv(&r->fq, frame);
    router_fetch_ahead(r);
    return rc;
}

/* ---- sending -------------------------------------------------------- */

/* What follows is for nobody. */
static void router_drop(struct router *r, const struct cz_route *route)
{
    r->target = NULL;
    if (route)
        cz_pipe_count_drop(route->end, CZ_DROP_HWM);
    else
        cz_socket_count_drop(&r->base, CZ_DROP_NO_ROUTE);
}

/* The first frame says to whom the rest goes. */
static int router_aim(struct router *r, struct cz_frame *frame)
{
    struct cz_route *route;

    if (CZ_LIKELY(frame->flags & CZ_FRAME_MORE)) {
        route = cz_routing_find(&r->routing, cz_span(frame->data, frame->size));
        if (CZ_LIKELY(route != NULL) &&
            (CZ_LIKELY(cz_pipe_is_writable(route->end)) ||
             cz_pipe_make_room(route->end)))
            r->target = route->end;
        else if (r->is_mandatory)
            return route ? -EAGAIN : -EHOSTUNREACH;
        else
            router_drop(r, route);
        r->is_sending = true;
    }
    cz_frame_drop(frame);
    return 0;
}

/* In raw mode every frame is a message, and an empty one ends it all. */
static bool router_hangs_up(struct router *r, struct cz_frame *frame)
{
    if (CZ_LIKELY(!r->base.options.is_raw))
        return false;
    frame->flags = 0;
    if (frame->size > 0)
        return false;
    cz_socket_hang_up(&r->base, r->target);
    return true;
}

static int router_write(struct router *r, struct cz_frame *frame)
{
    int rc;

    if (CZ_UNLIKELY(!r->target)) {
        cz_frame_drop(frame);
        return 0;
    }
    if (router_hangs_up(r, frame))
        return 0;
    rc = cz_pipe_write(r->target, frame);
    /* There was room when the id was given; the mark is lower now. */
    return rc == -EAGAIN ? cz_pipe_write_beyond(r->target, frame) : rc;
}

static CZ_NOINLINE int router_send_slow(struct router *r,
                                        struct cz_frame *frame)
{
    int rc;

    if (!r->is_sending)
        return router_aim(r, frame);
    rc = router_write(r, frame);
    if (rc == 0)
        r->is_sending = frame->flags & CZ_FRAME_MORE;
    return rc;
}

/* To who has just spoken, and has room. */
static inline bool router_aim_back(struct router *r,
                                   const struct cz_frame *frame)
{
    const struct cz_route *route = r->routing.expected;

    if (CZ_UNLIKELY(!route) || CZ_UNLIKELY(!(frame->flags & CZ_FRAME_MORE)) ||
        !cz_route_has_id(route, cz_span(frame->data, frame->size)) ||
        CZ_UNLIKELY(route->end->out->w.credit == 0))
        return false;
    r->target = route->end;
    r->is_sending = true;
    return true;
}

/* The last frame, if it is short. */
static inline bool router_write_short(struct router *r,
                                      const struct cz_frame *frame)
{
    struct cz_pipe_end *target = r->target;

    if (CZ_UNLIKELY(!target) || CZ_UNLIKELY(r->base.options.is_raw) ||
        CZ_UNLIKELY(!cz_pipe_write_short(target, frame)))
        return false;
    r->is_sending = false;
    return true;
}

static int router_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct router *r = router_of(s);

    if (r->is_sending ? CZ_LIKELY(router_write_short(r, frame))
                      : router_aim_back(r, frame))
        return 0;
    return router_send_slow(r, frame);
}

static unsigned router_events(struct cz_socket *s)
{
    struct router *r = router_of(s);
    unsigned events = 0;

    if (is_in_message(r) || router_next(r))
        events |= CZ_POLLED_IN;
    if (!r->is_mandatory || r->is_sending || cz_lb_is_writable(&r->roomy))
        events |= CZ_POLLED_OUT;
    return events;
}

static int router_peer_events(struct cz_socket *s, struct cz_span id)
{
    struct cz_route *route = cz_routing_find(&router_of(s)->routing, id);

    if (!route)
        return -EHOSTUNREACH;
    return cz_pipe_is_writable(route->end) ? CZ_POLLED_OUT : 0;
}

/* ---- options -------------------------------------------------------- */

static int router_set_option(struct cz_socket *s, int number, const void *value,
                             size_t size)
{
    struct router *r = router_of(s);

    switch (number) {
    case OPTION_ROUTER_MANDATORY:
        return cz_options_take_switch(value, size, &r->is_mandatory);
    case OPTION_ROUTER_RAW:
        return cz_options_take_switch(value, size, &s->options.is_raw);
    case OPTION_ROUTER_HANDOVER:
        return cz_options_take_switch(value, size, &r->takes_over);
    case OPTION_CONNECT_ROUTING_ID:
        return cz_routing_set_connect_id(&r->routing, value, size);
    case OPTION_ROUTER_NOTIFY:
        return cz_options_take_int(value, size, 0, CZ_NOTIFY_ALL,
                                   &s->options.notify);
    default:
        return cz_probe_set_option(s, number, value, size);
    }
}

static int router_get_option(struct cz_socket *s, int number, void *value,
                             size_t *size)
{
    if (number != OPTION_ROUTER_NOTIFY)
        return -ENOENT;
    return *size == sizeof(int)
               ? cz_options_put_int(s->options.notify, value, size)
               : -EINVAL;
}

const struct cz_socket_ops cz_router_ops = {
    .name = "ROUTER",
    .type = CZ_SOCKET_ROUTER,
    .size = sizeof(struct router),
    .init = router_init,
    .fini = router_fini,
    .connecting = router_connecting,
    .attach = router_attach,
    .peer_closed = router_peer_closed,
    .detach = router_detach,
    .introduced = router_introduced,
    .readable = router_readable,
    .writable = router_writable,
    .send = router_send,
    .recv = router_recv,
    .events = router_events,
    .peer_events = router_peer_events,
    .set_option = router_set_option,
    .get_option = router_get_option,
};
