/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sessions: their life, and the course of a connection.
 *
 * Thread: with the helm; making one on the socket's. Owns: see net/session.h.
 */
#include "net/session.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "msg/metadata.h"
#include "net/connecter.h"
#include "net/engine.h"
#include "net/handshake.h"
#include "os/addr.h"
#include "os/socket.h"

#include <errno.h>
#include <string.h>

static struct cz_session *session_of(struct cz_io_object *object)
{
    return cz_container_of(object, struct cz_session, object);
}

/* ---- end ------------------------------------------------------------ */

static void session_drop_connection(struct cz_session *session)
{
    if (session->handshake)
        cz_handshake_destroy(session->handshake);
    if (session->engine)
        cz_engine_destroy(session->engine);
    session->handshake = NULL;
    session->engine = NULL;
}

static void session_drop_pipe(struct cz_session *session)
{
    if (session->pipe)
        cz_pipe_leave(session->pipe);
    session->pipe = NULL;
}

static void session_end(struct cz_session *session)
{
    /* Relaxed: the closing of the pipe, which follows, takes it along. */
    atomic_store_explicit(&session->object.has_ended, true,
                          memory_order_relaxed);
    cz_io_cancel_timer(session->object.tenant->io, &session->linger);
    cz_account_remove_leftover(
        cz_monitor_account(session->object.tenant->monitor),
        &session->leftover);
    session_drop_connection(session);
    if (session->connecter)
        cz_connecter_stop(session->connecter);
    session_drop_pipe(session);
    cz_io_object_end(&session->object);
}

static void session_on_linger(struct cz_timer *timer)
{
    session_end(cz_container_of(timer, struct cz_session, linger));
}

/* There is something left, and it cannot be sent at once. */
static void session_linger(struct cz_session *session, int linger_ms)
{
    struct cz_tenant *tenant = session->object.tenant;

    cz_account_add_leftover(cz_monitor_account(tenant->monitor),
                            &session->leftover, session->pipe,
                            session->endpoint);
    if (linger_ms > 0)
        cz_io_set_timer(tenant->io, &session->linger,
                        (uint64_t)linger_ms * 1000);
}

void cz_session_wind_up(struct cz_session *session, int linger_ms)
{
    session->is_stopping = true;
    if (!session->pipe || linger_ms == 0 || session->has_given_up) {
        session_end(session);
        return;
    }
    cz_io_object_ref(&session->object);
    if (session->engine)
        cz_engine_resume(session->engine);
    if (session->engine)
        cz_engine_flush(session->engine);
    else if (session->object.is_living &&
             !cz_stream_has_data(session->pipe->in))
        session_end(session);
    if (session->object.is_living)
        session_linger(session, linger_ms);
    cz_io_object_unref(&session->object);
}

/* A session that winds up already is told that its socket closes. */
static void session_hurry(struct cz_session *session, int linger_ms)
{
    if (linger_ms == 0)
        session_end(session);
    else if (linger_ms > 0 && !cz_timer_is_set(&session->linger))
        cz_io_set_timer(session->object.tenant->io, &session->linger,
                        (uint64_t)linger_ms * 1000);
}

static void session_stop(struct cz_io_object *object, int linger_ms)
{
    struct cz_session *session = session_of(object);
    bool may_redial =
        object->tenant->is_closing || /* then it is zmq_close that ends it */
        !(session->options->reconnect_stop & 4 /* AFTER_DISCONNECT */);

    if (!session->is_stopping)
        cz_session_wind_up(session, linger_ms);
    else if (object->tenant->is_closing)
        session_hurry(session, linger_ms);
    if (may_redial || !object->is_living)
        return;
    session->has_given_up = true;
    if (!session->engine && !session->handshake)
        session_end(session);
}

static void session_destroy(struct cz_io_object *object)
{
    struct cz_session *session = session_of(object);

    if (session->connecter)
        cz_connecter_destroy(session->connecter);
    if (session->accepted_fd >= 0)
        cz_sock_close(session->accepted_fd);
    cz_options_unref(session->options);
    cz_free(session->peer);
    cz_free(session->endpoint);
    cz_free(session);
}

/* ---- the course of a connection ------------------------------------- */

