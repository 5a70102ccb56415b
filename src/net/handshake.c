/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Handshakes (wire.md 2 to 5).
 *
 *     GREETING ──▶ IDENTITY   (ZMTP 1.0, 2.0: one frame each way) ──▶ done
 *         └──────▶ MECHANISM  (ZMTP 3.x)                          ──▶ done
 *
 * Thread: with the helm. Owns: see net/handshake.h.
 */
#include "net/handshake.h"

#include "base/alloc.h"
#include "core/io_thread.h"
#include "msg/frame.h"
#include "msg/metadata.h"
#include "net/session.h"
#include "os/socket.h"
#include "wire/greeting.h"
#include "wire/null_handshake.h"
#include "wire/properties.h"
#include "wire/zmtp1.h"

#include <errno.h>
#include <string.h>

enum {
    READ_SIZE = 4096,
    /* Frames of a handshake may not be larger than this. */
    FRAME_MAX = 65536,
    PROPERTIES_MAX = 64,
};

enum stage { GREETING, IDENTITY, MECHANISM };

struct cz_handshake {
    struct cz_session *session;
    int fd;
    struct cz_poll_handler handler;
    cz_poll_id poll_id;
    struct cz_timer timeout;
    enum stage stage;
    bool is_done;          /* only the output has still to go */
    bool is_out_of_memory; /* worth another attempt */
    struct cz_greeting greeting;
    struct cz_null_handshake mechanism;
    struct cz_peer_sink sink;
    struct cz_metadata *metadata;

    uint8_t *in; /* received and not yet understood */
    size_t in_size;
    size_t in_capacity;
    uint8_t *out;
    size_t out_size;
    size_t out_sent;
};

static struct cz_io_thread *handshake_io(const struct cz_handshake *h)
{
    return h->session->object.tenant->io;
}

int cz_handshake_fd(const struct cz_handshake *h)
{
    return h->fd;
}

/* ---- buffers -------------------------------------------------------- */

static int in_append(struct cz_handshake *h, const uint8_t *bytes, size_t size)
{
    if (h->in_size + size > h->in_capacity) {
        size_t capacity = h->in_size + size;
        uint8_t *bigger = cz_realloc(h->in, capacity);

        if (!bigger)
            return -ENOMEM;
        h->in = bigger;
        h->in_capacity = capacity;
    }
    memcpy(h->in + h->in_size, bytes, size);
    h->in_size += size;
    return 0;
}

static void in_consume(struct cz_handshake *h, size_t size)
{
    h->in_size -= size;
    memmove(h->in, h->in + size, h->in_size);
}

static uint8_t *out_room(struct cz_handshake *h, size_t size)
{
    uint8_t *bigger = cz_realloc(h->out, h->out_size + size);

    if (!bigger)
        return NULL;
    h->out = bigger;
    h->out_size += size;
    return h->out + h->out_size - size;
}

static int out_append(struct cz_handshake *h, const uint8_t *bytes, size_t size)
{
    uint8_t *to;

    if (size == 0)
        return 0;
    to = out_room(h, size);
    if (!to)
        return -ENOMEM;
    memcpy(to, bytes, size);
    return 0;
}

/* What the greeting has due moves into the common buffer. */
static int out_take_greeting(struct cz_handshake *h)
{
    size_t size;
    const uint8_t *bytes = cz_greeting_output(&h->greeting, &size);
    int rc = out_append(h, bytes, size);

    if (rc == 0)
        cz_greeting_sent(&h->greeting, size);
    return rc;
}

/* ---- the peer ------------------------------------------------------- */

/* Gathers what zmq_msg_gets will show. */
static int handshake_on_peer(struct cz_peer_sink *sink,
                             struct cz_span routing_id CZ_UNUSED,
                             struct cz_span properties)
{
    struct cz_handshake *h = cz_container_of(sink, struct cz_handshake, sink);
    struct cz_metadata_item items[PROPERTIES_MAX];
    char address[CZ_ADDR_TEXT_MAX];
    struct cz_property property;
    size_t count = 0;

