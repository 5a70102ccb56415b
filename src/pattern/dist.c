/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fan-out: pipes by number, and messages of several frames.
 *
 * Thread: see pattern/dist.h. Owns: what is listed there.
 */
#include "pattern/dist.h"

#include "base/alloc.h"
#include "core/io_thread.h"

#include <errno.h>
#include <string.h>

enum { NONE = -1, HELPS_BACKOFF_MAX = 127 };

void cz_dist_init(struct cz_dist *d)
{
    memset(d, 0, sizeof *d);
    d->next_free = (uint32_t)NONE;
    d->stamp = 1;
}

void cz_dist_fini(struct cz_dist *d)
{
    cz_free(d->pipes);
    cz_free(d->targets);
    cz_sheet_fini(&d->sheet);
}

/* ---- pipes ------------------------------------------------------------ */

static bool dist_resize(struct cz_dist *d, uint32_t capacity)
{
    struct cz_dist_pipe *pipes;
    uint32_t *targets = cz_realloc(d->targets, capacity * sizeof *targets);

    if (!targets)
        return false;
    d->targets = targets;
    pipes = cz_realloc(d->pipes, capacity * sizeof *pipes);
    if (!pipes)
        return false;
    d->pipes = pipes;
    d->capacity = capacity;
    return true;
}

int cz_dist_prepare(struct cz_dist *d)
{
    if (d->next_free != (uint32_t)NONE || d->limit < d->capacity ||
        dist_resize(d, d->capacity ? d->capacity * 2 : 2))
        return 0;
    return -ENOMEM;
}

int cz_dist_add(struct cz_dist *d, struct cz_pipe_end *end)
{
    uint32_t number = d->next_free;
    struct cz_dist_pipe *pipe;

    if (number != (uint32_t)NONE) {
        d->next_free = d->pipes[number].next_free;
    } else {
        if (cz_dist_prepare(d) != 0)
            return -ENOMEM;
        number = d->limit++;
    }
    pipe = &d->pipes[number];
    memset(pipe, 0, sizeof *pipe);
    pipe->end = end;
    pipe->out = end->out;
    pipe->serial = ++d->next_serial;
    pipe->is_known = end->is_introduced;
    /* Not for the message that is under way. */
    pipe->stamp = d->stamp;
    end->type_data = (void *)((uintptr_t)number + 1);
    d->count++;
    return 0;
}

static void dist_drop_target(struct cz_dist *d, uint32_t number)
{
    for (uint32_t i = 0; i < d->target_count; i++)
        if (d->targets[i] == number) {
            d->targets[i] = d->targets[--d->target_count];
            return;
        }
}

void cz_dist_remove(struct cz_dist *d, struct cz_pipe_end *end)
{
    struct cz_dist_pipe *pipe;
    uint32_t number;

    if (!cz_dist_has(end))
        return;
    number = cz_dist_number(end);
    pipe = &d->pipes[number];
    if (d->is_in_message)
        dist_drop_target(d, number);
    pipe->end = NULL;
    pipe->stamp = CZ_DIST_FULL;
    pipe->next_free = d->next_free;
    d->next_free = number;
    end->type_data = NULL;
    if (--d->count > 0)
        return;
    /* Nobody knows a number any more. */
    cz_free(d->pipes);
    cz_free(d->targets);
    d->pipes = NULL;
    d->targets = NULL;
    d->capacity = d->limit = d->target_count = 0;
    d->next_free = (uint32_t)NONE;
}

void cz_dist_writable(struct cz_dist *d, struct cz_pipe_end *end)
{
    struct cz_dist_pipe *pipe;

    if (!cz_dist_has(end))
        return;
    pipe = cz_dist_pipe(d, end);
    if (pipe->stamp == CZ_DIST_FULL)
        pipe->stamp = d->stamp;
}

/* ---- waking ----------------------------------------------------------- */

static void dist_wake_later(struct cz_dist *d, struct cz_pipe_end *end)
{
    struct cz_io_thread *io = cz_pipe_wake_reader_later(end);

    if (!io || io == d->io)
        return;
    if (d->io)
        cz_io_wake(d->io);
    d->io = io;
}

/* Only the last one waits for the end of the message, by which it is known
 * whether it was the only one. */
void cz_dist_wake(struct cz_dist *d, struct cz_pipe_end *end)
{
    if (d->unwoken)
        dist_wake_later(d, d->unwoken);
    d->unwoken = end;
}

void cz_dist_wake_last(struct cz_dist *d, bool is_lone)
{
    struct cz_pipe_end *end = d->unwoken;

    d->unwoken = NULL;
    if (is_lone) {
        cz_pipe_wake_reader(end);
        return;
    }
    dist_wake_later(d, end);
    if (d->io)
        cz_io_wake(d->io);
    d->io = NULL;
}

/* For all pipes at once, and not by each when it has enough: then the first to
 * have it would have all others written, without the message under way, and
 * each of them that one by itself. */
void cz_dist_push(struct cz_dist *d)
{
    const struct cz_mailbox *last = NULL;

    d->unpushed = 0;
    for (uint32_t number = 0; number < d->limit; number++) {
        struct cz_pipe_end *end = d->pipes[number].end;
        const struct cz_mailbox *far =
            end ? atomic_load(&end->peer->home) : NULL;

        if (far && far != last)
            cz_pipe_push(end);
        last = far ? far : last;
    }
}

