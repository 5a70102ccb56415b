/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The contract of a security mechanism: what happens between the greeting
 * and traffic on a ZMTP 3 connection (wire.md 5; security.md). A mechanism
 * is a function of frames: it gets the bodies of what the peer sent, says
 * what to send, and ends READY or FAILED.
 *
 *     GOING --(READY sent and received)--> READY
 *       '-----(anything else)------------> FAILED
 *
 * The caller's loop, whenever a frame has come and once at the start:
 *
 *     while ((size = mechanism->ops->output_size (mechanism)) > 0)
 *         ... output into a command frame with a body of `size` bytes
 *     if (mechanism->state != CZ_HANDSHAKE_GOING) ...
 *
 * Output goes out before whatever the new state leads to. Handshake frames
 * count as commands whatever their flags say (wire.md 4).
 *
 * Where later mechanisms fit in: one that asks ZAP stays GOING with no
 * output due until the caller hands it the reply (a slot `on_zap_reply`);
 * one that encrypts traffic (CURVE, GSSAPI) adds the pair of slots `encode`
 * and `decode`, from a frame to the body of a MESSAGE command and back.
 *
 * Thread: the connection's. Owns: see init and fini.
 */
#ifndef CZ_WIRE_MECHANISM_H
#define CZ_WIRE_MECHANISM_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cz_handshake_state {
    CZ_HANDSHAKE_GOING,
    CZ_HANDSHAKE_READY,  /* traffic may start, behind the output */
    CZ_HANDSHAKE_FAILED, /* close, do not reconnect; see the failure */
};

/* Which monitor event tells of a failure, before DISCONNECTED. */
enum cz_handshake_event {
    CZ_HANDSHAKE_EVENT_NONE,
    CZ_HANDSHAKE_EVENT_PROTOCOL, /* value: enum cz_protocol_error */
    CZ_HANDSHAKE_EVENT_AUTH,     /* value: status, 300, 400 or 500 */
};

/* What a mechanism is told about the local socket. The spans must stay as
 * long as the mechanism does. */
struct cz_mechanism_config {
    int socket_type;
    struct cz_span routing_id;
    struct cz_span properties; /* the application's, encoded (5.2) */
    struct cz_peer_sink *peer;
};

/* What a mechanism tells about the peer. Embedded in the caller. */
struct cz_peer_sink {
    /* Called from feed, once, before the state becomes READY, after the
     * properties were found well formed and the socket types compatible.
     * `routing_id` is the peer's Identity, at most 255 bytes, empty if it
     * sent none or if the local type makes no use of it. Both spans end
     * with the call. 0, or -errno (no memory...): the handshake fails. */
    int (*on_peer)(struct cz_peer_sink *sink, struct cz_span routing_id,
                   struct cz_span properties);
};

/* The part that all mechanisms have; each embeds it as its first member. */
struct cz_mechanism {
    const struct cz_mechanism_ops *ops;
    enum cz_handshake_state state;
    enum cz_handshake_event failure_event;
    uint32_t failure_value;
};

struct cz_mechanism_ops {
    const char *name; /* as the greeting has it */
    size_t size;      /* of the struct that embeds cz_mechanism */

    /* Makes `mechanism`, `size` bytes that the caller provides and frees,
     * ready for use. 0 or -errno; after an error there is no fini. */
    int (*init)(struct cz_mechanism *mechanism,
                const struct cz_mechanism_config *config);

    /* Releases what init and feed acquired, not `mechanism` itself. */
    void (*fini)(struct cz_mechanism *mechanism);

    /* A handshake frame has come: its body. Only while GOING. */
    void (*feed)(struct cz_mechanism *mechanism, struct cz_span body);

    /* The body size of the command to send next; 0 if none is due. */
    size_t (*output_size)(struct cz_mechanism *mechanism);

    /* Writes that command's body, exactly output_size bytes, and takes it
     * for sent. May change the state. */
    void (*output)(struct cz_mechanism *mechanism, uint8_t *to);
};

/* The result of a handshake that cannot go on. Called by mechanisms. */
static inline void cz_mechanism_fail(struct cz_mechanism *mechanism,
                                     enum cz_handshake_event event,
                                     uint32_t value)
{
    mechanism->state = CZ_HANDSHAKE_FAILED;
    mechanism->failure_event = event;
    mechanism->failure_value = value;
}

/* The checks that all mechanisms make on the peer's properties (5.2): well
 * formed, a compatible Socket-Type if there is one, a routing id of at most
 * 255 bytes; then hands them to config->peer. 0, -EPROTO, or what on_peer
 * returned. */
CZ_MUST_CHECK int
cz_mechanism_accept_peer(const struct cz_mechanism_config *config,
                         struct cz_span properties);

#endif
