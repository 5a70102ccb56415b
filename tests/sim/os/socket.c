/* SPDX-License-Identifier: MPL-2.0 */
/*
 * cz_sock_*: opening, naming, listening and dialling, reading and writing.
 *
 * A tcp connect goes through two events: the first finds the listener and
 * puts the new connection into its backlog, the second tells the dialler.
 *
 * Thread: the one whose turn it is. Owns: nothing (see net.c).
 */
#include "os/socket.h"

#include "sim/os/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* Dialling into a full backlog: asked again, each time twice as late. */
enum { DIAL_TRIES_MAX = 8, DIAL_RETRY_NS = 1000000 };

int cz_sock_open(int family, int type)
{
    int fd;

    sim_point();
    if (type != SOCK_STREAM ||
        (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        return -EINVAL;
    fd = sim_fd_give(sim_sock_new(family, SIM_SOCK_NEW));
    sim_note("socket", family, fd);
    return fd;
}

void cz_sock_close(int fd)
{
    struct sim_sock *sock;
    unsigned i;

    sim_point();
    sock = sim_fd_take(fd);
    if (sock->link)
        sim_link_close_end(sock);
    for (i = 0; i < sock->backlog_count; i++)
        sim_link_reset(sock->backlog[i]->link);
    sim_note("close", fd, 0);
    sim_poll_recheck();
    sim_point();
}

/* ---- Names ---- */

static void sock_name_tcp(struct cz_addr *local)
{
    do {
        cz_addr_set_port(local, (uint16_t)(20000 + sim.next_port++ % 40000));
    } while (sim_sock_find_bound(local));
}

/* A local name for an end that never asked for one. */
static void sock_name_dialler(struct sim_sock *sock)
{
    if (sock->is_bound || sock->family == AF_UNIX)
        return;
    sock->local = sock->remote;
    sock_name_tcp(&sock->local);
}

static int sock_bind_path(struct sim_sock *sock, const struct cz_addr *addr)
{
    char text[CZ_ADDR_TEXT_MAX];

    if (addr->length <= sizeof(sa_family_t)) {
        struct cz_addr *local = &sock->local;
        char name[] = "@sim-00000";

        name[9] = (char)('0' + sim.next_name % 10);
        name[8] = (char)('0' + sim.next_name++ / 10 % 10);
        return cz_addr_ipc(local, name);
    }
    sock->local = *addr;
    cz_addr_text(addr, false, text);
    if (text[0] == '@')
        return sim_sock_find_bound(addr) ? -EADDRINUSE : 0;
    return sim_file_create(text);
}

static int sock_bind_tcp(struct sim_sock *sock, const struct cz_addr *addr)
{
    if (!sim_addr_is_ours(addr))
        return -EADDRNOTAVAIL;
    sock->local = *addr;
    if (cz_addr_port(addr) == 0)
        sock_name_tcp(&sock->local);
    else if (sim_sock_find_bound(addr))
        return -EADDRINUSE;
    return 0;
}

int cz_sock_bind(int fd, const struct cz_addr *addr)
{
    struct sim_sock *sock;
    int rc;

    sim_point();
    sock = sim_sock_of(fd);
    if (sock->is_bound || addr->u.any.sa_family != sock->family)
        return -EINVAL;
    rc = sock->family == AF_UNIX ? sock_bind_path(sock, addr)
                                 : sock_bind_tcp(sock, addr);
    sock->is_bound = rc == 0;
    sim_note("bind", fd, rc);
    return rc;
}

int cz_sock_local(int fd, struct cz_addr *addr)
{
    *addr = sim_sock_of(fd)->local;
    return 0;
}

int cz_sock_remote(int fd, struct cz_addr *addr)
{
    const struct sim_sock *sock = sim_sock_of(fd);

    if (sock->state != SIM_SOCK_CONNECTED || sock->is_dead)
        return -ENOTCONN;
    *addr = sock->remote;
    return 0;
}

/* ---- Listening ---- */

int cz_sock_listen(int fd, int backlog)
{
    struct sim_sock *sock;

    sim_point();
    sock = sim_sock_of(fd);
    if (!sock->is_bound)
        return -EINVAL;
    sock->state = SIM_SOCK_LISTENING;
    sock->backlog_max = backlog < 1                 ? 1
                        : backlog > SIM_BACKLOG_MAX ? SIM_BACKLOG_MAX
                                                    : (unsigned)backlog;
    sim_note("listen", fd, backlog);
    return 0;
}

static struct sim_sock *sock_backlog_pop(struct sim_sock *listener)
{
    struct sim_sock *first = listener->backlog[0];

    listener->backlog_count--;
    memmove(listener->backlog, listener->backlog + 1,
            listener->backlog_count * sizeof first);
    return first;
}

static int sock_accept(struct sim_sock *listener, struct cz_addr *peer)
{
    struct sim_sock *accepted;
    int fd;

    if (listener->state != SIM_SOCK_LISTENING)
        return -EINVAL;
    if (listener->backlog_count == 0 || sim_fault(sim.config.again))
        return -EAGAIN;
    if (sim_fault(sim.config.accept_no_fd))
        return -EMFILE;
    if (sim_fault(sim.config.accept_aborted)) {
        sim_link_reset(sock_backlog_pop(listener)->link);
        return -ECONNABORTED;
    }
    fd = sim_fd_give(listener->backlog[0]);
    if (fd < 0)
        return fd;
    accepted = sock_backlog_pop(listener);
    if (peer)
        *peer = accepted->remote;
    return fd;
}

int cz_sock_accept(int fd, struct cz_addr *peer)
{
    int rc;

    sim_point();
    rc = sock_accept(sim_sock_of(fd), peer);
    sim_note("accept", fd, rc);
    return rc;
}

/* ---- Dialling ---- */

static uint64_t sock_dial_delay_ns(void)
{
    return sim_below(SIM_DICE_FAULTS, sim.config.delay_us_max * 1000 + 1);
}

static struct sim_sock *sock_find_listener(const struct cz_addr *addr)
{
    struct sim_sock *sock = sim_sock_find_bound(addr);

    return sock && sock->state == SIM_SOCK_LISTENING ? sock : NULL;
}

/* The accepted end waits in the listener's backlog from now on. */
static void sock_meet(struct sim_sock *dialled, struct sim_sock *listener)
{
    struct sim_sock *accepted =
        sim_sock_new(listener->family, SIM_SOCK_CONNECTED);

    sock_name_dialler(dialled);
    accepted->local = listener->local;
    accepted->remote = dialled->local;
    listener->backlog[listener->backlog_count++] = accepted;
    sim_link_open(dialled, accepted);
}

static void sock_dial_fail(struct sim_sock *sock, int error)
{
    sock->state = SIM_SOCK_FAILED;
    sock->error = error;
    sim_poll_recheck();
}

static void sock_on_answer(void *arg, uint64_t value)
{
    struct sim_sock *sock = arg;

    (void)value;
    if (sock->is_closed)
        return;
    if (sock->is_dead)
        sock->state = SIM_SOCK_FAILED;
    else
        sock->state = SIM_SOCK_CONNECTED;
    sim_poll_recheck();
}

static void sock_on_dial(void *arg, uint64_t value)
{
    struct sim_sock *sock = arg, *listener;

    (void)value;
    if (sock->is_closed)
        return;
    listener = sock_find_listener(&sock->remote);
    if (!listener || sim_fault(sim.config.refuse_connect)) {
        sock_dial_fail(sock, -ECONNREFUSED);
    } else if (sim.is_parted ||
               listener->backlog_count == listener->backlog_max) {
        if (++sock->dial_tries > DIAL_TRIES_MAX)
            sock_dial_fail(sock, -ETIMEDOUT);
        else
            sim_after((uint64_t)DIAL_RETRY_NS << (2 * sock->dial_tries),
                      sock_on_dial, sock, 0);
    } else {
        sock_meet(sock, listener);
        sim_poll_recheck();
        sim_after(sock_dial_delay_ns(), sock_on_answer, sock, 0);
    }
}

/* An address that is not this machine's never answers. */
static int sock_dial_tcp(struct sim_sock *sock)
{
    sock->state = SIM_SOCK_CONNECTING;
    if (sim_addr_is_ours(&sock->remote) && !sim_fault(sim.config.hang_connect))
        sim_after(sock_dial_delay_ns(), sock_on_dial, sock, 0);
    return -EINPROGRESS;
}

static int sock_dial_ipc(struct sim_sock *sock)
{
    struct sim_sock *listener = sock_find_listener(&sock->remote);
    char text[CZ_ADDR_TEXT_MAX];

    cz_addr_text(&sock->remote, false, text);
    if (!listener && text[0] != '@' && !sim_file_exists(text))
        return -ENOENT;
    if (!listener || sim_fault(sim.config.refuse_connect))
        return -ECONNREFUSED;
    if (listener->backlog_count == listener->backlog_max)
        return -EAGAIN;
    sock->state = SIM_SOCK_CONNECTED;
    sock_meet(sock, listener);
    sim_poll_recheck();
    return 0;
}

int cz_sock_connect(int fd, const struct cz_addr *addr)
{
    struct sim_sock *sock;
    int rc;

    sim_point();
    sock = sim_sock_of(fd);
    if (sock->state == SIM_SOCK_CONNECTING)
        return -EALREADY;
    if (sock->state == SIM_SOCK_CONNECTED)
        return -EISCONN;
    sock->remote = *addr;
    rc = sock->family == AF_UNIX ? sock_dial_ipc(sock) : sock_dial_tcp(sock);
    sim_note("connect", fd, rc);
    sim_point();
    return rc;
}

int cz_sock_error(int fd)
{
    struct sim_sock *sock = sim_sock_of(fd);
    int error = sock->error;

    sock->error = 0;
    sim_note("error", fd, error);
    return error;
}

/* ---- Bytes ---- */

static ssize_t sock_not_connected(struct sim_sock *sock)
{
    int error = sock->error;

    sock->error = 0;
    if (error)
        return error;
    return sock->state == SIM_SOCK_CONNECTING ? -EAGAIN : -ENOTCONN;
}

int cz_sock_adopt_listener(int fd)
{
    return sim_sock_of(fd)->state == SIM_SOCK_LISTENING ? 0 : -EINVAL;
}

ssize_t cz_sock_readv(int fd, const struct iovec *to, int count)
{
    struct sim_sock *sock;
    ssize_t rc;

    sim_point();
    sock = sim_sock_of(fd);
    rc = sock->state == SIM_SOCK_CONNECTED ? sim_link_read(sock, to, count)
                                           : sock_not_connected(sock);
    sim_note("read", fd, rc);
    sim_point();
    return rc;
}

ssize_t cz_sock_writev(int fd, const struct iovec *from, int count)
{
    struct sim_sock *sock;
    ssize_t rc;

    sim_point();
    sock = sim_sock_of(fd);
    rc = sock->state == SIM_SOCK_CONNECTED ? sim_link_write(sock, from, count)
                                           : sock_not_connected(sock);
    sim_note("write", fd, rc);
    sim_point();
    return rc;
}

ssize_t cz_sock_read(int fd, void *to, size_t size)
{
    struct iovec vector = {.iov_base = to, .iov_len = size};

    return cz_sock_readv(fd, &vector, 1);
}

ssize_t cz_sock_write(int fd, const void *from, size_t size)
{
    struct iovec vector = {.iov_base = (void *)from, .iov_len = size};

    return cz_sock_writev(fd, &vector, 1);
}

/* ---- Options: accepted, and without effect ---- */

int cz_sock_set_int(int fd, int level, int option, int value)
{
    return cz_sock_set_bytes(fd, level, option, &value, sizeof value);
}

int cz_sock_set_bytes(int fd, int level, int option, const void *value,
                      size_t size)
{
    (void)level;
    (void)option;
    (void)value;
    (void)size;
    (void)sim_sock_of(fd);
    return 0;
}

int cz_sock_credentials(int fd, struct cz_sock_credentials *who)
{
    if (sim_sock_of(fd)->family != AF_UNIX)
        return -EOPNOTSUPP;
    *who = (struct cz_sock_credentials){4242, getuid(), getgid()};
    return 0;
}

/* What was written is where it can be read. */
size_t cz_sock_unsent(int fd)
{
    (void)fd;
    return 0;
}

int cz_sock_peer_groups(int fd, gid_t *groups, size_t max)
{
    (void)fd;
    (void)groups;
    (void)max;
    return 0;
}
