/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The greeting: from the first byte of a connection to an agreed version of
 * ZMTP (wire.md 2). It is sent in stages, each waiting for the peer, because
 * a ZMTP 1.0 peer must never see more than the first ten bytes:
 *
 *     A   at once                            FF <length> 7F     10 bytes
 *     B   10 bytes are in, signature good    03                  1
 *     C3  the peer's revision is >= 2        01 <mechanism> ... 53
 *     C2  the peer's revision is 0 or 1      <socket type>       1
 *
 * How to use it: feed what arrives, write what cz_greeting_output shows, in
 * any order, until feed returns CZ_GREETING_DONE. What output still shows
 * then goes out before anything else.
 *
 * Thread: the connection's. Owns: nothing; no allocation.
 */
#ifndef CZ_WIRE_GREETING_H
#define CZ_WIRE_GREETING_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CZ_GREETING_SIZE = 64,
    CZ_GREETING_SIGNATURE_SIZE = 10,
    CZ_GREETING_MECHANISM_MAX = 20,
};

enum cz_zmtp_version {
    CZ_ZMTP_1_0_UNVERSIONED, /* no greeting at all: frames from byte 0 */
    CZ_ZMTP_1_0_REV0,        /* 12-byte greeting, 1.0 frames */
    CZ_ZMTP_2_0,             /* 12-byte greeting, 2.0 frames */
    CZ_ZMTP_3_0,             /* legacy subscriptions */
    CZ_ZMTP_3_1,             /* and everything that claims to be newer */
};

enum { CZ_GREETING_MORE = 0, CZ_GREETING_DONE = 1 };

struct cz_greeting {
    /* Results, valid from CZ_GREETING_DONE on. */
    enum cz_zmtp_version version;
    /* After -EPROTO: enum cz_protocol_error; 0 = an old peer, refused, for
     * which no event is raised. */
    uint32_t error;

    bool refuses_old_peers;
    int8_t status; /* CZ_GREETING_MORE, _DONE, or -EPROTO for good */
    uint8_t in_size;
    uint8_t out_size; /* due so far */
    uint8_t out_sent;
    uint8_t socket_type;
    /* All that was received. For CZ_ZMTP_1_0_UNVERSIONED these `in_size`
     * bytes are the beginning of the first frame: decode them again. */
    uint8_t in[CZ_GREETING_SIZE];
    uint8_t out[CZ_GREETING_SIZE];
};

/* Stage A is due at once. `mechanism`: "NULL", "PLAIN"..., at most 20
 * characters. `routing_id_size`: of our own routing id, 0 to 255.
 * `refuses_old_peers`: the mechanism is not NULL or ZAP is in use (2.6). */
void cz_greeting_init(struct cz_greeting *greeting, const char *mechanism,
                      uint8_t socket_type, size_t routing_id_size,
                      bool refuses_old_peers);

/* Takes bytes from the peer; `consumed` tells how many, never more than the
 * greeting needs: the rest belongs to the codec. CZ_GREETING_MORE (all were
 * consumed), CZ_GREETING_DONE, or -EPROTO: close and do not reconnect. The
 * last two are final: they consume nothing more. */
CZ_MUST_CHECK int cz_greeting_feed(struct cz_greeting *greeting,
                                   const uint8_t *bytes, size_t size,
                                   size_t *consumed);

/* What is due and not yet sent; `size` 0 if nothing. Valid until the next
 * call. After -EPROTO it may still be sent (RFC 37 asks for it). */
const uint8_t *cz_greeting_output(const struct cz_greeting *greeting,
                                  size_t *size);

/* `size` of the bytes that output showed have been written. */
void cz_greeting_sent(struct cz_greeting *greeting, size_t size);

/* Is it known that the peer's version has a mechanism, though maybe not yet
 * which version it is? Then all of our greeting is due. */
static inline bool cz_greeting_is_modern(const struct cz_greeting *greeting)
{
    return greeting->out_size == CZ_GREETING_SIZE;
}

/* Does this version begin with a mechanism's handshake (else: with one
 * identity frame each way, 2.4 and 2.5)? */
static inline bool cz_zmtp_has_mechanism(enum cz_zmtp_version version)
{
    return version >= CZ_ZMTP_3_0;
}

/* Does this version use ZMTP 1.0 frames (else: 2.0 frames, 2.8)? */
static inline bool cz_zmtp_has_old_frames(enum cz_zmtp_version version)
{
    return version <= CZ_ZMTP_1_0_REV0;
}

#endif
