/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The client's side of SOCKS5 (RFC 1928), with user name and password
 * (RFC 1929): a function of bytes (transports.md 9).
 *
 *     CHOOSING ──▶ (PROVING) ──▶ ASKING ──▶ done
 *
 * In each state the client says something and the proxy answers. What comes
 * behind the last answer is the far end's: so no more than cz_socks5_wanted
 * bytes may be read at any time.
 *
 * Thread: the connection's. Owns: nothing; it keeps copies of what it was
 * told, but for the name and password, which must stay.
 */
#ifndef CZ_WIRE_SOCKS5_H
#define CZ_WIRE_SOCKS5_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the far end is named, by the numbers of RFC 1928. */
enum cz_socks5_kind {
    CZ_SOCKS5_IPV4 = 1,
    CZ_SOCKS5_NAME = 3,
    CZ_SOCKS5_IPV6 = 4,
};

struct cz_socks5_target {
    enum cz_socks5_kind kind;
    struct cz_span address; /* 4 bytes, 1 to 255 characters, 16 bytes */
    uint16_t port;
};

enum { CZ_SOCKS5_TEXT_MAX = 255, CZ_SOCKS5_OUT_MAX = 3 + 2 * 255 };

struct cz_socks5 {
    struct cz_span user_name;
    struct cz_span password;
    uint8_t request[4 + 1 + CZ_SOCKS5_TEXT_MAX + 2];
    size_t request_size;
    int state;
    uint8_t in[5]; /* of the answer, as much as decides */
    size_t in_size;
    size_t in_wanted; /* of the answer, all together */
    uint8_t out[CZ_SOCKS5_OUT_MAX];
    size_t out_size;
    size_t out_sent;
};

/* An empty user name: no authentication is offered. Both are at most 255
 * bytes, and so is the target's address. */
void cz_socks5_init(struct cz_socks5 *socks, struct cz_span user_name,
                    struct cz_span password,
                    const struct cz_socks5_target *target);

/* What is to be sent now, and that so much of it has gone. */
struct cz_span cz_socks5_output(const struct cz_socks5 *socks);
void cz_socks5_sent(struct cz_socks5 *socks, size_t size);

/* How many more bytes the proxy is expected to send for now. */
size_t cz_socks5_wanted(const struct cz_socks5 *socks);

/* That many bytes have come, or less. 1: the connection is the far end's. 0:
 * go on. -EPROTO: this is no SOCKS5; -EACCES: the proxy wants somebody else;
 * -ECONNREFUSED, -EHOSTUNREACH: it does not reach the far end. */
CZ_MUST_CHECK int cz_socks5_feed(struct cz_socks5 *socks, const uint8_t *bytes,
                                 size_t size);

#endif
