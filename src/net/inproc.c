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
#include "core/swap.h"
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

/* What a socket brings to a pipe. */
struct inproc_self {
    struct cz_metadata *metadata; /* NULL: it has no routing id */
    struct cz_options *options;   /* NULL: it has no swaps */
    struct cz_swap *swap;         /* that of who connects */
};

static void inproc_forget(struct inproc_self *self)
{
    if (self->metadata)
        cz_metadata_unref(self->metadata, 1);
    cz_options_unref(self->options);
    cz_swap_destroy(self->swap);
}

static int inproc_make_swap(const struct cz_socket *s,
                            struct cz_options *options, const char *endpoint,
                            struct cz_swap **swap)
{
    const struct cz_swap_owner owner = {
        .options = options,
        .monitor = s->monitor,
        .endpoint = endpoint,
        .pool = s->ctx->pool,
    };

    return cz_swap_create(&owner, swap);
}

/* Without the registry's lock: what a durable swap has kept is read. 0 or
 * -errno; to be forgotten in any case. */
static int inproc_describe(struct cz_socket *s, const char *endpoint,
                           bool is_bound, struct inproc_self *self)
{
    const struct cz_options *o = &s->options;
    int rc = cz_swap_check(o, is_bound);

    memset(self, 0, sizeof *self);
    if (rc != 0)
        return rc;
    if (o->routing_id_size > 0) {
        self->metadata =
            cz_metadata_create_id(o->routing_id, o->routing_id_size);
        if (!self->metadata)
            return -ENOMEM;
    }
    if (!cz_swap_is_wanted(o))
        return 0;
    self->options = cz_options_snapshot(o);
    if (!self->options)
        return -ENOMEM;
    return is_bound ? 0
                    : inproc_make_swap(s, self->options, endpoint, &self->swap);
}

/* Gives what `end` writes the swap of who connects. */
static void inproc_give_swap(struct inproc_self *self, struct cz_pipe_end *end)
{
    if (!self->swap || end->out->is_conflating)
        return;
    cz_pipe_set_swap(end, self->swap);
    self->swap = NULL;
}

/* Gives what `end` writes for a bound socket one of its own, if `options` are
 * there. These are not durable, and so are made without any ado. 0 or
 * -errno. */
static int inproc_add_swap(const struct cz_socket *s, struct cz_pipe_end *end,
                           struct cz_options *options, const char *endpoint)
{
    struct cz_swap *swap = NULL;
    int rc = 0;

    if (options && !end->out->is_conflating)
        rc = inproc_make_swap(s, options, endpoint, &swap);
    if (swap)
        cz_pipe_set_swap(end, swap);
    return rc;
}

static void inproc_drop_pipe(struct cz_pipe *pipe)
{
    cz_pipe_close(&pipe->ends[0], 0);
    cz_pipe_close(&pipe->ends[1], 0);
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
                       const struct inproc_self *self)
{
    struct cz_pipe_end *end = entry->end;
    int rc = inproc_add_swap(s, end, self->options, entry->name);

    if (rc == 0)
        rc = cz_pipe_write_metadata(end, describe_again(self->metadata));
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
                           const struct inproc_self *self)
{
    struct cz_registry_entry *entry = cz_registry_add(
        &s->ctx->registry, CZ_REGISTRY_BOUND, endpoint, s, NULL);

    if (!entry)
        return -ENOMEM;
    if (cz_socket_set_last_endpoint(s, endpoint) != 0) {
        cz_registry_remove(entry);
        return -ENOMEM;
    }
    entry->self = describe_again(self->metadata);
    if (self->options)
        entry->swap_options = cz_options_ref(self->options);
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
    struct inproc_self self;
    int rc = inproc_describe(s, endpoint, true, &self);

    (void)address;
    if (rc != 0)
        goto done;
    cz_mutex_lock(&registry->lock);
    if (!cz_registry_is_free(registry, endpoint))
        rc = -EADDRINUSE;
    else
        rc = inproc_register(s, endpoint, &self);
    while (rc == 0 &&
           (entry = cz_registry_find(registry, CZ_REGISTRY_WAITING, endpoint)))
        rc = inproc_take(s, entry, &self);
    if (rc == -ENOMEM &&
        (entry = cz_registry_find(registry, CZ_REGISTRY_BOUND, endpoint)))
        cz_registry_remove(entry);
    cz_mutex_unlock(&registry->lock);
    if (rc == 0)
        cz_log_event(cz_monitor_account(s->monitor), "listen.inproc", endpoint);
done:
    inproc_forget(&self);
    return rc;
}

