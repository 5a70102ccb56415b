/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of descriptors. As in a real kernel the lowest free number is
 * given, so that a descriptor that is used after it was closed hits
 * somebody else's.
 *
 * Thread: the one whose turn it is. Owns: every socket and connection, until
 * the run has ended; then events may no longer refer to them.
 */
#include "sim/os/net.h"

#include <errno.h>
#include <stdlib.h>

static struct {
    struct sim_sock *fds[SIM_FDS_MAX];
    struct sim_sock *socks;
    struct sim_link *links;
} net;

struct sim_sock *sim_sock_peek(int fd)
{
    if (fd < SIM_FD_FIRST || fd >= SIM_FD_FIRST + SIM_FDS_MAX)
        return NULL;
    return net.fds[fd - SIM_FD_FIRST];
}

struct sim_sock *sim_sock_of(int fd)
{
    struct sim_sock *sock = sim_sock_peek(fd);

    if (!sock)
        sim_fail("descriptor %d is used but not open", fd);
    return sock;
}

struct sim_sock *sim_sock_new(int family, enum sim_sock_state state)
{
    struct sim_sock *sock = calloc(1, sizeof *sock);

    if (!sock)
        sim_fail("no memory");
    sock->family = family;
    sock->state = state;
    sock->local.u.any.sa_family = (sa_family_t)family;
    sock->local.length = sizeof(sa_family_t);
    sock->remote = sock->local;
    sock->all_next = net.socks;
    net.socks = sock;
    return sock;
}

int sim_fd_give(struct sim_sock *sock)
{
    unsigned place, limit = sim.config.fds_max;

    for (place = 0; place < limit && place < SIM_FDS_MAX; place++) {
        if (!net.fds[place]) {
            net.fds[place] = sock;
            return SIM_FD_FIRST + (int)place;
        }
    }
    return -EMFILE;
}

struct sim_sock *sim_fd_take(int fd)
{
    struct sim_sock *sock = sim_sock_of(fd);

    net.fds[fd - SIM_FD_FIRST] = NULL;
    sock->is_closed = true;
    return sock;
}

void sim_link_keep(struct sim_link *link)
{
    link->all_next = net.links;
    net.links = link;
}

struct sim_sock *sim_sock_find_bound(const struct cz_addr *addr)
{
    struct sim_sock *sock;

    for (sock = net.socks; sock; sock = sock->all_next)
        if (sock->is_bound && !sock->is_closed &&
            sim_addr_serves(&sock->local, addr))
            return sock;
    return NULL;
}

void sim_sock_unlinked(const char *path)
{
    struct cz_addr addr;
    struct sim_sock *sock;

    if (cz_addr_ipc(&addr, path) != 0)
        return;
    for (sock = net.socks; sock; sock = sock->all_next)
        if (sock->is_bound && sim_addr_serves(&sock->local, &addr))
            sock->is_bound = false;
}

unsigned sim_net_end(void)
{
    unsigned place, open = 0;

    for (place = 0; place < SIM_FDS_MAX; place++) {
        open += net.fds[place] != NULL;
        net.fds[place] = NULL;
    }
    while (net.socks) {
        struct sim_sock *sock = net.socks;

        net.socks = sock->all_next;
        free(sock);
    }
    while (net.links) {
        struct sim_link *link = net.links;

        net.links = link->all_next;
        free(link->streams[0].bytes);
        free(link->streams[1].bytes);
        free(link);
    }
    return open;
}
