/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The I/O threads of a context: started when the first one is needed, and who
 * gets which.
 *
 * Thread: any. Owns: see core/ctx.h.
 */
#include "core/ctx.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "core/error.h"
#include "core/io_thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    /* Bytes of large blocks that are kept for use again, by each of few, or of
     * many, I/O threads: some messages of 1 MiB. */
    POOL_LIMIT = 8 << 20,
    POOL_LIMIT_MANY = 4 << 20,
    FEW_IO_THREADS = 4,
};

static void ctx_thread_options(const struct cz_ctx *ctx, int index,
                               struct cz_thread_options *options)
{
    const struct cz_ctx_config *config = &ctx->config;
    char name[48];

    memset(options, 0, sizeof *options);
    options->priority = config->thread_priority;
    options->sched_policy = config->thread_sched_policy;
    options->has_affinity = config->has_thread_cpus;
    options->cpus = config->thread_cpus;
    snprintf(name, sizeof name, "%s%sZMQbg/IO/%d", config->thread_name_prefix,
             config->thread_name_prefix[0] ? "/" : "", index);
    memcpy(options->name, name, sizeof options->name - 1);
}

/* The blocks of one I/O thread come back to a pool of its own: on a machine of
 * many processors all of them would meet in one. */
static int ctx_create_io(struct cz_ctx *ctx, int index,
                         struct cz_io_thread **io)
{
    struct cz_thread_options options;
    struct cz_pool *pool = cz_pool_create(
        ctx->io_wanted > FEW_IO_THREADS ? POOL_LIMIT_MANY : POOL_LIMIT);
    int rc;

    if (!pool)
        return -ENOMEM;
    ctx_thread_options(ctx, index, &options);
    rc = cz_io_thread_create(ctx->config.reactor, &options, pool, io);
    if (rc != 0)
        return rc;
    cz_io_lock(*io);
    (*io)->shared_pool = ctx->pool;
    cz_io_unlock(*io);
    return 0;
}

static void ctx_tell_refused(struct cz_ctx *ctx)
{
    const char *refused = cz_io_refused_reactor(ctx->io[0]);

    if (refused)
        cz_log_tell(&ctx->log, &(struct cz_log_event){
                                   .topic = "reactor.refused",
                                   .reason = refused,
                               });
}

/* Starts the I/O threads: all of them, or none. With the lock held. */
static int ctx_start_io(struct cz_ctx *ctx)
{
    int wanted = ctx->io_wanted;
    int count;
    int rc = 0;

    if (ctx->io_count > 0 || wanted == 0)
        return 0;
    ctx->io = cz_zalloc((size_t)wanted * sizeof(struct cz_io_thread *));
    if (!ctx->io)
        return -ENOMEM;
    for (count = 0; count < wanted && rc == 0; count++)
        rc = ctx_create_io(ctx, count, &ctx->io[count]);
    if (rc == 0) {
        /* Release: pairs with the acquire in cz_ctx_resume_io. */
        atomic_store_explicit(&ctx->io_count, wanted, memory_order_release);
        ctx_tell_refused(ctx);
        return 0;
    }
    for (count--; count > 0; count--)
        cz_io_thread_destroy(ctx->io[count - 1]);
    cz_free(ctx->io);
    ctx->io = NULL;
    return rc;
}

uint64_t cz_ctx_memory(const struct cz_ctx *ctx)
{
    int count = atomic_load_explicit(&ctx->io_count, memory_order_acquire);
    uint64_t bytes = cz_pool_in_use(ctx->pool);

    for (int i = 0; i < count; i++)
        bytes += cz_pool_in_use(ctx->io[i]->pool);
    return bytes;
}

void cz_ctx_resume_io(struct cz_ctx *ctx)
{
    int count = atomic_load_explicit(&ctx->io_count, memory_order_acquire);

    for (int i = 0; i < count; i++)
        cz_io_resume(ctx->io[i]);
}

int cz_ctx_choose_io(struct cz_ctx *ctx, uint64_t affinity,
                     struct cz_io_thread **out)
{
    struct cz_io_thread *best = NULL;
    uint32_t best_load = 0;
    int rc;

    cz_mutex_lock(&ctx->lock);
    rc = ctx_start_io(ctx);
    for (int i = 0; rc == 0 && i < ctx->io_count; i++) {
        uint32_t load =
            atomic_load_explicit(&ctx->io[i]->load, memory_order_relaxed);

        if (!cz_ctx_io_is_allowed(i, affinity))
            continue;
        if (!best || load < best_load) {
            best = ctx->io[i];
            best_load = load;
        }
    }
    cz_mutex_unlock(&ctx->lock);
    if (rc == 0 && !best)
        rc = -CZ_EMTHREAD;
    *out = best;
    return rc;
}
