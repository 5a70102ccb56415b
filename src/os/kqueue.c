/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kqueue.
 *
 * Thread: any. Owns: nothing; the caller closes the queue.
 */
#include "os/kqueue.h"

#ifdef CZ_HAVE_KQUEUE

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* Not inherited by a fork, but by exec. */
int cz_os_kqueue_create(void)
{
    int queue = kqueue();

    if (queue < 0)
        return -errno;
    if (fcntl(queue, F_SETFD, FD_CLOEXEC) < 0) {
        int rc = -errno;

        close(queue);
        return rc;
    }
    return queue;
}

int cz_os_kqueue_change(int queue, const struct kevent *changes, int count)
{
    return kevent(queue, changes, count, NULL, 0, NULL) < 0 ? -errno : 0;
}

int cz_os_kqueue_wait(int queue, struct kevent *events, int events_max,
                      int64_t timeout_us)
{
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_us / 1000000),
        .tv_nsec = (long)(timeout_us % 1000000) * 1000,
    };
    int count = kevent(queue, NULL, 0, events, events_max,
                       timeout_us < 0 ? NULL : &timeout);

    return count < 0 ? -errno : count;
}

void cz_os_kqueue_close(int queue)
{
    close(queue);
}

#endif
