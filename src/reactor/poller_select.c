/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The select back-end: the oldest way, for at most FD_SETSIZE descriptors.
 * It cannot tell a failed descriptor from a ready one.
 *
 * Thread: as reactor/poller_ops.h says. Owns: the snapshot.
 */
#include "reactor/poller_ops.h"

#ifndef CZ_NO_SELECT

#include "base/alloc.h"
#include "os/poll.h"
#include "reactor/poller_snapshot.h"

#include <errno.h>

struct select_backend {
    struct cz_poll_backend base;
    struct cz_poll_snapshot snapshot;
};

static struct select_backend *select_self(struct cz_poll_backend *backend)
{
    return cz_container_of(backend, struct select_backend, base);
}

static int select_backend_create(struct cz_poll_backend **backend)
{
    struct select_backend *self = cz_alloc(sizeof *self);
    int rc;

    if (!self)
        return -ENOMEM;
    self->base.ops = &cz_poll_ops_select;
    rc = cz_poll_snapshot_init(&self->snapshot);
    if (rc < 0) {
        cz_free(self);
        return rc;
    }
    *backend = &self->base;
    return 0;
}

static void select_backend_destroy(struct cz_poll_backend *backend)
{
    struct select_backend *self = select_self(backend);

    cz_poll_snapshot_fini(&self->snapshot);
    cz_free(self);
}

/* A larger descriptor would be written behind the end of the fd_set. */
static int select_backend_add(struct cz_poll_backend *backend,
                              const struct cz_poll_table *table, cz_poll_id id)
{
    if (cz_poll_table_find(table, id)->fd >= FD_SETSIZE)
        return -EMFILE;
    return cz_poll_snapshot_reserve(&select_self(backend)->snapshot, table);
}

static void select_backend_prepare(struct cz_poll_backend *backend,
                                   const struct cz_poll_table *table)
{
    cz_poll_snapshot_fill(&select_self(backend)->snapshot, table);
}

/* Asks the kernel; the number of ready entries in `in` and `out`. */
static int select_ask(const struct cz_poll_set *set, fd_set *in, fd_set *out,
                      int64_t timeout_us)
{
    int fd_limit = 0;

    FD_ZERO(in);
    FD_ZERO(out);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct pollfd *entry = &set->fds[i];

        if (entry->events & POLLIN)
            FD_SET(entry->fd, in);
        if (entry->events & POLLOUT)
            FD_SET(entry->fd, out);
        if (fd_limit <= entry->fd)
            fd_limit = entry->fd + 1;
    }
    return cz_os_select(fd_limit, in, out, NULL, timeout_us);
}

static int select_backend_wait(struct cz_poll_backend *backend,
                               struct cz_poll_batch *batch, int64_t timeout_us)
{
    struct cz_poll_snapshot *snapshot = &select_self(backend)->snapshot;
    const struct cz_poll_set *set = snapshot->waiting;
    fd_set in, out;
    int ready = select_ask(set, &in, &out, timeout_us);

    if (ready < 0)
        return ready;
    for (uint32_t i = 0; ready > 0 && i < set->count; i++) {
        unsigned events = 0;

        if (FD_ISSET(set->fds[i].fd, &in))
            events |= CZ_POLL_IN;
        if (FD_ISSET(set->fds[i].fd, &out))
            events |= CZ_POLL_OUT;
        if (!events)
            continue;
        if (!cz_poll_batch_push(batch, set->ids[i], events)) {
            cz_poll_snapshot_resume_at(snapshot, i);
            break;
        }
    }
    return 0;
}

const struct cz_poll_ops cz_poll_ops_select = {
    .name = "select",
    .is_live = false,
    .create = select_backend_create,
    .destroy = select_backend_destroy,
    .add = select_backend_add,
    .prepare = select_backend_prepare,
    .wait = select_backend_wait,
};

#endif
