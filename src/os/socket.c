/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets of the operating system, one thin function per call.
 *
 * Thread: whoever owns the descriptor. Owns: nothing; callers own the
 * descriptors.
 */
#include "os/socket.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/sockios.h>
#endif

/* IPv6 sockets must speak to v4-mapped addresses whatever the system's
 * default is; a kernel that refuses has only one kind of address anyway. */
int cz_sock_open(int family, int type)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int off = 0;

    if (fd < 0)
        return -errno;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return fd;
}

/* Linux frees the descriptor even when close reports EINTR: no retry, or a
 * descriptor of another thread could be closed. */
void cz_sock_close(int fd)
{
    int rc CZ_UNUSED = close(fd);

    CZ_ASSERT(rc == 0 || errno != EBADF);
}

int cz_sock_bind(int fd, const struct cz_addr *addr)
{
    return bind(fd, &addr->u.any, addr->length) == 0 ? 0 : -errno;
}

int cz_sock_listen(int fd, int backlog)
{
    return listen(fd, backlog) == 0 ? 0 : -errno;
}

int cz_sock_adopt_listener(int fd)
{
    int is_listening = 0;
    socklen_t length = sizeof is_listening;
    int flags;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) != 0)
        return -errno;
    if (!is_listening)
        return -EINVAL;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return -errno;
    return 0;
}

int cz_sock_accept(int fd, struct cz_addr *peer)
{
    int accepted;

    do {
        struct sockaddr *any = NULL;
        socklen_t *length = NULL;

        if (peer) {
            peer->length = sizeof peer->u;
            any = &peer->u.any;
            length = &peer->length;
        }
        accepted = accept4(fd, any, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (accepted < 0 && errno == EINTR);
    return accepted < 0 ? -errno : accepted;
}

/* A connect that a signal interrupts goes on in the background, exactly
 * like one that is in progress. */
int cz_sock_connect(int fd, const struct cz_addr *addr)
{
    if (connect(fd, &addr->u.any, addr->length) == 0)
        return 0;
    return errno == EINTR ? -EINPROGRESS : -errno;
}

int cz_sock_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return -errno;
    return -error;
}

ssize_t cz_sock_read(int fd, void *to, size_t size)
{
    ssize_t got;

    do {
        got = recv(fd, to, size, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

ssize_t cz_sock_readv(int fd, const struct iovec *to, int count)
{
    ssize_t got;

    do {
        got = readv(fd, to, count);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

ssize_t cz_sock_write(int fd, const void *from, size_t size)
{
    ssize_t sent;

    do {
        sent = send(fd, from, size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t cz_sock_writev(int fd, const struct iovec *from, int count)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)from,
        .msg_iovlen = (size_t)count,
    };
    ssize_t sent;

    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int cz_sock_local(int fd, struct cz_addr *addr)
{
    addr->length = sizeof addr->u;
    return getsockname(fd, &addr->u.any, &addr->length) == 0 ? 0 : -errno;
}

int cz_sock_remote(int fd, struct cz_addr *addr)
{
    addr->length = sizeof addr->u;
    return getpeername(fd, &addr->u.any, &addr->length) == 0 ? 0 : -errno;
}

int cz_sock_set_int(int fd, int level, int option, int value)
{
    return cz_sock_set_bytes(fd, level, option, &value, sizeof value);
}

int cz_sock_set_bytes(int fd, int level, int option, const void *value,
                      size_t size)
{
    if (setsockopt(fd, level, option, value, (socklen_t)size) != 0)
        return -errno;
    return 0;
}

int cz_sock_credentials(int fd, struct cz_sock_credentials *who)
{
    struct ucred peer;
    socklen_t length = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return -errno;
    *who = (struct cz_sock_credentials){peer.pid, peer.uid, peer.gid};
    return 0;
}

size_t cz_sock_unsent(int fd)
{
    int unsent = 0;

#ifdef SIOCOUTQNSD
    if (ioctl(fd, SIOCOUTQNSD, &unsent) != 0)
        return 0;
#else
    (void)fd;
#endif
    return (size_t)unsent;
}

int cz_sock_peer_groups(int fd, gid_t *groups, size_t max)
{
    socklen_t length = (socklen_t)(max * sizeof *groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0)
        return -errno;
    return (int)(length / sizeof *groups);
}
