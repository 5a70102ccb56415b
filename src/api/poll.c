/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_poll(3) and zmq_ppoll(3): waiting for several sockets and descriptors
 * at once.
 *
 * Sockets are asked directly, which costs a few loads each and no system
 * call. Descriptors are always asked, too, so that they get their say beside
 * a socket that is never idle. Only when nothing is ready does the call wait:
 * for one socket alone as a blocking receive does (which may do the socket's
 * I/O), for several by one bell, and with descriptors, or a signal mask, in
 * ppoll(2) on those and one more.
 *
 * Thread: that of all the sockets.
 */
#define ZMQ_BUILD_DRAFT_API
#include "os/poll.h"
#include "api/internal.h"
#include "api/wait.h"
#include "base/alloc.h"
#include "core/io_thread.h"
#include "os/clock.h"
#include "zmq.h"

enum { ON_STACK = 32 };

struct poll_set {
    zmq_pollitem_t *items;
    int count;
    int fd_count;
    struct cz_socket *socket; /* the first one, or NULL */
    bool has_many;            /* and there are others */
    bool has_waited;
    bool is_adrift; /* nobody reads the connections of one that has nothing */
    const sigset_t *mask;
    struct cz_wait wait;
    struct pollfd *fds; /* the descriptors, and one more; or NULL */
    uint64_t deadline_us;
};

/* ---- sockets -------------------------------------------------------- */

/* What a socket can do now, of what is wanted; or -errno. */
static int poll_socket(struct poll_set *set, struct cz_socket *socket,
                       unsigned wanted)
{
    int events;

    if (!cz_socket_is_alive(socket))
        return -ENOTSOCK;
    events = cz_socket_glance(socket);
    if (events < 0)
        return events;
    events &= (int)wanted;
    if (!(wanted & CZ_POLLED_IN))
        return events;
    if (!(events & CZ_POLLED_IN)) {
        cz_socket_flush_rest(socket);
        set->is_adrift |= socket->sole_io && cz_io_is_adrift(socket->sole_io);
    } else if (set->has_waited) {
        cz_pace_wait(&socket->mailbox->pace);
    }
    return events;
}

/* Asks the sockets. How many are ready, or -errno. */
static int poll_sockets(struct poll_set *set)
{
    int ready = 0;

    set->is_adrift = false;
    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];
        int events;

        if (!item->socket)
            continue;
        CZ_STATIC_ASSERT((int)CZ_POLLED_IN == ZMQ_POLLIN &&
                             (int)CZ_POLLED_OUT == ZMQ_POLLOUT,
                         "the same bits");
        events = poll_socket(set, item->socket,
                             item->events & (ZMQ_POLLIN | ZMQ_POLLOUT));
        if (events < 0)
            return events;
        item->revents = (short)events;
        ready += events != 0;
    }
    return ready;
}

/* If nobody reads their connections just now, does that, once for each I/O
 * thread: one without a driver serves one socket, or will not be for long. */
static void poll_look(const struct poll_set *set)
{
    const struct cz_io_thread *looked = NULL;

    for (int i = 0; i < set->count; i++) {
        struct cz_socket *socket = set->items[i].socket;

        if (!socket || !socket->sole_io || socket->sole_io == looked)
            continue;
        looked = socket->sole_io;
        cz_io_look(socket->sole_io);
    }
}

/* The same, having looked around for what they lack. */
static int poll_sockets_and_look(struct poll_set *set)
{
    int ready = poll_sockets(set);

    if (ready < 0 || !set->is_adrift || (ready > 0 && set->has_many))
        return ready;
    poll_look(set);
    return poll_sockets(set);
}

/* ---- descriptors ---------------------------------------------------- */

static short fd_events(short events)
{
    return (short)((events & ZMQ_POLLIN ? POLLIN : 0) |
                   (events & ZMQ_POLLOUT ? POLLOUT : 0) |
                   (events & ZMQ_POLLPRI ? POLLPRI : 0));
}

static short zmq_events(short wanted, short got)
{
    short events = 0;

    if (wanted & ZMQ_POLLIN && got & POLLIN)
        events |= ZMQ_POLLIN;
    if (wanted & ZMQ_POLLOUT && got & POLLOUT)
        events |= ZMQ_POLLOUT;
    if (wanted & ZMQ_POLLPRI && got & POLLPRI)
        events |= ZMQ_POLLPRI;
    if (got & ~(POLLIN | POLLOUT | POLLPRI))
        events |= ZMQ_POLLERR;
    return events;
}

/* Enters what poll(2) is to watch. */
static void poll_enter_fds(struct poll_set *set)
{
    struct pollfd *fd = set->fds;

    for (int i = 0; i < set->count; i++) {
        const zmq_pollitem_t *item = &set->items[i];

        if (!item->socket)
            *fd++ = (struct pollfd){.fd = item->fd,
                                    .events = fd_events(item->events)};
    }
}

