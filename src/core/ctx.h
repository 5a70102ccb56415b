/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The context: one messaging universe. Its settings, its sockets, its I/O
 * threads, the names of its inproc endpoints.
 *
 * No thread is started before a socket first needs one. zmq_ctx_term waits
 * for two counts to become zero: sockets open and tenants on I/O threads.
 *
 * Thread: any. Owns: the I/O threads, and the memory of closed sockets,
 * which stays readable (and is used again) until the context goes, so that
 * a call with a stale handle gets ENOTSOCK.
 */
#ifndef CZ_CORE_CTX_H
#define CZ_CORE_CTX_H

#include "base/compiler.h"
#include "base/list.h"
#include "core/log.h"
#include "core/registry.h"
#include "core/stats.h"
#include "os/mutex.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_bell;
struct cz_io_thread;
struct cz_publisher;
struct cz_socket;
struct cz_transport;

enum {
    CZ_CTX_TAG = 0x7a6d71c0,
    CZ_SOCKET_LIMIT = 65535,
    CZ_THREAD_NAME_PREFIX_MAX = 16,
    CZ_REACTOR_NAME_MAX = 15,
};

struct cz_ctx_config {
    int io_threads;
    int sockets_max;
    int thread_priority;
    int thread_sched_policy;
    cpu_set_t thread_cpus;
    bool has_thread_cpus;
    char thread_name_prefix[CZ_THREAD_NAME_PREFIX_MAX + 1];
    int msgsz_max;
    int zero_copy_recv;
    int ipv6;
    int blocky;
    int spin_us;
    int baton;
    int stats_interval_ms;
    char reactor[CZ_REACTOR_NAME_MAX + 1]; /* "" = the best there is */
};

struct cz_ctx {
    uint32_t tag;
    struct cz_mutex lock;
    struct cz_ctx_config config; /* under the lock */
    const struct cz_transport *const *transports;

    struct cz_list sockets;      /* under the lock */
    struct cz_list free_sockets; /* closed ones, to be used again */
    int socket_count;
    _Atomic bool is_terminating;
    bool had_socket;
    int sockets_max; /* as they were when the first socket was made */
    int io_wanted;

    struct cz_io_thread **io;
    _Atomic int io_count; /* started; 0 before the first need */

    /* Those that were ever hung on one of its sockets: as many as threads that
     * have waited at the same time. Under the lock. */
    struct cz_bell **bells;
    size_t bell_count;

    struct cz_pool *pool; /* for large blocks of the application's */
    struct cz_registry registry;
    struct cz_stats stats;
    struct cz_log log;
    struct cz_publisher *publisher; /* set with the first socket */
    _Atomic uint32_t tenants;
    _Atomic uint32_t departures; /* changes when a socket or tenant goes */
    _Atomic unsigned cpu_count;  /* 0 = not asked yet */
    int pid;                     /* of the process that made it */
};

/* `transports`: a NULL-terminated table. NULL = no memory. */
struct cz_ctx *cz_ctx_create(const struct cz_transport *const *transports);

/* Ends all calls on its sockets with ETERM. */
void cz_ctx_shutdown(struct cz_ctx *ctx);

/* The same, waits for sockets and tenants, and frees it. 0, or -EINTR: call
 * again. */
CZ_MUST_CHECK int cz_ctx_terminate(struct cz_ctx *ctx);

static inline bool cz_ctx_is_terminating(const struct cz_ctx *ctx)
{
    /* Relaxed: whoever must not miss it gets a command as well. */
    return atomic_load_explicit(&ctx->is_terminating, memory_order_relaxed);
}

static inline bool cz_ctx_is_alive(const struct cz_ctx *ctx)
{
    return ctx && ctx->tag == CZ_CTX_TAG;
}

/* Memory for a socket, zeroed but for what a stale handle may look at, with
 * its place in the list taken. 0, -ETERM, -EMFILE (too many), -ENOMEM. */
CZ_MUST_CHECK int cz_ctx_add_socket(struct cz_ctx *ctx, struct cz_list **link,
                                    size_t size);
void cz_ctx_remove_socket(struct cz_ctx *ctx, struct cz_list *link);

/* The I/O thread with the least to do among those that `affinity` allows
 * (0 = all), started if need be. 0, -EMTHREAD, -ENOMEM, -EMFILE, -EAGAIN. */
CZ_MUST_CHECK int cz_ctx_choose_io(struct cz_ctx *ctx, uint64_t affinity,
                                   struct cz_io_thread **io);

/* How many processors there are; asks the system once. */
unsigned cz_ctx_cpu_count(struct cz_ctx *ctx);

/* The caller is going to wait for other threads: sees to it that somebody
 * drives all I/O meanwhile. */
void cz_ctx_resume_io(struct cz_ctx *ctx);

/* How many bytes messages take up: those of the context's pools. */
uint64_t cz_ctx_memory(const struct cz_ctx *ctx);

/* How often statistics are told (CERO_STATS_IVL). */
uint64_t cz_ctx_stats_interval_us(struct cz_ctx *ctx);

/* Takes a bell that nobody uses; the caller leaves it. NULL = no memory. */
struct cz_bell *cz_ctx_take_bell(struct cz_ctx *ctx);

/* Keeps a bell, perhaps another context's, as long as the context lives. 0 or
 * -ENOMEM. */
CZ_MUST_CHECK int cz_ctx_keep_bell(struct cz_ctx *ctx, struct cz_bell *bell);

/* Has the context I/O threads, or may it have? Of one that has a socket. */
static inline bool cz_ctx_has_io(const struct cz_ctx *ctx)
{
    return ctx->io_wanted > 0;
}

/* Does this ZMQ_AFFINITY allow the I/O thread of this number? */
static inline bool cz_ctx_io_is_allowed(int index, uint64_t affinity)
{
    return affinity == 0 || (index < 64 && affinity >> index & 1);
}

void cz_ctx_tenant_came(struct cz_ctx *ctx);
void cz_ctx_tenant_gone(struct cz_ctx *ctx);

#endif
