/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pipes with a swap: writing around a stream that is full, and what the reader
 * of a durable one has handed over.
 *
 * Thread: the end's owner's. Owns: nothing.
 */
#include "core/pipe.h"

#include "core/swap.h"

#include <errno.h>

/* ---- the writer ------------------------------------------------------- */

static void pipe_on_swap_room(void *arg)
{
    struct cz_pipe_end *end = arg;

    if (cz_stream_disarm(end->out))
        cz_pipe_wake_writer(end->peer);
}

void cz_pipe_set_swap(struct cz_pipe_end *end, struct cz_swap *swap)
{
    cz_swap_destroy(end->swap);
    end->swap = swap;
    /* Release: pairs with cz_stream_detour. An inproc pipe may get its swap
     * when its reader is there already. */
    atomic_store_explicit(&end->out->detour, swap ? &swap->detour : NULL,
                          memory_order_release);
    if (swap) {
        swap->on_room = pipe_on_swap_room;
        swap->on_room_arg = end;
        end->out->w.messages += swap->filed;
    }
}

void cz_pipe_kick(struct cz_pipe_end *end)
{
    if (end->swap && cz_swap_has_data(end->swap) && cz_stream_nudge(end->out))
        cz_pipe_wake_reader(end);
}

/* A frame has gone into the swap. */
static bool pipe_has_swapped(struct cz_pipe_end *end,
                             const struct cz_frame *frame)
{
    cz_count_add(&end->out->count.elsewhere,
                 cz_frame_header_size(frame->size) + frame->size);
    return !(frame->flags & CZ_FRAME_MORE) && cz_stream_went_around(end->out);
}

bool cz_pipe_swap_short(struct cz_pipe_end *end, const struct cz_frame *frame,
                        bool *must_wake)
{
    if (!cz_swap_put_short(end->swap, frame))
        return false;
    *must_wake = pipe_has_swapped(end, frame);
    return true;
}

static int pipe_swap(struct cz_pipe_end *end, const struct cz_frame *frame,
                     bool is_urgent, bool *must_wake)
{
    int rc = cz_swap_put(end->swap, frame, is_urgent);

    if (rc == 0) {
        *must_wake = pipe_has_swapped(end, frame);
        cz_stream_count_ahead(end->out);
    }
    return rc;
}

/* A conflating stream, which is never full, has none. */
int cz_pipe_write_or_swap(struct cz_pipe_end *end, const struct cz_frame *frame,
                          bool *must_wake)
{
    bool is_passed_by;
    int rc = -EAGAIN;

    *must_wake = false;
    if (cz_pipe_swap_short(end, frame, must_wake))
        return 0;
    is_passed_by = !end->out->w.is_in_message && cz_swap_is_in_use(end->swap);
    if (!is_passed_by)
        rc = cz_stream_write(end->out, frame, must_wake);
    if (CZ_LIKELY(rc != -EAGAIN))
        return rc;
    /* Before anything goes to the disk, the network may have room. */
    if (!is_passed_by && cz_pipe_make_room(end))
        return cz_stream_write(end->out, frame, must_wake);
    rc = pipe_swap(end, frame, false, must_wake);
    if (rc == -EAGAIN && cz_stream_arm(end->out))
        rc = pipe_swap(end, frame, false, must_wake);
    return rc;
}

/* What must not be lost: over all limits, but behind what waits already. */
int cz_pipe_write_or_swap_beyond(struct cz_pipe_end *end,
                                 const struct cz_frame *frame, bool *must_wake)
{
    int rc = cz_pipe_write_quietly(end, frame, must_wake);

    if (rc != -EAGAIN)
        return rc;
    return cz_swap_is_in_use(end->swap)
               ? pipe_swap(end, frame, true, must_wake)
               : cz_stream_write_beyond(end->out, frame, must_wake);
}

bool cz_pipe_find_room(struct cz_pipe_end *end)
{
    if (cz_stream_refill(end->out))
        return true;
    if (end->swap && (cz_swap_has_room(end->swap) ||
                      (cz_stream_arm(end->out) && cz_swap_has_room(end->swap))))
        return true;
    cz_pipe_found_full(end);
    return false;
}

bool cz_pipe_has_room_by_now(struct cz_pipe_end *end)
{
    if (end->swap && cz_stream_detour(end->out)->is_in_message)
        return cz_swap_has_room(end->swap);
    cz_stream_return_loan(end->out);
    return cz_stream_has_credit(end->out);
}

bool cz_pipe_is_broken(struct cz_pipe_end *end)
{
    return end->swap && cz_swap_is_broken(end->swap);
}

void cz_pipe_rollback(struct cz_pipe_end *end)
{
    cz_stream_rollback(end->out);
    if (end->swap)
        cz_swap_rollback(end->swap);
}

/* ---- the reader ------------------------------------------------------- */

void cz_pipe_acknowledge(struct cz_pipe_end *end)
{
    struct cz_swap *swap = end->peer->swap;

    if (swap && cz_swap_is_durable(swap))
        cz_swap_acknowledge(swap, end->in->r.side ? end->in->r.at : NULL);
}

void cz_pipe_drop_partial(struct cz_pipe_end *end)
{
    struct cz_swap *swap = end->peer->swap;

    if (!swap || !cz_swap_is_durable(swap)) {
        cz_stream_drop_partial(end->in);
        return;
    }
    if (end->in->r.side)
        cz_stream_drop_side(end->in);
    cz_swap_rewind(swap);
}

/* Who reads for an application has handed over what it has read. */
static bool pipe_is_read_by_socket(struct cz_pipe_end *end)
{
    const struct cz_mailbox *home =
        atomic_load_explicit(&end->home, memory_order_relaxed);

    return home && !home->io;
}

/* There is nothing left, or no memory to take it with. In the latter case a
 * socket tries again when it next looks; a session gives its connection up. */
void cz_pipe_ran_dry_of_swap(struct cz_pipe_end *end)
{
    if (!pipe_is_read_by_socket(end))
        return;
    /* The reader is not asleep, so nobody else sends it this. */
    if (end->in->r.is_starved)
        cz_pipe_read_later(end);
    cz_pipe_acknowledge(end);
}
