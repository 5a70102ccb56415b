/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Contexts: zmq_ctx_*(3), and what CeroMQ adds.
 *
 * Thread: any.
 */
#define ZMQ_BUILD_DRAFT_API
#include "api/internal.h"
#include "ceromq.h"
#include "core/io_thread.h"
#include "net/transports.h"
#include "reactor/poller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cz_transport *const transports[] = {
    &cz_inproc_transport, &cz_tcp_transport, &cz_ipc_transport,
    &cz_udp_transport,    &cz_sys_transport, NULL,
};

void *zmq_ctx_new(void)
{
    struct cz_ctx *ctx = cz_ctx_create(transports);

    if (!ctx)
        errno = ENOMEM;
    return ctx;
}

int zmq_ctx_term(void *handle)
{
    struct cz_ctx *ctx = api_ctx(handle);

    return ctx ? api_result(cz_ctx_terminate(ctx)) : -1;
}

int zmq_ctx_shutdown(void *handle)
{
    struct cz_ctx *ctx = api_ctx(handle);

    if (!ctx)
        return -1;
    cz_ctx_shutdown(ctx);
    return 0;
}

/* ---- options -------------------------------------------------------- */

/* Options that are one int in struct cz_ctx_config. */
struct ctx_option {
    int number;
    size_t offset;
    int min;
    bool is_settable;
    bool is_gettable;
};

#define AT(field) offsetof(struct cz_ctx_config, field)

static const struct ctx_option ctx_options[] = {
    {ZMQ_IO_THREADS, AT(io_threads), 0, true, true},
    {ZMQ_MAX_SOCKETS, AT(sockets_max), 1, true, true},
    /* The same number as ZMQ_SOCKET_LIMIT, which is what it gets. */
    {ZMQ_THREAD_PRIORITY, AT(thread_priority), 0, true, false},
    {ZMQ_THREAD_SCHED_POLICY, AT(thread_sched_policy), 0, true, true},
    {ZMQ_MAX_MSGSZ, AT(msgsz_max), 0, true, true},
    {ZMQ_IPV6, AT(ipv6), 0, true, true},
    {ZMQ_BLOCKY, AT(blocky), 0, true, true},
    {ZMQ_ZERO_COPY_RECV, AT(zero_copy_recv), 0, true, true},
    {CERO_SPIN_US, AT(spin_us), 0, true, true},
    {CERO_BATON, AT(baton), 0, true, true},
    {CERO_STATS_IVL, AT(stats_interval_ms), 1, true, true},
};

static bool is_flag(int number)
{
    return number == ZMQ_IPV6 || number == ZMQ_BLOCKY ||
           number == ZMQ_ZERO_COPY_RECV;
}

static int set_cpu(struct cz_ctx_config *config, int number, int cpu)
{
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return -EINVAL;
    if (number == ZMQ_THREAD_AFFINITY_CPU_ADD) {
        CPU_SET((size_t)cpu, &config->thread_cpus);
    } else {
        if (!CPU_ISSET((size_t)cpu, &config->thread_cpus))
            return -EINVAL;
        CPU_CLR((size_t)cpu, &config->thread_cpus);
    }
    config->has_thread_cpus = false;
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        config->has_thread_cpus |= CPU_ISSET(i, &config->thread_cpus) != 0;
    return 0;
}

static int set_number(struct cz_ctx *ctx, int number, int value)
{
    struct cz_ctx_config *config = &ctx->config;

    if (number == ZMQ_THREAD_AFFINITY_CPU_ADD ||
        number == ZMQ_THREAD_AFFINITY_CPU_REMOVE)
        return set_cpu(config, number, value);
    if (number == ZMQ_THREAD_NAME_PREFIX) {
        snprintf(config->thread_name_prefix, sizeof config->thread_name_prefix,
                 "%d", value);
        return 0;
    }
    for (size_t i = 0; i < CZ_COUNT_OF(ctx_options); i++) {
        const struct ctx_option *option = &ctx_options[i];

        if (option->number != number || !option->is_settable)
            continue;
        if (value < option->min || (number == CERO_BATON && value > 1))
            return -EINVAL;
        *(int *)((char *)config + option->offset) =
            is_flag(number) ? value != 0 : value;
        return 0;
    }
    return -EINVAL;
}

static int get_number(const struct cz_ctx *ctx, int number, int *value)
{
    switch (number) {
    case ZMQ_SOCKET_LIMIT:
        *value = CZ_SOCKET_LIMIT;
        return 0;
    case ZMQ_MSG_T_SIZE:
        *value = (int)sizeof(zmq_msg_t);
        return 0;
    case ZMQ_THREAD_NAME_PREFIX:
        *value = (int)strtol(ctx->config.thread_name_prefix, NULL, 10);
        return 0;
    default:
        break;
    }
    for (size_t i = 0; i < CZ_COUNT_OF(ctx_options); i++) {
        const struct ctx_option *option = &ctx_options[i];

        if (option->number != number || !option->is_gettable)
            continue;
        *value = *(const int *)((const char *)&ctx->config + option->offset);
        return 0;
    }
    return -EINVAL;
}