/* ---- messages --------------------------------------------------------- */

/* A pipe is full. True: not any more. */
static bool dist_make_room(struct cz_dist_pipe *pipe)
{
    if (pipe->helps_skipped < pipe->helps_backoff) {
        pipe->helps_skipped++;
        return false;
    }
    pipe->helps_skipped = 0;
    if (cz_pipe_make_room(pipe->end)) {
        pipe->helps_backoff = 0;
        return true;
    }
    if (pipe->helps_backoff < HELPS_BACKOFF_MAX)
        pipe->helps_backoff = (uint8_t)(pipe->helps_backoff * 2 + 1);
    return false;
}

/* The pipe has no room for the message; counted once, however often the pipe
 * is named. */
void cz_dist_miss(struct cz_dist *d, struct cz_dist_pipe *pipe)
{
    if (pipe->missed == d->stamp || !pipe->end)
        return;
    pipe->missed = d->stamp;
    cz_pipe_count_drop(pipe->end, CZ_DROP_HWM);
}

/* 0, -EAGAIN, or -ENOMEM. */
static int dist_write(struct cz_dist *d, struct cz_dist_pipe *pipe,
                      const struct cz_frame *frame)
{
    bool must_wake;
    int rc;

    if (d->is_crowd && cz_pipe_share(pipe->end, &d->sheet, frame, &must_wake)) {
        if (must_wake)
            cz_dist_wake(d, pipe->end);
        return 0;
    }
    if (frame->buffer)
        cz_buffer_ref(frame->buffer);
    rc = cz_pipe_write_quietly(pipe->end, frame, &must_wake);
    if (rc == -EAGAIN && dist_make_room(pipe))
        rc = cz_pipe_write_quietly(pipe->end, frame, &must_wake);
    if (rc == -EAGAIN && d->never_drops && pipe->end->swap &&
        !pipe->end->is_peer_closed)
        /* There was room in the swap, though not for so large a message. */
        rc = cz_pipe_write_or_swap_beyond(pipe->end, frame, &must_wake);
    if (rc != 0 && frame->buffer)
        cz_buffer_unref(frame->buffer);
    if (must_wake)
        cz_dist_wake(d, pipe->end);
    if (rc == -EAGAIN) {
        pipe->stamp = CZ_DIST_FULL;
        cz_dist_miss(d, pipe);
    } else if (rc != 0) {
        cz_pipe_count_drop(pipe->end, CZ_DROP_MEMORY);
    }
    return rc;
}

bool cz_dist_find_room(struct cz_dist *d, struct cz_dist_pipe *pipe)
{
    if (!cz_pipe_is_writable(pipe->end) && !dist_make_room(pipe))
        return pipe->end->is_peer_closed;
    /* Who finds room by itself need not be told of it any more. */
    if (pipe->stamp == CZ_DIST_FULL)
        pipe->stamp = d->stamp;
    return true;
}

void cz_dist_deliver_slow(struct cz_dist *d, struct cz_dist_pipe *pipe,
                          const struct cz_frame *frame)
{
    /* Who has no room, or for whom there is no memory, misses the message. */
    (void)!dist_write(d, pipe, frame);
}

void cz_dist_choose(struct cz_dist *d, uint32_t number)
{
    struct cz_dist_pipe *pipe = &d->pipes[number];

    if (pipe->stamp < d->stamp) {
        pipe->stamp = d->stamp;
        if (cz_pipe_is_writable(pipe->end) || dist_make_room(pipe))
            d->targets[d->target_count++] = number;
        else
            pipe->stamp = CZ_DIST_FULL;
    }
    if (pipe->stamp != CZ_DIST_FULL)
        return;
    if (!d->never_drops)
        cz_dist_miss(d, pipe);
    /* Nobody is waited for who has gone, though what it said last may still
     * have to be read. */
    if (!pipe->end->is_peer_closed)
        d->has_full = true;
}

void cz_dist_choose_others(struct cz_dist *d)
{
    for (uint32_t number = 0; number < d->limit; number++)
        if (d->pipes[number].end && d->pipes[number].spared != d->stamp)
            cz_dist_choose(d, number);
}

void cz_dist_give_up(struct cz_dist *d, struct cz_pipe_end *end)
{
    cz_pipe_rollback(end);
    dist_drop_target(d, cz_dist_number(end));
}

void cz_dist_send(struct cz_dist *d, struct cz_frame *frame)
{
    bool is_lone = d->target_count <= 1;

    cz_sheet_next(&d->sheet);
    d->is_crowd = d->target_count >= CZ_DIST_CROWD;
    for (uint32_t i = 0; i < d->target_count;) {
        struct cz_dist_pipe *pipe = &d->pipes[d->targets[i]];

        if (dist_write(d, pipe, frame) == 0)
            i++;
        else
            cz_dist_give_up(d, pipe->end);
    }
    cz_frame_drop(frame);
    d->is_in_message = frame->flags & CZ_FRAME_MORE;
    cz_dist_end(d, frame, is_lone);
}
