/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_poll(3): waiting for several sockets and descriptors at once.
 *
 * Sockets are asked directly, which costs a few loads each and no system
 * call. Only when none is ready does the call wait: on one socket alone as a
 * blocking receive does (which may do the socket's I/O), else in poll(2) on
 * the descriptors given and those of the sockets' mailboxes.
 *
 * Thread: that of all the sockets.
 */
#include "os/poll.h"
#include "api/internal.h"
#include "base/alloc.h"
#include "core/error.h"
#include "os/clock.h"
#include "os/park.h"
#include "zmq.h"

#include <string.h>

enum { ON_STACK = 32 };

struct poll_set {
    zmq_pollitem_t *items;
    int count;
    struct cz_socket *sole; /* the only socket, if there are no descriptors */
    struct pollfd *fds;     /* one for each item */
    uint64_t deadline_us;
};

static unsigned wanted_events(const zmq_pollitem_t *item)
{
    return (item->events & ZMQ_POLLIN ? CZ_POLLED_IN : 0) |
           (item->events & ZMQ_POLLOUT ? CZ_POLLED_OUT : 0);
}

static short fd_events(short events)
{
    return (short)((events & ZMQ_POLLIN ? POLLIN : 0) |
                   (events & ZMQ_POLLOUT ? POLLOUT : 0) |
                   (events & ZMQ_POLLPRI ? POLLPRI : 0));
}

static short zmq_events(short wanted, short got)
{
    short events = 0;

    if (wanted & ZMQ_POLLIN && got & (POLLIN | POLLHUP))
        events |= ZMQ_POLLIN;
    if (wanted & ZMQ_POLLOUT && got & POLLOUT)
        events |= ZMQ_POLLOUT;
    if (wanted & ZMQ_POLLPRI && got & POLLPRI)
        events |= ZMQ_POLLPRI;
    if (got & ~(POLLIN | POLLOUT | POLLPRI))
        events |= ZMQ_POLLERR;
    return events;
}

/* Asks the sockets. How many are ready, or -errno. */
static int poll_sockets(struct poll_set *set)
{
    int ready = 0;

    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];
        int events;

        if (!item->socket)
            continue;
        item->revents = 0;
        events = cz_socket_events(item->socket);
        if (events < 0)
            return events;
        events &= (int)wanted_events(item);
        if (!events)
            continue;
        item->revents = (short)((events & CZ_POLLED_IN ? ZMQ_POLLIN : 0) |
                                (events & CZ_POLLED_OUT ? ZMQ_POLLOUT : 0));
        ready++;
    }
    return ready;
}

/* Enters what poll(2) is to watch. 0 or -errno. */
static int poll_prepare(struct poll_set *set)
{
    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];
        struct pollfd *fd = &set->fds[i];

        if (item->socket) {
            struct cz_socket *socket = item->socket;

            fd->fd = cz_mailbox_fd(socket->mailbox);
            if (fd->fd < 0)
                return fd->fd;
            fd->events = POLLIN;
            cz_socket_wait_elsewhere(socket);
        } else {
            fd->fd = item->fd;
            fd->events = fd_events(item->events);
        }
    }
    return 0;
}

/* Waits in poll(2), or only looks. How many descriptors of the caller's are
 * ready, or -errno. */
static int poll_fds(struct poll_set *set, bool may_wait)
{
    int64_t timeout_us = 0;
    int ready = 0;
    int rc;

    if (may_wait && set->deadline_us == CZ_CLOCK_NEVER) {
        timeout_us = -1;
    } else if (may_wait) {
        uint64_t now_us = cz_clock_us();

        if (now_us < set->deadline_us)
            timeout_us = (int64_t)(set->deadline_us - now_us);
    }
    rc = cz_os_poll(set->fds, (unsigned)set->count, timeout_us);
    if (rc < 0)
        return rc;
    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];

        if (item->socket)
            continue;
        item->revents = zmq_events(item->events, set->fds[i].revents);
        ready += item->revents != 0;
    }
    return ready;
}

static int poll_wait_sole(struct poll_set *set)
{
    int rc;

    for (;;) {
        int ready = poll_sockets(set);

        if (ready != 0)
            return ready;
        if (cz_clock_us() >= set->deadline_us)
            return 0;
        set->sole->mailbox->waits++;
        rc = cz_socket_wait(set->sole, set->deadline_us);
        if (rc == -ETIMEDOUT)
            return 0;
        if (rc != 0)
            return rc;
    }
}

static int poll_wait_many(struct poll_set *set)
{
    bool may_wait = false;
    int rc = poll_prepare(set);

    /* Look at everything once without waiting, so that the descriptors get
     * their say even if a socket is ready. */
    while (rc == 0) {
        int ready_fds = poll_fds(set, may_wait);
        int ready = ready_fds < 0 ? ready_fds : poll_sockets(set);

        if (ready < 0)
            return ready;
        if (ready + ready_fds > 0)
            return ready + ready_fds;
        if (cz_clock_us() >= set->deadline_us)
            return 0;
        may_wait = true;
    }
    return rc;
}

static int poll_nothing(uint64_t deadline_us)
{
    _Atomic uint32_t never = 0;
    int rc;

    do
        rc = cz_park(&never, 0, deadline_us);
    while (rc == 0);
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* Checks the items and finds out how to wait. 0 or -errno. */
static int poll_examine(struct poll_set *set)
{
    bool has_fds = false;
    int sockets = 0;

    set->sole = NULL;
    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];

        item->revents = 0;
        if (!item->socket) {
            has_fds = true;
            continue;
        }
        if (!cz_socket_is_alive(item->socket))
            return -ENOTSOCK;
        if (item->socket != set->sole)
            sockets++;
        set->sole = item->socket;
    }
    if (has_fds || sockets != 1)
        set->sole = NULL;
    return 0;
}

static uint64_t poll_deadline(long timeout_ms)
{
    /* From some number on it is more than the clock can count. */
    if (timeout_ms < 0 || (uint64_t)timeout_ms > INT64_MAX / 2000)
        return CZ_CLOCK_NEVER;
    return cz_clock_us() + (uint64_t)timeout_ms * 1000;
}

static int poll_run(struct poll_set *set, long timeout_ms)
{
    struct pollfd on_stack[ON_STACK];
    int rc = poll_examine(set);

    if (rc != 0)
        return rc;
    set->deadline_us = poll_deadline(timeout_ms);
    if (set->count == 0)
        return poll_nothing(set->deadline_us);
    if (set->sole)
        return poll_wait_sole(set);
    set->fds = on_stack;
    if (set->count > ON_STACK) {
        set->fds = cz_alloc((size_t)set->count * sizeof *set->fds);
        if (!set->fds)
            return -ENOMEM;
    }
    rc = poll_wait_many(set);
    if (set->fds != on_stack)
        cz_free(set->fds);
    return rc;
}

int zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms)
{
    struct poll_set set = {.items = items, .count = count};

    if (count < 0)
        return api_result(-EINVAL);
    if (count > 0 && !items)
        return api_result(-EFAULT);
    return api_result(poll_run(&set, timeout_ms));
}
