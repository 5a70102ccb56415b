/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Engines: from the descriptor to the pipe.
 *
 * Everything is read into the I/O thread's arrival chunk, so that an idle
 * connection owns no buffer. What came is looked through once and goes into
 * the pipe in one piece: copied if it is little, else the chunk itself goes
 * and the I/O thread takes another. For large frames see engine_large.c.
 *
 * Thread: with the helm.
 */
#include "base/alloc.h"
#include "net/engine.h"
#include "net/engine_state.h"
#include "os/socket.h"
#include "wire/frame_scan.h"

#include <errno.h>
#include <string.h>

enum {
    /* From here on, handing over the chunk beats copying what is in it. */
    HAND_OVER_MIN = 8192,
    /* Reads in one go, before others get their turn. */
    READS_MAX = 8,
    COMMAND_MAX = 65536,
};

bool cz_engine_fail(struct cz_engine *e, bool is_fatal)
{
    cz_session_on_engine_failed(e->session, is_fatal);
    return false;
}

bool cz_engine_starve(struct cz_engine *e)
{
    return cz_engine_fail(e, false);
}

bool cz_engine_carry(struct cz_engine *e, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return true;
    e->in.carry = cz_memdup(bytes, size);
    if (!e->in.carry)
        return cz_engine_starve(e);
    e->in.carry_size = size;
    return true;
}

bool cz_engine_grow_message(struct cz_engine *e, uint64_t size)
{
    int64_t size_max = e->session->options->maxpartssize;

    e->in.unfinished += size;
    if (size_max < 0 || e->in.unfinished <= (uint64_t)size_max)
        return true;
    return cz_engine_fail(e, true);
}

/* ---- one frame ------------------------------------------------------ */

bool cz_engine_deliver_frame(struct cz_engine *e, const struct cz_frame *frame)
{
    /* The socket is closed: nobody will read this. */
    if (e->session->is_stopping) {
        cz_frame_drop(frame);
        return true;
    }
    if ((e->pipe->out->is_conflating
             ? cz_pipe_write(e->pipe, frame)
             : cz_pipe_write_beyond(e->pipe, frame)) != 0)
        return cz_engine_starve(e);
    return true;
}

/* Of several frames a conflating pipe keeps the last one. */
static bool engine_deliver_last(struct cz_engine *e, const uint8_t *at,
                                size_t size)
{
    struct cz_frame frame = {0};

    while (size > 0) {
        uint64_t body;
        size_t header = cz_frame_get_header(at, size, &frame.flags, &body);

        frame.data = at + header;
        frame.size = body;
        at += header + body;
        size -= header + body;
    }
    return cz_engine_deliver_frame(e, &frame);
}

/* ---- commands ------------------------------------------------------- */

static void engine_on_ping(struct cz_engine *e,
                           const struct cz_zmtp_command *ping)
{
    if (ping->ttl_ds > 0)
        cz_engine_start_timer(e, &e->heartbeat.ttl,
                              (uint64_t)ping->ttl_ds * 100);
    e->out.has_pong = true;
    e->out.pong_size = (uint8_t)ping->data.size;
    cz_span_copy(e->out.pong_context, ping->data);
}

/* Publishers are told of subscriptions, in their order among the messages. */
static bool engine_on_subscription(struct cz_engine *e,
                                   const struct cz_frame *frame)
{
    if (!cz_engine_publishes(e) || e->in.is_in_message)
        return true;
    if (frame->buffer)
        cz_buffer_ref(frame->buffer);
    if (cz_engine_deliver_frame(e, frame))
        return true;
    cz_frame_drop(frame);
    return false;
}

/* Everything else is a sign of life and nothing more (wire.md 4). */
bool cz_engine_on_command(struct cz_engine *e, const struct cz_frame *frame)
{
    struct cz_zmtp_command command;

    if (!e->has_commands)
        return true;
    switch (cz_command_parse(frame->data, frame->size, &command)) {
    case CZ_COMMAND_PING:
        engine_on_ping(e, &command);
        return true;
    case CZ_COMMAND_SUBSCRIBE:
    case CZ_COMMAND_CANCEL:
        return engine_on_subscription(e, frame);
    default:
        return true;
    }
}

