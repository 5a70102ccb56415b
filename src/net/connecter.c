/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connecters.
 *
 * Thread: with the helm. Owns: see net/connecter.h.
 */
#include "net/connecter.h"

#include "base/alloc.h"
#include "core/io_thread.h"
#include "net/resolver.h"
#include "net/session.h"
#include "net/socks.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/random.h"
#include "os/socket.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
    /* While there is no room for what a connection would bring. */
    PAUSE_US = 100000,
};

struct cz_connecter {
    struct cz_session *session;
    char *address;
    char *route; /* what is dialled instead: a proxy; or NULL */
    struct cz_socks *socks;
    struct cz_poll_handler handler;
    cz_poll_id poll_id; /* 0 = not polled */
    struct cz_timer retry;
    struct cz_timer timeout;
    struct cz_resolution *resolution;
    int fd;       /* -1 = none */
    int port;     /* that was dialled; 0 = no such thing */
    int delay_ms; /* of the next back-off step; 0 = the first */
};

static struct cz_io_thread *connecter_io(const struct cz_connecter *c)
{
    return c->session->object.tenant->io;
}

static const char *connecter_route(const struct cz_connecter *c)
{
    return c->route ? c->route : c->address;
}

/* Nobody watches the descriptor any more. */
static void connecter_unwatch(struct cz_connecter *c)
{
    if (c->poll_id)
        cz_io_unwatch(connecter_io(c), c->poll_id);
    if (c->socks)
        cz_socks_destroy(c->socks);
    c->poll_id = 0;
    c->socks = NULL;
}

static void connecter_forget_fd(struct cz_connecter *c)
{
    connecter_unwatch(c);
    c->fd = -1;
    cz_io_cancel_timer(connecter_io(c), &c->timeout);
}

static void connecter_close_fd(struct cz_connecter *c)
{
    int fd = c->fd;

    connecter_forget_fd(c);
    if (fd < 0)
        return;
    cz_sock_close(fd);
    cz_session_tell(c->session, CZ_EVENT_CLOSED, (uint32_t)fd);
}

/* ---- trying again --------------------------------------------------- */

/* The delay before the next attempt (wire.md 9). */
static int connecter_next_delay(struct cz_connecter *c)
{
    int base_ms = c->session->options->reconnect_ivl_ms;
    int max_ms = c->session->options->reconnect_ivl_max_ms;

    if (max_ms <= 0) {
        int64_t delay_ms = (int64_t)base_ms + cz_random_u32() % base_ms;

        return delay_ms < INT_MAX ? (int)delay_ms : INT_MAX;
    }
    if (c->delay_ms == 0)
        c->delay_ms = base_ms;
    else
        c->delay_ms = c->delay_ms > max_ms / 2 ? max_ms : c->delay_ms * 2;
    if (c->delay_ms > max_ms)
        c->delay_ms = max_ms;
    return c->delay_ms;
}

/* False: there will be no other attempt, for reconnecting is switched off. */
static bool connecter_wait(struct cz_connecter *c)
{
    int delay_ms;

    if (c->session->options->reconnect_ivl_ms <= 0)
        return false;
    delay_ms = connecter_next_delay(c);
    cz_io_set_timer(connecter_io(c), &c->retry, (uint64_t)delay_ms * 1000);
    cz_session_tell(c->session, CZ_EVENT_CONNECT_RETRIED, (uint32_t)delay_ms);
    return true;
}

static void connecter_failed(struct cz_connecter *c, int rc)
{
    bool may_retry =
        rc != -ECONNREFUSED ||
        !(c->session->options->reconnect_stop & 1 /* CONN_REFUSED */);

    connecter_close_fd(c);
    if (!may_retry || !connecter_wait(c))
        cz_session_on_given_up(c->session);
}

bool cz_connecter_retry(struct cz_connecter *c)
{
    c->delay_ms = 0;
    return connecter_wait(c);
}

/* A new connection is a new pipe, if none outlives its connections; and that
 * may be one too many. */
static bool connecter_must_wait(const struct cz_connecter *c)
{
    return !c->session->pipe &&
           cz_pipe_are_too_many_left(c->session->object.tenant->mailbox);
}

static void connecter_on_retry(struct cz_timer *timer)
{
    struct cz_connecter *c = cz_container_of(timer, struct cz_connecter, retry);

    if (connecter_must_wait(c))
        cz_io_set_timer(connecter_io(c), &c->retry, PAUSE_US);
    else
        cz_connecter_start(c);
}

/* ---- dialling ------------------------------------------------------- */

/* Where nobody listens, the kernel may choose the port that is dialled for the
 * one to dial from, and connect the descriptor to itself. Kept, it would also
 * keep the port from who is to listen there. */
static bool is_connected_to_itself(const struct cz_connecter *c)
{
    struct cz_addr local, remote;

    return c->port != 0 && cz_sock_local(c->fd, &local) == 0 &&
           cz_addr_port(&local) == c->port &&
           cz_sock_remote(c->fd, &remote) == 0 &&
           local.length == remote.length &&
           memcmp(&local.u, &remote.u, local.length) == 0;
}

static void connecter_succeeded(struct cz_connecter *c)
{
    struct cz_session *session = c->session;
    int fd = c->fd;
    int rc = session->transport->tune(session->options, fd);

    if (rc == 0 && is_connected_to_itself(c))
        rc = -ECONNREFUSED;
    if (rc != 0) {
        connecter_failed(c, rc);
        return;
    }
    connecter_forget_fd(c);
    cz_session_tell(session, CZ_EVENT_CONNECTED, (uint32_t)fd);
    cz_session_on_connected(session, fd);
}

