/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fan-out: a message goes to many pipes.
 *
 * Pipes have small numbers, in end->type_data, by which the sets of
 * subscribers know them. For each message the caller begins, names the pipes,
 * as often as it likes, and ends:
 *
 *   - a message of one frame goes out as they are named (cz_dist_deliver);
 *   - else they are collected first (cz_dist_choose), by what the first frame
 *     says, and that and all further frames are sent to those
 *     (cz_dist_send).
 *
 * A pipe without room, or without memory for the message, is passed over for
 * the whole of it; one without room, until it is writable again. No pipe ever
 * gets part of a message. A pipe that comes in the middle of a message gets
 * the next one.
 *
 * What goes to a crowd is laid once for all of its pipes (msg/sheet.h), else
 * short frames are copied into each one; large frames are shared. When more
 * than one pipe gets a message, the sender leaves all system calls to the I/O
 * threads, and each of those is woken once.
 *
 * Thread: the socket's. Owns: its two arrays.
 */
#ifndef CZ_PATTERN_DIST_H
#define CZ_PATTERN_DIST_H

#include "base/compiler.h"
#include "core/pipe.h"
#include "msg/frame.h"
#include "msg/sheet.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_dist_pipe {
    uint64_t stamp; /* of the last message that came past, or CZ_DIST_FULL */
    struct cz_stream *out;
    struct cz_pipe_end *end; /* NULL: the number is free */
    uint64_t spared;         /* stamp of the message it is not to get, */
    uint64_t missed;         /* and of the last one that it had no room for */
    /* Tells a pipe from an earlier one with its number. */
    uint32_t serial;
    uint32_t next_free;
    /* Helping a full pipe whose peer does not keep up is in vain: then it is
     * tried again only after so many more times that it was full. */
    uint8_t helps_skipped;
    uint8_t helps_backoff;

    /* The type's. */
    bool is_known;    /* has been introduced once */
    bool is_behind;   /* has not been told everything */
    uint32_t backlog; /* messages from it that wait for the application, */
    uint32_t epoch;   /* at this time */
};

#define CZ_DIST_FULL UINT64_MAX

enum {
    /* So many pipes are a crowd. */
    CZ_DIST_CROWD = 4,
    /* To copy a short frame takes less than the way by a sheet, until there are
     * so many copies that they leave the cache. Over tcp, 64 bytes for 10, 32
     * and 100 pipes, the sheet has 0.96, 0.9 and 1.25 to 1.5 times the rate of
     * copies, 1 KiB over inproc, for 4, 10 and 100, 1.04, 1.4 and 2.7. */
    CZ_DIST_CROWD_SHORT = 64,
};

struct cz_dist {
    struct cz_dist_pipe *pipes;
    uint32_t *targets; /* of a message that is collected first */
    uint32_t capacity; /* of both */
    uint32_t limit;    /* all numbers in use are below it */
    uint32_t count;    /* pipes */
    uint32_t next_free;
    uint32_t next_serial;
    uint32_t target_count;
    uint64_t stamp;
    struct cz_pipe_end *unwoken; /* is owed a wake-up, */
    struct cz_io_thread *io;     /* and so is this */
    struct cz_sheet sheet;
    size_t unpushed; /* bytes since the pipes were last pushed on */
    bool is_crowd;   /* who is named now */
    bool is_in_message;
    bool has_full;    /* a pipe that was chosen has no room */
    bool never_drops; /* who chose asks for has_full and waits */
};

void cz_dist_init(struct cz_dist *dist);
void cz_dist_fini(struct cz_dist *dist);

/* Sees to it that the next cz_dist_add succeeds. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_dist_prepare(struct cz_dist *dist);

/* A new pipe. 0 or -ENOMEM: then it has no number. */
CZ_MUST_CHECK int cz_dist_add(struct cz_dist *dist, struct cz_pipe_end *end);
/* Harmless if it has none. */
void cz_dist_remove(struct cz_dist *dist, struct cz_pipe_end *end);

static inline bool cz_dist_has(const struct cz_pipe_end *end)
{
    return end->type_data != NULL;
}

static inline uint32_t cz_dist_number(const struct cz_pipe_end *end)
{
    return (uint32_t)(uintptr_t)end->type_data - 1;
}

static inline struct cz_dist_pipe *cz_dist_pipe(struct cz_dist *dist,
                                                const struct cz_pipe_end *end)
{
    return &dist->pipes[cz_dist_number(end)];
}

/* A pipe that was full has room. */
void cz_dist_writable(struct cz_dist *dist, struct cz_pipe_end *end);

/* ---- a message ------------------------------------------------------- */

bool cz_dist_find_room(struct cz_dist *dist, struct cz_dist_pipe *pipe);

