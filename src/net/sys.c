/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sys: what the library tells of itself (docs/log.md, docs/stats.md). A SUB or
 * XSUB connects to it as to a publisher over inproc: one pipe, whose far end
 * belongs to the library.
 *
 * Thread: the socket's.
 */
#include "core/ctx.h"
#include "core/error.h"
#include "core/socket.h"
#include "core/tenant.h"
#include "net/ticker.h"
#include "net/transports.h"
#include "wire/socket_type.h"

#include <errno.h>
#include <string.h>

/* ends[0] is the socket's, ends[1] goes to the library. */
static struct cz_pipe *sys_make_pipe(struct cz_socket *s)
{
    const uint32_t unlimited[2] = {0, 0};
    struct cz_pipe *pipe = cz_pipe_create(unlimited, s->ctx->pool);

    if (!pipe)
        return NULL;
    for (int i = 0; i < 2; i++)
        cz_pipe_introduce(&pipe->ends[i], NULL);
    cz_pipe_own(&pipe->ends[0], s->mailbox, &cz_socket_pipe_events, s);
    return pipe;
}

static void sys_attach(struct cz_socket *s, struct cz_pipe *pipe,
                       struct cz_endpoint_entry *entry)
{
    cz_pipe_set_marks(&pipe->ends[0], s->options.sndhwm, s->options.rcvhwm);
    cz_socket_attach(s, &pipe->ends[0], entry);
}

static void sys_drop_pipe(struct cz_pipe *pipe)
{
    cz_pipe_close(&pipe->ends[1], 0);
    cz_pipe_close(&pipe->ends[0], 0);
}

/* Connects to what takes the far end of a pipe, 0 or -errno, and ends with
 * it. */
static int sys_connect_to(struct cz_socket *s, const char *endpoint,
                          int (*take)(struct cz_socket *s,
                                      struct cz_pipe_end *end))
{
    struct cz_endpoint_entry *entry =
        cz_socket_add_endpoint(s, endpoint, NULL, false);
    struct cz_pipe *pipe = entry ? sys_make_pipe(s) : NULL;
    int rc = pipe ? take(s, &pipe->ends[1]) : -ENOMEM;

    if (rc == 0) {
        sys_attach(s, pipe, entry);
        return 0;
    }
    if (pipe)
        sys_drop_pipe(pipe);
    if (entry)
        cz_socket_remove_endpoint(entry);
    return rc;
}

static int sys_listen_to_log(struct cz_socket *s, struct cz_pipe_end *end)
{
    return cz_log_add(&s->ctx->log, end);
}

static int sys_tick_here(struct cz_socket *s, struct cz_pipe_end *end)
{
    return cz_ticker_start_at(s, end, cz_ctx_stats_interval_us(s->ctx));
}

/* On an I/O thread, so that they also come in time for who is busy. */
static int sys_connect_to_ticker(struct cz_socket *s, const char *endpoint)
{
    struct cz_endpoint_entry *entry;
    struct cz_io_object *ticker;
    struct cz_tenant *tenant;
    struct cz_pipe *pipe;
    int rc = cz_socket_tenant(s, &tenant);

    if (rc != 0)
        return rc;
    pipe = sys_make_pipe(s);
    if (!pipe)
        return -ENOMEM;
    ticker = cz_ticker_create(tenant, &pipe->ends[1],
                              cz_ctx_stats_interval_us(s->ctx));
    if (!ticker) {
        sys_drop_pipe(pipe);
        return -ENOMEM;
    }
    entry = cz_socket_add_endpoint(s, endpoint, ticker, false);
    if (!entry) {
        /* It closes its end first, so that it is not told that ours does. */
        cz_io_object_unref(ticker);
        cz_io_object_unref(ticker);
        cz_pipe_close(&pipe->ends[0], 0);
        return -ENOMEM;
    }
    sys_attach(s, pipe, entry);
    cz_io_object_post_start(ticker);
    return 0;
}

static int sys_connect(struct cz_socket *s, const char *endpoint,
                       const char *address)
{
    if (s->ops->type != CZ_SOCKET_SUB && s->ops->type != CZ_SOCKET_XSUB)
        return -CZ_ENOCOMPATPROTO;
    if (strcmp(address, "log") == 0)
        return sys_connect_to(s, endpoint, sys_listen_to_log);
    if (strcmp(address, "stats") != 0)
        return -EINVAL;
    return cz_ctx_has_io(s->ctx) ? sys_connect_to_ticker(s, endpoint)
                                 : sys_connect_to(s, endpoint, sys_tick_here);
}

static int sys_bind(struct cz_socket *s CZ_UNUSED,
                    const char *endpoint CZ_UNUSED,
                    const char *address CZ_UNUSED)
{
    return -CZ_ENOCOMPATPROTO; /* these names are the library's */
}

const struct cz_transport cz_sys_transport = {
    .scheme = "sys",
    .bind = sys_bind,
    .connect = sys_connect,
    .is_deduplicated = true,
};
