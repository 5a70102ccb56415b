/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Application threads at the wheel: driving the reactor of an I/O thread while
 * they would wait otherwise.
 *
 * Thread: that of a socket. Owns: nothing.
 */
#include "base/assert.h"
#include "core/io_helm.h"
#include "os/clock.h"

#include <errno.h>

/* With other sockets here, the I/O thread would have to be woken as soon as we
 * leave: then the hop is not saved, but made twice. */
static bool io_has_many_tenants(const struct cz_io_thread *io)
{
    /* Relaxed: exact for who holds the helm, and a hint to others. */
    return atomic_load_explicit(&io->tenant_count, memory_order_relaxed) > 1;
}

static bool drive_begin(struct cz_io_thread *io, struct cz_mailbox *own)
{
    /* Not to wait for the helm in vain. */
    if (io_has_many_tenants(io))
        return false;
    cz_io_lock(io);
    if (atomic_load(&io->driver) == CZ_IO_APPLICATION ||
        io_has_many_tenants(io)) {
        cz_helm_leave(io);
        return false;
    }
    if (io->is_waiting)
        cz_waker_signal(&io->waker); /* the I/O thread: it will nap */
    atomic_store(&io->driver, CZ_IO_APPLICATION);
    /* Before waiting for an answer, send what there is. */
    cz_helm_let_in(io, own);
    cz_helm_run_commands(io);
    cz_io_end_naps(io);
    while (io->is_waiting) {
        /* It needs the helm to come out of its turn. */
        cz_helm_leave(io);
        cz_thread_yield();
        cz_helm_take(io);
    }
    return true;
}

/* `own`: the mailbox of the socket whose thread has driven, or NULL. */
static void drive_end(struct cz_io_thread *io, const struct cz_mailbox *own)
{
    if (own && own->pace.is_serving)
        io->server_rest_us = cz_pace_rest_us(&own->pace);
    io->driven_at_us = cz_clock_us();
    if (io_has_many_tenants(io))
        io->must_take_over = true;
    atomic_store(&io->driver, CZ_IO_NOBODY);
    /* The napping I/O thread does not know what has come up meanwhile. A
     * descriptor that takes no more can wait for the lease: its buffer is
     * full, so the peer has enough to do. */
    if (io->must_take_over || cz_helm_next_timer(io) < io->naps_until_us ||
        (io->blocked_writers > 0 &&
         io->driven_at_us + CZ_LEASE_US < io->naps_until_us))
        cz_helm_end_nap(io);
    cz_helm_leave(io);
}

int cz_io_drive(struct cz_io_thread *io, struct cz_mailbox *mailbox,
                uint64_t deadline_us, uint32_t spin_us, bool *at_once)
{
    bool has_rest = mailbox->pace.has_rest;
    uint64_t spin_until_us;
    int rc = 0;

    CZ_ASSERT(!io->is_bound);
    mailbox->pace.has_rest = false;
    *at_once = true;
    if (!drive_begin(io, mailbox)) {
        if (has_rest)
            cz_io_flush(io);
        cz_io_resume(io);
        return cz_mailbox_park(mailbox, deadline_us);
    }
    spin_until_us = cz_clock_us() + spin_us;
    for (;;) {
        bool is_spinning = spin_us && io->now_us < spin_until_us;
        uint64_t limit_us = is_spinning ? 0 : deadline_us;

        if (!cz_mailbox_arm(mailbox, CZ_MAILBOX_IN_LOOP, &io->waker))
            break;
        rc = cz_helm_turn(io, mailbox, limit_us);
        if (!cz_mailbox_is_empty(mailbox)) {
            rc = 0;
            break;
        }
        if (rc != 0)
            break;
        if (io->now_us >= deadline_us) {
            rc = -ETIMEDOUT;
            break;
        }
        *at_once = false;
    }
    drive_end(io, mailbox);
    return rc;
}

void cz_io_look(struct cz_io_thread *io)
{
    int rc;

    if (atomic_load(&io->driver) != CZ_IO_NOBODY || !cz_helm_try(io))
        return;
    if (atomic_load(&io->driver) == CZ_IO_NOBODY) {
        /* A turn lets go of the helm: nobody else must begin one. */
        atomic_store(&io->driver, CZ_IO_APPLICATION);
        io->now_us = cz_clock_us();
        rc = cz_helm_turn(io, NULL, 0);
        (void)rc; /* it does not wait, so nothing interrupts it */
        drive_end(io, NULL);
    } else {
        cz_helm_leave(io);
    }
}

void cz_io_resume(struct cz_io_thread *io)
{
    if (atomic_load(&io->driver) != CZ_IO_NOBODY)
        return;
    cz_helm_take(io);
    io->must_take_over = true;
    cz_helm_end_nap(io);
    cz_helm_leave(io);
}
