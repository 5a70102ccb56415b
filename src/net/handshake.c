/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Handshakes: the descriptor, beginning and end.
 *
 * Thread: with the helm. Owns: see net/handshake.h.
 */
#include "net/handshake.h"

#include "base/alloc.h"
#include "core/io_thread.h"
#include "msg/metadata.h"
#include "net/handshake_state.h"
#include "os/socket.h"

#include <errno.h>

enum { READ_SIZE = 4096 };

static struct cz_io_thread *handshake_io(const struct cz_handshake *h)
{
    return h->session->object.tenant->io;
}

int cz_handshake_fd(const struct cz_handshake *h)
{
    return h->fd;
}

/* ---- the descriptor ------------------------------------------------- */

/* Writes what is due. 0: all of it has gone; -EAGAIN; or the connection is
 * broken. */
static int handshake_flush(struct cz_handshake *h)
{
    while (h->out_sent < h->out_size) {
        ssize_t n = cz_sock_write(h->fd, h->out + h->out_sent,
                                  h->out_size - h->out_sent);

        if (n < 0)
            return (int)n;
        h->out_sent += (size_t)n;
    }
    h->out_size = h->out_sent = 0;
    return 0;
}

static void handshake_finish(struct cz_handshake *h)
{
    struct cz_session *session = h->session;
    struct cz_handshake_result result = {
        .fd = h->fd,
        .poll_id = h->poll_id,
        .has_old_frames = cz_zmtp_has_old_frames(h->greeting.version),
        .has_phantom = h->greeting.version == CZ_ZMTP_1_0_UNVERSIONED,
        .has_commands = cz_zmtp_has_mechanism(h->greeting.version),
        .has_subscriptions = h->greeting.version >= CZ_ZMTP_3_1,
        .rest = h->in_size ? h->in : NULL,
        .rest_size = h->in_size,
        .metadata = h->metadata,
    };

    if (result.rest)
        h->in = NULL;
    h->metadata = NULL;
    cz_io_set_interest(handshake_io(h), h->poll_id, CZ_POLL_IN);
    h->poll_id = 0;
    h->fd = -1;
    cz_handshake_destroy(h);
    cz_session_on_handshake(session, &result);
}

static void handshake_fail(struct cz_handshake *h, int rc,
                           const struct cz_handshake_outcome *outcome)
{
    bool is_fatal = rc == -EPROTO || rc == -EMSGSIZE;

    (void)!handshake_flush(h);
    cz_session_on_handshake_failed(h->session, outcome->event, outcome->value,
                                   is_fatal);
}

/* The connection broke, or ran out of time: worth another attempt. */
static void handshake_lose(struct cz_handshake *h, int error)
{
    cz_session_on_handshake_failed(h->session,
                                   CZ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                                   (uint32_t)error, false);
}

/* After progress: everything written and understood, or what to wait for. */
static void handshake_settle(struct cz_handshake *h)
{
    int rc = handshake_flush(h);

    if (h->is_done && rc == 0)
        handshake_finish(h);
    else if (h->is_done && rc != -EAGAIN)
        handshake_lose(h, -rc);
    else
        /* A broken connection with more to be read: the reading side has the
         * last words of the peer, and then its end. */
        cz_io_set_interest(handshake_io(h), h->poll_id,
                           (h->is_done ? 0 : CZ_POLL_IN) |
                               (rc == -EAGAIN ? CZ_POLL_OUT : 0));
}

static void handshake_receive(struct cz_handshake *h)
{
    struct cz_handshake_outcome outcome = {0};
    uint8_t bytes[READ_SIZE];
    ssize_t n = cz_sock_read(h->fd, bytes, sizeof bytes);
    int rc;

    if (n == -EAGAIN) {
        handshake_settle(h);
        return;
    }
    if (n <= 0) {
        handshake_lose(h, n == 0 ? EPIPE : (int)-n);
        return;
    }
    rc = cz_handshake_feed(h, bytes, (size_t)n, &outcome);
    if (rc != 0)
        handshake_fail(h, rc, &outcome);
    else
        handshake_settle(h);
}

static void handshake_on_events(struct cz_poll_handler *handler,
                                unsigned events)
{
    struct cz_handshake *h =
        cz_container_of(handler, struct cz_handshake, handler);

    if (h->is_done || !(events & (CZ_POLL_IN | CZ_POLL_ERR)))
        handshake_settle(h);
    else
        handshake_receive(h);
}

static void handshake_on_timeout(struct cz_timer *timer)
{
    handshake_lose(cz_container_of(timer, struct cz_handshake, timeout),
                   ETIMEDOUT);
}

/* ---- beginning and end ---------------------------------------------- */

static int handshake_begin(struct cz_handshake *h)
{
    const struct cz_options *o = h->session->options;
    struct cz_io_thread *io = handshake_io(h);
    int rc = cz_handshake_greet(h);

    if (rc == 0)
        rc = cz_io_watch_fd(io, h->fd, &h->handler, CZ_POLL_IN, &h->poll_id);
    if (rc == 0 && o->handshake_ivl_ms > 0)
        cz_io_set_timer(io, &h->timeout, (uint64_t)o->handshake_ivl_ms * 1000);
    return rc;
}

int cz_handshake_create(struct cz_session *session, int fd,
                        struct cz_handshake **out)
{
    struct cz_handshake *h = cz_zalloc(sizeof *h);
    int rc;

    if (!h)
        return -ENOMEM;
    h->session = session;
    h->fd = fd;
    h->handler.on_events = handshake_on_events;
    h->timeout.on_expire = handshake_on_timeout;
    rc = handshake_begin(h);
    if (rc != 0) {
        h->fd = -1;
        cz_handshake_destroy(h);
        return rc;
    }
    *out = h;
    return 0;
}

/* Who dials speaks first. Its signature is mostly there by the time that the
 * connection is accepted, and then the first write may be more than ours:
 * with its whole greeting, all that we have to say. */
void cz_handshake_start(struct cz_handshake *h)
{
    if (h->session->connecter)
        handshake_settle(h);
    else
        handshake_receive(h);
}

void cz_handshake_destroy(struct cz_handshake *h)
{
    cz_io_cancel_timer(handshake_io(h), &h->timeout);
    if (h->poll_id)
        cz_io_unwatch(handshake_io(h), h->poll_id);
    if (h->fd >= 0)
        cz_sock_close(h->fd);
    if (h->has_mechanism)
        cz_null_mechanism_ops.fini(&h->mechanism.base);
    if (h->metadata)
        cz_metadata_unref(h->metadata, 1);
    cz_free(h->in);
    cz_free(h->out);
    cz_free(h);
}
