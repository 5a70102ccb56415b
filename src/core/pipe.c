/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pipes: who is woken, when, and how an end comes and goes. What passes
 * through them is in core/pipe_io.c.
 *
 * Thread: see core/pipe.h. Owns: the streams, the reference to each end's
 * mailbox and metadata.
 */
#include "core/pipe.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/loan.h"
#include "core/socket.h"
#include "core/swap.h"
#include "msg/metadata.h"
#include "os/clock.h"

enum {
    /* As many as the kernel keeps connections that nobody has accepted yet. */
    LEFTOVERS_MAX = 4096,
};

/* What an end without a home can miss. */
enum {
    MISSED_READABLE = 1,
    MISSED_CLOSED = 2,
};

static void pipe_ref(struct cz_pipe *pipe)
{
    atomic_fetch_add_explicit(&pipe->refs, 1, memory_order_relaxed);
}

static void pipe_unref(struct cz_pipe *pipe)
{
    struct cz_loan *ended = NULL;

    /* acq_rel: the last one out sees all that the others did. */
    if (atomic_fetch_sub_explicit(&pipe->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (int i = 0; i < 2; i++) {
        struct cz_pipe_end *end = &pipe->ends[i];
        struct cz_mailbox *home = atomic_load(&end->home);

        cz_stream_fini(&pipe->streams[i]);
        cz_loan_drop(end, &ended);
        cz_swap_destroy(end->swap);
        cz_free(end->name);
        if (end->metadata)
            cz_metadata_unref(end->metadata, 1);
        /* Relaxed: a number on its own. */
        if (home && end->peer->is_left)
            atomic_fetch_sub_explicit(&home->leftovers, 1,
                                      memory_order_relaxed);
        if (home)
            cz_mailbox_unref(home);
    }
    cz_free(pipe);
    cz_loan_free(ended);
}

/* ---- commands ------------------------------------------------------- */

/* Posts one of the commands of `end` to its owner. */
static bool pipe_post(struct cz_pipe_end *end, struct cz_command *command,
                      enum cz_io_urgency urgency)
{
    struct cz_mailbox *home = atomic_load(&end->home);

    if (!home)
        return false;
    pipe_ref(end->pipe);
    if (home->io) {
        cz_io_post(home->io, command, urgency);
        return true;
    }
    if (cz_mailbox_post(home, command))
        return true;
    pipe_unref(end->pipe);
    return false;
}

static void pipe_on_readable(struct cz_command *command)
{
    struct cz_pipe_end *end =
        cz_container_of(command, struct cz_pipe_end, readable);
    struct cz_pipe *pipe = end->pipe;

    end->is_called_again = false;
    if (end->is_open) {
        cz_stream_on_wake(end->in);
        end->events->on_readable(end->owner, end);
    }
    pipe_unref(pipe);
}

static void pipe_on_writable(struct cz_command *command)
{
    struct cz_pipe_end *end =
        cz_container_of(command, struct cz_pipe_end, writable);
    struct cz_pipe *pipe = end->pipe;

    cz_stream_on_credit(end->out);
    if (end->is_open)
        end->events->on_writable(end->owner, end);
    pipe_unref(pipe);
}

static void pipe_on_closed(struct cz_command *command)
{
    struct cz_pipe_end *end =
        cz_container_of(command, struct cz_pipe_end, closed);
    struct cz_pipe *pipe = end->pipe;

    end->is_peer_closed = true;
    if (end->is_open)
        end->events->on_peer_closed(end->owner, end);
    pipe_unref(pipe);
}

static void pipe_on_attach(struct cz_command *command)
{
    struct cz_pipe_end *end =
        cz_container_of(command, struct cz_pipe_end, attach);
    struct cz_pipe *pipe = end->pipe;

    /* Its owner may have closed it before it came home. */
    if (end->is_open)
        end->events->on_attach(end->owner, end);
    pipe_unref(pipe);
}

static void pipe_on_trim(struct cz_command *command)
{
    struct cz_pipe_end *end =
        cz_container_of(command, struct cz_pipe_end, trim);
    struct cz_pipe *pipe = end->pipe;

    atomic_store(&end->is_trim_posted, 0);
    if (end->is_open)
        cz_stream_trim(end->out);
    pipe_unref(pipe);
}

bool cz_pipe_slim(struct cz_pipe_end *end)
{
    if (cz_stream_slim(end->in) &&
        atomic_exchange(&end->peer->is_trim_posted, 1) == 0)
        (void)pipe_post(end->peer, &end->peer->trim, CZ_IO_SOON);
    cz_stream_trim(end->out);
    return !cz_stream_is_fat(end->out);
}

/* ---- beginning ------------------------------------------------------ */

static void pipe_init_end(struct cz_pipe *pipe, int index)
{
    struct cz_pipe_end *end = &pipe->ends[index];

    end->pipe = pipe;
    end->peer = &pipe->ends[!index];
    end->out = &pipe->streams[index];
    end->in = &pipe->streams[!index];
    end->is_open = true;
    cz_list_init(&end->account_link);
    end->readable.run = pipe_on_readable;
    end->writable.run = pipe_on_writable;
    end->closed.run = pipe_on_closed;
    end->attach.run = pipe_on_attach;
    end->trim.run = pipe_on_trim;
    cz_list_init(&end->link);
    cz_list_init(&end->lb_link);
    cz_list_init(&end->fq_link);
}

struct cz_pipe *cz_pipe_create(const uint32_t hwm[2], struct cz_pool *pool)
{
    struct cz_pipe *pipe = cz_zalloc_lines(sizeof *pipe);

    if (!pipe)
        return NULL;
    atomic_init(&pipe->refs, 2);
    for (int i = 0; i < 2; i++) {
        cz_stream_init(&pipe->streams[i], hwm[i], pool);
        pipe_init_end(pipe, i);
    }
    return pipe;
}

static bool pipe_is_at_socket(const struct cz_pipe_end *end)
{
    struct cz_mailbox *home = atomic_load(&end->home);

    return home && !home->io;
}

bool cz_pipe_joins_sockets(const struct cz_pipe_end *end)
{
    return pipe_is_at_socket(end) && pipe_is_at_socket(end->peer);
}

/* The mark of the stream from one end to the other. */
static uint32_t pipe_mark(struct cz_pipe_end *from, struct cz_pipe_end *to)
{
    struct cz_mailbox *from_home = atomic_load(&from->home);
    struct cz_mailbox *to_home = atomic_load(&to->home);
    int sndhwm = atomic_load(&from->sndhwm);
    int rcvhwm = atomic_load(&to->rcvhwm);

    if (!to_home || to_home->io)
        return (uint32_t)sndhwm;
    if (!from_home || from_home->io)
        return (uint32_t)rcvhwm;
    return sndhwm && rcvhwm ? (uint32_t)sndhwm + (uint32_t)rcvhwm : 0;
}

void cz_pipe_set_marks(struct cz_pipe_end *end, int sndhwm, int rcvhwm)
{
    atomic_store(&end->sndhwm, sndhwm);
    atomic_store(&end->rcvhwm, rcvhwm);
    cz_stream_set_hwm(end->out, pipe_mark(end, end->peer));
    cz_stream_set_hwm(end->in, pipe_mark(end->peer, end));
    cz_stream_forget_credit(end->out);
    /* There may be more room than before. */
    cz_pipe_give_credit(end);
}

void cz_pipe_own(struct cz_pipe_end *end, struct cz_mailbox *home,
                 const struct cz_pipe_events *events, void *owner)
{
    end->events = events;
    end->owner = owner;
    atomic_store(&end->home, cz_mailbox_ref(home));
}

bool cz_pipe_post_attach(struct cz_pipe_end *end)
{
    return pipe_post(end, &end->attach, CZ_IO_NOW);
}

void cz_pipe_adopt(struct cz_pipe_end *end, struct cz_mailbox *home,
                   const struct cz_pipe_events *events, void *owner)
{
    uint32_t missed;

    cz_pipe_own(end, home, events, owner);
    missed = atomic_exchange(&end->missed, 0);
    if (missed & MISSED_CLOSED)
        (void)pipe_post(end, &end->closed, CZ_IO_SOON);
    if (missed & MISSED_READABLE) {
        cz_stream_on_wake(end->in);
        events->on_readable(owner, end);
    }
}

/* Posts a command, or leaves word of it for who adopts the end: one of the
 * two, and only once. */
static void pipe_post_or_leave(struct cz_pipe_end *end,
                               struct cz_command *command, uint32_t missed,
                               enum cz_io_urgency urgency)
{
    /* seq_cst throughout: pairs with cz_pipe_adopt. This side leaves word and
     * looks for a home, that side sets the home and looks for word; whoever
     * takes the bit away acts on it. */
    if (!atomic_load(&end->home)) {
        atomic_fetch_or(&end->missed, missed);
        if (!atomic_load(&end->home) ||
            !(atomic_fetch_and(&end->missed, ~missed) & missed))
            return;
    }
    /* The far end may be gone: then nobody needs to know. */
    (void)pipe_post(end, command, urgency);
}

/* ---- waking --------------------------------------------------------- */

/* When the I/O side is to write what `end` has sent. If that may rest,
 * *rests_until_us says how long. */
static enum cz_io_urgency pipe_urgency(struct cz_pipe_end *end,
                                       struct cz_mailbox *own,
                                       uint64_t *rests_until_us)
{
    enum cz_pace_step step;
    uint64_t now_us;

    end->peer->rest_us = 0;
    if (own->is_in_batch)
        return CZ_IO_LATER;
    now_us = cz_clock_us();
    step = cz_pace_next(&own->pace, now_us);
    if (step == CZ_PACE_REST) {
        end->peer->rest_us = cz_pace_rest_us(&own->pace);
        *rests_until_us = now_us + end->peer->rest_us;
    }
    return step == CZ_PACE_NOW ? CZ_IO_NOW : CZ_IO_SOON;
}

/* Posts `readable`. An I/O thread that has to be woken for it, or NULL. */
static struct cz_io_thread *pipe_call_reader(struct cz_pipe_end *end,
                                             bool may_run_now)
{
    struct cz_mailbox *home = atomic_load(&end->peer->home);
    struct cz_mailbox *own =
        atomic_load_explicit(&end->home, memory_order_relaxed);
    enum cz_io_urgency urgency = CZ_IO_NOW;
    uint64_t rests_until_us = 0;

    /* Only over inproc may an end be without a home. */
    CZ_ASSERT(own || !home || !home->io);
    if (own && !own->io)
        own->sends++;
    if (home && home->io)
        urgency = pipe_urgency(end, own, &rests_until_us);
    if (!may_run_now || urgency == CZ_IO_SOON)
        urgency = CZ_IO_LATER;
    pipe_post_or_leave(end->peer, &end->peer->readable, MISSED_READABLE,
                       urgency);
    if (!home || !home->io || urgency != CZ_IO_LATER || own->is_in_batch ||
        (rests_until_us && cz_io_looks_by(home->io, rests_until_us)))
        return NULL;
    return home->io;
}

void cz_pipe_wake_reader(struct cz_pipe_end *end)
{
    struct cz_io_thread *io = pipe_call_reader(end, true);

    if (io)
        cz_io_wake(io);
}

struct cz_io_thread *cz_pipe_wake_reader_later(struct cz_pipe_end *end)
{
    return pipe_call_reader(end, false);
}

void cz_pipe_wake_writer(struct cz_pipe_end *end)
{
    (void)pipe_post(end->peer, &end->peer->writable, CZ_IO_NOW);
}

/* There are loans at an I/O thread's end only; it frees them without the
 * helm. */
static struct cz_loan **pipe_ended_loans(struct cz_pipe_end *end)
{
    return &atomic_load(&end->home)->io->ended_loans;
}

static void pipe_return_loans(struct cz_pipe_end *end)
{
    /* seq_cst: see cz_loan_return. */
    if (CZ_UNLIKELY(atomic_load(&end->loans) != NULL))
        cz_loan_return(end, pipe_ended_loans(end));
}

void cz_pipe_give_credit(struct cz_pipe_end *end)
{
    if (cz_stream_give_credit(end->in))
        cz_pipe_wake_writer(end);
    pipe_return_loans(end);
}

void cz_pipe_ran_dry(struct cz_pipe_end *end)
{
    if (end->in->r.owes_wake) {
        end->in->r.owes_wake = false;
        cz_pipe_wake_writer(end);
    }
    if (CZ_UNLIKELY(cz_stream_detour(end->in) != NULL))
        cz_pipe_ran_dry_of_swap(end);
    pipe_return_loans(end);
}

void cz_pipe_read_later(struct cz_pipe_end *end)
{
    /* The command is free, if it was not posted from here already: the far end
     * posts it to wake a reader that sleeps, and this one does not. */
    if (!end->is_called_again)
        end->is_called_again = pipe_post(end, &end->readable, CZ_IO_NOW);
}

/* ---- end ------------------------------------------------------------ */

void cz_pipe_close(struct cz_pipe_end *end, int linger_ms)
{
    struct cz_pipe *pipe = end->pipe;

    end->is_open = false;
    end->linger_ms = linger_ms;
    cz_pipe_rollback(end);
    if (cz_stream_detour(end->in))
        cz_pipe_ran_dry_of_swap(end);
    if (atomic_load(&end->loans) != NULL)
        cz_loan_drop(end, pipe_ended_loans(end));
    if (end->account)
        cz_account_remove_pipe(end);
    cz_list_remove(&end->link);
    cz_list_remove(&end->lb_link);
    cz_list_remove(&end->fq_link);
    pipe_post_or_leave(end->peer, &end->peer->closed, MISSED_CLOSED, CZ_IO_NOW);
    pipe_unref(pipe);
}

void cz_pipe_leave(struct cz_pipe_end *end)
{
    struct cz_mailbox *home = atomic_load(&end->peer->home);

    if (home) {
        end->is_left = true;
        atomic_fetch_add_explicit(&home->leftovers, 1, memory_order_relaxed);
    }
    cz_pipe_close(end, 0);
}

bool cz_pipe_are_too_many_left(struct cz_mailbox *home)
{
    return atomic_load_explicit(&home->leftovers, memory_order_relaxed) >=
           LEFTOVERS_MAX;
}