/* Connects to a socket that is bound. With the lock, under which that socket
 * cannot close. */
static int inproc_connect_to(struct cz_socket *s,
                             const struct cz_registry_entry *found,
                             struct cz_endpoint_entry *entry,
                             struct inproc_self *self)
{
    struct cz_socket *bound = found->socket;
    struct cz_pipe *pipe = inproc_make_pipe(s);
    int rc;

    if (!pipe)
        return -ENOMEM;
    pipe->ends[0].out->is_conflating |= found->conflates_in;
    pipe->ends[0].in->is_conflating |= found->conflates_out;
    rc = inproc_add_swap(bound, &pipe->ends[1], found->swap_options,
                         found->name);
    if (rc != 0) {
        inproc_drop_pipe(pipe);
        return rc;
    }
    inproc_give_swap(self, &pipe->ends[0]);
    cz_pipe_introduce(&pipe->ends[0], describe_again(found->self));
    cz_pipe_introduce(&pipe->ends[1], describe_again(self->metadata));
    /* For statistics only, which do without if there is no memory. */
    pipe->ends[1].name = cz_strdup(found->name);
    cz_pipe_own(&pipe->ends[0], s->mailbox, &cz_socket_pipe_events, s);
    cz_pipe_own(&pipe->ends[1], bound->mailbox, &cz_socket_pipe_events, bound);
    cz_pipe_set_marks(&pipe->ends[1], found->sndhwm, found->rcvhwm);
    cz_pipe_set_marks(&pipe->ends[0], s->options.sndhwm, s->options.rcvhwm);
    /* The other socket's mailbox is open as long as it is in the registry. */
    (void)!cz_pipe_post_attach(&pipe->ends[1]);
    cz_socket_attach(s, &pipe->ends[0], entry);
    cz_pipe_kick(&pipe->ends[0]);
    return 0;
}

static int inproc_connect_ahead(struct cz_socket *s, const char *endpoint,
                                struct cz_endpoint_entry *entry,
                                struct inproc_self *self)
{
    struct cz_pipe *pipe = inproc_make_pipe(s);
    struct cz_registry_entry *waiting;

    if (!pipe)
        return -ENOMEM;
    waiting = cz_registry_add(&s->ctx->registry, CZ_REGISTRY_WAITING, endpoint,
                              s, &pipe->ends[1]);
    if (!waiting) {
        inproc_drop_pipe(pipe);
        return -ENOMEM;
    }
    inproc_give_swap(self, &pipe->ends[0]);
    waiting->self = describe_again(self->metadata);
    cz_pipe_own(&pipe->ends[0], s->mailbox, &cz_socket_pipe_events, s);
    cz_pipe_set_marks(&pipe->ends[0], s->options.sndhwm, s->options.rcvhwm);
    cz_socket_attach(s, &pipe->ends[0], entry);
    cz_pipe_kick(&pipe->ends[0]);
    return 0;
}

/* Connects to whoever has the name. With the lock. */
static int inproc_join(struct cz_socket *s, const char *endpoint,
                       struct cz_endpoint_entry *entry,
                       struct inproc_self *self)
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
    struct inproc_self self;
    int rc = inproc_describe(s, endpoint, false, &self);

    (void)address;
    if (rc != 0)
        goto done;
    entry = cz_socket_add_endpoint(s, endpoint, NULL, false);
    rc = -ENOMEM;
    if (entry) {
        cz_mutex_lock(&registry->lock);
        rc = inproc_join(s, endpoint, entry, &self);
        cz_mutex_unlock(&registry->lock);
        if (rc != 0)
            cz_socket_remove_endpoint(entry);
    }
    if (rc == 0)
        cz_log_event(cz_monitor_account(s->monitor), "connect.inproc",
                     endpoint);
done:
    inproc_forget(&self);
    return rc;
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
