/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap: where the messages of a pipe wait that are over its high-water mark
 * (ZMQ_SWAP).
 *
 *     socket ─┬─▶ stream ────────────────────────────┬─▶ reader
 *             └─▶ spool ─(256 KiB)──▶ file ──block───┘
 *                       └── if the file is empty ────┘
 *
 * A swap is the detour of a stream (msg/stream.h): while anything is in it,
 * every new message goes there. The writer puts messages into the spool, in
 * memory, and from there, when they are many, into a file. The reader, which
 * has drained the stream, takes them block by block, from the file while there
 * is anything in it, else from the spool. So it does not matter whether the
 * writer is still active, or still there.
 *
 * The limit counts the bytes of frames as they are in the file, and is looked
 * at when a message begins: a message that has been begun is taken to its end.
 * It stays in memory until it is complete. The file is made when it is first
 * needed.
 *
 * A durable swap (CERO_SWAP_DURABLE) takes everything, also what there would be
 * credit for, and writes each message before put returns, to a file with a name
 * (core/swap_log.h). The reader says what it has handed over; until then it may
 * be taken again.
 *
 * When the file cannot be written, messages stay in the spool, and the swap is
 * full as soon as that is; a durable one does not take them. When it cannot be
 * read, the messages in it are lost, and the reader goes on with the next one;
 * no message is ever wrong. Both are told to the monitor. A durable one that
 * cannot be read is left as it is, and takes nothing more.
 *
 * Thread: put, rollback, has_room and is_broken by the writer, take (through
 * the detour), acknowledge and rewind by the reader; a lock is between them,
 * which the reader does not hold while it reads. Owns: the spool and the file;
 * references to monitor and options.
 */
#ifndef CZ_CORE_SWAP_H
#define CZ_CORE_SWAP_H

#include "base/compiler.h"
#include "core/biased_lock.h"
#include "core/options.h"
#include "core/swap_file.h"
#include "core/swap_spool.h"
#include "msg/frame.h"
#include "msg/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_monitor;
struct cz_pool;
struct cz_swap_log;

struct cz_swap {
    struct cz_detour detour;
    struct cz_biased_lock lock; /* favours the writer */
    struct cz_spool spool;
    struct cz_swap_file file;
    uint64_t limit;
    uint64_t taken;   /* by the reader: positions in the file */
    uint64_t written; /* by the writer */
    uint32_t filed;   /* messages in the file (a durable one: at first), */
    uint32_t spooled; /* and in the spool */
    bool was_refused; /* a message, since the reader last took some */
    bool is_failing;  /* the file could not be written */

    /* Of a durable one; else NULL. */
    struct cz_swap_log *log;
    bool is_broken;     /* the file could not be read */
    bool is_not_synced; /* it could not be synced, the last time */
    bool is_wire;       /* the reader itself says what it has handed over */
    /* A place in the chunk that was taken last, and its position. */
    const uint8_t *side_at;
    uint64_t side_position;

    /* Called by the reader's thread when there may be room again. */
    void (*on_room)(void *arg);
    void *on_room_arg;

    struct cz_pool *pool;
    struct cz_options *options;
    struct cz_monitor *monitor;
    char *endpoint;
};

/* What a swap is for: the options, of which it keeps a reference, and what
 * its events are told with. */
struct cz_swap_owner {
    struct cz_options *options;
    struct cz_monitor *monitor;
    const char *endpoint;
    struct cz_pool *pool;
    bool is_wire; /* it is read for the network */
};

/* Do the options ask for one? */
bool cz_swap_is_wanted(const struct cz_options *options);

/* May an endpoint be bound, or connected, with these options? 0, -EINVAL,
 * -ENOTSUP, or -errno of making a file. */
CZ_MUST_CHECK int cz_swap_check(const struct cz_options *options,
                                bool is_bound);

/* 0 or -errno. */
CZ_MUST_CHECK int cz_swap_create(const struct cz_swap_owner *owner,
                                 struct cz_swap **swap);
void cz_swap_destroy(struct cz_swap *swap);

/* Takes a frame; on success its buffer is the swap's. `is_urgent`: without
 * regard to the limit. 0, -EAGAIN (full; only for the first frame of a
 * message), -ENOMEM, or, of a durable one, -errno of writing. */
CZ_MUST_CHECK int cz_swap_put(struct cz_swap *swap,
                              const struct cz_frame *frame, bool is_urgent);

/* Drops the message that has been begun, if any. */
void cz_swap_rollback(struct cz_swap *swap);

/* May a message begin? If not, on_room follows. */
bool cz_swap_has_room(struct cz_swap *swap);

/* For a durable one: can it not be read, so that it takes nothing more? */
bool cz_swap_is_broken(struct cz_swap *swap);

/* For a durable one: what was read up to this place in the chunk that was taken
 * last, or all that was taken if it is NULL, has been handed over. */
void cz_swap_acknowledge(struct cz_swap *swap, const uint8_t *at);

/* What was not acknowledged is taken again. The last chunk is not read any
 * more. */
void cz_swap_rewind(struct cz_swap *swap);

/* ---- from swap.c to swap_read.c and back ------------------------------- */

/* Tells the monitor of an error (-errno), if it is one; -EAGAIN: it is full.
 * Not with the lock. */
void cz_swap_tell(struct cz_swap *swap, int error);

/* For the detour: see msg/stream.h. */
CZ_MUST_CHECK struct cz_chunk *cz_swap_take(struct cz_detour *detour,
                                            uint32_t *size, uint32_t *messages);

/* ---- questions, and the short way in ----------------------------------- */

static inline bool cz_swap_is_durable(const struct cz_swap *swap)
{
    return swap->log != NULL;
}

/* Is there something to take? */
static inline bool cz_swap_has_data(const struct cz_swap *swap)
{
    return atomic_load_explicit(&swap->detour.has_data, memory_order_relaxed);
}

/* Must a new message go here, or to nowhere? The writer's question. */
static inline bool cz_swap_is_in_use(const struct cz_swap *swap)
{
    const struct cz_detour *d = &swap->detour;

    return d->takes_all || d->is_in_message || cz_swap_has_data(swap);
}

/* There is something to take. If there was before, the reader has been told,
 * and before it sleeps it takes all there is. With the lock. */
static inline void cz_swap_offer(struct cz_swap *swap)
{
    if (CZ_UNLIKELY(!cz_swap_has_data(swap)))
        /* seq_cst: see cz_stream_went_around. */
        atomic_store(&swap->detour.has_data, 1);
}

/* cz_swap_put for the commonest case: calls nothing, as long as the reader
 * stays away. False: it is not that case, nothing was done. */
CZ_MUST_CHECK static inline bool cz_swap_put_short(struct cz_swap *swap,
                                                   const struct cz_frame *frame)
{
    bool is_done;

    if (!cz_swap_has_data(swap))
        return false;
    cz_biased_lock_favour(&swap->lock);
    is_done = cz_spool_put_short(&swap->spool, frame);
    cz_biased_lock_unfavour(&swap->lock);
    return is_done;
}

#endif