    h->session->transport->peer_text(h->fd, address);
    if (address[0])
        items[count++] = (struct cz_metadata_item){
            "Peer-Address", strlen("Peer-Address"), address, strlen(address)};
    while (count < PROPERTIES_MAX &&
           cz_properties_next(&properties, &property) == 1)
        items[count++] = (struct cz_metadata_item){
            (const char *)property.name.bytes, property.name.size,
            property.value.bytes, property.value.size};
    h->metadata = cz_metadata_create(items, count, address[0] ? h->fd : -1);
    h->is_out_of_memory = !h->metadata;
    return h->metadata ? 0 : -ENOMEM;
}

/* ---- stages --------------------------------------------------------- */

/* Steps return 1: go on; 0: more bytes are needed; -errno: failed for good,
 * and then `event` and `value` say what to tell. */
struct outcome {
    enum cz_event event;
    uint32_t value;
};

static int mechanism_flush(struct cz_handshake *h)
{
    struct cz_mechanism *m = &h->mechanism.base;
    size_t size;

    while ((size = m->ops->output_size(m)) > 0) {
        uint8_t header[CZ_FRAME_HEADER_MAX];
        size_t used = cz_frame_put_header(header, CZ_FRAME_COMMAND, size);
        uint8_t *to;

        if (out_append(h, header, used) != 0)
            return -ENOMEM;
        to = out_room(h, size);
        if (!to)
            return -ENOMEM;
        m->ops->output(m, to);
    }
    return 0;
}

static int begin_mechanism(struct cz_handshake *h)
{
    const struct cz_options *o = h->session->options;
    const struct cz_mechanism_config config = {
        .socket_type = o->socket_type,
        .routing_id = cz_span(o->routing_id, o->routing_id_size),
        .properties = cz_options_blob(o, CZ_OPTION_METADATA),
        .peer = &h->sink,
    };
    int rc = cz_null_mechanism_ops.init(&h->mechanism.base, &config);

    if (rc != 0)
        return rc;
    h->stage = MECHANISM;
    return mechanism_flush(h) == 0 ? 1 : -ENOMEM;
}

/* ZMTP 1.0 and 2.0: our routing id goes out as one frame. To a peer without
 * any version the frame's header has gone already: it was the signature. */
static int begin_identity(struct cz_handshake *h)
{
    const struct cz_options *o = h->session->options;
    uint8_t header[CZ_ZMTP1_HEADER_MAX];
    size_t size = 0;
    int rc;

    if (h->greeting.version == CZ_ZMTP_1_0_REV0)
        size = cz_zmtp1_header(header, o->routing_id_size, false);
    else if (h->greeting.version == CZ_ZMTP_2_0)
        size = cz_frame_put_header(header, 0, o->routing_id_size);
    rc = out_append(h, header, size);
    if (rc == 0)
        rc = out_append(h, o->routing_id, o->routing_id_size);
    h->stage = IDENTITY;
    return rc == 0 ? 1 : rc;
}

static int step_greeting(struct cz_handshake *h, struct outcome *outcome)
{
    size_t consumed = 0;
    int rc = cz_greeting_feed(&h->greeting, h->in, h->in_size, &consumed);

    if (rc < 0) {
        outcome->value = h->greeting.error;
        outcome->event =
            h->greeting.error ? CZ_EVENT_HANDSHAKE_FAILED_PROTOCOL : 0;
    }
    in_consume(h, consumed);
    if (out_take_greeting(h) != 0)
        return -ENOMEM;
    if (rc != CZ_GREETING_DONE)
        return rc;
    if (cz_zmtp_has_mechanism(h->greeting.version))
        return begin_mechanism(h);
    return begin_identity(h);
}

/* Puts back the bytes that the greeting took for its own. */
static int unread_greeting(struct cz_handshake *h)
{
    uint8_t rest[CZ_GREETING_SIZE];
    size_t size = h->greeting.in_size;
    int rc;

    memcpy(rest, h->greeting.in, size);
    rc = in_append(h, rest, size);
    if (rc != 0)
        return rc;
    memmove(h->in + size, h->in, h->in_size - size);
    memcpy(h->in, rest, size);
    return 0;
}

static int frame_header(struct cz_handshake *h, size_t *header, uint64_t *body)
{
    uint8_t flags;
    bool has_more;

    if (cz_zmtp_has_old_frames(h->greeting.version))
        return cz_zmtp1_parse(h->in, h->in_size, header, body, &has_more);
    if (h->in_size < 2)
        return 0;
    *header = cz_frame_get_header(h->in, h->in_size, &flags, body);
    return *header > 0;
}

