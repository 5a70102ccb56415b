/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Engines: from the pipe to the descriptor.
 *
 * What lies in the pipe is what goes on the wire, so writing is one system
 * call for all that is there. Our own frames (PING, PONG) go between two
 * batches, which is always between two frames.
 *
 * Thread: with the helm.
 */
#include "net/engine.h"
#include "net/engine_state.h"
#include "os/socket.h"

#include <errno.h>
#include <string.h>

enum {
    PIECES_MAX = 64,
    WRITE_MAX = 262144,
    /* After sending so many messages at once there are probably more in a
     * moment: rest, and let them gather, instead of being woken for each. */
    NAP_MIN = 32,
    NAP_MIN_BYTES = 32768,
    /* Then others come first: who waits for the helm, other connections. */
    TURN_BYTES = 4194304,
    /* After so many the sender is told, whatever its mark: by half of a
     * thousand messages it would make room for more than any pool keeps
     * warm. */
    CREDIT_BYTES = 1048576,
    /* Before the end, see engine_must_stay. */
    LOOK_MS = 1,
    STUCK_US_MAX = 500000,
};

static void engine_block(struct cz_engine *e)
{
    e->out.is_blocked = true;
    e->io->blocked_writers++;
    cz_engine_set_interest(e, e->interest | CZ_POLL_OUT);
}

/* The far end takes no more. What it said before is still to be read, so the
 * end of the connection is left to the reading side; unless nobody reads. */
static bool engine_break(struct cz_engine *e)
{
    e->out.is_broken = true;
    if (!e->session->is_stopping)
        return cz_engine_hear_out(e);
    cz_session_on_engine_failed(e->session, false);
    return false;
}

/* There is no memory to send what has been taken from the pipe. The rest goes
 * over another connection. */
static bool engine_starve(struct cz_engine *e)
{
    cz_session_on_engine_failed(e->session, false);
    return false;
}

/* ---- our own frames ------------------------------------------------- */

static void engine_put_control(struct cz_engine *e, const uint8_t *body,
                               size_t size)
{
    uint8_t *to = e->out.control + e->out.control_size;
    size_t header = cz_frame_put_header(to, CZ_FRAME_COMMAND, size);

    memcpy(to + header, body, size);
    e->out.control_size += (uint8_t)(header + size);
}

static void engine_compose_control(struct cz_engine *e)
{
    uint8_t body[CZ_PING_SIZE_MAX];

    e->out.control_size = e->out.control_sent = 0;
    if (e->out.has_ping) {
        int ttl_ms = e->session->options->heartbeat_ttl_ms;

        engine_put_control(e, body,
                           cz_command_build_ping(body, sizeof body,
                                                 (uint16_t)(ttl_ms / 100),
                                                 cz_span(NULL, 0)));
    }
    if (e->out.has_pong)
        engine_put_control(e, body,
                           cz_command_build_pong(
                               body, sizeof body,
                               cz_span(e->out.pong_context, e->out.pong_size)));
    e->out.has_ping = e->out.has_pong = false;
}

/* How many of these bytes have gone; -1: broken. */
static ssize_t engine_push(struct cz_engine *e, const uint8_t *bytes,
                           size_t size)
{
    ssize_t n = cz_sock_write(e->fd, bytes, size);

    if (n == -EAGAIN)
        return 0;
    return n < 0 ? -1 : n;
}

/* At a border between frames. 1: go on; 0: blocked; -1: broken. */
static int engine_write_control(struct cz_engine *e)
{
    size_t left;
    ssize_t n;

    if (e->out.control_sent == e->out.control_size) {
        if (!e->out.has_ping && !e->out.has_pong)
            return 1;
        engine_compose_control(e);
    }
    left = (size_t)(e->out.control_size - e->out.control_sent);
    n = engine_push(e, e->out.control + e->out.control_sent, left);
    if (n < 0)
        return -1;
    e->out.control_sent += (uint8_t)n;
    return (size_t)n == left;
}

/* ---- what is in the pipe -------------------------------------------- */

/* Cuts what was gathered to the batch that has been begun, if a frame of our
 * own waits for its end. */
static size_t engine_limit(const struct cz_engine *e, struct iovec *pieces,
                           int *count)
{
    bool has_control = e->out.has_ping || e->out.has_pong;
    size_t limit =
        has_control && e->out.batch_left ? e->out.batch_left : SIZE_MAX;
    size_t total = 0;

    for (int i = 0; i < *count; i++) {
        if (pieces[i].iov_len >= limit - total) {
            pieces[i].iov_len = limit - total;
            *count = i + 1;
            return limit;
        }
        total += pieces[i].iov_len;
    }
    return total;
}

/* So many bytes have gone; is_due: and so many messages that the sender is to
 * be told. */
static void engine_credit(struct cz_engine *e, size_t sent, bool is_due)
{
    e->out.sent += sent;
    e->out.uncredited += sent;
    if (!is_due && e->out.uncredited < CREDIT_BYTES)
        return;
    e->out.uncredited = 0;
    cz_pipe_give_credit(e->pipe);
}

