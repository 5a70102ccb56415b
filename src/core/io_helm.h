/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The helm of an I/O thread, for the files that deal in it: io_helm.c (taking
 * and leaving it, and the commands that wait for it), io_thread.c (the turns of
 * the reactor, and the thread) and io_drive.c (application threads at the
 * wheel). What it is all about stands in core/io_thread.h.
 *
 * Thread: any takes it; everything else with the helm held.
 */
#ifndef CZ_CORE_IO_HELM_H
#define CZ_CORE_IO_HELM_H

#include "core/io_thread.h"

/* How long the reactor may stay without a driver. */
enum { CZ_LEASE_US = 2000 };

enum {
    CZ_HELM_FREE = 0,
    CZ_HELM_HELD = 1,
    CZ_HELM_WANTED = 2, /* held, and somebody sleeps on it */
};

/* For cz_io_assert_helm. `who`: a thread, or 0. */
static inline void cz_helm_sign(struct cz_io_thread *io CZ_UNUSED,
                                uintptr_t who CZ_UNUSED)
{
#ifndef NDEBUG
    atomic_store_explicit(&io->helmsman, who, memory_order_relaxed);
#endif
}

static inline bool cz_helm_try(struct cz_io_thread *io)
{
    uint32_t expected = CZ_HELM_FREE;

    /* seq_cst: pairs with posting. A poster pushes and then tries the helm;
     * who leaves it frees it and then looks into the mailbox. */
    if (atomic_load(&io->helm) != CZ_HELM_FREE ||
        !atomic_compare_exchange_strong(&io->helm, &expected, CZ_HELM_HELD))
        return false;
    cz_helm_sign(io, cz_thread_self());
    return true;
}

void cz_helm_take(struct cz_io_thread *io);

/* Lets go of it, whatever may be in the mailbox. */
void cz_helm_free(struct cz_io_thread *io);

/* Leaves the helm for good: nothing is left in the mailbox. */
void cz_helm_leave(struct cz_io_thread *io);

/* What rests is written, too, if somebody has asked for that. */
void cz_helm_run_commands(struct cz_io_thread *io);

/* `own`: whose thread has the helm. A thread that waits for something to
 * receive has sent what it wanted to. One that waits for room has not, and is
 * nobody's guest. */
static inline void cz_helm_let_in(struct cz_io_thread *io,
                                  struct cz_mailbox *own)
{
    io->guest = own && own->pace.has_waited ? own : NULL;
}

/* Wakes the I/O thread from its nap. Any thread. */
void cz_helm_end_nap(struct cz_io_thread *io);

static inline uint64_t cz_helm_next_timer(const struct cz_io_thread *io)
{
    uint64_t next_us = cz_timers_next(&io->timers);

    return io->naps_end_us < next_us ? io->naps_end_us : next_us;
}

/* Does what is due by the clock. */
void cz_helm_run_timers(struct cz_io_thread *io);

/* The I/O thread says when it will look into the mailbox; CZ_CLOCK_NEVER: it
 * makes no promise. */
static inline void cz_helm_promise(struct cz_io_thread *io, uint64_t until_us)
{
    /* seq_cst: see cz_io_looks_by. */
    atomic_store(&io->looks_at_us, until_us);
}

/* One turn of the reactor, waiting until `limit_us` at most. The helm is held
 * before and after. `own`: the mailbox that the calling thread waits for, or
 * NULL; what the turn itself puts there need not wake anybody. 0 or -EINTR. */
CZ_MUST_CHECK int cz_helm_turn(struct cz_io_thread *io, struct cz_mailbox *own,
                               uint64_t limit_us);

#endif