/* One frame is there, or -errno, or 0. */
static int next_frame(struct cz_handshake *h, size_t *header, uint64_t *body)
{
    int64_t limit = h->session->options->maxmsgsize;
    int rc = frame_header(h, header, body);

    if (rc <= 0)
        return rc;
    if (*body > FRAME_MAX || (limit >= 0 && *body > (uint64_t)limit))
        return -EMSGSIZE;
    return h->in_size >= *header + *body;
}

static int step_identity(struct cz_handshake *h)
{
    size_t header;
    uint64_t body;
    int rc = next_frame(h, &header, &body);

    if (rc <= 0)
        return rc;
    if (body > 0) {
        h->metadata = cz_metadata_create_id(h->in + header, body);
        if (!h->metadata)
            return -ENOMEM;
    }
    in_consume(h, header + body);
    h->is_done = true;
    return 0;
}

static int step_mechanism(struct cz_handshake *h, struct outcome *outcome)
{
    struct cz_mechanism *m = &h->mechanism.base;
    size_t header;
    uint64_t body;
    int rc = next_frame(h, &header, &body);

    if (rc <= 0)
        return rc;
    m->ops->feed(m, cz_span(h->in + header, body));
    in_consume(h, header + body);
    if (mechanism_flush(h) != 0)
        return -ENOMEM;
    if (m->state == CZ_HANDSHAKE_READY) {
        h->is_done = true;
        return 0;
    }
    if (m->state == CZ_HANDSHAKE_GOING)
        return 1;
    if (h->is_out_of_memory)
        return -ENOMEM;
    outcome->value = m->failure_value;
    if (m->failure_event == CZ_HANDSHAKE_EVENT_PROTOCOL)
        outcome->event = CZ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    else if (m->failure_event == CZ_HANDSHAKE_EVENT_AUTH)
        outcome->event = CZ_EVENT_HANDSHAKE_FAILED_AUTH;
    return -EPROTO;
}

static int handshake_advance(struct cz_handshake *h, struct outcome *outcome)
{
    int rc = 1;

    while (rc == 1 && !h->is_done) {
        switch (h->stage) {
        case GREETING:
            rc = step_greeting(h, outcome);
            if (rc == 1 && h->stage == IDENTITY &&
                h->greeting.version == CZ_ZMTP_1_0_UNVERSIONED &&
                unread_greeting(h) != 0)
                rc = -ENOMEM;
            break;
        case IDENTITY:
            rc = step_identity(h);
            break;
        case MECHANISM:
            rc = step_mechanism(h, outcome);
            break;
        }
    }
    return rc < 0 ? rc : 0;
}

/* ---- the descriptor ------------------------------------------------- */

/* Writes what is due. 0: all of it has gone; -EAGAIN; or the connection is
 * broken. */
static int handshake_flush(struct cz_handshake *h)
{
    while (h->out_sent < h->out_size) {
        ssize_t n = cz_sock_write(h->fd, h->out + h->out_sent,
                                  h->out_size - h->out_sent);

        if (n < 0)
            return (int)n;
        h->out_sent += (size_t)n;
    }
    h->out_size = h->out_sent = 0;
    return 0;
}

static void handshake_finish(struct cz_handshake *h)
{
    struct cz_session *session = h->session;
    struct cz_handshake_result result = {
        .fd = h->fd,
        .poll_id = h->poll_id,
        .has_old_frames = cz_zmtp_has_old_frames(h->greeting.version),
        .has_phantom = h->greeting.version == CZ_ZMTP_1_0_UNVERSIONED,
        .has_commands = cz_zmtp_has_mechanism(h->greeting.version),
        .has_subscriptions = h->greeting.version >= CZ_ZMTP_3_1,
        .rest = h->in_size ? h->in : NULL,
        .rest_size = h->in_size,
        .metadata = h->metadata,
    };

    if (result.rest)
        h->in = NULL;
    h->metadata = NULL;
    cz_io_set_interest(handshake_io(h), h->poll_id, CZ_POLL_IN);
    h->poll_id = 0;
    h->fd = -1;
    cz_handshake_destroy(h);
    cz_session_on_handshake(session, &result);
}

static void handshake_fail(struct cz_handshake *h, int rc,
                           const struct outcome *outcome)
{
    bool is_fatal = rc == -EPROTO || rc == -EMSGSIZE;

    (void)!handshake_flush(h);
    cz_session_on_handshake_failed(h->session, outcome->event, outcome->value,
                                   is_fatal);
}

