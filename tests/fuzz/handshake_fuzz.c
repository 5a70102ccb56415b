/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The NULL handshake: whatever frames come, and whenever our READY goes, it
 * ends properly, and only a peer that was told of becomes ready.
 *
 * Input: the local socket type; then frames, each a length octet (255 = our
 * turn to send) and a body.
 */
#include "fuzz/check.h"

#include "base/compiler.h"
#include "wire/null_handshake.h"
#include "wire/properties.h"
#include "wire/socket_type.h"

enum { OUR_TURN = 255 };

struct peer {
    struct cz_peer_sink sink;
    int calls;
};

static int on_peer(struct cz_peer_sink *sink, struct cz_span routing_id,
                   struct cz_span properties)
{
    struct peer *peer = cz_container_of(sink, struct peer, sink);

    peer->calls++;
    CHECK(routing_id.size <= 255);
    CHECK(cz_properties_check(properties) == 0);
    return 0;
}

static void send_one(struct cz_mechanism *mechanism)
{
    size_t size = mechanism->ops->output_size(mechanism);
    uint8_t *to;

    if (size == 0)
        return;
    CHECK(mechanism->state == CZ_HANDSHAKE_GOING);
    to = malloc(size);
    CHECK(to != NULL);
    mechanism->ops->output(mechanism, to);
    CHECK(memcmp(to, "\005READY", 6) == 0);
    CHECK(cz_properties_check(cz_span(to + 6, size - 6)) == 0);
    CHECK(mechanism->ops->output_size(mechanism) == 0);
    free(to);
}

static void feed_one(struct cz_mechanism *mechanism, const uint8_t *bytes,
                     size_t size)
{
    uint8_t *body = fuzz_copy(bytes, size);

    mechanism->ops->feed(mechanism, cz_span(body, size));
    free(body);
}

static void check_state(const struct cz_null_handshake *null,
                        const struct peer *peer)
{
    const struct cz_mechanism *base = &null->base;

    CHECK(peer->calls <= 1);
    CHECK((base->state == CZ_HANDSHAKE_READY) ==
          (null->has_sent_ready && peer->calls == 1 &&
           base->state != CZ_HANDSHAKE_FAILED));
    if (base->state != CZ_HANDSHAKE_FAILED)
        CHECK(base->failure_event == CZ_HANDSHAKE_EVENT_NONE);
    CHECK((base->failure_event == CZ_HANDSHAKE_EVENT_NONE) ==
          (base->failure_value == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct peer peer = {.sink.on_peer = on_peer};
    struct cz_mechanism_config config = {.peer = &peer.sink};
    struct cz_null_handshake null;
    struct cz_mechanism *mechanism = &null.base;
    size_t at = 1;

    if (size == 0)
        return 0;
    config.socket_type = bytes[0] % CZ_SOCKET_TYPE_COUNT;
    config.routing_id = cz_span(bytes, bytes[0] % (size < 255 ? size : 255));
    CHECK(cz_null_mechanism_ops.init(mechanism, &config) == 0);
    while (at < size && mechanism->state == CZ_HANDSHAKE_GOING) {
        size_t body_size = bytes[at++];

        if (body_size == OUR_TURN) {
            send_one(mechanism);
        } else {
            if (body_size > size - at)
                body_size = size - at;
            feed_one(mechanism, bytes + at, body_size);
            at += body_size;
        }
        check_state(&null, &peer);
    }
    send_one(mechanism);
    check_state(&null, &peer);
    mechanism->ops->fini(mechanism);
    return 0;
}
