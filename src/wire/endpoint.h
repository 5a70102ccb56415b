/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoint strings: what can be said about them from their text alone
 * (transports.md 1, 3.1, 3.2, 4). Whether a host or a directory exists is
 * found out elsewhere.
 *
 * Thread: any. Owns: nothing; no allocation.
 */
#ifndef CZ_WIRE_ENDPOINT_H
#define CZ_WIRE_ENDPOINT_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CZ_HOST_MAX = 255,
    CZ_ZONE_MAX = 63,
    CZ_IPC_PATH_MAX = 107, /* what fits a struct sockaddr_un */
};

/* "transport://address", split at the first "://". `address` points into
 * `endpoint` and ends where it ends. */
struct cz_endpoint {
    struct cz_span transport;
    const char *address;
};

/* 0, or -EINVAL: no "://", or nothing on one of its sides. */
CZ_MUST_CHECK int cz_endpoint_split(const char *endpoint,
                                    struct cz_endpoint *parts);

struct cz_host_port {
    /* Without brackets. An IPv6 number keeps its "%zone" here, as the
     * resolver wants it; other hosts lose it. May be empty, which no
     * resolver knows. */
    char host[CZ_HOST_MAX + 1];
    char zone[CZ_ZONE_MAX + 1]; /* "" if none was given */
    uint16_t port;              /* 0: any free one (bind, source) */
    bool is_any_host;           /* the host is "*" */
};

struct cz_tcp_address {
    struct cz_host_port target;
    struct cz_host_port source; /* connect only, if has_source */
    bool has_source;
};

/* The address part of a tcp endpoint to be bound: "host:port", where either
 * may be "*". A path after the port is ignored, and so is a source before
 * the last ';', though it must be "host:port" too. 0, -EINVAL, or -ENODEV
 * (the host is longer than any can be). */
CZ_MUST_CHECK int cz_endpoint_parse_tcp_bind(const char *address,
                                             struct cz_tcp_address *result);

/* The same to be connected: "[source;]host:port" of letters, digits and
 * ". - : % ; [ ] _ *", with a port in digits. 0 or -EINVAL. */
CZ_MUST_CHECK int cz_endpoint_parse_tcp_connect(const char *address,
                                                struct cz_tcp_address *result);

struct cz_ipc_address {
    char path[CZ_IPC_PATH_MAX + 1]; /* abstract names keep their '@' */
    bool is_wildcard;               /* "*": when bound, a fresh path */
    bool is_abstract;
};

/* The address part of an ipc endpoint. 0, -EINVAL (empty, or "@" alone) or
 * -ENAMETOOLONG. */
CZ_MUST_CHECK int cz_endpoint_parse_ipc(const char *address,
                                        struct cz_ipc_address *result);

#endif