/* After a connection is gone: dial again, or end. */
static void session_after_loss(struct cz_session *session, bool is_fatal)
{
    cz_free(session->peer);
    session->peer = NULL;
    if (!session->connecter) {
        session_end(session);
        return;
    }
    if (session->pipe) {
        cz_stream_rollback(session->pipe->out);
        cz_pipe_drop_partial(session->pipe);
        /* The engine may have rested before it told of what has gone. What a
         * swap has may come again. */
        if (!cz_stream_detour(session->pipe->in))
            cz_pipe_give_credit(session->pipe);
        cz_session_drop_subscriptions(session);
    }
    if (is_fatal)
        session->has_given_up = true;
    /* Raw bytes are of no use to another connection. */
    if (session->is_stopping &&
        (session->has_given_up || !session->pipe || session->options->is_raw ||
         !cz_stream_has_data(session->pipe->in)))
        session_end(session);
    else if (!session->has_given_up && !cz_connecter_retry(session->connecter))
        session_end(session);
    else if (session->options->immediate && !session->is_stopping)
        session_drop_pipe(session);
}

/* A connection is ready for messages: gives it a pipe, unless it has one, and
 * an engine. */
static int session_open_engine(struct cz_session *session,
                               const struct cz_handshake_result *result)
{
    int rc;

    if (session->pipe) {
        /* It outlives its connections: the socket learns of each new one. */
        cz_session_drop_subscriptions(session);
        if (result->metadata)
            cz_metadata_ref(result->metadata, 1);
        rc = cz_pipe_write_metadata(session->pipe, result->metadata);
    } else {
        rc = cz_session_open_pipe(session, result->metadata);
    }
    if (rc != 0)
        return rc;
    session->was_connected = true;
    return cz_engine_create(session, result, &session->engine);
}