/* ---- what was read -------------------------------------------------- */

/* Hands frames to the pipe. `may_hand_over`: nothing after them in the
 * arrival chunk is needed any more. */
static bool engine_deliver(struct cz_engine *e,
                           const struct cz_frame_scan *scan, uint8_t *at,
                           bool may_hand_over)
{
    struct cz_stream *out = e->pipe->out;
    struct cz_chunk *arrival = e->io->arrival;
    bool must_wake;

    e->in.habit = 0; /* of large frames alone */
    /* The socket is closed: nobody will read this. */
    if (e->session->is_stopping)
        return true;
    if (out->is_conflating)
        return engine_deliver_last(e, at, scan->end);
    /* Who is too far ahead gets no memory to copy it either. */
    if (may_hand_over && scan->end >= HAND_OVER_MIN && arrival &&
        at >= arrival->bytes && at < arrival->bytes + CZ_ARRIVAL_SIZE &&
        !cz_stream_is_too_far_ahead(out)) {
        cz_io_take_arrival(e->io);
        must_wake =
            cz_stream_write_chunk(out, arrival, (uint32_t)(at - arrival->bytes),
                                  scan->complete, scan->end, scan->messages);
    } else if (cz_stream_write_run(out, at, scan->complete, scan->end,
                                   scan->messages, &must_wake) != 0) {
        return cz_engine_starve(e);
    }
    if (must_wake)
        cz_pipe_wake_reader(e->pipe);
    return true;
}

/* A command begins, which may not be all there yet. Topics may be of any size
 * that messages may have, so to a publisher it is like one. The bytes used; 0:
 * wait for the rest; -1: the engine has ended. */
static ssize_t engine_take_command(struct cz_engine *e,
                                   const struct cz_frame_scan *scan,
                                   const uint8_t *at, size_t size)
{
    const struct cz_frame frame = {
        .data = at + scan->header,
        .size = scan->body,
        .flags = CZ_FRAME_COMMAND,
    };
    size_t used = scan->header + scan->body;

    if (cz_engine_publishes(e) && scan->body >= CZ_REF_MIN) {
        used = cz_engine_begin_large(e, scan, at, size);
        return used > 0 ? (ssize_t)used : -1;
    }
    if (scan->body > COMMAND_MAX) {
        (void)cz_engine_fail(e, true);
        return -1;
    }
    if (used > size)
        return cz_engine_carry(e, at, size) ? 0 : -1;
    return cz_engine_on_command(e, &frame) ? (ssize_t)used : -1;
}

bool cz_engine_decode_plain(struct cz_engine *e, uint8_t *at, size_t size)
{
    int64_t size_max = e->session->options->maxmsgsize;
    struct cz_frame_scan scan;

    for (;;) {
        enum cz_scan_stop stop;
        ssize_t used;

        scan.is_in_message = e->in.is_in_message;
        stop = cz_frame_scan(&scan, at, size, size_max);
        /* First the rest, then the frames: with them the chunk may go. */
        if (stop == CZ_SCAN_MORE &&
            !cz_engine_carry(e, at + scan.end, size - scan.end))
            return false;
        if (scan.end > 0 && !engine_deliver(e, &scan, at, stop == CZ_SCAN_MORE))
            return false;
        e->in.is_in_message = scan.is_in_message;
        if (scan.messages > 0)
            e->in.unfinished = 0;
        if (!cz_engine_grow_message(e, scan.end - scan.complete))
            return false;
        at += scan.end;
        size -= scan.end;
        switch (stop) {
        case CZ_SCAN_MORE:
            return true;
        case CZ_SCAN_COMMAND:
            used = engine_take_command(e, &scan, at, size);
            if (used <= 0)
                return used == 0;
            break;
        case CZ_SCAN_LARGE:
            used = (ssize_t)cz_engine_begin_large(e, &scan, at, size);
            if (used == 0)
                return false;
            break;
        default:
            return cz_engine_fail(e, true);
        }
        at += used;
        size -= (size_t)used;
    }
}

