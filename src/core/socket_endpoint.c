/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: what they are bound and connected to.
 *
 * Thread: the socket's. Owns: the list of endpoints, with one reference to
 * each endpoint's I/O object.
 */
#include "base/alloc.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/socket.h"
#include "core/tenant.h"
#include "core/transport.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wire/endpoint.h"

#include <errno.h>
#include <string.h>

enum { ENDPOINT_TEXT_MAX = 320, STOP_US_MAX = 100000 };

/* Finds the transport and the address in an endpoint's text. */
static int endpoint_parse(struct cz_socket *s, const char *endpoint,
                          const struct cz_transport **transport,
                          const char **address)
{
    struct cz_endpoint parts;
    int rc;

    if (!endpoint)
        return -EINVAL;
    rc = cz_endpoint_split(endpoint, &parts);
    if (rc != 0)
        return rc;
    *address = parts.address;
    for (int i = 0; s->ctx->transports[i]; i++) {
        const struct cz_transport *t = s->ctx->transports[i];

        if (strlen(t->scheme) == parts.transport.size &&
            memcmp(t->scheme, parts.transport.bytes, parts.transport.size) ==
                0) {
            *transport = t;
            return 0;
        }
    }
    return -EPROTONOSUPPORT;
}

/* Of an endpoint that has ended by itself only the entry may be left. */
static bool endpoint_has_ended(const struct cz_endpoint_entry *entry)
{
    return entry->object && atomic_load_explicit(&entry->object->has_ended,
                                                 memory_order_relaxed);
}

static struct cz_endpoint_entry *endpoint_find(struct cz_socket *s,
                                               const char *name)
{
    cz_list_for_each (node, &s->endpoints) {
        struct cz_endpoint_entry *entry =
            cz_container_of(node, struct cz_endpoint_entry, link);

        if (strcmp(entry->name, name) == 0 && !endpoint_has_ended(entry))
            return entry;
    }
    return NULL;
}

int cz_socket_bind(struct cz_socket *s, const char *endpoint)
{
    const struct cz_transport *transport;
    const char *address;
    int rc = cz_socket_process(s);

    if (rc == 0)
        rc = endpoint_parse(s, endpoint, &transport, &address);
    if (rc == 0)
        rc = transport->bind(s, endpoint, address);
    return rc;
}

int cz_socket_connect(struct cz_socket *s, const char *endpoint)
{
    const struct cz_transport *transport;
    struct cz_endpoint_entry *entry;
    const char *address;
    int rc = cz_socket_process(s);

    if (rc == 0)
        rc = endpoint_parse(s, endpoint, &transport, &address);
    if (rc != 0)
        return rc;
    if (s->ops->connects_once && transport->is_deduplicated) {
        entry = endpoint_find(s, endpoint);
        if (entry && !entry->is_bound)
            return 0;
    }
    if (s->ops->connecting) {
        rc = s->ops->connecting(s);
        if (rc != 0)
            return rc;
    }
    return transport->connect(s, endpoint, address);
}

/* ---- ending --------------------------------------------------------- */

void cz_socket_remove_endpoint(struct cz_endpoint_entry *entry)
{
    cz_list_remove(&entry->link);
    if (entry->object)
        cz_io_object_unref(entry->object);
    cz_free(entry->name);
    cz_free(entry);
}

/* Who unbinds a port may want to bind it again, so the listener is closed when
 * this returns, but for reactors whose wait holds it (docs/compat.md). Not for
 * ever: who has the helm may be in the application's free function, which may
 * need what the caller holds. */
static void endpoint_await_stop(struct cz_io_thread *io)
{
    uint64_t until_us = cz_clock_us() + STOP_US_MAX;

    while (!cz_io_help(io) && cz_clock_us() < until_us)
        cz_thread_yield();
}

static void endpoint_stop(struct cz_io_object *object, bool is_bound,
                          int linger_ms)
{
    struct cz_io_thread *io = object->tenant->io;

    cz_io_object_post_stop(object, linger_ms);
    if (is_bound)
        endpoint_await_stop(io);
}

