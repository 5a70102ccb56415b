/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets of the operating system. All are non-blocking and close-on-exec;
 * none ever raises SIGPIPE. Results are 0 (or a count) or -errno.
 *
 * Thread: whoever owns the descriptor.
 */
#ifndef CZ_OS_SOCKET_H
#define CZ_OS_SOCKET_H

#include "base/compiler.h"
#include "os/addr.h"

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* family: AF_INET, AF_INET6, AF_UNIX; type: SOCK_STREAM, SOCK_DGRAM. The
 * descriptor, or -errno. An IPv6 socket also takes v4-mapped addresses. */
CZ_MUST_CHECK int cz_sock_open(int family, int type);
void cz_sock_close(int fd);

CZ_MUST_CHECK int cz_sock_bind(int fd, const struct cz_addr *addr);
CZ_MUST_CHECK int cz_sock_listen(int fd, int backlog);

/* Makes a descriptor from outside, which must be listening already, like one
 * of our own. 0, -EINVAL (it does not listen), -EBADF, -ENOTSOCK. */
CZ_MUST_CHECK int cz_sock_adopt_listener(int fd);

/* The new descriptor, or -errno (-EAGAIN: nobody waits). `peer` may be
 * NULL. */
CZ_MUST_CHECK int cz_sock_accept(int fd, struct cz_addr *peer);

/* 0: connected. -EINPROGRESS: wait until it is writable, then ask
 * cz_sock_error. -EAGAIN: the Unix-domain listener's backlog is full. */
CZ_MUST_CHECK int cz_sock_connect(int fd, const struct cz_addr *addr);

/* The pending error of the descriptor as -errno, or 0. */
CZ_MUST_CHECK int cz_sock_error(int fd);

/* Bytes moved; 0 = the far end closed (reads); -EAGAIN = not now. EINTR is
 * retried inside. */
CZ_MUST_CHECK ssize_t cz_sock_read(int fd, void *to, size_t size);
CZ_MUST_CHECK ssize_t cz_sock_readv(int fd, const struct iovec *to, int count);
CZ_MUST_CHECK ssize_t cz_sock_write(int fd, const void *from, size_t size);
CZ_MUST_CHECK ssize_t cz_sock_writev(int fd, const struct iovec *from,
                                     int count);

/* How many bytes the kernel has taken and not sent yet. With ipc, and where the
 * kernel does not say: none. */
CZ_MUST_CHECK size_t cz_sock_unsent(int fd);

CZ_MUST_CHECK int cz_sock_local(int fd, struct cz_addr *addr);
CZ_MUST_CHECK int cz_sock_remote(int fd, struct cz_addr *addr);

/* setsockopt. */
CZ_MUST_CHECK int cz_sock_set_int(int fd, int level, int option, int value);
CZ_MUST_CHECK int cz_sock_set_bytes(int fd, int level, int option,
                                    const void *value, size_t size);

struct cz_sock_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/* Who is at the far end of a Unix-domain connection. */
CZ_MUST_CHECK int cz_sock_credentials(int fd, struct cz_sock_credentials *who);

/* The other groups that process is in. How many, or -errno (-ERANGE: more
 * than `max`). */
CZ_MUST_CHECK int cz_sock_peer_groups(int fd, gid_t *groups, size_t max);

#endif
