/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STREAM: bytes to and from peers that do not speak ZMTP (zmq_socket(3)).
 *
 * Each connection has a routing id. What one read brings is the message [id]
 * [bytes], and [id] [bytes] is what is sent; an empty second frame closes the
 * connection. With ZMQ_STREAM_NOTIFY the engine puts an empty message into
 * the pipe when the connection stands and when it is gone.
 *
 * Thread: the socket's. Owns: the routes, one for each of its pipes.
 */
#include "base/assert.h"
#include "pattern/fq.h"
#include "pattern/routing.h"
#include "type/types.h"
#include "wire/socket_type.h"

#include <string.h>

enum {
    OPTION_CONNECT_ROUTING_ID = 61,
    OPTION_STREAM_NOTIFY = 73,
};

struct stream {
    struct cz_socket base;
    struct cz_fq fq;
    struct cz_routing routing;
    struct cz_pipe_end *target; /* of the bytes that are sent; NULL: dropped */
    bool is_sending;            /* the id has been given */
    bool is_id_shown;           /* of the message that is read */
};

CZ_STATIC_ASSERT(sizeof(struct stream) <= CZ_SOCKET_SLOT_SIZE, "fits a slot");

static struct stream *stream_of(struct cz_socket *s)
{
    return cz_container_of(s, struct stream, base);
}

static void stream_init(struct cz_socket *s)
{
    struct stream *t = stream_of(s);

    cz_fq_init(&t->fq, s);
    cz_routing_init(&t->routing);
    s->options.is_raw = true;
    s->options.notify = CZ_NOTIFY_ALL;
}

static void stream_fini(struct cz_socket *s)
{
    cz_routing_fini(&stream_of(s)->routing);
}

/* ---- peers ---------------------------------------------------------- */

static int stream_connecting(struct cz_socket *s)
{
    int rc = cz_routing_check_connect_id(&stream_of(s)->routing);

    return rc == 0 ? cz_routing_prepare(&stream_of(s)->routing) : rc;
}

/* The id of the last connection is what ZMQ_ROUTING_ID reads, which is how
 * who connects learns it. False: there is no memory. */
static bool stream_name(struct cz_socket *s, struct cz_pipe_end *end,
                        struct cz_span id)
{
    struct cz_route *route;

    if (cz_routing_add(&stream_of(s)->routing, id, end, &route) != 0)
        return false;
    end->type_data = route;
    memcpy(s->options.routing_id, route->id, route->size);
    s->options.routing_id_size = route->size;
    return true;
}

static void stream_attach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct cz_span id = {NULL, 0};

    if (end->endpoint)
        id = cz_routing_take_connect_id(&stream_of(s)->routing);
    (void)!stream_name(s, end, id); /* or later, see stream_readable */
}

/* What it has sent is still shown with its id, which is free now. */
static void stream_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct stream *t = stream_of(s);

    if (end->type_data)
        cz_routing_withdraw(&t->routing, end->type_data);
    if (t->target == end)
        t->target = NULL;
    cz_fq_peer_closed(&t->fq, end);
}

static void stream_detach(struct cz_socket *s, struct cz_pipe_end *end)
{
    struct stream *t = stream_of(s);

    if (t->target == end)
        t->target = NULL;
    if (t->fq.current == end)
        t->is_id_shown = false;
    cz_fq_remove(&t->fq, end);
    if (end->type_data)
        cz_routing_remove(&t->routing, end->type_data);
    end->type_data = NULL;
}

/* Without an id nobody could tell whose bytes these are. */
static void stream_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    if (end->type_data || stream_name(s, end, cz_span(NULL, 0)))
        cz_fq_add(&stream_of(s)->fq, end);
    else
        cz_pipe_read_later(end);
}

/* Who waits for room looks again at whom it wants to send to. */
static void stream_writable(struct cz_socket *s, struct cz_pipe_end *end)
{
    (void)s;
    (void)end;
}

/* ---- receiving ------------------------------------------------------ */

static int stream_recv(struct cz_socket *s, struct cz_frame *frame)
{
    struct stream *t = stream_of(s);
    const struct cz_route *route;

    if (t->is_id_shown) {
        t->is_id_shown = false;
        return cz_fq_recv(&t->fq, frame);
    }
    if (!cz_fq_is_readable(&t->fq))
        return -EAGAIN;
    route = t->fq.current->type_data;
    *frame = (struct cz_frame){
        .data = route->id,
        .size = route->size,
        .metadata = t->fq.current->metadata,
        .flags = CZ_FRAME_MORE,
    };
    t->is_id_shown = true;
    return 0;
}

/* ---- sending -------------------------------------------------------- */

/* The first frame says to whom the second goes. An id without a second frame
 * is no message. */
static int stream_aim(struct stream *t, struct cz_frame *frame)
{
    struct cz_route *route;

    if (frame->flags & CZ_FRAME_MORE) {
        route = cz_routing_find(&t->routing, cz_span(frame->data, frame->size));
        if (!route)
            return -EHOSTUNREACH;
        if (!cz_pipe_is_writable(route->end))
            return -EAGAIN;
        t->target = route->end;
        t->is_sending = true;
    }
    cz_frame_drop(frame);
    return 0;
}

static int stream_send(struct cz_socket *s, struct cz_frame *frame)
{
    struct stream *t = stream_of(s);
    int rc = 0;

    if (!t->is_sending)
        return stream_aim(t, frame);
    frame->flags = 0;
    if (!t->target)
        cz_frame_drop(frame);
    else if (frame->size == 0)
        cz_socket_hang_up(s, t->target);
    else
        rc = cz_pipe_write_beyond(t->target, frame);
    if (rc == 0)
        t->is_sending = false;
    return rc;
}

static unsigned stream_events(struct cz_socket *s)
{
    struct stream *t = stream_of(s);

    return CZ_POLLED_OUT |
           (t->is_id_shown || cz_fq_is_readable(&t->fq) ? CZ_POLLED_IN : 0);
}

/* ---- options -------------------------------------------------------- */

static int stream_set_option(struct cz_socket *s, int number, const void *value,
                             size_t size)
{
    int notifies;
    int rc;

    switch (number) {
    case OPTION_CONNECT_ROUTING_ID:
        return cz_routing_set_connect_id(&stream_of(s)->routing, value, size);
    case OPTION_STREAM_NOTIFY:
        rc = cz_options_take_int(value, size, 0, 1, &notifies);
        if (rc == 0)
            s->options.notify = notifies ? CZ_NOTIFY_ALL : 0;
        return rc;
    default:
        return -ENOENT;
    }
}

const struct cz_socket_ops cz_stream_ops = {
    .name = "STREAM",
    .type = CZ_SOCKET_STREAM,
    .size = sizeof(struct stream),
    .init = stream_init,
    .fini = stream_fini,
    .connecting = stream_connecting,
    .attach = stream_attach,
    .peer_closed = stream_peer_closed,
    .detach = stream_detach,
    .readable = stream_readable,
    .writable = stream_writable,
    .send = stream_send,
    .recv = stream_recv,
    .events = stream_events,
    .set_option = stream_set_option,
};
