/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tenants and the life of I/O objects.
 *
 * Thread: see core/tenant.h. Owns: what is listed there.
 */
#include "core/tenant.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/monitor.h"

/* ---- tenants -------------------------------------------------------- */

static void tenant_on_move_in(struct cz_command *command)
{
    struct cz_tenant *tenant =
        cz_container_of(command, struct cz_tenant, move_in);

    cz_list_push_back(&tenant->io->tenants, &tenant->link);
    atomic_fetch_add_explicit(&tenant->io->tenant_count, 1,
                              memory_order_relaxed);
}

void cz_tenant_ref(struct cz_tenant *tenant)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&tenant->refs, 1, memory_order_relaxed);
}

void cz_tenant_unref(struct cz_tenant *tenant)
{
    /* acq_rel: the last one out sees all that the others did. */
    if (atomic_fetch_sub_explicit(&tenant->refs, 1, memory_order_acq_rel) == 1)
        cz_free(tenant);
}

static void tenant_leave(struct cz_tenant *tenant)
{
    struct cz_ctx *ctx = tenant->ctx;

    cz_list_remove(&tenant->link);
    atomic_fetch_sub_explicit(&tenant->io->tenant_count, 1,
                              memory_order_relaxed);
    cz_mailbox_unref(tenant->mailbox);
    cz_monitor_unref(tenant->monitor);
    cz_tenant_unref(tenant);
    cz_ctx_tenant_gone(ctx);
}

static void tenant_on_close(struct cz_command *command)
{
    struct cz_tenant *tenant =
        cz_container_of(command, struct cz_tenant, close);

    tenant->is_closing = true;
    if (cz_list_is_empty(&tenant->objects)) {
        tenant_leave(tenant);
        return;
    }
    /* The last object to end takes the tenant with it: hold on to the list
     * by its nodes only. */
    for (struct cz_list *node = tenant->objects.next, *next;; node = next) {
        bool is_last = node->next == &tenant->objects;

        next = node->next;
        struct cz_io_object *object =
            cz_container_of(node, struct cz_io_object, link);

        object->ops->stop(object, tenant->linger_ms);
        if (is_last)
            break;
    }
}

struct cz_tenant *cz_tenant_create(struct cz_io_thread *io,
                                   const struct cz_tenant_socket *socket)
{
    struct cz_tenant *tenant = cz_zalloc(sizeof *tenant);

    if (!tenant)
        return NULL;
    cz_list_init(&tenant->link);
    cz_list_init(&tenant->objects);
    atomic_init(&tenant->refs, 1);
    tenant->io = io;
    tenant->ctx = socket->ctx;
    tenant->mailbox = cz_mailbox_ref(socket->mailbox);
    tenant->socket_events = socket->events;
    tenant->socket = socket->socket;
    tenant->monitor = cz_monitor_ref(socket->monitor);
    tenant->move_in.run = tenant_on_move_in;
    tenant->close.run = tenant_on_close;
    cz_ctx_tenant_came(socket->ctx);
    cz_io_post(io, &tenant->move_in, CZ_IO_NOW);
    return tenant;
}

void cz_tenant_post_close(struct cz_tenant *tenant, int linger_ms)
{
    tenant->linger_ms = linger_ms;
    cz_io_post(tenant->io, &tenant->close, CZ_IO_NOW);
}

/* ---- I/O objects ---------------------------------------------------- */

static void tenant_unload(struct cz_tenant *tenant)
{
    atomic_fetch_sub_explicit(&tenant->io->load, 1, memory_order_relaxed);
}

static void object_on_start(struct cz_command *command)
{
    struct cz_io_object *object =
        cz_container_of(command, struct cz_io_object, start);

    if (object->tenant->is_closing) {
        tenant_unload(object->tenant);
        cz_io_object_unref(object);
        return;
    }
    object->is_living = true;
    cz_list_push_back(&object->tenant->objects, &object->link);
    object->ops->start(object);
}

static void object_on_stop(struct cz_command *command)
{
    struct cz_io_object *object =
        cz_container_of(command, struct cz_io_object, stop);

    if (object->is_living)
        object->ops->stop(object, object->linger_ms);
    cz_io_object_unref(object);
}

void cz_io_object_init(struct cz_io_object *object, struct cz_tenant *tenant,
                       const struct cz_io_object_ops *ops, uint32_t refs)
{
    cz_list_init(&object->link);
    cz_tenant_ref(tenant);
    object->tenant = tenant;
    object->ops = ops;
    object->start.run = object_on_start;
    object->stop.run = object_on_stop;
    atomic_init(&object->refs, refs);
}

void cz_io_object_ref(struct cz_io_object *object)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
}

void cz_io_object_unref(struct cz_io_object *object)
{
    /* acq_rel: the last one out sees all that the others did. */
    struct cz_tenant *tenant = object->tenant;

    if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) > 1)
        return;
    object->ops->destroy(object);
    cz_tenant_unref(tenant);
}

void cz_io_object_post_start(struct cz_io_object *object)
{
    /* Not when it starts: where the next one of a burst goes is decided before
     * a thread that is busy has started the last. Relaxed: a hint. */
    atomic_fetch_add_explicit(&object->tenant->io->load, 1,
                              memory_order_relaxed);
    cz_io_post(object->tenant->io, &object->start, CZ_IO_NOW);
}

void cz_io_object_post_stop(struct cz_io_object *object, int linger_ms)
{
    object->linger_ms = linger_ms;
    cz_io_post(object->tenant->io, &object->stop, CZ_IO_NOW);
}

void cz_io_object_end(struct cz_io_object *object)
{
    struct cz_tenant *tenant = object->tenant;

    if (!object->is_living)
        return;
    object->is_living = false;
    cz_list_remove(&object->link);
    tenant_unload(tenant);
    cz_io_object_unref(object);
    if (tenant->is_closing && cz_list_is_empty(&tenant->objects))
        tenant_leave(tenant);
}
