/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tcp (zmq_tcp(7)): addresses, and the settings of its descriptors.
 *
 * Thread: listening and checking on the socket's; dialling with the helm.
 */
#include "net/stream_transport.h"
#include "net/transports.h"
#include "os/socket.h"
#include "wire/endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

static enum cz_addr_family_rule family_rule(const struct cz_options *options)
{
    return options->ipv6 ? CZ_ADDR_IPV6_DUAL : CZ_ADDR_IPV4;
}

/* An address to bind: any, an interface, a number, or a name. */
static int tcp_bind_addr(const struct cz_options *options,
                         const struct cz_host_port *at, bool may_resolve,
                         struct cz_addr *addr)
{
    enum cz_addr_family_rule rule = family_rule(options);

    if (at->is_any_host) {
        cz_addr_any(addr, rule, at->port);
        return 0;
    }
    if (cz_addr_interface(addr, at->host, at->port, rule) == 0 ||
        cz_addr_numeric(addr, at->host, at->port, rule) == 0)
        return 0;
    return may_resolve ? cz_addr_resolve(addr, at->host, at->port, rule)
                       : -ENODEV;
}

/* ---- settings ------------------------------------------------------- */

struct setting {
    int level;
    int option;
    int value;
    bool is_wanted;
};

static int apply(int fd, const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc;

        if (!settings[i].is_wanted)
            continue;
        rc = cz_sock_set_int(fd, settings[i].level, settings[i].option,
                             settings[i].value);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Within one machine there is no network that could be congested. What the
 * system has chosen for networks may cost much here: BBR sets a timer for
 * almost every segment, to send at a rate, and gives 1 KiB messages a third of
 * the throughput. Reno is in every kernel and sets none. */
static void tcp_relax(int fd, const struct cz_addr *peer)
{
    if (cz_addr_is_loopback(peer))
        (void)!cz_sock_set_bytes(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

/* What has to be set before binding or connecting. */
static int tcp_prepare(const struct cz_options *o, int fd)
{
    const struct setting settings[] = {
        {SOL_SOCKET, SO_SNDBUF, o->sndbuf, o->sndbuf >= 0},
        {SOL_SOCKET, SO_RCVBUF, o->rcvbuf, o->rcvbuf >= 0},
        {IPPROTO_IP, IP_TOS, o->tos, o->tos != 0},
        {IPPROTO_IPV6, IPV6_TCLASS, o->tos, o->tos != 0 && o->ipv6},
        {SOL_SOCKET, SO_PRIORITY, o->priority, o->priority != 0},
        {SOL_SOCKET, SO_BUSY_POLL, o->busy_poll_us, o->busy_poll_us != 0},
    };
    struct cz_span device = cz_options_blob(o, CZ_OPTION_BINDTODEVICE);
    int rc = apply(fd, settings, CZ_COUNT_OF(settings));

    if (rc == 0 && device.size > 0)
        rc = cz_sock_set_bytes(fd, SOL_SOCKET, SO_BINDTODEVICE, device.bytes,
                               device.size);
    return rc;
}

/* What is not inherited from the listener. */
static int tcp_tune_accepted(const struct cz_options *o, int fd,
                             const struct cz_addr *peer)
{
    const struct setting priority = {SOL_SOCKET, SO_PRIORITY, o->priority,
                                     o->priority != 0};

    /* What comes from a descriptor of the program's is as the program says. */
    if (o->use_fd < 0)
        tcp_relax(fd, peer);
    return apply(fd, &priority, 1);
}

static int tcp_tune(const struct cz_options *o, int fd)
{
    bool has_keepalive = o->tcp_keepalive != -1;
    const struct setting settings[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1, true},
        {SOL_SOCKET, SO_KEEPALIVE, o->tcp_keepalive, has_keepalive},
        {IPPROTO_TCP, TCP_KEEPCNT, o->tcp_keepalive_cnt,
         has_keepalive && o->tcp_keepalive_cnt != -1},
        {IPPROTO_TCP, TCP_KEEPIDLE, o->tcp_keepalive_idle_s,
         has_keepalive && o->tcp_keepalive_idle_s != -1},
        {IPPROTO_TCP, TCP_KEEPINTVL, o->tcp_keepalive_intvl_s,
         has_keepalive && o->tcp_keepalive_intvl_s != -1},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, o->tcp_maxrt_ms, o->tcp_maxrt_ms > 0},
    };

    return apply(fd, settings, CZ_COUNT_OF(settings));
}

/* ---- listening ------------------------------------------------------ */

static int tcp_local_name(int fd, char name[CZ_ENDPOINT_NAME_MAX])
{
    char text[CZ_ADDR_TEXT_MAX];
    struct cz_addr addr;
    int rc = cz_sock_local(fd, &addr);

    if (rc != 0)
        return rc;
    cz_addr_text(&addr, true, text);
    snprintf(name, CZ_ENDPOINT_NAME_MAX, "tcp://%s", text);
    return 0;
}

static int tcp_describe(struct cz_listening *listening)
{
    struct cz_addr addr;
    int rc = cz_sock_local(listening->fd, &addr);

    if (rc != 0)
        return rc;
    listening->is_on_any_address = cz_addr_is_any(&addr);
    return tcp_local_name(listening->fd, listening->name);
}

static int tcp_open_listener(const struct cz_options *o,
                             const struct cz_addr *addr, int *out)
{
    int fd = cz_sock_open(addr->u.any.sa_family, SOCK_STREAM);
    int rc;

    if (fd < 0)
        return fd;
    rc = cz_sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0)
        rc = tcp_prepare(o, fd);
    if (rc == 0)
        rc = tcp_tune(o, fd);
    if (rc == 0)
        rc = cz_sock_bind(fd, addr);
    if (rc == 0)
        rc = cz_sock_listen(fd, o->backlog);
    if (rc != 0)
        cz_sock_close(fd);
    *out = fd;
    return rc;
}

