/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Resolving names off the I/O thread: the system's resolver may take many
 * seconds and cannot be interrupted. Each resolution has a thread that nobody
 * waits for; one that is cancelled runs to its end and changes nothing.
 *
 * Thread: with the helm; the work on a thread of its own.
 */
#ifndef CZ_NET_RESOLVER_H
#define CZ_NET_RESOLVER_H

#include "base/compiler.h"
#include "net/stream_transport.h"

struct cz_io_thread;
struct cz_resolution;

/* Called with the helm; `addr` is valid if rc is 0. */
typedef void(cz_resolved_fn)(void *owner, int rc, const struct cz_addr *addr);

/* NULL: there is no memory for it, or no thread. `options` gains a
 * reference. */
CZ_MUST_CHECK struct cz_resolution *
cz_resolution_start(struct cz_io_thread *io,
                    const struct cz_stream_transport *transport,
                    struct cz_options *options, const char *address,
                    cz_resolved_fn *on_resolved, void *owner);

/* on_resolved will not be called. */
void cz_resolution_cancel(struct cz_resolution *resolution);

#endif
