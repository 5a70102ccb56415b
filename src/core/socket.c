/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: their life, their ends of pipes, their options.
 *
 * Thread: see core/socket.h. Owns: what is listed there.
 */
#include "core/socket.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/error.h"
#include "core/io_thread.h"
#include "core/monitor.h"
#include "core/tenant.h"

#include <errno.h>
#include <string.h>

/* ---- beginning ------------------------------------------------------ */

static void socket_on_terminate(struct cz_command *command)
{
    struct cz_socket *s = cz_container_of(command, struct cz_socket, terminate);

    s->is_terminated = s->must_process = true;
}

static int socket_open(struct cz_socket *s, struct cz_ctx *ctx)
{
    s->mailbox = cz_mailbox_create(NULL);
    s->monitor = cz_monitor_create(ctx);
    s->last_endpoint = cz_strdup("");
    return s->mailbox && s->monitor && s->last_endpoint ? 0 : -ENOMEM;
}

static void socket_release(struct cz_socket *s)
{
    if (s->mailbox)
        cz_mailbox_unref(s->mailbox);
    if (s->monitor)
        cz_monitor_unref(s->monitor);
    cz_socket_drop_held(s);
    if (s->reserve)
        cz_buffer_unref(s->reserve);
    cz_options_fini(&s->options);
    cz_free(s->last_endpoint);
    cz_free(s->tenants);
    s->mailbox = NULL;
    s->monitor = NULL;
    s->reserve = NULL;
    s->last_endpoint = NULL;
    s->tenants = NULL;
}

int cz_socket_create(struct cz_ctx *ctx, const struct cz_socket_ops *ops,
                     struct cz_socket **out)
{
    struct cz_ctx_config config;
    struct cz_socket *s;
    struct cz_list *link;
    int rc = cz_ctx_add_socket(ctx, &link, CZ_SOCKET_SLOT_SIZE);

    if (rc != 0)
        return rc;
    s = cz_container_of(link, struct cz_socket, link);
    /* Not the tag: the context, to which the socket is known already, may be
     * looking at it. */
    memset((char *)s + offsetof(struct cz_socket, is_terminated), 0,
           CZ_SOCKET_SLOT_SIZE - offsetof(struct cz_socket, is_terminated));
    rc = socket_open(s, ctx);
    if (rc != 0)
        goto fail;
    cz_mutex_lock(&ctx->lock);
    config = ctx->config;
    cz_mutex_unlock(&ctx->lock);
    s->ctx = ctx;
    s->ops = ops;
    s->pid = cz_process_id();
    s->terminate.run = socket_on_terminate;
    cz_list_init(&s->ends);
    cz_list_init(&s->endpoints);
    cz_list_init(&s->names);
    cz_timers_init(&s->timers);
    cz_options_init(&s->options, ops->type);
    s->options.ipv6 = config.ipv6;
    if (!config.blocky)
        s->options.linger_ms = 0;
    s->spin_us_max = (uint32_t)config.spin_us;
    s->may_drive = s->mailbox->has_baton = config.baton;
    ops->init(s);
    cz_account_open(cz_monitor_account(s->monitor), ops->name);
    /* A shutdown that came before this gets no command through. */
    cz_mutex_lock(&ctx->lock);
    s->tag = CZ_SOCKET_TAG;
    s->is_terminated = s->must_process = ctx->is_terminating;
    cz_mutex_unlock(&ctx->lock);
    cz_log_event(cz_monitor_account(s->monitor), "socket.open", NULL);
    *out = s;
    return 0;

fail:
    socket_release(s);
    cz_ctx_remove_socket(ctx, link);
    return rc;
}

void cz_socket_post_terminate(struct cz_list *link)
{
    struct cz_socket *s = cz_container_of(link, struct cz_socket, link);

    /* A socket that is not ready yet looks for itself; one that is closing
     * does not care. */
    if (s->tag == CZ_SOCKET_TAG && s->mailbox)
        (void)!cz_mailbox_post(s->mailbox, &s->terminate);
}

void cz_socket_free(struct cz_list *link)
{
    cz_free(cz_container_of(link, struct cz_socket, link));
}

/* ---- end ------------------------------------------------------------ */

void cz_socket_close(struct cz_socket *s)
{
    int linger_ms = s->options.linger_ms;
    struct cz_registry *registry = &s->ctx->registry;

    if (!cz_socket_is_ours(s)) {
        s->tag = CZ_SOCKET_DEAD; /* the parent's to close */
        return;
    }
    cz_log_event(cz_monitor_account(s->monitor), "socket.close", NULL);
    /* From here on nobody finds the socket by a name, and the context sends
     * it no more commands. */
    cz_mutex_lock(&s->ctx->lock);
    s->tag = CZ_SOCKET_DEAD;
    cz_mutex_unlock(&s->ctx->lock);
    cz_mutex_lock(&registry->lock);
    cz_registry_close_socket(registry, s);
    cz_mutex_unlock(&registry->lock);

    cz_list_for_each (node, &s->ends) {
        struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, link);

        s->ops->detach(s, end);
        cz_pipe_close(end, linger_ms);
    }
    for (int i = 0; s->tenants && i < s->ctx->io_count; i++)
        if (s->tenants[i])
            cz_tenant_post_close(s->tenants[i], linger_ms);
    while (!cz_list_is_empty(&s->endpoints)) {
        struct cz_endpoint_entry *entry =
            cz_container_of(s->endpoints.next, struct cz_endpoint_entry, link);

        cz_socket_remove_endpoint(entry);
    }
    cz_account_close(cz_monitor_account(s->monitor));
    cz_mailbox_close(s->mailbox);
    cz_socket_close_fd(s);
    if (s->ops->fini)
        s->ops->fini(s);
    socket_release(s);
    cz_ctx_remove_socket(s->ctx, &s->link);
}