/* Tells what poll(2) has found. How many of the items are ready. */
static int poll_report_fds(struct poll_set *set)
{
    const struct pollfd *fd = set->fds;
    int ready = 0;

    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];

        if (item->socket)
            continue;
        item->revents = zmq_events(item->events, fd++->revents);
        ready += item->revents != 0;
    }
    return ready;
}

/* Only looks. How many descriptors are ready, or -errno. */
static int poll_fds(struct poll_set *set)
{
    int rc;

    if (set->fd_count == 0)
        return 0;
    rc = cz_os_poll(set->fds, (unsigned)set->fd_count, 0);
    return rc < 0 ? rc : poll_report_fds(set);
}

static int64_t poll_timeout(const struct poll_set *set)
{
    uint64_t until_us = cz_wait_due(&set->wait);
    uint64_t now_us;

    if (set->deadline_us < until_us)
        until_us = set->deadline_us;
    if (until_us == CZ_CLOCK_NEVER)
        return -1;
    now_us = cz_clock_us();
    return now_us < until_us ? (int64_t)(until_us - now_us) : 0;
}

/* Sleeps in poll(2) until a descriptor is ready or a command may have come.
 * How many descriptors are ready, or -errno. */
static int poll_wait_fds(struct poll_set *set)
{
    struct pollfd *extra = &set->fds[set->fd_count];
    unsigned count = (unsigned)set->fd_count;
    int64_t timeout_us = poll_timeout(set);
    int rc;

    if (set->socket) {
        *extra = (struct pollfd){.events = POLLIN};
        rc = cz_wait_begin(&set->wait, &extra->fd);
        if (rc < 0)
            return rc;
        if (rc == 0)
            timeout_us = 0;
        count++;
    }
    rc = cz_os_ppoll(set->fds, count, timeout_us, set->mask);
    if (set->socket)
        cz_wait_finish(&set->wait, rc > 0 && extra->revents);
    return rc < 0 ? rc : poll_report_fds(set);
}

/* ---- the call ------------------------------------------------------- */

/* Sleeps until there may be something. How many descriptors are ready, or
 * -errno. */
static int poll_wait(struct poll_set *set)
{
    set->has_waited = true;
    if (set->fds)
        return poll_wait_fds(set);
    if (set->has_many)
        return cz_wait_sleep(&set->wait, set->deadline_us);
    return cz_socket_wait(set->socket, set->deadline_us);
}

static int poll_loop(struct poll_set *set)
{
    int ready_fds = 0;

    for (;;) {
        int ready = poll_sockets_and_look(set);

        if (ready < 0 || ready_fds > 0)
            return ready < 0 ? ready : ready + ready_fds;
        if (ready > 0 || cz_clock_us() >= set->deadline_us) {
            ready_fds = poll_fds(set);
            return ready_fds < 0 ? ready_fds : ready + ready_fds;
        }
        ready_fds = poll_wait(set);
        if (ready_fds == -ETIMEDOUT)
            return 0;
        if (ready_fds < 0)
            return ready_fds;
    }
}

/* Finds out what there is to wait for. */
static void poll_examine(struct poll_set *set)
{
    for (int i = 0; i < set->count; i++) {
        zmq_pollitem_t *item = &set->items[i];

        item->revents = 0;
        if (!item->socket) {
            set->fd_count++;
        } else if (!set->socket) {
            set->socket = item->socket;
        } else if (item->socket != set->socket) {
            set->has_many = true;
        }
    }
}

static uint64_t poll_deadline(long timeout_ms)
{
    /* From some number on it is more than the clock can count. */
    if (timeout_ms < 0 || (uint64_t)timeout_ms > INT64_MAX / 2000)
        return CZ_CLOCK_NEVER;
    return timeout_ms ? cz_clock_us() + (uint64_t)timeout_ms * 1000 : 0;
}

static int poll_run(struct poll_set *set)
{
    struct pollfd on_stack[ON_STACK];
    int rc;

    poll_examine(set);
    if (set->fd_count > 0 || !set->socket || set->mask) {
        set->fds = on_stack;
        if (set->fd_count >= ON_STACK) {
            set->fds = cz_alloc(((size_t)set->fd_count + 1) * sizeof *set->fds);
            if (!set->fds)
                return -ENOMEM;
        }
        poll_enter_fds(set);
    }
    rc = poll_loop(set);
    cz_wait_end(&set->wait);
    if (set->fds != on_stack)
        cz_free(set->fds);
    return rc;
}

int zmq_ppoll(zmq_pollitem_t *items, int count, long timeout_ms,
              const sigset_t *mask)
{
    struct poll_set set = {
        .items = items,
        .count = count,
        .mask = mask,
        .wait = {.items = items, .count = count},
        .deadline_us = poll_deadline(timeout_ms),
    };

    if (count < 0)
        return api_result(-EINVAL);
    if (count > 0 && !items)
        return api_result(-EFAULT);
    return api_result(poll_run(&set));
}

int zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms)
{
    return zmq_ppoll(items, count, timeout_ms, NULL);
}
