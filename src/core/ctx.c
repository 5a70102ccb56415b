/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Contexts: beginning, end, sockets, and the bells of those who wait.
 *
 * Thread: any. Owns: see core/ctx.h.
 */
#include "core/ctx.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "core/bell.h"
#include "core/error.h"
#include "core/io_thread.h"
#include "core/publish.h"
#include "core/socket.h"
#include "msg/slab.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/park.h"
#include "reactor/poller.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SPIN_US_DEFAULT = 50,
    SPIN_US_MAX = 1000000,
    /* Bytes of large blocks that are kept for use again, of those that the
     * application makes: some messages of 1 MiB. */
    POOL_LIMIT = 8 << 20,
};

static int environment_int(const char *name, int min, int max, int fallback)
{
    const char *text = cz_environment(name);
    char *end;
    long number;

    if (!text)
        return fallback;
    number = strtol(text, &end, 10);
    return *end || number < min || number > max ? fallback : (int)number;
}

static void ctx_config_init(struct cz_ctx_config *config)
{
    const char *reactor = cz_environment("CERO_REACTOR");

    config->io_threads = 1;
    config->sockets_max = 1023;
    config->thread_priority = -1;
    config->thread_sched_policy = -1;
    config->msgsz_max = INT_MAX;
    config->zero_copy_recv = 1;
    config->blocky = 1;
    config->stats_interval_ms = CERO_STATS_IVL_DFLT;
    config->spin_us =
        environment_int("CERO_SPIN_US", 0, SPIN_US_MAX, SPIN_US_DEFAULT);
    config->baton = environment_int("CERO_BATON", 0, 1, 1);
    /* Else it counts as not set, like a number that is none. */
    if (reactor && cz_poller_is_known(reactor))
        snprintf(config->reactor, sizeof config->reactor, "%s", reactor);
}

struct cz_ctx *cz_ctx_create(const struct cz_transport *const *transports)
{
    struct cz_ctx *ctx = cz_zalloc(sizeof *ctx);

    if (!ctx)
        return NULL;
    ctx->pool = cz_pool_create(POOL_LIMIT);
    if (!ctx->pool) {
        cz_free(ctx);
        return NULL;
    }
    ctx->tag = CZ_CTX_TAG;
    ctx->transports = transports;
    ctx->pid = cz_process_id();
    cz_mutex_init(&ctx->lock);
    cz_list_init(&ctx->sockets);
    cz_list_init(&ctx->free_sockets);
    cz_registry_init(&ctx->registry);
    cz_stats_init(&ctx->stats);
    cz_log_init(&ctx->log);
    ctx_config_init(&ctx->config);
    return ctx;
}

void cz_ctx_shutdown(struct cz_ctx *ctx)
{
    /* First of all: nobody is to wait for it, and it for nobody. */
    cz_log_close(&ctx->log);
    cz_mutex_lock(&ctx->lock);
    if (!ctx->is_terminating) {
        ctx->is_terminating = true;
        cz_list_for_each (node, &ctx->sockets)
            cz_socket_post_terminate(node);
    }
    cz_mutex_unlock(&ctx->lock);
}

static bool ctx_is_idle(struct cz_ctx *ctx)
{
    int count;

    cz_mutex_lock(&ctx->lock);
    count = ctx->socket_count;
    cz_mutex_unlock(&ctx->lock);
    return count == 0 && atomic_load(&ctx->tenants) == 0;
}

static void ctx_destroy(struct cz_ctx *ctx)
{
    struct cz_list *node;

    cz_log_set_publisher(&ctx->log, NULL);
    cz_publisher_destroy(ctx->publisher);
    /* First all, then each: one may still be waking another. */
    for (int i = 0; i < ctx->io_count; i++)
        cz_io_thread_stop(ctx->io[i]);
    for (int i = 0; i < ctx->io_count; i++)
        cz_io_thread_destroy(ctx->io[i]);
    cz_free(ctx->io);
    for (size_t i = 0; i < ctx->bell_count; i++)
        cz_bell_unref(ctx->bells[i]);
    cz_free(ctx->bells);
    while ((node = cz_list_pop_front(&ctx->free_sockets)))
        cz_socket_free(node);
    cz_registry_fini(&ctx->registry);
    cz_log_fini(&ctx->log);
    cz_stats_fini(&ctx->stats);
    cz_mutex_fini(&ctx->lock);
    cz_pool_unref(ctx->pool);
    cz_pool_trim(cz_pool_common());
    cz_slab_trim();
    ctx->tag = 0;
    cz_free(ctx);
}

int cz_ctx_terminate(struct cz_ctx *ctx)
{
    int rc;

    if (ctx->pid != cz_process_id()) {
        /* A forked child has neither the threads nor a right to touch what
         * it shares with its parent. */
        ctx->tag = 0;
        return 0;
    }
    cz_ctx_shutdown(ctx);
    for (;;) {
        uint32_t departures = atomic_load(&ctx->departures);

        if (ctx_is_idle(ctx))
            break;
        rc = cz_park(&ctx->departures, departures, CZ_CLOCK_NEVER);
        if (rc == -EINTR)
            return rc;
    }
    ctx_destroy(ctx);
    return 0;
}

