/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pipes: reading and writing, and who the far end is.
 *
 * Thread: see core/pipe.h. Owns: the reference to an end's metadata.
 */
#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/pipe.h"
#include "core/socket.h"
#include "msg/metadata.h"
#include "msg/sheet.h"
#include "os/clock.h"
#include "os/thread.h"

enum {
    /* Introductions that wait to be read in one pipe. */
    NOTES_MAX = 1000,
    /* Bytes that a writer may be ahead of the network before it is asked to
     * wait; up to twice as much will lie there. */
    LEAD_MAX = 4 << 20,
    LEAD_BACKOFF_MAX = 1023,
};

/* ---- reading and writing -------------------------------------------- */

static uint32_t pipe_credit_step(const struct cz_pipe_end *end)
{
    return atomic_load_explicit(&end->out->credit_step, memory_order_relaxed);
}

void cz_pipe_push(struct cz_pipe_end *end)
{
    const struct cz_mailbox *own =
        atomic_load_explicit(&end->home, memory_order_relaxed);
    const struct cz_mailbox *far = atomic_load(&end->peer->home);

    if (!far || !far->io || !own || !own->has_baton || cz_io_help(far->io))
        return;
    /* Somebody has the helm and is writing, perhaps on this processor. Where it
     * is too late for the cache, going on is better. */
    if (cz_stream_ahead(end->out) < pipe_credit_step(end))
        cz_thread_yield();
}

/* The count begins again when the I/O side has ended all naps, be it for
 * another pipe. To push what has come since would write a message or two, after
 * which nothing naps, and each of the next would wake the I/O thread. */
static void pipe_count_unpushed(struct cz_pipe_end *end, size_t size,
                                const struct cz_io_thread *io)
{
    uint32_t ended =
        atomic_load_explicit(&io->naps_ended, memory_order_relaxed);

    if (end->naps_seen != ended)
        end->unpushed = 0;
    end->naps_seen = ended;
    end->unpushed += size;
}

/* Is anything left of what was there at lead_since? */
static bool pipe_is_far_ahead(struct cz_pipe_end *end)
{
    /* seq_cst: after cz_stream_arm it pairs with cz_stream_give_credit. */
    return (int32_t)(end->lead_since - atomic_load(&end->out->consumed)) > 0;
}

/* Asks for word from the network side. Nobody had any for the last time: it is
 * slow, or takes nothing at all, and is left alone for longer and longer. */
static bool pipe_ask_for_credit(struct cz_pipe_end *end)
{
    if (end->lead_skip > 0) {
        end->lead_skip--;
        return false;
    }
    if (cz_stream_arm(end->out)) {
        end->lead_backoff = 0;
        /* It may just have taken all, and has nothing more to say. */
        return pipe_is_far_ahead(end);
    }
    end->lead_backoff = end->lead_backoff * 2 + 1;
    if (end->lead_backoff > LEAD_BACKOFF_MAX)
        end->lead_backoff = LEAD_BACKOFF_MAX;
    end->lead_skip = end->lead_backoff;
    return true;
}

/* Whole messages have been written. Once all that were there at lead_since have
 * been taken, no more than `lead` can be left, and the count begins again. Of a
 * conflating stream no more than one message is ever left. */
static void pipe_measure_lead(struct cz_pipe_end *end)
{
    if (end->lead < LEAD_MAX || end->swap || end->out->is_conflating)
        return;
    if (!pipe_is_far_ahead(end)) {
        end->lead_since = end->out->w.messages;
        end->lead = 0;
        return;
    }
    end->has_run_ahead = pipe_ask_for_credit(end);
}

/* Longer frames come here and are counted. Waiting until the pipe is full
 * would let a thousand of them grow cold, or fill the memory. */
static void pipe_push_some(struct cz_pipe_end *end, size_t size)
{
    const struct cz_mailbox *far = atomic_load(&end->peer->home);

    if (!far || !far->io)
        return;
    pipe_count_unpushed(end, size, far->io);
    end->lead += size;
    if (end->out->w.is_in_message)
        return;
    if (end->unpushed >= CZ_PUSH_BYTES) {
        end->unpushed = 0;
        cz_pipe_push(end);
    }
    pipe_measure_lead(end);
}

bool cz_pipe_make_room(struct cz_pipe_end *end)
{
    struct cz_mailbox *own =
        atomic_load_explicit(&end->home, memory_order_relaxed);
    struct cz_mailbox *far = atomic_load(&end->peer->home);

    if (!far || !far->io || !own->has_baton)
        return false;
    (void)cz_io_help(far->io);
    cz_pace_go_on(&own->pace, cz_clock_us());
    return cz_stream_has_credit(end->out);
}

int cz_pipe_write_quietly(struct cz_pipe_end *end, const struct cz_frame *frame,
                          bool *must_wake)
{
    int rc;

    if (CZ_UNLIKELY(end->swap != NULL))
        rc = cz_pipe_write_or_swap(end, frame, must_wake);
    else if (CZ_UNLIKELY(end->out->is_conflating))
        rc = cz_stream_write_latest(end->out, frame, must_wake);
    else
        rc = cz_stream_write(end->out, frame, must_wake);
    if (rc == -EAGAIN)
        cz_pipe_found_full(end);
    return rc;
}

bool cz_pipe_share(struct cz_pipe_end *end, struct cz_sheet *sheet,
                   const struct cz_frame *frame, bool *must_wake)
{
    if (end->swap || end->out->is_conflating || frame->size >= CZ_REF_MIN ||
        !cz_sheet_share(sheet, end->out, frame))
        return false;
    *must_wake = !end->out->w.is_in_message && cz_stream_flush(end->out);
    return true;
}

