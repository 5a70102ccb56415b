/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The contract of a transport that carries ZMTP over connected streams of
 * bytes: tcp, ipc. Listening, dialling, the handshake and the engine are the
 * same for all of them (net/listener.h, net/session.h); what differs is here.
 *
 * A new one is one file with one of these and a struct cz_transport whose
 * bind and connect call cz_stream_bind and cz_stream_connect.
 */
#ifndef CZ_NET_STREAM_TRANSPORT_H
#define CZ_NET_STREAM_TRANSPORT_H

#include "base/compiler.h"
#include "core/options.h"
#include "os/addr.h"

#include <stdbool.h>

struct cz_socket;

enum { CZ_ENDPOINT_NAME_MAX = 320 };

/* A descriptor that listens, and what to clean up after it. */
struct cz_listening {
    int fd;
    char name[CZ_ENDPOINT_NAME_MAX]; /* "tcp://127.0.0.1:5555" */
    bool is_on_any_address;          /* "tcp://0.0.0.0:5555" */
    /* Removed when listening ends, or "": a file, and the directory made for
     * it. */
    char file[CZ_ADDR_TEXT_MAX];
    char directory[CZ_ADDR_TEXT_MAX];
};

struct cz_stream_transport {
    const char *scheme;
    bool has_proxies; /* heeds ZMQ_SOCKS_PROXY */

    /* Binds and listens. On the socket's thread; may ask the resolver. 0 or
     * -errno. */
    int (*listen)(const struct cz_options *options, const char *address,
                  struct cz_listening *listening);

    /* Is the text an address that may be connected to? 0 or -errno. On the
     * socket's thread. */
    int (*check)(const char *address);

    /* The address to dial. 0; -errno; or -EAGAIN: only the resolver knows,
     * call `resolve`, which may block, on a thread of its own. */
    int (*locate)(const struct cz_options *options, const char *address,
                  struct cz_addr *to);
    int (*resolve)(const struct cz_options *options, const char *address,
                   struct cz_addr *to);

    /* A descriptor on its way to `to`: *fd is set (or -1), result as
     * cz_sock_connect. */
    int (*dial)(const struct cz_options *options, const char *address,
                const struct cz_addr *to, int *fd);

    /* Whether the filters in the options let an accepted descriptor in. */
    bool (*admits)(const struct cz_options *options, int fd);

    /* Settles a connected descriptor, or an accepted one, which has inherited
     * what `listen` has set. 0, or -errno: it is not fit. */
    int (*tune)(const struct cz_options *options, int fd);
    int (*tune_accepted)(const struct cz_options *options, int fd,
                         const struct cz_addr *peer);

    /* What an accepted descriptor is connected to, as an endpoint. 0 or
     * -errno. NULL: listeners are never on any address. */
    int (*local_name)(int fd, char name[CZ_ENDPOINT_NAME_MAX]);

    /* The peer, for metadata: without a port; "" if unknown. */
    void (*peer_text)(int fd, char text[CZ_ADDR_TEXT_MAX]);
};

/* What the cz_transport of each of them does. */
CZ_MUST_CHECK int cz_stream_bind(struct cz_socket *socket,
                                 const struct cz_stream_transport *transport,
                                 const char *address);
CZ_MUST_CHECK int cz_stream_connect(struct cz_socket *socket,
                                    const struct cz_stream_transport *transport,
                                    const char *endpoint, const char *address);

#endif
