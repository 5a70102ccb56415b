/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Engines: large frames, each read into the memory that becomes its message.
 *
 * A read goes on behind the frame that is being received, so that a small one
 * needs no system call of its own; but what it brings of another large frame
 * lies in the arrival chunk and has to be copied. So it does not go far; and
 * after two large frames of one size the next ones are expected to be like
 * them, and have their memory before they are read:
 *
 *     rest of this body | header | body | header | body ... | header
 *
 * Where something else comes, it is put together in the arrival chunk.
 *
 * Thread: with the helm.
 */
#include "net/engine.h"
#include "net/engine_state.h"
#include "os/socket.h"

#include <errno.h>
#include <string.h>

enum {
    AHEAD_MAX = 8,
    /* What a copy may cost in place of a system call. */
    SPILL_MAX = 8192,
    /* So many of one size in turn are a habit. */
    HABIT = 2,
};

/* One read and where it goes. */
struct intake {
    struct iovec pieces[2 + 2 * AHEAD_MAX];
    int count;
    size_t size;
    /* The frames that are expected; they lie in the last pieces. */
    struct cz_buffer *ahead[AHEAD_MAX];
    uint8_t headers[AHEAD_MAX + 1][CZ_FRAME_HEADER_MAX];
    int ahead_count;
    int ahead_piece;
    uint8_t *spill;
};

/* ---- one frame ------------------------------------------------------ */

static bool engine_end_large(struct cz_engine *e)
{
    struct cz_frame frame = {
        .data = e->in.large->data,
        .size = e->in.large->size,
        .buffer = e->in.large,
        .flags = e->in.large_flags & (CZ_FRAME_MORE | CZ_FRAME_COMMAND),
    };

    if (frame.flags & CZ_FRAME_COMMAND) {
        if (!cz_engine_on_command(e, &frame))
            return false;
        cz_buffer_unref(e->in.large);
        e->in.large = NULL;
        return true;
    }
    if (!cz_engine_deliver_frame(e, &frame))
        return false;
    e->in.large = NULL;
    e->in.is_in_message = frame.flags & CZ_FRAME_MORE;
    if (!e->in.is_in_message)
        e->in.unfinished = 0;
    return true;
}

/* Counts those of one size; only where their headers are known beforehand. */
static void engine_note_large(struct cz_engine *e, uint8_t flags, size_t size)
{
    if (size != e->in.habit_size || flags & CZ_FRAME_COMMAND ||
        e->codec->decode != cz_engine_decode_plain)
        e->in.habit = 0;
    if (e->in.habit < HABIT)
        e->in.habit++;
    e->in.habit_size = size;
}

size_t cz_engine_begin_large(struct cz_engine *e,
                             const struct cz_frame_scan *scan,
                             const uint8_t *at, size_t size)
{
    size_t got = size - scan->header;

    if (got > scan->body)
        got = scan->body;
    if (!(scan->flags & CZ_FRAME_COMMAND) &&
        !cz_engine_grow_message(e, scan->body))
        return 0;
    e->in.large = cz_buffer_create(e->io->pool, scan->body);
    if (!e->in.large) {
        (void)cz_engine_starve(e);
        return 0;
    }
    e->in.large_flags = scan->flags;
    e->in.large_got = got;
    memcpy(e->in.large->data, at + scan->header, got);
    engine_note_large(e, scan->flags, scan->body);
    if (got == scan->body && !engine_end_large(e))
        return 0;
    return scan->header + got;
}

/* ---- planning a read ------------------------------------------------ */

bool cz_engine_expects_large(const struct cz_engine *e)
{
    return e->in.large || (e->in.habit == HABIT && e->in.carry_size == 0);
}

static void intake_add(struct intake *in, void *to, size_t size)
{
    in->pieces[in->count].iov_base = to;
    in->pieces[in->count].iov_len = size;
    in->count++;
    in->size += size;
}

/* As many as could be put together in the arrival chunk, and one header more:
 * a read that is not filled has emptied the descriptor. */
static void engine_look_ahead(struct cz_engine *e, struct intake *in,
                              size_t room)
{
    size_t body = e->in.habit_size;
    size_t whole = CZ_FRAME_HEADER_MAX + body;
    int i = 0;

    in->ahead_piece = in->count;
    for (; i < AHEAD_MAX && whole + CZ_FRAME_HEADER_MAX <= room; i++) {
        in->ahead[i] = cz_buffer_create(e->io->pool, body);
        if (!in->ahead[i])
            break;
        intake_add(in, in->headers[i], CZ_FRAME_HEADER_MAX);
        intake_add(in, in->ahead[i]->data, body);
        room -= whole;
    }
    in->ahead_count = i;
    intake_add(in, in->headers[i], CZ_FRAME_HEADER_MAX);
}

