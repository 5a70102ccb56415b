/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Engines: life, events, heartbeat (wire.md 7).
 *
 * Thread: with the helm. Owns: see net/engine.h.
 */
#include "net/engine.h"

#include "base/alloc.h"
#include "msg/metadata.h"
#include "net/engine_state.h"
#include "os/poll.h"
#include "os/socket.h"

#include <errno.h>

/* Of so many connections in a row is kept what goes beyond the mark, while
 * nobody reads. */
enum { HEARD_MAX = 16 };

int cz_engine_fd(const struct cz_engine *engine)
{
    return engine->fd;
}

void cz_engine_set_interest(struct cz_engine *e, unsigned interest)
{
    if (e->interest == interest)
        return;
    e->interest = interest;
    cz_io_set_interest(e->io, e->poll_id, interest);
}

static void engine_on_events(struct cz_poll_handler *handler, unsigned events)
{
    struct cz_engine *e = cz_container_of(handler, struct cz_engine, handler);
    bool can_write = events & CZ_POLL_OUT && e->out.is_blocked;

    if (events & (CZ_POLL_IN | CZ_POLL_ERR) && !cz_engine_read(e))
        return;
    if (!can_write)
        return;
    e->out.is_blocked = false;
    e->io->blocked_writers--;
    cz_engine_set_interest(e, e->interest & ~CZ_POLL_OUT);
    cz_engine_flush(e);
}

void cz_engine_flush(struct cz_engine *e)
{
    (void)!cz_engine_write(e);
}

void cz_engine_rest(struct cz_engine *e, uint32_t rest_us)
{
    cz_io_rest(e->io, &e->out.napper, rest_us);
}

/* Many a connection before this one has left something that nobody has read.
 * Of each it may be more than the pipe has room for; of all of them together,
 * it would fill the memory. */
static bool engine_is_unheard(struct cz_engine *e)
{
    return cz_pipe_unseen_notes(e->pipe) > HEARD_MAX &&
           !cz_pipe_is_writable(e->pipe);
}

/* When the far end has hung up, all that is still to come lies with the kernel,
 * and may go into the pipe whether or not that is full. Otherwise the end would
 * be noticed only when somebody reads, which may be just the thread that waits
 * to send. */
bool cz_engine_hear_out(struct cz_engine *e)
{
    struct pollfd fd = {.fd = e->fd, .events = POLLRDHUP};

    if (!e->in.is_last && cz_os_poll(&fd, 1, 0) <= 0)
        return true;
    if (engine_is_unheard(e))
        return cz_engine_fail(e, false);
    e->in.is_last = true;
    if (!e->in.is_stopped)
        return true;
    e->in.is_stopped = false;
    cz_engine_set_interest(e, e->interest | CZ_POLL_IN);
    return cz_engine_read(e);
}

/* ---- heartbeat ------------------------------------------------------ */

void cz_engine_start_timer(struct cz_engine *e, struct cz_timer *timer,
                           uint64_t delay_ms)
{
    if (!cz_timer_is_set(timer))
        cz_io_set_timer(e->io, timer, delay_ms * 1000);
}

static void engine_on_interval(struct cz_timer *timer)
{
    struct cz_engine *e =
        cz_container_of(timer, struct cz_engine, heartbeat.interval);
    const struct cz_options *o = e->session->options;
    int timeout_ms = o->heartbeat_timeout_ms >= 0 ? o->heartbeat_timeout_ms
                                                  : o->heartbeat_ivl_ms;

    cz_engine_start_timer(e, timer, (uint64_t)o->heartbeat_ivl_ms);
    if (timeout_ms > 0)
        cz_engine_start_timer(e, &e->heartbeat.timeout, (uint64_t)timeout_ms);
    e->out.has_ping = true;
    cz_engine_flush(e);
}

/* Nothing has come for too long; unless it is us who do not read, because the
 * pipe is full, or because this thread was held up. */
static void engine_on_silence(struct cz_engine *e)
{
    struct pollfd fd = {.fd = e->fd, .events = POLLIN};

    if (e->in.is_stopped)
        return;
    if (cz_os_poll(&fd, 1, 0) > 0)
        (void)!cz_engine_read(e);
    else
        cz_session_on_engine_failed(e->session, false);
}

static void engine_on_timeout(struct cz_timer *timer)
{
    engine_on_silence(
        cz_container_of(timer, struct cz_engine, heartbeat.timeout));
}

static void engine_on_ttl(struct cz_timer *timer)
{
    engine_on_silence(cz_container_of(timer, struct cz_engine, heartbeat.ttl));
}

/* ---- beginning and end ---------------------------------------------- */

static void engine_on_farewell(struct cz_timer *timer)
{
    cz_engine_flush(cz_container_of(timer, struct cz_engine, farewell.look));
}

static void engine_on_nap_end(struct cz_io_napper *napper)
{
    cz_engine_flush(cz_container_of(napper, struct cz_engine, out.napper));
}

static bool engine_on_sweep(struct cz_io_sweeper *sweeper)
{
    struct cz_engine *e = cz_container_of(sweeper, struct cz_engine, sweeper);

    if (e->out.batch_left == 0) {
        cz_free(e->out.encoded);
        e->out.encoded = NULL;
        e->out.encoded_capacity = 0;
    }
    /* A reader that naps has not said yet that it has read everything. */
    return cz_pipe_slim(e->pipe) && cz_list_is_empty(&e->out.napper.link);
}

