/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The near end of a swap: the messages that were put there last, in memory,
 * until there are enough of them to be written at once. They lie in chunks as
 * in a stream (msg/chunk.h), a message always in one. The message that is not
 * complete is behind all others and can be taken back.
 *
 *     first ──▶ chunk ──▶ last
 *     [m][m][m]           [m][m][part of a mess...
 *                               ^ end of what is complete
 *
 * Thread: with the lock of the swap. Owns: its chunks and what they refer to.
 */
#ifndef CZ_CORE_SWAP_SPOOL_H
#define CZ_CORE_SWAP_SPOOL_H

#include "base/compiler.h"
#include "core/swap_file.h"
#include "msg/chunk.h"
#include "msg/frame.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_pool;

/* Short messages that are behind the others and not counted yet. */
struct cz_spool_run {
    uint8_t *at;   /* where the next one goes */
    uint32_t room; /* 0: there is no run */
    uint32_t messages;
};

struct cz_spool {
    struct cz_spool_run run;
    struct cz_pool *pool;
    struct cz_chunk *first;
    struct cz_chunk *last;
    uint32_t used;         /* bytes in the last one */
    uint32_t complete;     /* of these, up to the end of a message */
    uint64_t bytes;        /* of complete frames, as they go into a file */
    uint64_t begun;        /* of those of the message that is not complete */
    uint32_t frame_excess; /* bytes in a file before each frame */
};

void cz_spool_init(struct cz_spool *spool, struct cz_pool *pool);
void cz_spool_fini(struct cz_spool *spool);

/* Adds a frame, whose buffer becomes the spool's. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_spool_put(struct cz_spool *spool,
                               const struct cz_frame *frame);

/* The commonest case, a message of one short frame, goes into a run, which is
 * counted when it ends. begin: it may take so many bytes. put: false, there is
 * none, or it has no room; nothing was done. end: how many messages it took. No
 * other function may be called meanwhile. */
void cz_spool_begin_run(struct cz_spool *spool, uint64_t size_max);

CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_spool_put_short(struct cz_spool *spool, const struct cz_frame *frame)
{
    struct cz_spool_run *run = &spool->run;
    uint8_t *to = run->at;
    size_t size;

    if (CZ_UNLIKELY((frame->size > CZ_FRAME_SHORT_MAX) |
                    (frame->flags & CZ_FRAME_MORE) |
                    (frame->size + 2 > run->room)))
        return false;
    size = cz_frame_lay_short(to, 0, frame);
    run->at = to + size;
    run->room -= (uint32_t)size;
    run->messages++;
    return true;
}

uint32_t cz_spool_end_run(struct cz_spool *spool);

/* Takes the last frame back; its buffer is the caller's again. */
void cz_spool_unput(struct cz_spool *spool, const struct cz_frame *frame);

/* The message ends here; or it is dropped. */
void cz_spool_complete(struct cz_spool *spool);
void cz_spool_rollback(struct cz_spool *spool);

/* Is there a whole message? */
static inline bool cz_spool_has_data(const struct cz_spool *spool)
{
    return spool->bytes > 0;
}

/* Writes everything to a file, also what is not complete, where it takes
 * `bytes` and `begun`, and forgets it. 0, or -errno, and it is as before. */
CZ_MUST_CHECK int cz_spool_write(struct cz_spool *spool,
                                 struct cz_swap_file *file, uint64_t position);

/* Hands over a chunk of whole messages, of which there are some. NULL = no
 * memory. */
CZ_MUST_CHECK struct cz_chunk *
cz_spool_take(struct cz_spool *spool, uint32_t *size, uint32_t *messages);

/* Drops the references of frames in a chunk. */
void cz_spool_drop_frames(const uint8_t *at, size_t size);

#endif