int zmq_ctx_set(void *handle, int number, int value)
{
    struct cz_ctx *ctx = api_ctx(handle);
    int rc;

    if (!ctx)
        return -1;
    cz_mutex_lock(&ctx->lock);
    rc = set_number(ctx, number, value);
    cz_mutex_unlock(&ctx->lock);
    return api_result(rc);
}

int zmq_ctx_get(void *handle, int number)
{
    struct cz_ctx *ctx = api_ctx(handle);
    int value = -1;
    int rc;

    if (!ctx)
        return -1;
    cz_mutex_lock(&ctx->lock);
    rc = get_number(ctx, number, &value);
    cz_mutex_unlock(&ctx->lock);
    return rc == 0 ? value : api_result(rc);
}

static int set_text(char *to, size_t capacity, const void *value, size_t size)
{
    if (!value || size < 1 || size >= capacity)
        return -EINVAL;
    memset(to, 0, capacity);
    memcpy(to, value, size);
    return 0;
}

static int set_reactor(struct cz_ctx *ctx, const char *name)
{
    int rc = 0;

    if (ctx->had_socket || (name && !cz_poller_is_known(name)))
        return -EINVAL;
    if (name)
        rc = set_text(ctx->config.reactor, sizeof ctx->config.reactor, name,
                      strlen(name));
    else
        ctx->config.reactor[0] = '\0';
    return rc;
}

/* What is in use, or will be. */
static const char *reactor_name(const struct cz_ctx *ctx)
{
    if (ctx->io_count > 0)
        return cz_poller_backend(ctx->io[0]->poller);
    return cz_poller_default(ctx->config.reactor);
}

int zmq_ctx_set_ext(void *handle, int number, const void *value, size_t size)
{
    char reactor[CZ_REACTOR_NAME_MAX + 1];
    struct cz_ctx *ctx = api_ctx(handle);
    int integer;
    int rc;

    if (!ctx)
        return -1;
    cz_mutex_lock(&ctx->lock);
    if (number == ZMQ_THREAD_NAME_PREFIX && size != sizeof integer) {
        rc = set_text(ctx->config.thread_name_prefix,
                      sizeof ctx->config.thread_name_prefix, value, size);
    } else if (number == CERO_REACTOR) {
        rc = set_text(reactor, sizeof reactor, value, size);
        if (rc == 0)
            rc = set_reactor(ctx, reactor);
    } else if (size != sizeof integer || !value) {
        rc = -EINVAL;
    } else {
        memcpy(&integer, value, sizeof integer);
        rc = set_number(ctx, number, integer);
    }
    cz_mutex_unlock(&ctx->lock);
    return api_result(rc);
}

int zmq_ctx_get_ext(void *handle, int number, void *value, size_t *size)
{
    struct cz_ctx *ctx = api_ctx(handle);
    int integer = 0;
    int rc;

    if (!ctx)
        return -1;
    if (!value || !size) {
        errno = EINVAL;
        return -1;
    }
    cz_mutex_lock(&ctx->lock);
    if (number == ZMQ_THREAD_NAME_PREFIX) {
        rc = cz_options_put_text(ctx->config.thread_name_prefix, value, size);
    } else if (number == CERO_REACTOR) {
        rc = cz_options_put_text(reactor_name(ctx), value, size);
    } else if (*size != sizeof integer) {
        rc = -EINVAL;
    } else {
        rc = get_number(ctx, number, &integer);
        memcpy(value, &integer, sizeof integer);
    }
    cz_mutex_unlock(&ctx->lock);
    return api_result(rc);
}

/* ---- the names of 2.x ----------------------------------------------- */

void *zmq_init(int io_threads)
{
    void *ctx;

    if (io_threads < 0) {
        errno = EINVAL;
        return NULL;
    }
    ctx = zmq_ctx_new();
    if (ctx)
        (void)zmq_ctx_set(ctx, ZMQ_IO_THREADS, io_threads);
    return ctx;
}

int zmq_term(void *ctx)
{
    return zmq_ctx_term(ctx);
}

int zmq_ctx_destroy(void *ctx)
{
    return zmq_ctx_term(ctx);
}

/* ---- what CeroMQ adds ----------------------------------------------- */

const char *cero_reactor(int number)
{
    return number < 0 ? NULL : cz_poller_name((size_t)number);
}

int cero_ctx_set_reactor(void *handle, const char *name)
{
    struct cz_ctx *ctx = api_ctx(handle);
    int rc;

    if (!ctx)
        return -1;
    cz_mutex_lock(&ctx->lock);
    rc = set_reactor(ctx, name);
    cz_mutex_unlock(&ctx->lock);
    return api_result(rc);
}

const char *cero_ctx_reactor(void *handle)
{
    struct cz_ctx *ctx = api_ctx(handle);
    const char *name;

    if (!ctx)
        return NULL;
    cz_mutex_lock(&ctx->lock);
    name = reactor_name(ctx);
    cz_mutex_unlock(&ctx->lock);
    return name;
}

int cero_ctx_set_spin(void *ctx, int max_us)
{
    return zmq_ctx_set(ctx, CERO_SPIN_US, max_us);
}

int cero_ctx_set_baton(void *ctx, int on)
{
    return zmq_ctx_set(ctx, CERO_BATON, on);
}
