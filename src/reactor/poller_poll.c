/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The poll back-end: for kernels and sandboxes without epoll. A turn costs
 * what is registered.
 *
 * Thread: as reactor/poller_ops.h says. Owns: the snapshot.
 */
#include "reactor/poller_ops.h"

#ifndef CZ_NO_POLL

#include "base/alloc.h"
#include "os/poll.h"
#include "reactor/poller_bits.h"
#include "reactor/poller_snapshot.h"

#include <errno.h>

struct poll_backend {
    struct cz_poll_backend base;
    struct cz_poll_snapshot snapshot;
};

static struct poll_backend *poll_self(struct cz_poll_backend *backend)
{
    return cz_container_of(backend, struct poll_backend, base);
}

static int poll_backend_create(struct cz_poll_backend **backend)
{
    struct poll_backend *self = cz_alloc(sizeof *self);
    int rc;

    if (!self)
        return -ENOMEM;
    self->base.ops = &cz_poll_ops_poll;
    rc = cz_poll_snapshot_init(&self->snapshot);
    if (rc < 0) {
        cz_free(self);
        return rc;
    }
    *backend = &self->base;
    return 0;
}

static void poll_backend_destroy(struct cz_poll_backend *backend)
{
    struct poll_backend *self = poll_self(backend);

    cz_poll_snapshot_fini(&self->snapshot);
    cz_free(self);
}

static int poll_backend_add(struct cz_poll_backend *backend,
                            const struct cz_poll_table *table, cz_poll_id id)
{
    (void)id;
    return cz_poll_snapshot_reserve(&poll_self(backend)->snapshot, table);
}

static void poll_backend_prepare(struct cz_poll_backend *backend,
                                 const struct cz_poll_table *table)
{
    cz_poll_snapshot_fill(&poll_self(backend)->snapshot, table);
}

static int poll_backend_wait(struct cz_poll_backend *backend,
                             struct cz_poll_batch *batch, int64_t timeout_us)
{
    struct cz_poll_snapshot *snapshot = &poll_self(backend)->snapshot;
    struct cz_poll_set *set = snapshot->waiting;
    int ready = cz_os_poll(set->fds, set->count, timeout_us);

    if (ready < 0)
        return ready;
    for (uint32_t i = 0; ready > 0 && i < set->count; i++) {
        unsigned events = cz_poll_events(set->fds[i].revents);

        if (!events)
            continue;
        ready--;
        if (!cz_poll_batch_push(batch, set->ids[i], events)) {
            cz_poll_snapshot_resume_at(snapshot, i);
            break;
        }
    }
    return 0;
}

const struct cz_poll_ops cz_poll_ops_poll = {
    .name = "poll",
    .is_live = false,
    .create = poll_backend_create,
    .destroy = poll_backend_destroy,
    .add = poll_backend_add,
    .prepare = poll_backend_prepare,
    .wait = poll_backend_wait,
};

#endif
