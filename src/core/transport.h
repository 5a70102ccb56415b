/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The contract of a transport: how a socket binds and connects through it.
 * A new transport is one file with one of these, and a row in the table of
 * api/context.c.
 *
 * Thread: all run on the socket's thread, without the helm of any I/O thread.
 */
#ifndef CZ_CORE_TRANSPORT_H
#define CZ_CORE_TRANSPORT_H

#include "base/compiler.h"

#include <stdbool.h>

struct cz_socket;

struct cz_transport {
    const char *scheme; /* what stands before "://" */

    /* Binds or connects the socket. On success the endpoint is entered with
     * cz_socket_add_endpoint. May block only as zmq_bind(3) and
     * zmq_connect(3) may: for names to be bound, never for a peer. 0 or
     * -errno as those pages and spec/transports.md say. */
    int (*bind)(struct cz_socket *socket, const char *endpoint,
                const char *address);
    int (*connect)(struct cz_socket *socket, const char *endpoint,
                   const char *address);

    /* Ends what was bound or connected under this name and is not in the
     * socket's list of endpoints. 0; -ENOENT; or another error, which ends
     * the search. NULL: everything is in the list. */
    int (*unbind)(struct cz_socket *socket, const char *endpoint);

    /* Another spelling under which the endpoint may be in the list, for
     * unbinding; `size` bytes. NULL: there is none. 0 or -errno. */
    int (*respell)(struct cz_socket *socket, const char *address, char *to,
                   unsigned size, int attempt);

    /* Do sockets that connect once per endpoint (DEALER, REQ, SUB, PUB) take
     * a second zmq_connect to the same endpoint for the first? */
    bool is_deduplicated;
};

#endif