static int tcp_listen(const struct cz_options *o, const char *address,
                      struct cz_listening *listening)
{
    struct cz_tcp_address parsed;
    struct cz_addr addr;
    int rc = cz_endpoint_parse_tcp_bind(address, &parsed);

    if (rc != 0)
        return rc;
    if (o->use_fd >= 0) {
        listening->fd = o->use_fd;
        rc = cz_sock_adopt_listener(o->use_fd);
        if (rc == 0)
            rc = tcp_tune(o, o->use_fd);
    } else {
        rc = tcp_bind_addr(o, &parsed.target, true, &addr);
        if (rc == 0)
            rc = tcp_open_listener(o, &addr, &listening->fd);
        /* A kernel without IPv6: its IPv4 will do. */
        if (rc == -EAFNOSUPPORT && o->ipv6) {
            struct cz_options ipv4 = *o;

            ipv4.ipv6 = 0;
            rc = tcp_bind_addr(&ipv4, &parsed.target, true, &addr);
            if (rc == 0)
                rc = tcp_open_listener(&ipv4, &addr, &listening->fd);
        }
    }
    if (rc == 0)
        rc = tcp_describe(listening);
    return rc;
}

/* ---- dialling ------------------------------------------------------- */

static int tcp_check(const char *address)
{
    struct cz_tcp_address parsed;

    return cz_endpoint_parse_tcp_connect(address, &parsed);
}

static int tcp_locate(const struct cz_options *o, const char *address,
                      struct cz_addr *to)
{
    struct cz_tcp_address parsed;
    int rc = cz_endpoint_parse_tcp_connect(address, &parsed);

    if (rc != 0)
        return rc;
    rc = cz_addr_numeric(to, parsed.target.host, parsed.target.port,
                         family_rule(o));
    return rc == 0 ? 0 : -EAGAIN;
}

