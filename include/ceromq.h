/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What CeroMQ offers beyond zmq.h. A program that may run on another
 * libzmq.so.5 looks these names up with dlsym instead of linking to them.
 *
 * The settings of a context take effect for what comes after them; where an
 * environment variable sets the same thing, a call overrides it. All calls
 * are thread-safe. Those that return int give 0, or -1 with errno set.
 */
#ifndef CEROMQ_H_INCLUDED
#define CEROMQ_H_INCLUDED

#include "zmq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CeroMQ's own version; zmq_version tells the level of ZeroMQ's interface
 * instead. */
#define CERO_VERSION_MAJOR 0
#define CERO_VERSION_MINOR 1
#define CERO_VERSION_PATCH 0
#define CERO_VERSION                                                           \
    ZMQ_MAKE_VERSION(CERO_VERSION_MAJOR, CERO_VERSION_MINOR, CERO_VERSION_PATCH)

/* Context options of CeroMQ have numbers from here on, out of the way of
 * what ZeroMQ may still add. zmq_ctx_set and zmq_ctx_get take those that
 * are numbers; zmq_ctx_set_ext and zmq_ctx_get_ext take all. */
#define CERO_CTX_OPTION_FIRST 1000
/* Text: as cero_ctx_set_reactor. */
#define CERO_REACTOR 1000
/* int: as cero_ctx_set_spin. */
#define CERO_SPIN_US 1001
/* int: as cero_ctx_set_baton. */
#define CERO_BATON 1002

#define CERO_SPIN_US_DFLT 50
#define CERO_BATON_DFLT 1

/* Stores CeroMQ's version. No pointer may be NULL. Cannot fail. */
ZMQ_EXPORT void cero_version(int *major, int *minor, int *patch);

/* Chooses how I/O threads learn which descriptors are ready: "epoll",
 * "poll", "select", or NULL for the best one that works here. Only before
 * the first socket. In the environment: CERO_REACTOR. Errors: EFAULT (no
 * context), EINVAL (unknown, not built in, or too late). */
ZMQ_EXPORT int cero_ctx_set_reactor(void *context, const char *name);

/* The name of the one that is in use, or will be; it lives for ever. NULL:
 * EFAULT. */
ZMQ_EXPORT const char *cero_ctx_reactor(void *context);

/* How long a blocking call may busy-wait before it sleeps, in microseconds:
 * 50 if not set, 0 = never. It does so only as long as that keeps paying,
 * and never where there is one processor. In the environment: CERO_SPIN_US.
 * Errors: EFAULT, EINVAL (negative). */
ZMQ_EXPORT int cero_ctx_set_spin(void *context, int max_us);

/* Whether application threads may read and write descriptors themselves
 * instead of handing all I/O to an I/O thread, which saves a change of
 * threads in small round trips: 1 if not set, or 0. In the environment:
 * CERO_BATON. Errors: EFAULT, EINVAL (neither 0 nor 1). */
ZMQ_EXPORT int cero_ctx_set_baton(void *context, int on);

#ifdef __cplusplus
}
#endif

#endif