/* The connection broke, or ran out of time: worth another attempt. */
static void handshake_lose(struct cz_handshake *h, int error)
{
    cz_session_on_handshake_failed(h->session,
                                   CZ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                                   (uint32_t)error, false);
}

/* After progress: everything written and understood, or what to wait for. */
static void handshake_settle(struct cz_handshake *h)
{
    int rc = handshake_flush(h);

    if (h->is_done && rc == 0)
        handshake_finish(h);
    else if (h->is_done && rc != -EAGAIN)
        handshake_lose(h, -rc);
    else
        /* A broken connection with more to be read: the reading side has the
         * last words of the peer, and then its end. */
        cz_io_set_interest(handshake_io(h), h->poll_id,
                           (h->is_done ? 0 : CZ_POLL_IN) |
                               (rc == -EAGAIN ? CZ_POLL_OUT : 0));
}

static void handshake_on_events(struct cz_poll_handler *handler,
                                unsigned events)
{
    struct cz_handshake *h =
        cz_container_of(handler, struct cz_handshake, handler);
    struct outcome outcome = {0};
    uint8_t bytes[READ_SIZE];
    ssize_t n;
    int rc;

    if (h->is_done || !(events & (CZ_POLL_IN | CZ_POLL_ERR))) {
        handshake_settle(h);
        return;
    }
    n = cz_sock_read(h->fd, bytes, sizeof bytes);
    if (n == -EAGAIN) {
        handshake_settle(h);
        return;
    }
    if (n <= 0) {
        handshake_lose(h, n == 0 ? EPIPE : (int)-n);
        return;
    }
    rc = in_append(h, bytes, (size_t)n);
    if (rc == 0)
        rc = handshake_advance(h, &outcome);
    if (rc != 0)
        handshake_fail(h, rc, &outcome);
    else
        handshake_settle(h);
}

static void handshake_on_timeout(struct cz_timer *timer)
{
    handshake_lose(cz_container_of(timer, struct cz_handshake, timeout),
                   ETIMEDOUT);
}

/* ---- beginning and end ---------------------------------------------- */

static int handshake_begin(struct cz_handshake *h)
{
    const struct cz_options *o = h->session->options;
    struct cz_io_thread *io = handshake_io(h);
    int rc;

    cz_greeting_init(&h->greeting, cz_null_mechanism_ops.name, o->socket_type,
                     o->routing_id_size, false);
    rc = out_take_greeting(h);
    if (rc == 0)
        rc = cz_io_watch_fd(io, h->fd, &h->handler, CZ_POLL_IN, &h->poll_id);
    if (rc == 0 && o->handshake_ivl_ms > 0)
        cz_io_set_timer(io, &h->timeout, (uint64_t)o->handshake_ivl_ms * 1000);
    return rc;
}

int cz_handshake_create(struct cz_session *session, int fd,
                        struct cz_handshake **out)
{
    struct cz_handshake *h = cz_zalloc(sizeof *h);
    int rc;

    if (!h)
        return -ENOMEM;
    h->session = session;
    h->fd = fd;
    h->handler.on_events = handshake_on_events;
    h->timeout.on_expire = handshake_on_timeout;
    h->sink.on_peer = handshake_on_peer;
    rc = handshake_begin(h);
    if (rc != 0) {
        h->fd = -1;
        cz_handshake_destroy(h);
        return rc;
    }
    *out = h;
    if (handshake_flush(h) == -EAGAIN)
        cz_io_set_interest(handshake_io(h), h->poll_id,
                           CZ_POLL_IN | CZ_POLL_OUT);
    return 0;
}

void cz_handshake_destroy(struct cz_handshake *h)
{
    cz_io_cancel_timer(handshake_io(h), &h->timeout);
    if (h->poll_id)
        cz_io_unwatch(handshake_io(h), h->poll_id);
    if (h->fd >= 0)
        cz_sock_close(h->fd);
    if (h->stage == MECHANISM)
        cz_null_mechanism_ops.fini(&h->mechanism.base);
    if (h->metadata)
        cz_metadata_unref(h->metadata, 1);
    cz_free(h->in);
    cz_free(h->out);
    cz_free(h);
}