/* ---- reading -------------------------------------------------------- */

/* Puts what was carried over into the arrival chunk, and says where to read.
 * NULL: no memory. */
static uint8_t *engine_prepare(struct cz_engine *e, size_t *room)
{
    struct cz_chunk *arrival = cz_io_arrival(e->io);

    if (!arrival)
        return NULL;
    if (e->in.carry_size)
        memcpy(arrival->bytes, e->in.carry, e->in.carry_size);
    *room = CZ_ARRIVAL_SIZE - e->in.carry_size;
    return arrival->bytes + e->in.carry_size;
}

void cz_engine_on_life(struct cz_engine *e)
{
    cz_io_cancel_timer(e->io, &e->heartbeat.timeout);
    cz_io_cancel_timer(e->io, &e->heartbeat.ttl);
    cz_io_sweep_later(e->io, &e->sweeper);
}

bool cz_engine_take(struct cz_engine *e, uint8_t *at, size_t got)
{
    size_t carried = e->in.carry_size;

    cz_free(e->in.carry);
    e->in.carry = NULL;
    e->in.carry_size = 0;
    return e->codec->decode(e, at - carried, got + carried);
}

/* One read. False: the engine has ended. */
static bool engine_read_once(struct cz_engine *e, bool *may_go_on)
{
    size_t room;
    uint8_t *to = engine_prepare(e, &room);
    ssize_t got;

    if (!to)
        return cz_engine_starve(e);
    if (cz_engine_expects_large(e))
        return cz_engine_read_large(e, to, room, may_go_on);
    got = cz_sock_read(e->fd, to, room);
    *may_go_on = got == (ssize_t)room;
    if (got == -EAGAIN)
        return true;
    if (got <= 0)
        return cz_engine_fail(e, false);
    cz_engine_on_life(e);
    return cz_engine_take(e, to, (size_t)got);
}

/* The pipe is full: leave the rest to the kernel until it is not. */
static bool engine_must_stop(struct cz_engine *e)
{
    if (e->in.large || e->in.is_last || e->session->is_stopping ||
        cz_pipe_is_writable(e->pipe))
        return false;
    /* The interest stays until something comes: most often there is room
     * again before that, and two system calls are saved. */
    e->in.is_stopped = true;
    cz_session_tell_full(e->session);
    return true;
}

bool cz_engine_read(struct cz_engine *e)
{
    bool may_go_on = true;

    if (e->in.is_stopped)
        cz_engine_set_interest(e, e->interest & ~CZ_POLL_IN);
    for (int i = 0; i < READS_MAX && may_go_on; i++) {
        if (e->in.is_stopped || engine_must_stop(e))
            break;
        if (!engine_read_once(e, &may_go_on))
            return false;
    }
    return !e->out.has_pong || cz_engine_write(e);
}

void cz_engine_discard_input(struct cz_engine *e)
{
    struct cz_chunk *arrival = cz_io_arrival(e->io);

    for (int i = 0; arrival && i < READS_MAX; i++)
        if (cz_sock_read(e->fd, arrival->bytes, CZ_ARRIVAL_SIZE) <= 0)
            return;
}

void cz_engine_resume(struct cz_engine *e)
{
    if (!e->in.is_stopped)
        return;
    e->in.is_stopped = false;
    /* In a busy stream one read fills the pipe again. Then this comes again,
     * too, and the reactor need not be told of what it would only be told to
     * forget, nor the I/O thread wake to find no room. Who has stopped does not
     * look again: that would take back what this comes for. */
    if (cz_engine_read(e) && !e->in.is_stopped && !engine_must_stop(e))
        cz_engine_set_interest(e, e->interest | CZ_POLL_IN);
}