/* Is this the thread that fills the pipe, and has it done so? */
static bool engine_is_writers(const struct cz_engine *e)
{
    /* Relaxed: it does not change any more. */
    return cz_io_is_guest(e->io, atomic_load_explicit(&e->pipe->peer->home,
                                                      memory_order_relaxed));
}

static int engine_gather(struct cz_engine *e, struct iovec pieces[PIECES_MAX])
{
    struct cz_stream *in = e->pipe->in;
    int count;

    in->r.is_writers = engine_is_writers(e);
    count = cz_stream_gather(in, pieces, PIECES_MAX, WRITE_MAX);
    in->r.is_writers = false;
    return count;
}

/* One system call. 1: go on; 0: blocked; -1: broken; 2: nothing is left; -2: no
 * memory. */
static int engine_write_batch(struct cz_engine *e)
{
    struct iovec pieces[PIECES_MAX];
    int count = engine_gather(e, pieces);
    size_t total;
    ssize_t n;

    if (count == 0) {
        cz_pipe_ran_dry(e->pipe);
        return e->pipe->in->r.is_starved ? -2 : 2;
    }
    total = engine_limit(e, pieces, &count);
    n = count == 1 ? cz_sock_write(e->fd, pieces[0].iov_base, total)
                   : cz_sock_writev(e->fd, pieces, count);
    if (n == -EAGAIN)
        n = 0;
    if (n < 0)
        return -1;
    e->out.batch_left = total - (size_t)n;
    cz_io_sweep_later(e->io, &e->sweeper);
    if (n > 0)
        engine_credit(e, (size_t)n, cz_stream_sent(e->pipe->in, (size_t)n));
    if (CZ_UNLIKELY(cz_stream_detour(e->pipe->in) != NULL) && n > 0)
        cz_pipe_acknowledge(e->pipe);
    return e->out.batch_left == 0;
}

/* ---- what is encoded ------------------------------------------------ */

static int engine_write_encoded(struct cz_engine *e)
{
    ssize_t n;
    int rc = 1;

    if (e->out.batch_left == 0)
        rc = cz_engine_encode(e);
    if (rc <= 0)
        return rc < 0 ? -2 : 2;
    n = engine_push(e, e->out.encoded + e->out.encoded_size - e->out.batch_left,
                    e->out.batch_left);
    if (n < 0)
        return -1;
    e->out.batch_left -= (size_t)n;
    cz_io_sweep_later(e->io, &e->sweeper);
    engine_credit(e, (size_t)n, false); /* reading has told of messages */
    return e->out.batch_left == 0;
}

/* ---- all of it ------------------------------------------------------ */

/* To close a descriptor with something unread, or that something still comes
 * for, makes the kernel reset the connection, and what it has not sent is lost:
 * all but ten segments, if the peer is slow to acknowledge those. So that goes
 * first, as long as any of it does; a peer that takes nothing keeps nobody from
 * his end for long. */
static bool engine_must_stay(struct cz_engine *e)
{
    size_t unsent = cz_sock_unsent(e->fd);

    if (unsent == 0)
        return false;
    if (e->farewell.unsent == 0 || unsent < e->farewell.unsent)
        e->farewell.stuck_at_us = e->io->now_us;
    e->farewell.unsent = unsent;
    if (e->io->now_us - e->farewell.stuck_at_us > STUCK_US_MAX)
        return false;
    cz_engine_start_timer(e, &e->farewell.look, LOOK_MS);
    return true;
}

static bool engine_drained(struct cz_engine *e)
{
    if (!e->session->is_stopping)
        return true;
    cz_engine_discard_input(e);
    if (engine_must_stay(e))
        return true;
    cz_session_on_drained(e->session);
    return false;
}

/* More is to be written, or will be in a moment, but not now. */
static bool engine_pauses(struct cz_engine *e, uint32_t consumed_before)
{
    struct cz_stream *in = e->pipe->in;

    if (e->session->is_stopping)
        return false;
    if (!engine_is_writers(e) &&
        (in->r.consumed - consumed_before >= NAP_MIN ||
         e->out.sent >= NAP_MIN_BYTES) &&
        !cz_stream_has_more(in)) {
        cz_io_nap(e->io, &e->out.napper);
        return true;
    }
    if (e->out.sent < TURN_BYTES)
        return false;
    cz_io_rest(e->io, &e->out.napper, 0);
    return true;
}

bool cz_engine_write(struct cz_engine *e)
{
    uint32_t consumed = e->pipe->in->r.consumed;
    int step = 1;

    e->out.sent = 0;

    if (e->out.is_broken)
        return engine_break(e);
    if (e->out.is_blocked)
        return true;
    while (step == 1) {
        if (e->out.batch_left == 0)
            step = engine_write_control(e);
        if (step == 1)
            step = e->codec->put_header ? engine_write_encoded(e)
                                        : engine_write_batch(e);
        if (step == 1 && engine_pauses(e, consumed))
            return true;
    }
    if (step == 0)
        engine_block(e);
    else if (step == -1)
        return engine_break(e);
    else if (step == -2)
        return engine_starve(e);
    else
        return engine_drained(e);
    return true;
}
