/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From a connection to a SOCKS5 proxy to one that leads to an address:
 * between dialling and the handshake (transports.md 9).
 *
 * Thread: with the helm. Owns: nothing; the descriptor is the connecter's.
 */
#ifndef CZ_NET_SOCKS_H
#define CZ_NET_SOCKS_H

#include "base/compiler.h"
#include "core/options.h"

struct cz_io_thread;
struct cz_socks;

/* Called when the proxy has connected, or with -errno; it may destroy. */
typedef void(cz_socks_fn)(void *owner, int rc);

/* Is ZMQ_SOCKS_PROXY, if set, an address to connect to? 0 or -EINVAL. */
CZ_MUST_CHECK int cz_socks_check(const struct cz_options *options);

/* What is dialled in the place of `address`, a tcp address to connect to:
 * the proxy, from the source that the address names. Its memory is the
 * caller's. *route is NULL if there is no proxy. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_socks_route(const struct cz_options *options,
                                 const char *address, char **route);

/* Asks the proxy at the other end of `fd` for `address`. 0 or -errno. */
CZ_MUST_CHECK int cz_socks_create(struct cz_io_thread *io, int fd,
                                  const struct cz_options *options,
                                  const char *address, struct cz_socks **socks);

/* Begins. on_done may be called from here. */
void cz_socks_start(struct cz_socks *socks, cz_socks_fn *on_done, void *owner);

/* The descriptor stays open, and nobody watches it. */
void cz_socks_destroy(struct cz_socks *socks);

#endif
