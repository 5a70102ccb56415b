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

static int sys_connect_log(struct cz_socket *s, struct cz_endpoint_entry *entry)
{
    struct cz_pipe *pipe = sys_make_pipe(s);
    int rc;

    if (!pipe)
        return -ENOMEM;
    rc = cz_log_add(&s->ctx->log, &pipe->ends[1]);
    if (rc != 0) {
        cz_pipe_close(&pipe->ends[1], 0);
        cz_pipe_close(&pipe->ends[0], 0);
        return rc;
    }
    cz_pipe_set_marks(&pipe->ends[0], s->options.sndhwm, s->options.rcvhwm);
    cz_socket_attach(s, &pipe->ends[0], entry);
    return 0;
}

static int sys_connect(struct cz_socket *s, const char *endpoint,
                       const char *address)
{
    struct cz_endpoint_entry *entry;
    int rc;

    if (s->ops->type != CZ_SOCKET_SUB && s->ops->type != CZ_SOCKET_XSUB)
        return -CZ_ENOCOMPATPROTO;
    if (strcmp(address, "log") != 0)
        return -EINVAL;
    entry = cz_socket_add_endpoint(s, endpoint, NULL, false);
    if (!entry)
        return -ENOMEM;
    rc = sys_connect_log(s, entry);
    if (rc != 0)
        cz_socket_remove_endpoint(entry);
    return rc;
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
