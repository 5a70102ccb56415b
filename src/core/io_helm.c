/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The helm: taking and leaving it, and the commands that wait for it.
 *
 * Thread: any. Owns: nothing.
 */
#include "core/io_helm.h"

#include "base/assert.h"
#include "core/loan.h"
#include "os/clock.h"
#include "os/park.h"

void cz_helm_take(struct cz_io_thread *io)
{
    int rc;

    if (cz_helm_try(io))
        return;
    while (atomic_exchange(&io->helm, CZ_HELM_WANTED) != CZ_HELM_FREE) {
        rc = cz_park(&io->helm, CZ_HELM_WANTED, CZ_CLOCK_NEVER);
        (void)rc; /* whatever woke us, look again */
    }
    cz_helm_sign(io, cz_thread_self());
}

void cz_helm_free(struct cz_io_thread *io)
{
    struct cz_loan *ended = io->ended_loans;

    io->guest = NULL;
    io->ended_loans = NULL;
    cz_helm_sign(io, 0);
    if (atomic_exchange(&io->helm, CZ_HELM_FREE) == CZ_HELM_WANTED)
        cz_unpark(&io->helm, 1);
    cz_loan_free(ended);
}

/* ---- commands and naps ----------------------------------------------- */

void cz_helm_run_commands(struct cz_io_thread *io)
{
    /* seq_cst: who asks has posted before. So what it wants to see written is
     * in the mailbox now, or the mark is still there the next time. */
    bool must_flush =
        atomic_load(&io->must_flush) && atomic_exchange(&io->must_flush, 0);

    cz_mailbox_run(io->mailbox);
    if (must_flush)
        cz_io_end_naps(io);
}

static bool io_has_work(struct cz_io_thread *io)
{
    return atomic_load(&io->mailbox->head) != NULL ||
           atomic_load(&io->must_flush);
}

void cz_helm_end_nap(struct cz_io_thread *io)
{
    atomic_fetch_add(&io->nap_word, 1);
    cz_unpark(&io->nap_word, 1);
}

/* Sees to it that whoever waits takes notice of what has changed. */
static void io_announce_changes(struct cz_io_thread *io)
{
    bool is_sooner = cz_helm_next_timer(io) < io->waits_until_us;

    io->has_changed = false;
    if (io->is_waiting) {
        if (is_sooner || !cz_poller_is_live(io->poller))
            cz_waker_signal(&io->waker);
    } else if (atomic_load(&io->driver) == CZ_IO_NOBODY) {
        if (io->has_new_fds)
            io->must_take_over = true;
        if (io->has_new_fds || cz_helm_next_timer(io) < io->naps_until_us)
            cz_helm_end_nap(io);
    }
    io->has_new_fds = false;
}

void cz_helm_leave(struct cz_io_thread *io)
{
    for (;;) {
        if (io->has_changed)
            io_announce_changes(io);
        cz_helm_free(io);
        /* seq_cst: see cz_helm_try. */
        if (!io_has_work(io) || !cz_helm_try(io))
            return;
        io->now_us = cz_clock_us();
        cz_helm_run_commands(io);
    }
}

void cz_io_lock(struct cz_io_thread *io)
{
    cz_helm_take(io);
    io->now_us = cz_clock_us();
}

void cz_io_unlock(struct cz_io_thread *io)
{
    cz_helm_run_commands(io);
    cz_helm_leave(io);
}

void cz_io_post(struct cz_io_thread *io, struct cz_command *command,
                enum cz_io_urgency urgency)
{
    bool is_taken;

    if (urgency == CZ_IO_NOW && cz_helm_try(io)) {
        io->now_us = cz_clock_us();
        cz_helm_run_commands(io);
        command->run(command);
        cz_helm_leave(io);
        return;
    }
    is_taken = cz_mailbox_leave(io->mailbox, command);
    CZ_ASSERT(is_taken);
    (void)is_taken;
    if (urgency == CZ_IO_LATER)
        return;
    if (urgency == CZ_IO_SOON || !cz_helm_try(io)) {
        cz_io_wake(io);
        return;
    }
    io->now_us = cz_clock_us();
    cz_io_unlock(io);
}

void cz_io_wake(struct cz_io_thread *io)
{
    uint64_t promise_us = atomic_load(&io->looks_at_us);
    /* Once, for both: a promise is taken for kept only if its nap ends. */
    uint32_t driver = atomic_load(&io->driver);

    /* Who is being woken looks as soon as it runs. Said before waking it, and
     * not if it is awake already: then the promise was another one. Where an
     * application drives, that is woken, and the I/O thread naps on. */
    if (promise_us != CZ_CLOCK_NEVER && driver != CZ_IO_APPLICATION)
        (void)atomic_compare_exchange_strong(&io->looks_at_us, &promise_us, 0);
    cz_mailbox_wake(io->mailbox);
    if (driver == CZ_IO_NOBODY)
        cz_helm_end_nap(io);
}

bool cz_io_looks_by(struct cz_io_thread *io, uint64_t latest_us)
{
    /* seq_cst: pairs with cz_helm_promise. The poster has pushed a command and
     * then reads the promise; who made it takes it back and then looks into the
     * mailbox. */
    return atomic_load(&io->looks_at_us) <= latest_us;
}

bool cz_io_help(struct cz_io_thread *io)
{
    if (!cz_helm_try(io))
        return false;
    io->now_us = cz_clock_us();
    cz_helm_run_commands(io);
    cz_io_end_naps(io);
    cz_helm_leave(io);
    return true;
}

void cz_io_flush(struct cz_io_thread *io)
{
    if (cz_io_help(io))
        return;
    /* Whoever holds the helm looks after it when it lets go, unless it has
     * armed the mailbox already and is going to wait. */
    atomic_store(&io->must_flush, 1);
    if (!cz_io_help(io))
        cz_mailbox_wake(io->mailbox);
}