static void connecter_on_proxy(void *owner, int rc)
{
    struct cz_connecter *c = owner;

    if (rc == 0)
        connecter_succeeded(c);
    else
        connecter_failed(c, rc);
}

/* A proxy that says nothing has as long as any peer that does not. */
static void connecter_ask_proxy(struct cz_connecter *c)
{
    const struct cz_options *o = c->session->options;
    int timeout_ms =
        o->connect_timeout_ms > 0 ? o->connect_timeout_ms : o->handshake_ivl_ms;
    int rc;

    connecter_unwatch(c);
    if (timeout_ms > 0 && !cz_timer_is_set(&c->timeout))
        cz_io_set_timer(connecter_io(c), &c->timeout,
                        (uint64_t)timeout_ms * 1000);
    rc = cz_socks_create(connecter_io(c), c->fd, o, c->address, &c->socks);
    if (rc == 0)
        cz_socks_start(c->socks, connecter_on_proxy, c);
    else
        connecter_failed(c, rc);
}

static void connecter_reached(struct cz_connecter *c)
{
    if (c->route)
        connecter_ask_proxy(c);
    else
        connecter_succeeded(c);
}

static void connecter_on_events(struct cz_poll_handler *handler,
                                unsigned events CZ_UNUSED)
{
    struct cz_connecter *c =
        cz_container_of(handler, struct cz_connecter, handler);
    int rc = cz_sock_error(c->fd);

    if (rc == 0)
        connecter_reached(c);
    else
        connecter_failed(c, rc);
}

static void connecter_on_timeout(struct cz_timer *timer)
{
    connecter_failed(cz_container_of(timer, struct cz_connecter, timeout),
                     -ETIMEDOUT);
}

static int connecter_wait_for_fd(struct cz_connecter *c)
{
    int timeout_ms = c->session->options->connect_timeout_ms;
    int rc = cz_io_watch_fd(connecter_io(c), c->fd, &c->handler, CZ_POLL_OUT,
                            &c->poll_id);

    if (rc == 0 && timeout_ms > 0)
        cz_io_set_timer(connecter_io(c), &c->timeout,
                        (uint64_t)timeout_ms * 1000);
    return rc;
}

static void connecter_dial(struct cz_connecter *c, const struct cz_addr *to)
{
    struct cz_session *session = c->session;
    int rc = session->transport->dial(session->options, connecter_route(c), to,
                                      &c->fd);

    c->port = cz_addr_port(to);
    if (rc == 0) {
        connecter_reached(c);
        return;
    }
    if (rc == -EINPROGRESS) {
        struct pollfd fd = {.fd = c->fd, .events = POLLOUT};

        cz_session_tell(session, CZ_EVENT_CONNECT_DELAYED, EINPROGRESS);
        /* With a peer on this machine it is done by now, and the reactor need
         * not be told of the descriptor, only to forget it. */
        if (cz_os_poll(&fd, 1, 0) > 0) {
            connecter_on_events(&c->handler, CZ_POLL_OUT);
            return;
        }
        rc = connecter_wait_for_fd(c);
    }
    if (rc != 0)
        connecter_failed(c, rc);
}

static void connecter_on_resolved(void *owner, int rc,
                                  const struct cz_addr *addr)
{
    struct cz_connecter *c = owner;

    c->resolution = NULL;
    if (rc == 0)
        connecter_dial(c, addr);
    else
        connecter_failed(c, rc);
}

void cz_connecter_start(struct cz_connecter *c)
{
    const struct cz_session *session = c->session;
    struct cz_addr addr;
    int rc =
        session->transport->locate(session->options, connecter_route(c), &addr);

    if (rc == 0) {
        connecter_dial(c, &addr);
        return;
    }
    if (rc == -EAGAIN) {
        c->resolution = cz_resolution_start(
            connecter_io(c), session->transport, session->options,
            connecter_route(c), connecter_on_resolved, c);
        rc = c->resolution ? 0 : -ENOMEM;
    }
    if (rc != 0)
        connecter_failed(c, rc);
}

/* ---- beginning and end ---------------------------------------------- */

struct cz_connecter *cz_connecter_create(struct cz_session *session,
                                         const char *address)
{
    struct cz_connecter *c = cz_zalloc(sizeof *c);

    if (!c)
        return NULL;
    c->address = cz_strdup(address);
    if (!c->address ||
        (session->transport->has_proxies &&
         cz_socks_route(session->options, address, &c->route) != 0)) {
        cz_connecter_destroy(c);
        return NULL;
    }
    c->session = session;
    c->fd = -1;
    c->handler.on_events = connecter_on_events;
    c->retry.on_expire = connecter_on_retry;
    c->timeout.on_expire = connecter_on_timeout;
    return c;
}

void cz_connecter_stop(struct cz_connecter *c)
{
    if (c->resolution)
        cz_resolution_cancel(c->resolution);
    c->resolution = NULL;
    connecter_close_fd(c);
    cz_io_cancel_timer(connecter_io(c), &c->retry);
}

void cz_connecter_destroy(struct cz_connecter *c)
{
    cz_free(c->route);
    cz_free(c->address);
    cz_free(c);
}