static int tcp_resolve(const struct cz_options *o, const char *address,
                       struct cz_addr *to)
{
    struct cz_tcp_address parsed;
    int rc = cz_endpoint_parse_tcp_connect(address, &parsed);

    return rc != 0 ? rc
                   : cz_addr_resolve(to, parsed.target.host, parsed.target.port,
                                     family_rule(o));
}

/* "source;target": leaves from this address. */
static int tcp_bind_source(const struct cz_options *o, int fd,
                           const struct cz_host_port *source)
{
    struct cz_addr addr;
    int rc = tcp_bind_addr(o, source, false, &addr);

    if (rc == 0)
        rc = cz_sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0)
        rc = cz_sock_bind(fd, &addr);
    return rc;
}

static int tcp_dial(const struct cz_options *o, const char *address,
                    const struct cz_addr *to, int *out)
{
    struct cz_tcp_address parsed;
    int fd;
    int rc = cz_endpoint_parse_tcp_connect(address, &parsed);

    *out = -1;
    if (rc != 0)
        return rc;
    fd = cz_sock_open(to->u.any.sa_family, SOCK_STREAM);
    if (fd < 0)
        return fd;
    *out = fd;
    tcp_relax(fd, to);
    rc = tcp_prepare(o, fd);
    if (rc == 0 && parsed.has_source)
        rc = tcp_bind_source(o, fd, &parsed.source);
    return rc != 0 ? rc : cz_sock_connect(fd, to);
}

static bool tcp_admits(const struct cz_options *o, int fd)
{
    struct cz_addr peer;

    return cz_options_blob(o, CZ_OPTION_TCP_ACCEPT_FILTER).size == 0 ||
           (cz_sock_remote(fd, &peer) == 0 &&
            cz_options_admit_address(o, &peer));
}

static void tcp_peer_text(int fd, char text[CZ_ADDR_TEXT_MAX])
{
    struct cz_addr addr;

    text[0] = '\0';
    if (cz_sock_remote(fd, &addr) == 0)
        cz_addr_text(&addr, false, text);
}

static const struct cz_stream_transport tcp = {
    .scheme = "tcp",
    .has_proxies = true,
    .listen = tcp_listen,
    .check = tcp_check,
    .locate = tcp_locate,
    .resolve = tcp_resolve,
    .dial = tcp_dial,
    .admits = tcp_admits,
    .tune = tcp_tune,
    .tune_accepted = tcp_tune_accepted,
    .local_name = tcp_local_name,
    .peer_text = tcp_peer_text,
};

/* ---- the transport -------------------------------------------------- */

static int tcp_bind(struct cz_socket *socket, const char *endpoint CZ_UNUSED,
                    const char *address)
{
    return cz_stream_bind(socket, &tcp, address);
}

static int tcp_connect(struct cz_socket *socket, const char *endpoint,
                       const char *address)
{
    return cz_stream_connect(socket, &tcp, endpoint, address);
}

/* The numeric form of a name, with either family: that is how listeners are
 * entered. */
static int tcp_respell(struct cz_socket *socket CZ_UNUSED, const char *address,
                       char *to, unsigned size, int attempt)
{
    struct cz_options options = {.ipv6 = attempt == 1};
    char text[CZ_ADDR_TEXT_MAX];
    struct cz_tcp_address parsed;
    struct cz_addr addr;
    int rc;

    if (attempt > 1)
        return -ENOENT;
    rc = cz_endpoint_parse_tcp_bind(address, &parsed);
    if (rc == 0)
        rc = tcp_bind_addr(&options, &parsed.target, true, &addr);
    if (rc != 0)
        return rc;
    cz_addr_text(&addr, true, text);
    snprintf(to, size, "tcp://%s", text);
    return 0;
}

const struct cz_transport cz_tcp_transport = {
    .scheme = "tcp",
    .bind = tcp_bind,
    .connect = tcp_connect,
    .respell = tcp_respell,
    .is_deduplicated = true,
};
