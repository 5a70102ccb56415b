/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Handshakes: what comes in and what goes out, step by step (wire.md 2 to 5).
 *
 * Thread: with the helm. Owns: see net/handshake.h.
 */
#include "base/alloc.h"
#include "msg/frame.h"
#include "msg/metadata.h"
#include "net/handshake_state.h"
#include "wire/properties.h"
#include "wire/zmtp1.h"

#include <errno.h>
#include <string.h>

enum {
    /* Frames of a handshake may not be larger than this. */
    FRAME_MAX = 65536,
    PROPERTIES_MAX = 64,
};

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
 * and then the outcome says what to tell. */

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

/* As soon as the peer is known to have one: READY goes out with the rest of
 * our greeting, without waiting for the rest of the peer's (RFC 23). With NULL
 * it says nothing that a peer may not know which then turns out to want another
 * mechanism. */
static int begin_mechanism(struct cz_handshake *h)
{
    const struct cz_options *o = h->session->options;
    const struct cz_mechanism_config config = {
        .socket_type = o->socket_type,
        .routing_id = cz_span(o->routing_id, o->routing_id_size),
        .properties = cz_options_blob(o, CZ_OPTION_METADATA),
        .peer = &h->sink,
    };
    int rc;

    if (h->has_mechanism)
        return 0;
    rc = cz_null_mechanism_ops.init(&h->mechanism.base, &config);
    if (rc != 0)
        return rc;
    h->has_mechanism = true;
    return mechanism_flush(h);
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
    h->stage = CZ_HANDSHAKE_AT_IDENTITY;
    return rc == 0 ? 1 : rc;
}

static int step_greeting(struct cz_handshake *h,
                         struct cz_handshake_outcome *outcome)
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
    if (rc >= 0 && cz_greeting_is_modern(&h->greeting) &&
        begin_mechanism(h) != 0)
        return -ENOMEM;
    if (rc != CZ_GREETING_DONE)
        return rc;
    if (!cz_zmtp_has_mechanism(h->greeting.version))
        return begin_identity(h);
    h->stage = CZ_HANDSHAKE_AT_MECHANISM;
    return 1;
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

static int step_mechanism(struct cz_handshake *h,
                          struct cz_handshake_outcome *outcome)
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

static int handshake_advance(struct cz_handshake *h,
                             struct cz_handshake_outcome *outcome)
{
    int rc = 1;

    while (rc == 1 && !h->is_done) {
        switch (h->stage) {
        case CZ_HANDSHAKE_AT_GREETING:
            rc = step_greeting(h, outcome);
            if (rc == 1 && h->stage == CZ_HANDSHAKE_AT_IDENTITY &&
                h->greeting.version == CZ_ZMTP_1_0_UNVERSIONED &&
                unread_greeting(h) != 0)
                rc = -ENOMEM;
            break;
        case CZ_HANDSHAKE_AT_IDENTITY:
            rc = step_identity(h);
            break;
        case CZ_HANDSHAKE_AT_MECHANISM:
            rc = step_mechanism(h, outcome);
            break;
        }
    }
    return rc < 0 ? rc : 0;
}

/* ---- for the descriptor --------------------------------------------- */

int cz_handshake_greet(struct cz_handshake *h)
{
    const struct cz_options *o = h->session->options;

    h->sink.on_peer = handshake_on_peer;
    cz_greeting_init(&h->greeting, cz_null_mechanism_ops.name, o->socket_type,
                     o->routing_id_size, false);
    return out_take_greeting(h);
}

int cz_handshake_feed(struct cz_handshake *h, const uint8_t *bytes, size_t size,
                      struct cz_handshake_outcome *outcome)
{
    int rc = in_append(h, bytes, size);

    return rc == 0 ? handshake_advance(h, outcome) : rc;
}
