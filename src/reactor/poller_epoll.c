/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The epoll back-end. The kernel keeps the set and carries the id with each
 * descriptor, so that a turn costs what is ready and not what there is.
 *
 * Thread: as reactor/poller_ops.h says; epoll itself is thread-safe, and
 * the state here never changes. Owns: the epoll descriptor.
 */
#include "reactor/poller_ops.h"

#ifndef CZ_NO_EPOLL

#include "base/alloc.h"
#include "base/assert.h"
#include "os/poll.h"

#include <errno.h>

struct epoll_backend {
    struct cz_poll_backend base;
    int fd;
};

static struct epoll_backend *epoll_self(struct cz_poll_backend *backend)
{
    return cz_container_of(backend, struct epoll_backend, base);
}

static int epoll_backend_create(struct cz_poll_backend **backend)
{
    struct epoll_backend *self = cz_alloc(sizeof *self);
    int fd;

    if (!self)
        return -ENOMEM;
    fd = cz_os_epoll_create();
    if (fd < 0) {
        cz_free(self);
        return fd;
    }
    self->base.ops = &cz_poll_ops_epoll;
    self->fd = fd;
    *backend = &self->base;
    return 0;
}

static void epoll_backend_destroy(struct cz_poll_backend *backend)
{
    struct epoll_backend *self = epoll_self(backend);

    cz_os_epoll_close(self->fd);
    cz_free(self);
}

/* Errors and hang-ups come unasked, level-triggered and for ever. So a
 * registration without interest is edge-triggered: they are then told once,
 * and dispatch drops that. */
static struct epoll_event epoll_event_for(unsigned interest, cz_poll_id id)
{
    struct epoll_event event = {.data.u64 = id};

    if (interest & CZ_POLL_IN)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (interest & CZ_POLL_OUT)
        event.events |= EPOLLOUT;
    if (!interest)
        event.events |= EPOLLET;
    return event;
}

/* The kernel is told at once, for the entry may be refused (no memory,
 * max_user_watches), and a later change is not. */
static int epoll_backend_add(struct cz_poll_backend *backend,
                             const struct cz_poll_table *table, cz_poll_id id)
{
    const struct cz_poll_slot *slot = cz_poll_table_find(table, id);
    struct epoll_event event = epoll_event_for(slot->interest, id);

    return cz_os_epoll_ctl(epoll_self(backend)->fd, EPOLL_CTL_ADD, slot->fd,
                           &event);
}

/* Fails only if the descriptor was closed under our feet, be it by a bug of
 * the host's; there is nothing left to watch then. */
static void epoll_backend_watch(struct cz_poll_backend *backend,
                                const struct cz_poll_slot *slot, cz_poll_id id)
{
    struct epoll_event event = epoll_event_for(slot->interest, id);

    (void)!cz_os_epoll_ctl(epoll_self(backend)->fd, EPOLL_CTL_MOD, slot->fd,
                           &event);
}

/* Closing the descriptor would not be enough: a forked child may still hold
 * a copy, and the kernel would go on reporting it. Fails as above. */
static void epoll_backend_remove(struct cz_poll_backend *backend,
                                 const struct cz_poll_slot *slot,
                                 cz_poll_id id CZ_UNUSED)
{
    struct epoll_event event = {0};

    (void)!cz_os_epoll_ctl(epoll_self(backend)->fd, EPOLL_CTL_DEL, slot->fd,
                           &event);
}

static unsigned epoll_events_from(uint32_t told)
{
    unsigned events = 0;

    if (told & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        events |= CZ_POLL_IN;
    if (told & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        events |= CZ_POLL_OUT;
    if (told & EPOLLERR)
        events |= CZ_POLL_ERR;
    return events;
}

/* What does not fit waits in the kernel's list, which is a queue. */
static int epoll_backend_wait(struct cz_poll_backend *backend,
                              struct cz_poll_batch *batch, int64_t timeout_us)
{
    struct epoll_event told[CZ_POLL_BATCH_MAX];
    int count = cz_os_epoll_wait(epoll_self(backend)->fd, told,
                                 CZ_POLL_BATCH_MAX, timeout_us);

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++) {
        bool has_room = cz_poll_batch_push(batch, told[i].data.u64,
                                           epoll_events_from(told[i].events));

        CZ_ASSERT(has_room);
        (void)has_room;
    }
    return 0;
}

const struct cz_poll_ops cz_poll_ops_epoll = {
    .name = "epoll",
    .is_live = true,
    .create = epoll_backend_create,
    .destroy = epoll_backend_destroy,
    .add = epoll_backend_add,
    .watch = epoll_backend_watch,
    .remove = epoll_backend_remove,
    .wait = epoll_backend_wait,
};

#endif