/* ---- sockets and tenants -------------------------------------------- */

/* The first socket has been made, by this thread alone. */
static void ctx_publish(struct cz_ctx *ctx)
{
    ctx->publisher = cz_publisher_create(ctx);
    cz_log_set_publisher(&ctx->log, ctx->publisher);
}

int cz_ctx_add_socket(struct cz_ctx *ctx, struct cz_list **link, size_t size)
{
    bool is_first = false;
    int rc = 0;

    *link = NULL;
    cz_mutex_lock(&ctx->lock);
    if (!ctx->had_socket) {
        ctx->sockets_max = ctx->config.sockets_max;
        ctx->io_wanted = ctx->config.io_threads;
    }
    if (ctx->is_terminating)
        rc = -CZ_ETERM;
    else if (ctx->socket_count >= ctx->sockets_max)
        rc = -EMFILE;
    else {
        struct cz_list *node = cz_list_pop_front(&ctx->free_sockets);

        if (!node)
            node = cz_zalloc_lines(size);
        if (node) {
            cz_list_push_back(&ctx->sockets, node);
            ctx->socket_count++;
            is_first = !ctx->had_socket;
            ctx->had_socket = true;
        } else {
            rc = -ENOMEM;
        }
        *link = node;
    }
    cz_mutex_unlock(&ctx->lock);
    if (is_first)
        ctx_publish(ctx);
    return rc;
}

static void ctx_announce_departure(struct cz_ctx *ctx)
{
    atomic_fetch_add(&ctx->departures, 1);
    cz_unpark(&ctx->departures, INT_MAX);
}

void cz_ctx_remove_socket(struct cz_ctx *ctx, struct cz_list *link)
{
    cz_mutex_lock(&ctx->lock);
    cz_list_remove(link);
    /* The longest closed is used first: a stale handle stays dead for as
     * long as possible. */
    cz_list_push_back(&ctx->free_sockets, link);
    ctx->socket_count--;
    ctx_announce_departure(ctx);
    cz_mutex_unlock(&ctx->lock);
}

void cz_ctx_tenant_came(struct cz_ctx *ctx)
{
    atomic_fetch_add(&ctx->tenants, 1);
}

void cz_ctx_tenant_gone(struct cz_ctx *ctx)
{
    /* Under the lock: zmq_ctx_term must not free the context between the
     * two steps. */
    cz_mutex_lock(&ctx->lock);
    atomic_fetch_sub(&ctx->tenants, 1);
    ctx_announce_departure(ctx);
    cz_mutex_unlock(&ctx->lock);
}

unsigned cz_ctx_cpu_count(struct cz_ctx *ctx)
{
    /* Relaxed: a number on its own, the same whoever finds it out. */
    unsigned count =
        atomic_load_explicit(&ctx->cpu_count, memory_order_relaxed);

    if (count == 0) {
        count = cz_cpu_count();
        atomic_store_explicit(&ctx->cpu_count, count, memory_order_relaxed);
    }
    return count;
}

uint64_t cz_ctx_stats_interval_us(struct cz_ctx *ctx)
{
    int interval_ms;

    cz_mutex_lock(&ctx->lock);
    interval_ms = ctx->config.stats_interval_ms;
    cz_mutex_unlock(&ctx->lock);
    return (uint64_t)interval_ms * 1000;
}

/* ---- bells ---------------------------------------------------------- */

/* With the lock held. The reference passes on; on failure it is dropped. */
static int ctx_add_bell(struct cz_ctx *ctx, struct cz_bell *bell)
{
    struct cz_bell **bells = cz_realloc(
        ctx->bells, (ctx->bell_count + 1) * sizeof(struct cz_bell *));

    if (!bells) {
        cz_bell_unref(bell);
        return -ENOMEM;
    }
    ctx->bells = bells;
    bells[ctx->bell_count++] = bell;
    return 0;
}

struct cz_bell *cz_ctx_take_bell(struct cz_ctx *ctx)
{
    struct cz_bell *bell = NULL;
    bool is_taken = false;

    cz_mutex_lock(&ctx->lock);
    for (size_t i = 0; i < ctx->bell_count && !is_taken; i++) {
        bell = ctx->bells[i];
        is_taken = cz_bell_try_take(bell);
    }
    if (!is_taken) {
        bell = cz_bell_create();
        if (bell && ctx_add_bell(ctx, bell) != 0)
            bell = NULL;
    }
    cz_mutex_unlock(&ctx->lock);
    return bell;
}

int cz_ctx_keep_bell(struct cz_ctx *ctx, struct cz_bell *bell)
{
    bool is_kept = false;
    int rc = 0;

    cz_mutex_lock(&ctx->lock);
    for (size_t i = 0; i < ctx->bell_count && !is_kept; i++)
        is_kept = ctx->bells[i] == bell;
    if (!is_kept) {
        cz_bell_ref(bell);
        rc = ctx_add_bell(ctx, bell);
    }
    cz_mutex_unlock(&ctx->lock);
    return rc;
}