/* ---- ends of pipes -------------------------------------------------- */

void cz_socket_attach(struct cz_socket *s, struct cz_pipe_end *end, void *entry)
{
    end->endpoint = entry;
    cz_list_push_back(&s->ends, &end->link);
    cz_account_add_pipe(cz_monitor_account(s->monitor), end);
    s->ops->attach(s, end);
}

static void socket_let_go(struct cz_socket *s, struct cz_pipe_end *end,
                          int linger_ms)
{
    struct cz_endpoint_entry *entry = end->endpoint;

    s->ops->detach(s, end);
    cz_pipe_close(end, linger_ms);
    if (entry)
        cz_socket_remove_endpoint(entry);
}

void cz_socket_drop_end(struct cz_socket *s, struct cz_pipe_end *end)
{
    socket_let_go(s, end, 0);
}

void cz_socket_hang_up(struct cz_socket *s, struct cz_pipe_end *end)
{
    int linger_ms = s->options.linger_ms;

    socket_let_go(s, end, linger_ms > 0 ? linger_ms : -1);
}

void cz_socket_count_drop(struct cz_socket *s, enum cz_drop reason)
{
    cz_account_drop(cz_monitor_account(s->monitor), reason, NULL);
}

const char *cz_socket_end_name(const struct cz_pipe_end *end)
{
    const struct cz_endpoint_entry *entry = end->endpoint;

    return entry ? entry->name : end->name;
}

static void socket_on_attach(void *owner, struct cz_pipe_end *end)
{
    struct cz_socket *s = owner;

    if (s->tag == CZ_SOCKET_TAG)
        cz_socket_attach(s, end, NULL);
    else
        cz_pipe_close(end, s->options.linger_ms);
}

static void socket_on_readable(void *owner, struct cz_pipe_end *end)
{
    struct cz_socket *s = owner;

    s->ops->readable(s, end);
}

static void socket_on_writable(void *owner, struct cz_pipe_end *end)
{
    struct cz_socket *s = owner;

    s->ops->writable(s, end);
}

static void socket_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    struct cz_socket *s = owner;

    s->ops->peer_closed(s, end);
}

static void socket_on_introduced(void *owner, struct cz_pipe_end *end)
{
    struct cz_socket *s = owner;

    if (s->ops->introduced)
        s->ops->introduced(s, end);
}

const struct cz_pipe_events cz_socket_pipe_events = {
    .on_attach = socket_on_attach,
    .on_readable = socket_on_readable,
    .on_writable = socket_on_writable,
    .on_peer_closed = socket_on_peer_closed,
    .on_introduced = socket_on_introduced,
};

/* ---- options -------------------------------------------------------- */

/* Options that are more than a value in a table. */
enum {
    OPTION_RCVMORE = 13,
    OPTION_FD = 14,
    OPTION_EVENTS = 15,
    OPTION_TYPE = 16,
    OPTION_SNDHWM = 23,
    OPTION_RCVHWM = 24,
    OPTION_LAST_ENDPOINT = 32,
    OPTION_THREAD_SAFE = 81,
};

static void socket_apply_marks(struct cz_socket *s)
{
    cz_list_for_each (node, &s->ends) {
        struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, link);

        cz_pipe_set_marks(end, s->options.sndhwm, s->options.rcvhwm);
        if (!end->is_peer_closed && cz_pipe_is_writable(end))
            s->ops->writable(s, end);
    }
}

int cz_socket_set_option(struct cz_socket *s, int number, const void *value,
                         size_t size)
{
    int rc = -ENOENT;

    if (cz_ctx_is_terminating(s->ctx))
        return -CZ_ETERM;
    if (s->ops->set_option)
        rc = s->ops->set_option(s, number, value, size);
    if (rc == -ENOENT)
        rc = cz_options_set(&s->options, number, value, size);
    if (rc == 0 && (number == OPTION_SNDHWM || number == OPTION_RCVHWM))
        socket_apply_marks(s);
    return rc == -ENOENT ? -EINVAL : rc;
}

static int socket_get_fd(struct cz_socket *s, void *value, size_t *size)
{
    int fd;

    if (*size < sizeof fd)
        return -EINVAL;
    fd = cz_socket_fd(s);
    if (fd < 0)
        return fd;
    /* Whoever waits outside cannot drive the reactor. */
    s->has_fd = true;
    cz_socket_wait_elsewhere(s);
    return cz_options_put_int(fd, value, size);
}

int cz_socket_get_option(struct cz_socket *s, int number, void *value,
                         size_t *size)
{
    int rc = -ENOENT;

    if (cz_ctx_is_terminating(s->ctx))
        return -CZ_ETERM;
    switch (number) {
    case OPTION_RCVMORE:
        return cz_options_put_int(s->has_more, value, size);
    case OPTION_FD:
        return socket_get_fd(s, value, size);
    case OPTION_EVENTS:
        if (*size < sizeof(int))
            return -EINVAL;
        rc = cz_socket_events(s);
        return rc < 0 ? rc : cz_options_put_int(rc, value, size);
    case OPTION_TYPE:
        return *size == sizeof(int)
                   ? cz_options_put_int(s->ops->type, value, size)
                   : -EINVAL;
    case OPTION_LAST_ENDPOINT:
        return cz_options_put_text(s->last_endpoint, value, size);
    case OPTION_THREAD_SAFE:
        return cz_options_put_int(0, value, size);
    default:
        break;
    }
    if (s->ops->get_option)
        rc = s->ops->get_option(s, number, value, size);
    if (rc == -ENOENT)
        rc = cz_options_get(&s->options, number, value, size);
    return rc == -ENOENT ? -EINVAL : rc;
}
