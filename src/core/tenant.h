/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tenants: all that one socket has on one I/O thread.
 *
 * A tenant keeps the list of the socket's I/O objects there (listeners and
 * sessions, with their connecters and engines). When the socket closes, one
 * command to the tenant stops them all, each with the linger time it is due;
 * the tenant goes when the last of them has gone. zmq_ctx_term waits for the
 * tenants, so nothing of a socket outlives its context.
 *
 * Thread: created and closed by the socket; everything else with the helm of
 * its I/O thread. Owns: a reference to the socket's mailbox, one to its
 * monitor.
 */
#ifndef CZ_CORE_TENANT_H
#define CZ_CORE_TENANT_H

#include "base/compiler.h"
#include "base/list.h"
#include "core/command.h"
#include "core/pipe.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_ctx;
struct cz_io_thread;
struct cz_monitor;
struct cz_io_object;

struct cz_tenant {
    struct cz_list link; /* of all tenants of the I/O thread */
    struct cz_io_thread *io;
    struct cz_ctx *ctx;
    struct cz_list objects;
    /* For pipes to the socket: where its commands go and who handles them.
     * The socket itself is only passed on, never touched from here. */
    struct cz_mailbox *mailbox;
    const struct cz_pipe_events *socket_events;
    void *socket;
    struct cz_monitor *monitor;
    struct cz_command move_in;
    struct cz_command close;
    int linger_ms;
    bool is_closing;
    _Atomic uint32_t refs; /* its life, its objects, and listeners */
};

void cz_tenant_ref(struct cz_tenant *tenant);
void cz_tenant_unref(struct cz_tenant *tenant);

/* What a socket shows of itself to its tenants. */
struct cz_tenant_socket {
    struct cz_ctx *ctx;
    struct cz_mailbox *mailbox;
    const struct cz_pipe_events *events;
    void *socket;
    struct cz_monitor *monitor;
};

/* NULL = no memory. */
struct cz_tenant *cz_tenant_create(struct cz_io_thread *io,
                                   const struct cz_tenant_socket *socket);

/* Ends all I/O of the socket here. linger_ms as ZMQ_LINGER. The tenant must
 * not be used by the socket any more. */
void cz_tenant_post_close(struct cz_tenant *tenant, int linger_ms);

struct cz_io_object_ops {
    /* All run with the helm. start: begin. */
    void (*start)(struct cz_io_object *object);
    /* End, after at most linger_ms for what has still to be sent; may come
     * more than once. When it has ended, cz_io_object_end. */
    void (*stop)(struct cz_io_object *object, int linger_ms);
    /* The last reference has gone: free it. Any thread. */
    void (*destroy)(struct cz_io_object *object);
};

/* Something that lives on an I/O thread. One reference belongs to its life
 * there, from start to end, one to the endpoint of the socket that it was
 * made for, if any. */
struct cz_io_object {
    struct cz_list link;
    struct cz_tenant *tenant;
    const struct cz_io_object_ops *ops;
    struct cz_command start;
    struct cz_command stop;
    _Atomic uint32_t refs;
    int linger_ms;
    bool is_living;
    /* Set by one that may end by itself; read without the helm. */
    _Atomic bool has_ended;
};

/* With `refs` references: 2 for what an endpoint keeps, 1 for others. */
void cz_io_object_init(struct cz_io_object *object, struct cz_tenant *tenant,
                       const struct cz_io_object_ops *ops, uint32_t refs);
void cz_io_object_ref(struct cz_io_object *object);
void cz_io_object_unref(struct cz_io_object *object);

/* From any thread. An object whose tenant is closing is destroyed instead
 * of started. stop also drops the endpoint's reference. */
void cz_io_object_post_start(struct cz_io_object *object);
void cz_io_object_post_stop(struct cz_io_object *object, int linger_ms);

/* With the helm: ends for good. */
void cz_io_object_end(struct cz_io_object *object);

#endif
