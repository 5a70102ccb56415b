/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Waiting for descriptors, and the wakers that end such a wait.
 *
 * Thread: the one whose turn it is. Owns: nothing; a waiter's record lives
 * on its own stack while it waits.
 */
#include "os/poll.h"

#include "os/waker.h"
#include "sim/os/net.h"

#include <errno.h>

/* A thread inside cz_os_poll. */
struct poll_waiter {
    struct poll_waiter *next;
    struct sim_thread *thread;
    const struct pollfd *fds;
    unsigned count;
};

static struct poll_waiter *poll_waiters;

static short poll_connected(const struct sim_sock *sock)
{
    const struct sim_link *link = sock->link;
    const struct sim_stream *in = &link->streams[1 - sock->end];
    const struct sim_stream *out = &link->streams[sock->end];
    bool far_is_closed = link->is_local && !link->ends[1 - sock->end];
    short ready = 0;

    if (in->visible > in->taken)
        ready |= POLLIN;
    if (in->end_is_visible || far_is_closed)
        ready |= POLLIN | POLLRDHUP;
    if ((in->end_is_visible && out->has_ended) || far_is_closed)
        ready |= POLLHUP;
    if (out->written - out->taken < link->capacity || out->has_ended ||
        !link->ends[1 - sock->end] || link->is_reset)
        ready |= POLLOUT;
    if (sock->is_dead)
        ready |= POLLIN | POLLOUT | POLLHUP | POLLRDHUP;
    if (sock->error)
        ready |= POLLIN | POLLOUT | POLLERR;
    return ready;
}

short sim_sock_ready(const struct sim_sock *sock)
{
    switch (sock->state) {
    case SIM_SOCK_NEW:
        return POLLOUT | POLLHUP;
    case SIM_SOCK_LISTENING:
        return sock->backlog_count ? POLLIN : 0;
    case SIM_SOCK_CONNECTING:
        return 0;
    case SIM_SOCK_CONNECTED:
        return poll_connected(sock);
    case SIM_SOCK_FAILED:
        return (short)(POLLIN | POLLOUT | POLLHUP |
                       (sock->error ? POLLERR : 0));
    case SIM_SOCK_WAKER:
        return (short)(POLLOUT | (sock->is_signalled ? POLLIN : 0));
    }
    return 0;
}

static short poll_look(const struct pollfd *at)
{
    const struct sim_sock *sock;

    if (at->fd < 0)
        return 0;
    sock = sim_sock_peek(at->fd);
    if (!sock)
        return POLLNVAL;
    return (short)(sim_sock_ready(sock) & (at->events | POLLERR | POLLHUP));
}

static int poll_scan(struct pollfd *fds, unsigned count)
{
    unsigned i;
    int ready = 0;

    for (i = 0; i < count; i++) {
        fds[i].revents = poll_look(&fds[i]);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Reports one descriptor as ready that is not, as Linux may do; never one
 * that still connects, where it would mean success. */
static int poll_scan_spurious(struct pollfd *fds, unsigned count)
{
    struct pollfd *at;
    const struct sim_sock *sock;

    if (count == 0 || !sim_fault(sim.config.spurious_poll))
        return 0;
    at = &fds[sim_below(SIM_DICE_FAULTS, count)];
    sock = at->fd < 0 ? NULL : sim_sock_peek(at->fd);
    if (!sock || sock->state == SIM_SOCK_CONNECTING)
        return 0;
    at->revents = at->events & (POLLIN | POLLOUT);
    return at->revents != 0;
}

void sim_poll_recheck(void)
{
    struct poll_waiter *waiter;
    unsigned i;

    for (waiter = poll_waiters; waiter; waiter = waiter->next)
        for (i = 0; i < waiter->count; i++)
            if (waiter->thread->state == SIM_WAITING &&
                poll_look(&waiter->fds[i]) != 0)
                sim_wake_thread(waiter->thread);
}

static int poll_wait(struct pollfd *fds, unsigned count, uint64_t deadline_ns)
{
    struct poll_waiter waiter = {
        .next = poll_waiters,
        .thread = sim.current,
        .fds = fds,
        .count = count,
    };
    struct poll_waiter **at = &poll_waiters;
    int rc;

    poll_waiters = &waiter;
    rc = sim_wait("poll", &waiter, deadline_ns);
    while (*at != &waiter)
        at = &(*at)->next;
    *at = waiter.next;
    return rc;
}

int cz_os_poll(struct pollfd *fds, unsigned count, int64_t timeout_us)
{
    uint64_t deadline_ns = SIM_NEVER;
    int ready, rc = 0;

    sim_point();
    if (timeout_us >= 0)
        deadline_ns = sim.now_ns + (uint64_t)timeout_us * 1000;
    ready = poll_scan(fds, count);
    if (ready == 0 && timeout_us != 0)
        ready = poll_scan_spurious(fds, count);
    while (ready == 0 && timeout_us != 0 && rc == 0) {
        rc = poll_wait(fds, count, deadline_ns);
        ready = poll_scan(fds, count);
    }
    sim_note("poll", count, ready);
    return ready;
}

/* No signals here. */
int cz_os_ppoll(struct pollfd *fds, unsigned count, int64_t timeout_us,
                const sigset_t *mask)
{
    (void)mask;
    return cz_os_poll(fds, count, timeout_us);
}

/* The library falls back to poll. */
int cz_os_select(int fd_limit, fd_set *in, fd_set *out, fd_set *err,
                 int64_t timeout_us)
{
    (void)fd_limit;
    (void)in;
    (void)out;
    (void)err;
    (void)timeout_us;
    return -ENOSYS;
}

int cz_os_epoll_create(void)
{
    return -ENOSYS;
}

int cz_os_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
    (void)epoll_fd;
    (void)op;
    (void)fd;
    (void)event;
    return -EBADF;
}

int cz_os_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max,
                     int64_t timeout_us)
{
    (void)epoll_fd;
    (void)events;
    (void)events_max;
    (void)timeout_us;
    return -EBADF;
}

void cz_os_epoll_close(int epoll_fd)
{
    sim_fail("epoll descriptor %d was never opened", epoll_fd);
}

/* ---- Wakers ---- */

int cz_waker_init(struct cz_waker *waker)
{
    int fd;

    sim_point();
    fd = sim_fd_give(sim_sock_new(AF_UNSPEC, SIM_SOCK_WAKER));
    waker->fd = fd < 0 ? -1 : fd;
    sim_note("waker", fd, 0);
    return fd < 0 ? fd : 0;
}

void cz_waker_fini(struct cz_waker *waker)
{
    sim_point();
    if (waker->fd >= 0)
        sim_fd_take(waker->fd);
    waker->fd = -1;
}

void cz_waker_signal(struct cz_waker *waker)
{
    sim_point();
    sim_sock_of(waker->fd)->is_signalled = true;
    sim_poll_recheck();
    sim_note("signal", waker->fd, 0);
    sim_point();
}

void cz_waker_clear(struct cz_waker *waker)
{
    sim_point();
    sim_sock_of(waker->fd)->is_signalled = false;
    sim_note("clear", waker->fd, 0);
}
