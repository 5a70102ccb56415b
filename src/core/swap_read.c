/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap: what its reader takes, and, from a durable one, what it has handed
 * over.
 *
 * Thread: the reader's. Owns: nothing beyond what core/swap.h lists.
 */
#include "core/swap.h"

#include "core/swap_log.h"
#include "core/swap_record.h"

#include <errno.h>

static void swap_lock(struct cz_swap *swap)
{
    cz_biased_lock_lock(&swap->lock);
    swap->spooled += cz_spool_end_run(&swap->spool);
}

/* With the lock, which is not held meanwhile. */
static int swap_load(struct cz_swap *swap, struct cz_chunk **chunk,
                     uint32_t *size, uint32_t *messages)
{
    struct cz_swap_file file = swap->file;
    struct cz_record_range range = {
        .file = &file,
        .pool = swap->pool,
        .has_checks = swap->log != NULL,
        .begin = swap->taken,
        .end = swap->written,
    };
    int rc;

    cz_biased_lock_unlock(&swap->lock);
    rc = cz_record_load(&range, chunk, size, messages);
    swap_lock(swap);
    if (rc != 0)
        return rc;
    swap->side_at = (*chunk)->bytes;
    swap->side_position = swap->taken;
    swap->taken = range.begin;
    return 0;
}

/* The messages in the file cannot be read. Of how many is the reader told? */
static uint32_t swap_lose(struct cz_swap *swap)
{
    uint32_t lost = swap->log ? 0 : swap->filed;

    swap->taken = swap->written;
    swap->filed = 0;
    swap->is_broken = swap->log != NULL;
    return lost;
}

static struct cz_chunk *swap_take_from_file(struct cz_swap *swap,
                                            uint32_t *size, uint32_t *messages,
                                            int *event)
{
    struct cz_chunk *chunk = NULL;
    int rc = swap_load(swap, &chunk, size, messages);

    if (rc != 0 && rc != -ENOMEM) {
        *event = rc;
        *messages = swap_lose(swap);
    }
    if (swap->log)
        return chunk;
    if (chunk)
        swap->filed -= *messages;
    if (swap->taken == swap->written)
        cz_swap_file_restart(&swap->file, swap->written);
    else
        cz_swap_file_release(&swap->file, swap->taken);
    return chunk;
}

/* Messages up to here have been handed over. */
static int swap_pass(struct cz_swap *swap, uint64_t position)
{
    if (position == swap->log->acknowledged)
        return 0;
    swap->was_refused = false;
    return cz_swap_log_acknowledge(swap->log, position, swap->written);
}

struct cz_chunk *cz_swap_take(struct cz_detour *detour, uint32_t *size,
                              uint32_t *messages)
{
    struct cz_swap *swap = cz_container_of(detour, struct cz_swap, detour);
    struct cz_chunk *chunk;
    int event = 0;

    swap_lock(swap);
    if (swap->log && !swap->is_wire)
        event = swap_pass(swap, swap->taken);
    if (swap->taken < swap->written) {
        chunk = swap_take_from_file(swap, size, messages, &event);
    } else {
        chunk = cz_spool_take(&swap->spool, size, messages);
        if (chunk)
            swap->spooled -= *messages;
    }
    if (chunk && !swap->log)
        swap->was_refused = false;
    if (swap->taken == swap->written && !cz_spool_has_data(&swap->spool))
        /* Release: what is taken from now on is younger than what the writer
         * puts into the stream when it sees this. */
        atomic_store_explicit(&detour->has_data, 0, memory_order_release);
    cz_biased_lock_unlock(&swap->lock);
    cz_swap_tell(swap, event);
    swap->on_room(swap->on_room_arg);
    return chunk;
}

/* Goes on in the last chunk to where it was read up to. Returns the position
 * behind the last message that is before it. */
static uint64_t swap_walk(struct cz_swap *swap, const uint8_t *at)
{
    uint64_t position = swap->log->acknowledged;

    while (swap->side_at < at) {
        uint8_t flags;
        uint64_t body;
        size_t header = cz_frame_get_header(swap->side_at, CZ_FRAME_HEADER_MAX,
                                            &flags, &body);
        size_t used = cz_frame_footprint(body);

        if (used > (size_t)(at - swap->side_at))
            break;
        swap->side_at += used;
        swap->side_position += CZ_RECORD_CHECK_SIZE + header + body;
        if (!(flags & CZ_FRAME_MORE))
            position = swap->side_position;
    }
    return position;
}

void cz_swap_acknowledge(struct cz_swap *swap, const uint8_t *at)
{
    int event;

    swap_lock(swap);
    event = swap_pass(swap, at ? swap_walk(swap, at) : swap->taken);
    cz_biased_lock_unlock(&swap->lock);
    cz_swap_tell(swap, event);
    swap->on_room(swap->on_room_arg);
}

void cz_swap_rewind(struct cz_swap *swap)
{
    swap_lock(swap);
    if (!swap->is_broken) {
        swap->taken = swap->log->acknowledged;
        atomic_store(&swap->detour.has_data, swap->taken < swap->written);
    }
    cz_biased_lock_unlock(&swap->lock);
}