static inline void cz_dist_begin(struct cz_dist *dist)
{
    dist->stamp++;
    dist->target_count = 0;
    dist->has_full = false;
    cz_sheet_next(&dist->sheet);
}

/* So many pipes will be named next, together, for this frame, which is all of a
 * message. Are they a crowd? */
static inline bool cz_dist_expect_crowd(struct cz_dist *dist, uint32_t count,
                                        const struct cz_frame *frame)
{
    dist->is_crowd =
        count >= (frame->size > CZ_FRAME_SHORT_MAX ? CZ_DIST_CROWD
                                                   : CZ_DIST_CROWD_SHORT);
    if (dist->is_crowd)
        cz_sheet_offer(&dist->sheet, frame);
    return dist->is_crowd;
}

/* Has a pipe room for a message, or nobody at its far end who could ever make
 * some? */
static CZ_ALWAYS_INLINE bool cz_dist_has_room(struct cz_dist *dist,
                                              uint32_t number)
{
    struct cz_dist_pipe *pipe = &dist->pipes[number];

    return CZ_LIKELY(pipe->out->w.credit > 0) || cz_dist_find_room(dist, pipe);
}

/* Collects a pipe for the message, unless it is full. */
void cz_dist_choose(struct cz_dist *dist, uint32_t number);

/* Collects all pipes but those that are spared. */
static inline void cz_dist_spare(struct cz_dist *dist, uint32_t number)
{
    dist->pipes[number].spared = dist->stamp;
}
void cz_dist_choose_others(struct cz_dist *dist);

/* A pipe does not get the message after all. */
void cz_dist_give_up(struct cz_dist *dist, struct cz_pipe_end *end);

/* Sends one frame to the pipes that were collected, and takes over its
 * buffer. */
void cz_dist_send(struct cz_dist *dist, struct cz_frame *frame);

/* The cold halves of the functions below. */
void cz_dist_deliver_slow(struct cz_dist *dist, struct cz_dist_pipe *pipe,
                          const struct cz_frame *frame);
void cz_dist_miss(struct cz_dist *dist, struct cz_dist_pipe *pipe);
void cz_dist_wake(struct cz_dist *dist, struct cz_pipe_end *end);
void cz_dist_wake_last(struct cz_dist *dist, bool is_lone);
void cz_dist_push(struct cz_dist *dist);

/* What a pipe's turn will touch, some turns before it: with a thousand pipes it
 * has left the nearest cache since the last message. In two steps, for the
 * second needs what the first one fetches. */
static CZ_ALWAYS_INLINE void cz_dist_expect(const struct cz_dist *dist,
                                            uint32_t number)
{
    const struct cz_stream *out = dist->pipes[number].out;

    __builtin_prefetch(&out->w, 1);
    __builtin_prefetch(&out->published, 1);
    __builtin_prefetch(&out->ctl);
}

static CZ_ALWAYS_INLINE void cz_dist_expect_next(const struct cz_dist *dist,
                                                 uint32_t number)
{
    const uint8_t *at = dist->pipes[number].out->w.at;

    __builtin_prefetch(at, 1);
    __builtin_prefetch(at + CZ_CACHE_LINE, 1);
}

/* Sends a message of one frame to a pipe, once; is_crowd as was said of it. The
 * buffer stays the caller's. */
static CZ_ALWAYS_INLINE void cz_dist_deliver(struct cz_dist *dist,
                                             uint32_t number,
                                             const struct cz_frame *frame,
                                             bool is_crowd)
{
    struct cz_dist_pipe *pipe = &dist->pipes[number];
    struct cz_stream *out = pipe->out; /* held: see cz_pipe_write_short */

    if (CZ_UNLIKELY(pipe->stamp >= dist->stamp)) {
        if (pipe->stamp == CZ_DIST_FULL)
            cz_dist_miss(dist, pipe);
        return;
    }
    pipe->stamp = dist->stamp;
    if (CZ_UNLIKELY(!(is_crowd && cz_sheet_follow(&dist->sheet, out, false)) &&
                    !cz_stream_put_short(out, frame)))
        cz_dist_deliver_slow(dist, pipe, frame);
    else if (CZ_UNLIKELY(cz_stream_flush(out)))
        cz_dist_wake(dist, pipe->end);
}

/* Ends a frame that was delivered. is_lone: to one pipe at most. */
static inline void cz_dist_end(struct cz_dist *dist,
                               const struct cz_frame *frame, bool is_lone)
{
    if (CZ_UNLIKELY(dist->unwoken != NULL))
        cz_dist_wake_last(dist, is_lone);
    if (frame->size > CZ_FRAME_SHORT_MAX)
        dist->unpushed += frame->size;
    if (CZ_UNLIKELY(dist->unpushed >= CZ_PUSH_BYTES) && !dist->is_in_message)
        cz_dist_push(dist);
}

#endif
