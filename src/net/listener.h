/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Listeners: bound endpoints. Each accepts connections and makes a session
 * of every one.
 *
 * Thread: made by the socket, lives with the helm. Owns: its descriptor, and
 * the files that go with it.
 */
#ifndef CZ_NET_LISTENER_H
#define CZ_NET_LISTENER_H

#include "base/compiler.h"
#include "core/options.h"
#include "core/tenant.h"
#include "net/stream_transport.h"

struct cz_listener;

/* What it accepts goes to the tenant with the least to do on its I/O thread,
 * among those of `tenants`, one for each I/O thread or NULL, that the affinity
 * allows; `home` is one of them and has the listener itself. Takes over the
 * descriptor. `options` gains a reference. Two references: the endpoint's and
 * that of its life, which begins with cz_io_object_post_start. NULL = no
 * memory. */
struct cz_io_object *
cz_listener_create(struct cz_tenant *home, struct cz_tenant *const *tenants,
                   int tenant_count, struct cz_options *options,
                   const struct cz_stream_transport *transport,
                   const struct cz_listening *listening);

/* Closes what cz_stream_transport.listen has opened. 0 or -errno, if a file
 * could not be removed. */
CZ_MUST_CHECK int cz_listening_close(struct cz_listening *listening);

#endif
