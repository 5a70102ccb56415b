/* SPDX-License-Identifier: MPL-2.0 */
/*
 * SOCKS5 on a descriptor.
 *
 * Thread: with the helm. Owns: see net/socks.h.
 */
#include "net/socks.h"

#include "base/alloc.h"
#include "core/io_thread.h"
#include "os/socket.h"
#include "wire/endpoint.h"
#include "wire/socks5.h"

#include <errno.h>
#include <string.h>

/* A host, a zone and a port. */
enum { ROUTE_MAX = CZ_HOST_MAX + CZ_ZONE_MAX + 16 };

struct cz_socks {
    struct cz_io_thread *io;
    int fd;
    struct cz_poll_handler handler;
    cz_poll_id poll_id;
    struct cz_socks5 talk;
    cz_socks_fn *on_done;
    void *owner;
};

/* ---- the route ------------------------------------------------------ */

int cz_socks_check(const struct cz_options *o)
{
    struct cz_span proxy = cz_options_blob(o, CZ_OPTION_SOCKS_PROXY);
    char text[ROUTE_MAX + 1];
    struct cz_tcp_address parsed;

    if (proxy.size == 0)
        return 0;
    if (proxy.size > ROUTE_MAX)
        return -EINVAL;
    *cz_span_copy((uint8_t *)text, proxy) = '\0';
    if (cz_endpoint_parse_tcp_connect(text, &parsed) != 0 || parsed.has_source)
        return -EINVAL;
    return 0;
}

int cz_socks_route(const struct cz_options *o, const char *address,
                   char **route)
{
    struct cz_span proxy = cz_options_blob(o, CZ_OPTION_SOCKS_PROXY);
    const char *semicolon = strrchr(address, ';');
    size_t source_size = semicolon ? (size_t)(semicolon + 1 - address) : 0;
    uint8_t *to;

    *route = NULL;
    if (proxy.size == 0)
        return 0;
    *route = cz_alloc(source_size + proxy.size + 1);
    if (!*route)
        return -ENOMEM;
    to = cz_span_copy((uint8_t *)*route, cz_span(address, source_size));
    *cz_span_copy(to, proxy) = '\0';
    return 0;
}

/* ---- the talk ------------------------------------------------------- */

/* Names go to the proxy as they are: here they may mean nothing. */
static int socks_name_target(const char *address, struct cz_tcp_address *parsed,
                             uint8_t ip[CZ_ADDR_IP_SIZE],
                             struct cz_socks5_target *target)
{
    struct cz_addr addr;
    int rc = cz_endpoint_parse_tcp_connect(address, parsed);

    if (rc != 0)
        return rc;
    target->port = parsed->target.port;
    if (cz_addr_numeric(&addr, parsed->target.host, 0, CZ_ADDR_IPV4) == 0) {
        rc = cz_addr_ip(&addr, ip);
        target->kind = CZ_SOCKS5_IPV4;
        target->address = cz_span(ip + CZ_ADDR_IP_SIZE - 4, 4);
    } else if (cz_addr_numeric(&addr, parsed->target.host, 0,
                               CZ_ADDR_IPV6_DUAL) == 0) {
        rc = cz_addr_ip(&addr, ip);
        target->kind = CZ_SOCKS5_IPV6;
        target->address = cz_span(ip, CZ_ADDR_IP_SIZE);
    } else {
        target->kind = CZ_SOCKS5_NAME;
        target->address = cz_span_of_text(parsed->target.host);
    }
    return rc;
}

static int socks_write(struct cz_socks *s)
{
    struct cz_span out;

    while ((out = cz_socks5_output(&s->talk)).size > 0) {
        ssize_t n = cz_sock_write(s->fd, out.bytes, out.size);

        if (n < 0)
            return (int)n;
        cz_socks5_sent(&s->talk, (size_t)n);
    }
    return 0;
}

/* What the proxy has answered, and no byte of what follows. */
static int socks_read(struct cz_socks *s)
{
    uint8_t bytes[CZ_SOCKS5_TEXT_MAX];
    size_t wanted = cz_socks5_wanted(&s->talk);
    ssize_t n = cz_sock_read(s->fd, bytes,
                             wanted < sizeof bytes ? wanted : sizeof bytes);

    if (n <= 0)
        return n < 0 ? (int)n : -ECONNRESET;
    return cz_socks5_feed(&s->talk, bytes, (size_t)n);
}

/* In turn, until there is something to wait for. */
static void socks_go_on(struct cz_socks *s)
{
    unsigned interest = CZ_POLL_IN;
    int rc;

    do {
        rc = socks_write(s);
        if (rc == -EAGAIN)
            interest = CZ_POLL_OUT;
        else if (rc == 0)
            rc = socks_read(s);
    } while (rc == 0);
    if (rc == -EAGAIN)
        cz_io_set_interest(s->io, s->poll_id, interest);
    else
        s->on_done(s->owner, rc > 0 ? 0 : rc);
}

static void socks_on_events(struct cz_poll_handler *handler,
                            unsigned events CZ_UNUSED)
{
    socks_go_on(cz_container_of(handler, struct cz_socks, handler));
}

/* ---- beginning and end ---------------------------------------------- */

int cz_socks_create(struct cz_io_thread *io, int fd, const struct cz_options *o,
                    const char *address, struct cz_socks **out)
{
    uint8_t ip[CZ_ADDR_IP_SIZE];
    struct cz_tcp_address parsed;
    struct cz_socks5_target target;
    struct cz_socks *s;
    int rc = socks_name_target(address, &parsed, ip, &target);

    if (rc != 0)
        return rc;
    s = cz_zalloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    s->io = io;
    s->fd = fd;
    s->handler.on_events = socks_on_events;
    cz_socks5_init(&s->talk, cz_options_blob(o, CZ_OPTION_SOCKS_USERNAME),
                   cz_options_blob(o, CZ_OPTION_SOCKS_PASSWORD), &target);
    rc = cz_io_watch_fd(io, fd, &s->handler, 0, &s->poll_id);
    if (rc != 0) {
        cz_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void cz_socks_start(struct cz_socks *s, cz_socks_fn *on_done, void *owner)
{
    s->on_done = on_done;
    s->owner = owner;
    socks_go_on(s);
}

void cz_socks_destroy(struct cz_socks *s)
{
    cz_io_unwatch(s->io, s->poll_id);
    cz_free(s);
}