int cz_engine_create(struct cz_session *session,
                     const struct cz_handshake_result *result,
                     struct cz_engine **out)
{
    struct cz_engine *e = cz_zalloc(sizeof *e);
    int rc = 0;

    if (!e)
        return -ENOMEM;
    e->session = session;
    e->io = session->object.tenant->io;
    e->pipe = session->pipe;
    e->fd = result->fd;
    e->has_commands = result->has_commands;
    e->has_phantom = result->has_phantom;
    e->has_subscriptions = result->has_subscriptions;
    cz_engine_choose_codec(e, result);
    e->handler.on_events = engine_on_events;
    e->out.napper.on_nap_end = engine_on_nap_end;
    cz_list_init(&e->out.napper.link);
    e->sweeper.on_sweep = engine_on_sweep;
    cz_list_init(&e->sweeper.link);
    e->farewell.look.on_expire = engine_on_farewell;
    e->heartbeat.interval.on_expire = engine_on_interval;
    e->heartbeat.timeout.on_expire = engine_on_timeout;
    e->heartbeat.ttl.on_expire = engine_on_ttl;
    e->interest = CZ_POLL_IN;
    e->poll_id = result->poll_id;
    if (e->poll_id)
        cz_io_hand_over(e->io, e->poll_id, &e->handler);
    else
        rc = cz_io_watch_fd(e->io, e->fd, &e->handler, CZ_POLL_IN, &e->poll_id);
    if (rc != 0) {
        cz_free(e);
        return rc;
    }
    if (result->metadata)
        cz_metadata_unref(result->metadata, 1);
    e->in.carry = result->rest;
    e->in.carry_size = result->rest_size;
    *out = e;
    return 0;
}

/* Peers of ZMTP 1.0 filter for themselves and do not say what they want. */
static bool engine_subscribe_phantom(struct cz_engine *e)
{
    uint8_t body[CZ_SUBSCRIBE_PREFIX_SIZE];
    const struct cz_frame frame = {
        .data = body,
        .size =
            cz_command_build_prefix(body, sizeof body, CZ_COMMAND_SUBSCRIBE),
        .flags = CZ_FRAME_COMMAND,
    };

    if (!e->has_phantom || !cz_engine_publishes(e))
        return true;
    return cz_engine_deliver_frame(e, &frame);
}

/* An empty message tells the owner of a connection that it stands, and
 * another one that it is gone. ROUTER without ZMTP is always told. */
static bool engine_notifies(const struct cz_engine *e, int what)
{
    const struct cz_options *o = e->session->options;

    return o->notify & what ||
           (o->is_raw && o->socket_type == CZ_SOCKET_ROUTER);
}

static bool engine_notify(struct cz_engine *e)
{
    const struct cz_frame frame = {.data = (const uint8_t *)""};

    return !engine_notifies(e, CZ_NOTIFY_CONNECT) ||
           cz_engine_deliver_frame(e, &frame);
}

void cz_engine_take_leave(struct cz_engine *e)
{
    const struct cz_frame frame = {.data = (const uint8_t *)""};

    if (!engine_notifies(e, CZ_NOTIFY_DISCONNECT) || e->session->is_stopping)
        return;
    cz_pipe_rollback(e->pipe);
    /* Without memory for it the closing of the pipe has to do. */
    (void)!cz_pipe_write_beyond(e->pipe, &frame);
}

void cz_engine_start(struct cz_engine *e)
{
    int interval_ms = e->session->options->heartbeat_ivl_ms;
    uint8_t *rest = e->in.carry;
    size_t rest_size = e->in.carry_size;
    bool is_alive;

    e->in.carry = NULL;
    e->in.carry_size = 0;
    if (interval_ms > 0 && e->has_commands)
        cz_engine_start_timer(e, &e->heartbeat.interval, (uint64_t)interval_ms);
    is_alive = engine_subscribe_phantom(e) && engine_notify(e);
    if (is_alive && rest && engine_is_unheard(e))
        is_alive = cz_engine_fail(e, false);
    else if (is_alive && rest)
        is_alive = e->codec->decode(e, rest, rest_size);
    cz_free(rest);
    if (is_alive)
        cz_engine_flush(e);
}

void cz_engine_destroy(struct cz_engine *e)
{
    cz_io_cancel_timer(e->io, &e->farewell.look);
    cz_io_cancel_timer(e->io, &e->heartbeat.interval);
    cz_io_cancel_timer(e->io, &e->heartbeat.timeout);
    cz_io_cancel_timer(e->io, &e->heartbeat.ttl);
    cz_list_remove(&e->out.napper.link);
    cz_list_remove(&e->sweeper.link);
    if (e->out.is_blocked)
        e->io->blocked_writers--;
    cz_io_unwatch(e->io, e->poll_id);
    cz_sock_close(e->fd);
    if (e->in.large)
        cz_buffer_unref(e->in.large);
    cz_free(e->in.carry);
    cz_free(e->out.encoded);
    cz_free(e);
}