static void endpoint_end(struct cz_socket *s, struct cz_endpoint_entry *entry)
{
    int linger_ms = s->options.linger_ms;
    struct cz_io_object *object = entry->object;

    cz_list_for_each (node, &s->ends) {
        struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, link);

        if (end->endpoint != entry)
            continue;
        s->ops->detach(s, end);
        cz_pipe_close(end, linger_ms);
    }
    entry->object = NULL;
    if (object)
        endpoint_stop(object, entry->is_bound, linger_ms);
    cz_socket_remove_endpoint(entry);
}

/* Ends all endpoints with this name; how many there were. */
static int endpoints_end(struct cz_socket *s, const char *name)
{
    struct cz_endpoint_entry *entry;
    int count = 0;

    while ((entry = endpoint_find(s, name))) {
        endpoint_end(s, entry);
        count++;
    }
    return count;
}

int cz_socket_unbind(struct cz_socket *s, const char *endpoint)
{
    char respelled[ENDPOINT_TEXT_MAX];
    const struct cz_transport *transport;
    const char *address;
    int count;
    int rc = cz_socket_process(s);

    if (rc == 0)
        rc = endpoint_parse(s, endpoint, &transport, &address);
    if (rc != 0)
        return rc;
    /* A socket may have bound a name and connected to it: one at a time. */
    if (transport->unbind) {
        rc = transport->unbind(s, endpoint);
        if (rc != -ENOENT)
            return rc;
    }
    count = endpoints_end(s, endpoint);
    for (int i = 0; count == 0 && transport->respell; i++) {
        rc = transport->respell(s, address, respelled, sizeof respelled, i);
        if (rc != 0)
            break;
        count = endpoints_end(s, respelled);
    }
    return count > 0 ? 0 : -ENOENT;
}

/* ---- for transports ------------------------------------------------- */

int cz_socket_set_last_endpoint(struct cz_socket *s, const char *name)
{
    char *copy = cz_strdup(name);

    if (!copy)
        return -ENOMEM;
    cz_free(s->last_endpoint);
    s->last_endpoint = copy;
    return 0;
}

struct cz_endpoint_entry *cz_socket_add_endpoint(struct cz_socket *s,
                                                 const char *name,
                                                 struct cz_io_object *object,
                                                 bool is_bound)
{
    struct cz_endpoint_entry *entry = cz_zalloc(sizeof *entry);

    if (!entry)
        return NULL;
    cz_list_init(&entry->link);
    entry->name = cz_strdup(name);
    if (!entry->name || cz_socket_set_last_endpoint(s, name) != 0) {
        cz_free(entry->name);
        cz_free(entry);
        return NULL;
    }
    entry->object = object;
    entry->is_bound = is_bound;
    cz_list_push_back(&s->endpoints, &entry->link);
    return entry;
}

static int tenant_index(const struct cz_ctx *ctx, const struct cz_io_thread *io)
{
    int i = 0;

    while (ctx->io[i] != io)
        i++;
    return i;
}

/* What the socket has on the I/O thread of this number, made if need be. */
static int tenant_at(struct cz_socket *s, int index, struct cz_tenant **out)
{
    struct cz_tenant_socket self = {
        .ctx = s->ctx,
        .mailbox = s->mailbox,
        .events = &cz_socket_pipe_events,
        .socket = s,
        .monitor = s->monitor,
    };
    struct cz_io_thread *io = s->ctx->io[index];

    if (!s->tenants) {
        s->tenants =
            cz_zalloc((size_t)s->ctx->io_count * sizeof(struct cz_tenant *));
        if (!s->tenants)
            return -ENOMEM;
    }
    if (!s->tenants[index]) {
        s->tenants[index] = cz_tenant_create(io, &self);
        if (!s->tenants[index])
            return -ENOMEM;
        s->tenant_count++;
        s->sole_io = s->tenant_count == 1 ? io : NULL;
    }
    *out = s->tenants[index];
    return 0;
}

int cz_socket_tenant(struct cz_socket *s, struct cz_tenant **out)
{
    struct cz_io_thread *io;
    int rc = cz_ctx_choose_io(s->ctx, s->options.affinity, &io);

    return rc != 0 ? rc : tenant_at(s, tenant_index(s->ctx, io), out);
}

int cz_socket_settle(struct cz_socket *s)
{
    struct cz_tenant *tenant;
    int rc = 0;

    for (int i = 0; i < s->ctx->io_count && rc == 0; i++)
        if (cz_ctx_io_is_allowed(i, s->options.affinity))
            rc = tenant_at(s, i, &tenant);
    return rc;
}
