/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A waker is an eventfd: one descriptor, and any number of signals before
 * a clear are one event.
 *
 * Thread: signal from any, the rest by the owner. Owns: the descriptor.
 */
#include "os/waker.h"

#include "base/assert.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int cz_waker_init(struct cz_waker *waker)
{
    waker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return waker->fd < 0 ? -errno : 0;
}

void cz_waker_fini(struct cz_waker *waker)
{
    if (waker->fd >= 0)
        close(waker->fd);
    waker->fd = -1;
}

/* A write fails only when the counter is at its limit (EAGAIN), and then
 * the descriptor is readable already; EINTR does not happen on a
 * descriptor that never blocks, but costs nothing to survive. */
void cz_waker_signal(struct cz_waker *waker)
{
    const uint64_t one = 1;
    ssize_t rc;

    do {
        rc = write(waker->fd, &one, sizeof one);
    } while (rc < 0 && errno == EINTR);
    CZ_ASSERT(rc == (ssize_t)sizeof one || errno == EAGAIN);
}

/* EAGAIN: it was not readable. */
void cz_waker_clear(struct cz_waker *waker)
{
    uint64_t count;
    ssize_t rc;

    do {
        rc = read(waker->fd, &count, sizeof count);
    } while (rc < 0 && errno == EINTR);
    CZ_ASSERT(rc == (ssize_t)sizeof count || errno == EAGAIN);
}