static void session_take_connection(struct cz_session *session,
                                    const struct cz_handshake_result *result)
{
    if (session_open_engine(session, result) == 0) {
        /* Not before: who hears of it may rely on the socket having the
         * pipe. */
        if (!result->is_raw)
            cz_session_tell(session, CZ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        cz_engine_start(session->engine);
        return;
    }
    if (result->poll_id)
        cz_io_unwatch(session->object.tenant->io, result->poll_id);
    cz_sock_close(result->fd);
    cz_free(result->rest);
    if (result->metadata)
        cz_metadata_unref(result->metadata, 1);
    cz_session_tell(session, CZ_EVENT_DISCONNECTED, (uint32_t)result->fd);
    session_after_loss(session, false);
}

/* No ZMTP: there is nothing to wait for. */
static int session_begin_raw(struct cz_session *session, int fd)
{
    struct cz_handshake_result result = {.fd = fd, .is_raw = true};
    char address[CZ_ADDR_TEXT_MAX];
    struct cz_metadata_item item = {"Peer-Address", strlen("Peer-Address"),
                                    address, 0};

    session->transport->peer_text(fd, address);
    item.value_size = strlen(address);
    result.metadata = cz_metadata_create(&item, 1, address[0] ? fd : -1);
    if (!result.metadata)
        return -ENOMEM;
    session_take_connection(session, &result);
    return 0;
}

/* May end the session, like the above. */
static int session_begin_handshake(struct cz_session *session, int fd)
{
    int rc = cz_handshake_create(session, fd, &session->handshake);

    if (rc == 0)
        cz_handshake_start(session->handshake);
    return rc;
}

/* Without memory the log does without. */
static void session_note_peer(struct cz_session *session, int fd)
{
    char address[CZ_ADDR_TEXT_MAX];

    if (!cz_log_is_heard(&session->object.tenant->ctx->log))
        return;
    session->transport->peer_text(fd, address);
    session->peer = address[0] ? cz_strdup(address) : NULL;
}

void cz_session_tell_full(struct cz_session *session)
{
    const struct cz_log_event event = {
        .topic = "hwm.reached",
        .account = cz_monitor_account(session->object.tenant->monitor),
        .endpoint = session->endpoint,
        .peer = session->peer,
        .reason = "receiving",
        .number_name = "hwm",
        .number = (uint64_t)session->options->rcvhwm,
    };

    if (cz_log_is_heard(&session->object.tenant->ctx->log) &&
        cz_log_may_tell(&session->full_told_us))
        cz_log_tell(&session->object.tenant->ctx->log, &event);
}

static void session_begin(struct cz_session *session, int fd)
{
    int rc;

    session_note_peer(session, fd);
    rc = session->options->is_raw ? session_begin_raw(session, fd)
                                  : session_begin_handshake(session, fd);
    if (rc == 0)
        return;
    cz_sock_close(fd);
    cz_session_tell(session, CZ_EVENT_DISCONNECTED, (uint32_t)fd);
    session_after_loss(session, false);
}

void cz_session_on_connected(struct cz_session *session, int fd)
{
    session_begin(session, fd);
}

void cz_session_on_given_up(struct cz_session *session)
{
    session->has_given_up = true;
    if (session->is_stopping)
        session_end(session);
}

void cz_session_on_handshake(struct cz_session *session,
                             const struct cz_handshake_result *result)
{
    session->handshake = NULL;
    session_take_connection(session, result);
}

void cz_session_on_handshake_failed(struct cz_session *session,
                                    enum cz_event event, uint32_t value,
                                    bool is_fatal)
{
    int fd = cz_handshake_fd(session->handshake);

    cz_session_tell(session, event ? event : CZ_EVENT_HANDSHAKE_BROKEN_OFF,
                    value);
    session_drop_connection(session);
    cz_session_tell(session, CZ_EVENT_DISCONNECTED, (uint32_t)fd);
    if (session->options->reconnect_stop & 2 /* HANDSHAKE_FAILED */)
        is_fatal = true;
    session_after_loss(session, is_fatal);
}

void cz_session_on_engine_failed(struct cz_session *session, bool is_fatal)
{
    int fd = cz_engine_fd(session->engine);

    cz_engine_take_leave(session->engine);
    session_drop_connection(session);
    cz_session_tell(session, CZ_EVENT_DISCONNECTED, (uint32_t)fd);
    session_after_loss(session, is_fatal);
}

void cz_session_on_drained(struct cz_session *session)
{
    if (session->is_stopping)
        session_end(session);
}

/* ---- beginning ------------------------------------------------------ */

static void session_start(struct cz_io_object *object)
{
    struct cz_session *session = session_of(object);
    int fd = session->accepted_fd;

    session->accepted_fd = -1;
    if (session->connecter)
        cz_connecter_start(session->connecter);
    else
        session_begin(session, fd);
}

static const struct cz_io_object_ops session_ops = {
    .start = session_start,
    .stop = session_stop,
    .destroy = session_destroy,
};

static struct cz_session *
session_create(struct cz_tenant *tenant, struct cz_options *options,
               const struct cz_stream_transport *transport,
               const char *endpoint, uint32_t refs)
{
    struct cz_session *session = cz_zalloc(sizeof *session);

    if (!session)
        return NULL;
    session->endpoint = cz_strdup(endpoint);
    if (!session->endpoint) {
        cz_free(session);
        return NULL;
    }
    cz_io_object_init(&session->object, tenant, &session_ops, refs);
    session->linger.on_expire = session_on_linger;
    session->options = cz_options_ref(options);
    session->transport = transport;
    session->accepted_fd = -1;
    return session;
}

int cz_session_accept(struct cz_tenant *tenant, struct cz_options *options,
                      const struct cz_stream_transport *transport, int fd,
                      const char *endpoint)
{
    struct cz_session *session =
        session_create(tenant, options, transport, endpoint, 1);

    if (!session)
        return -ENOMEM;
    session->accepted_fd = fd;
    cz_io_object_post_start(&session->object);
    return 0;
}

struct cz_session *
cz_session_create(struct cz_tenant *tenant, struct cz_options *options,
                  const struct cz_stream_transport *transport,
                  const char *endpoint, const char *address)
{
    struct cz_session *session =
        session_create(tenant, options, transport, endpoint, 2);

    if (!session)
        return NULL;
    session->connecter = cz_connecter_create(session, address);
    if (session->connecter)
        return session;
    cz_io_object_unref(&session->object);
    cz_io_object_unref(&session->object);
    return NULL;
}