/* Will no more be taken than the frame that is being received? */
static bool engine_is_full(struct cz_engine *e)
{
    return !e->in.is_last && !e->session->is_stopping &&
           !cz_pipe_is_writable(e->pipe);
}

static void engine_plan(struct cz_engine *e, struct intake *in, uint8_t *to,
                        size_t room)
{
    in->count = in->ahead_count = in->ahead_piece = 0;
    in->size = 0;
    in->spill = to;
    if (e->in.large) {
        intake_add(in, e->in.large->data + e->in.large_got,
                   e->in.large->size - e->in.large_got);
        if (engine_is_full(e))
            return;
        in->ahead_piece = 1;
    }
    if (e->in.habit == HABIT)
        engine_look_ahead(e, in, room);
    else
        intake_add(in, to, SPILL_MAX);
}

/* ---- what was read -------------------------------------------------- */

static bool engine_fill_large(struct cz_engine *e, size_t *got)
{
    size_t missing = e->in.large->size - e->in.large_got;
    size_t part = *got < missing ? *got : missing;

    e->in.large_got += part;
    *got -= part;
    return part < missing || engine_end_large(e);
}

/* The header of a message's frame, of the size that was expected? */
static bool is_expected(const uint8_t *header, size_t body)
{
    /* NOLINTNEXTLINE(clang-analyzer-core*): the kernel wrote it, by readv. */
    return (header[0] & ~CZ_FRAME_MORE) == CZ_FRAME_LONG &&
           cz_get_be64(header + 1) == body;
}

/* Takes frames as long as they are what was expected. *done: of how many of
 * the pieces' pairs nothing is left. */
static bool engine_take_ahead(struct cz_engine *e, struct intake *in,
                              size_t *got, int *done)
{
    int i;

    for (i = 0; i < in->ahead_count && *got >= CZ_FRAME_HEADER_MAX; i++) {
        if (!is_expected(in->headers[i], e->in.habit_size))
            break;
        if (!cz_engine_grow_message(e, e->in.habit_size))
            return false;
        *got -= CZ_FRAME_HEADER_MAX;
        e->in.large = in->ahead[i];
        e->in.large_got = 0;
        e->in.large_flags = in->headers[i][0];
        in->ahead[i] = NULL;
        if (!engine_fill_large(e, got))
            return false;
    }
    *done = i;
    return true;
}

/* Puts together what was not expected. */
static void intake_spill(const struct intake *in, int done, size_t got)
{
    uint8_t *to = in->spill;

    for (int i = in->ahead_piece + 2 * done; got > 0; i++) {
        const struct iovec *piece = &in->pieces[i];
        /* NOLINTNEXTLINE(clang-analyzer-core*): there are more than `got`. */
        size_t part = got < piece->iov_len ? got : piece->iov_len;

        if (piece->iov_base != to)
            memcpy(to, piece->iov_base, part);
        to += part;
        got -= part;
    }
}

static bool engine_digest(struct cz_engine *e, struct intake *in, size_t got)
{
    int done = 0;

    if (e->in.large && !engine_fill_large(e, &got))
        return false;
    if (got > 0 && !engine_take_ahead(e, in, &got, &done))
        return false;
    if (got == 0)
        return true;
    intake_spill(in, done, got);
    return cz_engine_take(e, in->spill, got);
}

bool cz_engine_read_large(struct cz_engine *e, uint8_t *to, size_t room,
                          bool *may_go_on)
{
    struct intake in;
    bool is_alive = true;
    ssize_t got;

    engine_plan(e, &in, to, room);
    got = cz_sock_readv(e->fd, in.pieces, in.count);
    *may_go_on = got == (ssize_t)in.size;
    if (got > 0) {
        cz_engine_on_life(e);
        is_alive = engine_digest(e, &in, (size_t)got);
    }
    for (int i = 0; i < in.ahead_count; i++)
        if (in.ahead[i])
            cz_buffer_unref(in.ahead[i]);
    if (got <= 0 && got != -EAGAIN)
        return cz_engine_fail(e, false);
    return is_alive;
}
