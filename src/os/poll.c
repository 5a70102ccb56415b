/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Waiting for descriptors. The calls that take a timespec come first: a
 * timeout must never be cut short to whole milliseconds, or a loop that
 * waits for a timer would spin through the last one.
 *
 * Thread: any. Owns: nothing; the caller closes the epoll descriptor.
 */
#include "os/poll.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* NULL, the kernel's word for ever, if the timeout is negative. */
static const struct timespec *poll_timespec(int64_t timeout_us,
                                            struct timespec *space)
{
    if (timeout_us < 0)
        return NULL;
    space->tv_sec = (time_t)(timeout_us / 1000000);
    space->tv_nsec = (long)(timeout_us % 1000000) * 1000;
    return space;
}

static int poll_result(int rc)
{
    return rc < 0 ? -errno : rc;
}

int cz_os_ppoll(struct pollfd *fds, unsigned count, int64_t timeout_us,
                const sigset_t *mask)
{
    struct timespec space;

    return poll_result(
        ppoll(fds, count, poll_timespec(timeout_us, &space), mask));
}

int cz_os_poll(struct pollfd *fds, unsigned count, int64_t timeout_us)
{
    return cz_os_ppoll(fds, count, timeout_us, NULL);
}

int cz_os_select(int fd_limit, fd_set *in, fd_set *out, fd_set *err,
                 int64_t timeout_us)
{
    struct timespec space;

    return poll_result(pselect(fd_limit, in, out, err,
                               poll_timespec(timeout_us, &space), NULL));
}

int cz_os_epoll_create(void)
{
    return poll_result(epoll_create1(EPOLL_CLOEXEC));
}

int cz_os_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
    return poll_result(epoll_ctl(epoll_fd, op, fd, event));
}

/* Rounded up, see above; what is too long for an int ends early. */
static int poll_milliseconds(int64_t timeout_us)
{
    int64_t whole_ms;

    if (timeout_us < 0)
        return -1;
    whole_ms = timeout_us / 1000 + (timeout_us % 1000 != 0);
    return whole_ms < INT_MAX ? (int)whole_ms : INT_MAX;
}

int cz_os_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max,
                     int64_t timeout_us)
{
    if (timeout_us > 0 && timeout_us % 1000 != 0) {
        struct timespec space;
        int rc =
            poll_result(epoll_pwait2(epoll_fd, events, events_max,
                                     poll_timespec(timeout_us, &space), NULL));

        /* Kernels before 5.11 do not have it; sandboxes forbid what they
         * do not know. */
        if (rc != -ENOSYS && rc != -EPERM)
            return rc;
    }
    return poll_result(epoll_wait(epoll_fd, events, events_max,
                                  poll_milliseconds(timeout_us)));
}

void cz_os_epoll_close(int epoll_fd)
{
    close(epoll_fd);
}