int cz_pipe_write(struct cz_pipe_end *end, const struct cz_frame *frame)
{
    bool must_wake = false;
    int rc = 0;

    if (CZ_LIKELY(cz_stream_put_part(end->out, frame))) {
        if (!end->out->w.is_in_message)
            must_wake = cz_stream_flush(end->out);
        if (CZ_UNLIKELY(end->unpushed >= CZ_PUSH_BYTES))
            pipe_push_some(end, 0); /* a long frame came before */
    } else if (!end->swap || !cz_pipe_swap_short(end, frame, &must_wake)) {
        rc = cz_pipe_write_quietly(end, frame, &must_wake);
        if (rc == 0)
            pipe_push_some(end, frame->size);
    }
    if (CZ_UNLIKELY(must_wake))
        cz_pipe_wake_reader(end);
    return rc;
}

int cz_pipe_write_beyond(struct cz_pipe_end *end, const struct cz_frame *frame)
{
    bool must_wake;
    int rc = end->swap ? cz_pipe_write_or_swap_beyond(end, frame, &must_wake)
                       : cz_stream_write_beyond(end->out, frame, &must_wake);

    if (must_wake)
        cz_pipe_wake_reader(end);
    return rc;
}

void cz_pipe_count_drop(struct cz_pipe_end *end, enum cz_drop reason)
{
    cz_count_add(&end->drops[reason], 1);
    if (end->account)
        cz_account_drop(end->account, reason, cz_socket_end_name(end));
}

/* Tells the log once, until there has been room; in a stream that is always
 * full, that would still be often. */
void cz_pipe_found_full(struct cz_pipe_end *end)
{
    uint32_t full =
        atomic_load_explicit(&end->out->count.full, memory_order_relaxed);

    if (!end->account || !cz_log_is_heard(&end->account->ctx->log) ||
        full == end->full_told || !cz_log_may_tell(&end->full_told_us))
        return;
    end->full_told = full;
    cz_log_tell(&end->account->ctx->log,
                &(struct cz_log_event){
                    .topic = "hwm.reached",
                    .account = end->account,
                    .endpoint = cz_socket_end_name(end),
                    .reason = "sending",
                    .number_name = "hwm",
                    .number = atomic_load_explicit(&end->out->hwm,
                                                   memory_order_relaxed),
                });
}

bool cz_pipe_read(struct cz_pipe_end *end, struct cz_frame *frame)
{
    while (!cz_stream_read_part(end->in, frame)) {
        if (!cz_stream_read(end->in, frame)) {
            cz_pipe_ran_dry(end);
            return false;
        }
        if (!(frame->flags & CZ_FRAME_NOTE))
            break;
        cz_pipe_take_note(end, frame);
    }
    if (CZ_UNLIKELY(frame->flags & CZ_FRAME_LATEST))
        cz_stream_read_latest(end->in, frame);
    frame->metadata = end->metadata;
    if (!(frame->flags & CZ_FRAME_MORE) && cz_stream_count(end->in))
        cz_pipe_give_credit(end);
    return true;
}

bool cz_pipe_find_message(struct cz_pipe_end *end)
{
    struct cz_frame note;

    for (;;) {
        if (!cz_stream_has_data(end->in)) {
            cz_pipe_ran_dry(end);
            return false;
        }
        if (!(end->in->r.at[0] & CZ_FRAME_NOTE))
            return true;
        if (cz_stream_read(end->in, &note))
            cz_pipe_take_note(end, &note);
    }
}

/* ---- introductions -------------------------------------------------- */

void cz_pipe_introduce(struct cz_pipe_end *end, struct cz_metadata *metadata)
{
    end->metadata = metadata;
    end->is_introduced = true;
}

struct cz_span cz_pipe_peer_id(const struct cz_pipe_end *end)
{
    const uint8_t *id;
    size_t size;

    if (!end->metadata)
        return cz_span(NULL, 0);
    id = cz_metadata_find(end->metadata, "Identity", &size);
    return cz_span(id, id ? size : 0);
}

void cz_pipe_take_note(struct cz_pipe_end *end, const struct cz_frame *note)
{
    struct cz_metadata *old = end->metadata;
    struct cz_metadata *metadata;

    memcpy(&metadata, note->data, sizeof metadata);
    if (end->account)
        cz_account_rename_pipe(end, metadata);
    else
        end->metadata = metadata;
    if (old)
        cz_metadata_unref(old, 1);
    end->is_introduced = true;
    /* Relaxed: a number on its own, and only this thread writes it. */
    atomic_store_explicit(
        &end->notes_taken,
        atomic_load_explicit(&end->notes_taken, memory_order_relaxed) + 1,
        memory_order_relaxed);
    if (end->events->on_introduced)
        end->events->on_introduced(end->owner, end);
}

int cz_pipe_write_metadata(struct cz_pipe_end *end,
                           struct cz_metadata *metadata)
{
    bool must_wake = false;
    int rc = 0;

    if (cz_pipe_unseen_notes(end) < NOTES_MAX) {
        rc = cz_stream_write_note(end->out, &metadata, sizeof metadata,
                                  &must_wake);
        if (rc == 0) {
            end->notes_written++;
            metadata = NULL;
        }
    }
    if (metadata)
        cz_metadata_unref(metadata, 1);
    if (must_wake)
        cz_pipe_wake_reader(end);
    return rc;
}
