/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EMULATION, for tests on systems without /dev/poll: the interface of
 * <sys/devpoll.h> on top of poll(2), with the meaning that Solaris' poll(7D)
 * gives it. Written from the manual page.
 *
 * - What is written adds to the bits of a descriptor that is there already;
 *   POLLREMOVE takes it away, and does no harm if it is not there.
 * - DP_POLL tells what is ready, the lowest descriptor first, and begins
 *   there each time.
 * - Writing while another thread is in DP_POLL would block until that one
 *   comes back: the emulation aborts, since a back-end must not do it.
 * - Closing a descriptor takes it away (found out by its inode, so not for
 *   anonymous ones like an eventfd).
 *
 * The calls are the usual ones, open, write, ioctl and close, which whoever
 * includes this gets from the emulation.
 */
#ifndef TESTS_EMULATION_SYS_DEVPOLL_H
#define TESTS_EMULATION_SYS_DEVPOLL_H

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#define DP_POLL 0xd001

struct dvpoll {
    struct pollfd *dp_fds;
    nfds_t dp_nfds;
    int dp_timeout;
};

int emulated_devpoll_open(const char *path, int flags);
ssize_t emulated_devpoll_write(int fd, const void *bytes, size_t size);
int emulated_devpoll_ioctl(int fd, int request, struct dvpoll *arg);
int emulated_devpoll_close(int fd);

#define open(path, flags) emulated_devpoll_open(path, flags)
#define write(fd, bytes, size) emulated_devpoll_write(fd, bytes, size)
#define ioctl(fd, request, arg) emulated_devpoll_ioctl(fd, request, arg)
#define close(fd) emulated_devpoll_close(fd)

#endif
