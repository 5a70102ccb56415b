/* SPDX-License-Identifier: MPL-2.0 */
/*
 * inproc: a pipe straight from socket to socket, in one context
 * (zmq_inproc(7)). No I/O thread takes part.
 *
 * Either side may come first. Who connects to a name that nobody has bound
 * leaves the far end of its pipe in the registry, and may send; who binds the
 * name takes all ends that wait for it.
 *
 * Thread: the socket's, with the registry's lock for what two sockets share.
 */
#include "base/alloc.h"
#include "core/ctx.h"
#include "core/monitor.h"
#include "core/socket.h"
#include "msg/metadata.h"
#include "net/transports.h"

#include <errno.h>
#include <string.h>

/* Both readers are threads of this process that have nothing better to do.
 * ends[0] is the caller's. */
static struct cz_pipe *inproc_make_pipe(const struct cz_socket *s)
{
    const uint32_t unlimited[2] = {0, 0};
    struct cz_pipe *pipe = cz_pipe_create(unlimited, s->ctx->pool);

    if (!pipe)
        return NULL;
    pipe->streams[0].r.dallies = pipe->streams[1].r.dallies = true;
    pipe->ends[0].out->is_conflating = cz_options_conflates_out(&s->options);
    pipe->ends[0].in->is_conflating = cz_options_conflates_in(&s->options);
    return pipe;
}

/* What a peer is told about this socket: NULL if it has no routing id, which
 * is why the result says whether there was memory. */
static int inproc_describe(struct cz_socket *s, struct cz_metadata **self)
{
    const struct cz_options *o = &s->options;

    *self = NULL;
    if (o->routing_id_size > 0)
        *self = cz_metadata_create_id(o->routing_id, o->routing_id_size);
    return *self || o->routing_id_size == 0 ? 0 : -ENOMEM;
}

static struct cz_metadata *describe_again(struct cz_metadata *self)
{
    if (self)
        cz_metadata_ref(self, 1);
    return self;
}

/* Takes over the end of a waiting entry, and the entry with it. 0 or -ENOMEM:
 * then it goes on waiting. With the lock. */
static int inproc_take(struct cz_socket *s, struct cz_registry_entry *entry,
                       struct cz_metadata *self)
{
    struct cz_pipe_end *end = entry->end;
    int rc = cz_pipe_write_metadata(end, describe_again(self));

    if (rc != 0)
        return rc;
    cz_pipe_introduce(end, describe_again(entry->self));
    end->name = cz_strdup(entry->name);
    cz_registry_remove(entry);
    cz_socket_attach(s, end, NULL);
    cz_pipe_adopt(end, s->mailbox, &cz_socket_pipe_events, s);
    cz_pipe_set_marks(end, s->options.sndhwm, s->options.rcvhwm);
    return 0;
}

static int inproc_register(struct cz_socket *s, const char *endpoint,
                           struct cz_metadata *self)
{
    struct cz_registry_entry *entry = cz_registry_add(
        &s->ctx->registry, CZ_REGISTRY_BOUND, endpoint, s, NULL);

    if (!entry)
        return -ENOMEM;
    if (cz_socket_set_last_endpoint(s, endpoint) != 0) {
        cz_registry_remove(entry);
        return -ENOMEM;
    }
    entry->self = describe_again(self);
    entry->sndhwm = s->options.sndhwm;
    entry->rcvhwm = s->options.rcvhwm;
    entry->conflates_out = cz_options_conflates_out(&s->options);
    entry->conflates_in = cz_options_conflates_in(&s->options);
    return 0;
}

static int inproc_bind(struct cz_socket *s, const char *endpoint,
                       const char *address)
{
    struct cz_registry *registry = &s->ctx->registry;
    struct cz_registry_entry *entry;
    struct cz_metadata *self;
    int rc = inproc_describe(s, &self);

    (void)address;
    if (rc != 0)
        return rc;
    cz_mutex_lock(&registry->lock);
    if (!cz_registry_is_free(registry, endpoint))
        rc = -EADDRINUSE;
    else
        rc = inproc_register(s, endpoint, self);
    while (rc == 0 &&
           (entry = cz_registry_find(registry, CZ_REGISTRY_WAITING, endpoint)))
        rc = inproc_take(s, entry, self);
    if (rc == -ENOMEM &&
        (entry = cz_registry_find(registry, CZ_REGISTRY_BOUND, endpoint)))
        cz_registry_remove(entry);
    cz_mutex_unlock(&registry->lock);
    if (self)
        cz_metadata_unref(self, 1);
    if (rc == 0)
        cz_log_event(cz_monitor_account(s->monitor), "listen.inproc", endpoint);
    return rc;
}

/* Connects to a socket that is bound. With the lock, under which that socket
 * cannot close. */
