/* SPDX-License-Identifier: MPL-2.0 */
/*
 * /dev/poll.
 *
 * Thread: any. Owns: nothing; the caller closes the device.
 */
#include "os/devpoll.h"

#ifdef CZ_HAVE_DEVPOLL

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <sys/devpoll.h>

int cz_os_devpoll_open(void)
{
    int device = open("/dev/poll", O_RDWR | O_CLOEXEC);

    if (device >= 0)
        return device;
    return errno == ENOENT || errno == ENXIO ? -ENOSYS : -errno;
}

int cz_os_devpoll_change(int device, const struct pollfd *entries,
                         unsigned count)
{
    size_t size = count * sizeof *entries;
    ssize_t written = write(device, entries, size);

    if (written < 0)
        return -errno;
    return (size_t)written == size ? 0 : -EIO;
}

static int devpoll_milliseconds(int64_t timeout_us)
{
    int64_t whole_ms;

    if (timeout_us < 0)
        return -1;
    whole_ms = timeout_us / 1000 + (timeout_us % 1000 != 0);
    return whole_ms < INT_MAX ? (int)whole_ms : INT_MAX;
}

int cz_os_devpoll_wait(int device, struct pollfd *ready, unsigned ready_max,
                       int64_t timeout_us)
{
    struct dvpoll request = {
        .dp_fds = ready,
        .dp_nfds = ready_max,
        .dp_timeout = devpoll_milliseconds(timeout_us),
    };
    int count = ioctl(device, DP_POLL, &request);

    return count < 0 ? -errno : count;
}

void cz_os_devpoll_close(int device)
{
    close(device);
}

#endif
