/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a back-end of the poller must do. It is chosen when the poller is
 * created; a new one is a file, and a row in poller.c.
 *
 * "Owner" below is whoever holds the lock of the loop that owns the poller;
 * "waiter" is the one thread that goes through a turn. A turn calls prepare
 * and then wait; owners may call add, watch and remove all the while.
 */
#ifndef CZ_REACTOR_POLLER_OPS_H
#define CZ_REACTOR_POLLER_OPS_H

#include "base/compiler.h"
#include "reactor/poller.h"
#include "reactor/poller_table.h"

#include <stdbool.h>

/* A back-end's state begins with this, or contains it. */
struct cz_poll_backend {
    const struct cz_poll_ops *ops;
};

struct cz_poll_ops {
    const char *name;

    /* Do changes reach a wait that is under way? */
    bool is_live;

    /* Must always the same thread prepare and wait? Until its next wait the
     * kernel may keep open what was removed and closed. */
    bool is_bound;

    /* Called by cz_poller_create; does not block. The result is freed by
     * `destroy`. 0 or -errno; -ENOSYS and -EPERM mean that the kernel does
     * not offer this back-end, and another one is taken. */
    int (*create)(struct cz_poll_backend **backend);

    /* Called by cz_poller_destroy, nobody waits; does not block. */
    void (*destroy)(struct cz_poll_backend *backend);

    /* Called by an owner, perhaps while the waiter waits; does not block.
     * The registration is in the table, with its first interest. Whatever
     * `watch` and `prepare` will need is reserved here, since they cannot
     * fail. 0 or -errno; after a failure the registration is dropped. */
    int (*add)(struct cz_poll_backend *backend,
               const struct cz_poll_table *table, cz_poll_id id);

    /* Called by an owner, perhaps while the waiter waits; does not block.
     * The slot's interest has just changed. NULL = nothing to do. */
    void (*watch)(struct cz_poll_backend *backend,
                  const struct cz_poll_slot *slot, cz_poll_id id);

    /* Called by an owner, perhaps while the waiter waits; does not block.
     * The slot is about to be dropped. NULL = nothing to do. */
    void (*remove)(struct cz_poll_backend *backend,
                   const struct cz_poll_slot *slot, cz_poll_id id);

    /* Called by the waiter as an owner, before each wait; does not block.
     * The only chance to look at the table. NULL = nothing to do. */
    void (*prepare)(struct cz_poll_backend *backend,
                    const struct cz_poll_table *table);

    /* Called by the waiter without the lock; BLOCKS. Adds what is ready to
     * the empty batch, each id once, and sees to it that what does not fit
     * comes first another time. Events that nobody wants any more do no
     * harm. 0 or -errno. */
    int (*wait)(struct cz_poll_backend *backend, struct cz_poll_batch *batch,
                int64_t timeout_us);
};

/* The simulation has no rings. */
#if defined(CZ_HAVE_URING) && !defined(CZ_SIMULATION)
#define CZ_HAS_URING_BACKEND 1
extern const struct cz_poll_ops cz_poll_ops_uring;
#endif
#ifdef CZ_HAVE_KQUEUE
extern const struct cz_poll_ops cz_poll_ops_kqueue;
#endif
#ifdef CZ_HAVE_DEVPOLL
extern const struct cz_poll_ops cz_poll_ops_devpoll;
#endif
#ifndef CZ_NO_EPOLL
extern const struct cz_poll_ops cz_poll_ops_epoll;
#endif
#ifndef CZ_NO_POLL
extern const struct cz_poll_ops cz_poll_ops_poll;
#endif
#ifndef CZ_NO_SELECT
extern const struct cz_poll_ops cz_poll_ops_select;
#endif

/* Adds an event; false if the batch is full. */
static inline bool cz_poll_batch_push(struct cz_poll_batch *batch,
                                      cz_poll_id id, unsigned events)
{
    if (batch->count == CZ_POLL_BATCH_MAX)
        return false;
    batch->events[batch->count++] =
        (struct cz_poll_event){.id = id, .events = events};
    return true;
}

#endif
