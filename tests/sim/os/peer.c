/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Raw peers for scripts: blocking versions of the socket calls.
 *
 * Thread: a simulated one. Owns: nothing; callers own the descriptors.
 */
#include "os/poll.h"
#include "os/socket.h"
#include "sim/os/world.h"

#include <errno.h>

static void peer_await(int fd, short events)
{
    struct pollfd at = {.fd = fd, .events = events};

    (void)!cz_os_poll(&at, 1, -1);
}

static void peer_address(struct cz_addr *addr, const char *path, uint16_t port)
{
    int rc = path ? cz_addr_ipc(addr, path)
                  : cz_addr_numeric(addr, "127.0.0.1", port, CZ_ADDR_IPV4);

    if (rc != 0)
        sim_fail("no address for '%s': %d", path, rc);
}

int sim_listen(const char *path, uint16_t *port)
{
    int fd = cz_sock_open(path ? AF_UNIX : AF_INET, SOCK_STREAM), rc;
    struct cz_addr addr;

    peer_address(&addr, path, port ? *port : 0);
    rc = cz_sock_bind(fd, &addr);
    if (rc == 0)
        rc = cz_sock_listen(fd, 16);
    if (rc == 0)
        rc = cz_sock_local(fd, &addr);
    if (rc != 0)
        sim_fail("cannot listen: %d", rc);
    if (port)
        *port = cz_addr_port(&addr);
    return fd;
}

int sim_accept(int listener)
{
    for (;;) {
        int fd = cz_sock_accept(listener, NULL);

        if (fd >= 0)
            return fd;
        peer_await(listener, POLLIN);
    }
}

int sim_dial(const char *path, uint16_t port)
{
    int fd = cz_sock_open(path ? AF_UNIX : AF_INET, SOCK_STREAM), rc;
    struct cz_addr addr;

    if (fd < 0)
        return fd;
    peer_address(&addr, path, port);
    rc = cz_sock_connect(fd, &addr);
    if (rc == -EINPROGRESS) {
        peer_await(fd, POLLOUT);
        rc = cz_sock_error(fd);
    }
    if (rc == 0)
        return fd;
    cz_sock_close(fd);
    return rc;
}

int sim_send(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t sent = cz_sock_write(fd, at, size);

        if (sent == -EAGAIN) {
            peer_await(fd, POLLOUT);
        } else if (sent < 0) {
            return (int)sent;
        } else {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}

ssize_t sim_recv(int fd, void *to, size_t size)
{
    char *at = to;
    size_t have = 0;

    while (have < size) {
        ssize_t got = cz_sock_read(fd, at + have, size - have);

        if (got == -EAGAIN) {
            peer_await(fd, POLLIN);
            continue;
        }
        if (got < 0 && have == 0)
            return got;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

void sim_close(int fd)
{
    cz_sock_close(fd);
}