static int inproc_connect_to(struct cz_socket *s,
                             const struct cz_registry_entry *found,
                             struct cz_endpoint_entry *entry,
                             struct cz_metadata *self)
{
    struct cz_socket *bound = found->socket;
    struct cz_pipe *pipe = inproc_make_pipe(s);

    if (!pipe)
        return -ENOMEM;
    pipe->ends[0].out->is_conflating |= found->conflates_in;
    pipe->ends[0].in->is_conflating |= found->conflates_out;
    cz_pipe_introduce(&pipe->ends[0], describe_again(found->self));
    cz_pipe_introduce(&pipe->ends[1], describe_again(self));
    /* For statistics only, which do without if there is no memory. */
    pipe->ends[1].name = cz_strdup(found->name);
    cz_pipe_own(&pipe->ends[0], s->mailbox, &cz_socket_pipe_events, s);
    cz_pipe_own(&pipe->ends[1], bound->mailbox, &cz_socket_pipe_events, bound);
    cz_pipe_set_marks(&pipe->ends[1], found->sndhwm, found->rcvhwm);
    cz_pipe_set_marks(&pipe->ends[0], s->options.sndhwm, s->options.rcvhwm);
    /* The other socket's mailbox is open as long as it is in the registry. */
    (void)!cz_pipe_post_attach(&pipe->ends[1]);
    cz_socket_attach(s, &pipe->ends[0], entry);
    return 0;
}

static int inproc_connect_ahead(struct cz_socket *s, const char *endpoint,
                                struct cz_endpoint_entry *entry,
                                struct cz_metadata *self)
{
    struct cz_pipe *pipe = inproc_make_pipe(s);
    struct cz_registry_entry *waiting;

    if (!pipe)
        return -ENOMEM;
    waiting = cz_registry_add(&s->ctx->registry, CZ_REGISTRY_WAITING, endpoint,
                              s, &pipe->ends[1]);
    if (!waiting) {
        cz_pipe_close(&pipe->ends[0], 0);
        cz_pipe_close(&pipe->ends[1], 0);
        return -ENOMEM;
    }
    waiting->self = describe_again(self);
    cz_pipe_own(&pipe->ends[0], s->mailbox, &cz_socket_pipe_events, s);
    cz_pipe_set_marks(&pipe->ends[0], s->options.sndhwm, s->options.rcvhwm);
    cz_socket_attach(s, &pipe->ends[0], entry);
    return 0;
}

/* Connects to whoever has the name. With the lock. */
static int inproc_join(struct cz_socket *s, const char *endpoint,
                       struct cz_endpoint_entry *entry,
                       struct cz_metadata *self)
{
    struct cz_registry *registry = &s->ctx->registry;
    struct cz_registry_entry *found;
    int rc = 0;

    if ((found = cz_registry_find(registry, CZ_REGISTRY_BOUND, endpoint))) {
        rc = inproc_connect_to(s, found, entry, self);
    } else if ((found = cz_registry_find(registry, CZ_REGISTRY_OFFERED,
                                         endpoint))) {
        struct cz_pipe_end *end = found->end;

        found->kind = CZ_REGISTRY_TAKEN;
        cz_pipe_introduce(end, NULL);
        cz_socket_attach(s, end, entry);
        cz_pipe_adopt(end, s->mailbox, &cz_socket_pipe_events, s);
    } else {
        rc = inproc_connect_ahead(s, endpoint, entry, self);
    }
    return rc;
}

static int inproc_connect(struct cz_socket *s, const char *endpoint,
                          const char *address)
{
    struct cz_registry *registry = &s->ctx->registry;
    struct cz_endpoint_entry *entry;
    struct cz_metadata *self;
    int rc = inproc_describe(s, &self);

    (void)address;
    if (rc != 0)
        return rc;
    entry = cz_socket_add_endpoint(s, endpoint, NULL, false);
    if (entry) {
        cz_mutex_lock(&registry->lock);
        rc = inproc_join(s, endpoint, entry, self);
        cz_mutex_unlock(&registry->lock);
        if (rc != 0)
            cz_socket_remove_endpoint(entry);
    }
    if (self)
        cz_metadata_unref(self, 1);
    if (entry && rc == 0)
        cz_log_event(cz_monitor_account(s->monitor), "connect.inproc",
                     endpoint);
    return entry ? rc : -ENOMEM;
}

static int inproc_unbind(struct cz_socket *s, const char *endpoint)
{
    struct cz_registry *registry = &s->ctx->registry;
    int count;

    cz_mutex_lock(&registry->lock);
    count = cz_registry_remove_socket(registry, s, endpoint);
    cz_mutex_unlock(&registry->lock);
    return count > 0 ? 0 : -ENOENT;
}

const struct cz_transport cz_inproc_transport = {
    .scheme = "inproc",
    .bind = inproc_bind,
    .connect = inproc_connect,
    .unbind = inproc_unbind,
};
