/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sessions: one peer over a stream transport, whatever happens to the
 * connection. A session binds an engine to a pipe.
 *
 *   accepted    handshake ──▶ pipe made, engine ──▶ connection lost: the end
 *
 *   connecting  ┌─▶ dialling ──▶ handshake ──▶ engine ──┐   the pipe stays;
 *               └────────── after a while ◀─────────────┘   with IMMEDIATE it
 *                                                           goes and comes
 *
 * When the socket closes its end of the pipe, the session goes on until what
 * is left in it has been sent, or until the linger time is over, or until
 * there is nobody left to send it to.
 *
 * A connecting session that may not dial again after its connection was lost
 * ends, and takes its endpoint with it. One whose first attempt failed, or
 * whose peer broke the protocol, stays as it is until the socket ends it.
 *
 * Thread: with the helm. Owns: its end of the pipe, and the dialling, the
 * handshake or the engine of the moment.
 */
#ifndef CZ_NET_SESSION_H
#define CZ_NET_SESSION_H

#include "base/compiler.h"
#include "core/monitor.h"
#include "core/options.h"
#include "core/pipe.h"
#include "core/stats.h"
#include "core/tenant.h"
#include "net/stream_transport.h"
#include "reactor/poller.h"
#include "reactor/timers.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_connecter;
struct cz_engine;
struct cz_handshake;
struct cz_metadata;

struct cz_session {
    struct cz_io_object object;
    struct cz_options *options;
    const struct cz_stream_transport *transport;
    char *endpoint; /* for events: ours if accepted, the peer's if connecting */
    char *peer;     /* for the log, while it is heard: the address, or NULL */
    uint64_t full_told_us; /* when the log was told that the pipe is full */
    struct cz_pipe_end *pipe;
    struct cz_connecter *connecter; /* NULL if accepted */
    struct cz_handshake *handshake;
    struct cz_engine *engine;
    struct cz_timer linger;
    struct cz_leftover leftover; /* while it winds up */
    int accepted_fd;             /* until it starts; then -1 */
    bool was_connected;          /* the socket has been introduced to a peer */
    bool is_stopping;
    bool has_given_up; /* there will be no other connection */
};

/* What a handshake has found out. */
struct cz_handshake_result {
    int fd;
    cz_poll_id poll_id;           /* watched for reading; 0 = not yet */
    bool is_raw;                  /* no ZMTP at all */
    bool has_old_frames;          /* ZMTP 1.0 frames */
    bool has_phantom;             /* ZMTP 1.0: subscribes to everything */
    bool has_commands;            /* ZMTP 3.x */
    bool has_subscriptions;       /* as commands: ZMTP 3.1 */
    uint8_t *rest;                /* bytes that came behind it, or NULL; */
    size_t rest_size;             /* the engine frees them */
    struct cz_metadata *metadata; /* one reference, or NULL */
};

/* Begins with a connection that was accepted, on the I/O thread of `tenant`,
 * which need not be the caller's. On success the descriptor is the session's.
 * 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_session_accept(struct cz_tenant *tenant,
                                    struct cz_options *options,
                                    const struct cz_stream_transport *transport,
                                    int fd, const char *endpoint);

/* For a connecting endpoint, made on the socket's thread; begins to dial
 * after cz_io_object_post_start. NULL = no memory. */
struct cz_session *
cz_session_create(struct cz_tenant *tenant, struct cz_options *options,
                  const struct cz_stream_transport *transport,
                  const char *endpoint, const char *address);

/* The events for the session's end of its pipe. */
extern const struct cz_pipe_events cz_session_pipe_events;

/* A pipe between the socket of this tenant, ends[0], and a session, ends[1],
 * with neither end owned. 0 or -errno. */
CZ_MUST_CHECK int cz_session_make_pipe(const struct cz_session *session,
                                       struct cz_pipe **pipe);

/* ---- among its files ------------------------------------------------ */

/* Goes on only until everything is sent, and no longer than linger_ms. May end
 * the session. */
void cz_session_wind_up(struct cz_session *session, int linger_ms);

/* Makes the pipe of a connection and hands the other end to the socket. 0,
 * -ENOMEM, or -EPIPE: the socket is closing. */
CZ_MUST_CHECK int cz_session_open_pipe(struct cz_session *session,
                                       struct cz_metadata *peer);

/* Subscriptions are changes of a set, of which each new connection, but for
 * the first, is told the whole. So what was not sent before is of no use; nor
 * may it pile up while there is no connection. */
void cz_session_drop_subscriptions(struct cz_session *session);

/* ---- from its parts; each may end the part that calls --------------- */

/* Dialling has succeeded; or it has failed, and there is no other attempt. */
void cz_session_on_connected(struct cz_session *session, int fd);
void cz_session_on_given_up(struct cz_session *session);

/* The handshake has ended well; the result's contents are the session's. */
void cz_session_on_handshake(struct cz_session *session,
                             const struct cz_handshake_result *result);

/* It has not. `event` 0 = none but DISCONNECTED. */
void cz_session_on_handshake_failed(struct cz_session *session,
                                    enum cz_event event, uint32_t value,
                                    bool is_fatal);

/* The engine's connection is lost, or was ended for what came over it. */
void cz_session_on_engine_failed(struct cz_session *session, bool is_fatal);

/* The engine has written everything that there was. */
void cz_session_on_drained(struct cz_session *session);

static inline void cz_session_tell(struct cz_session *session,
                                   enum cz_event event, uint32_t value)
{
    cz_monitor_tell(session->object.tenant->monitor, event, value,
                    session->endpoint, session->peer);
}

/* A peer sends more than its pipe takes, and is left to wait. */
void cz_session_tell_full(struct cz_session *session);

#endif
