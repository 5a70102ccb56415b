/* SPDX-License-Identifier: MPL-2.0 */
/*
 * I/O threads: the helm, the turns of the reactor, and who drives it.
 *
 * Thread: see core/io_thread.h. Owns: what is listed there.
 */
#include "core/io_thread.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/pool.h"
#include "core/loan.h"
#include "os/clock.h"
#include "os/park.h"

#include <errno.h>

enum {
    HELM_FREE = 0,
    HELM_HELD = 1,
    HELM_WANTED = 2, /* held, and somebody sleeps on it */
};

enum {
    /* How long the reactor may stay without a driver. */
    LEASE_US = 2000,
    /* How long the I/O thread naps at most while an application thread
     * drives, and so how late it may notice that nobody does any more. */
    NAP_US_MAX = 8000,
};

/* ---- the helm ------------------------------------------------------- */

static bool helm_try(struct cz_io_thread *io)
{
    uint32_t expected = HELM_FREE;

    /* seq_cst: pairs with posting. A poster pushes and then tries the helm;
     * who leaves it frees it and then looks into the mailbox. */
    return atomic_load(&io->helm) == HELM_FREE &&
           atomic_compare_exchange_strong(&io->helm, &expected, HELM_HELD);
}

static void helm_take(struct cz_io_thread *io)
{
    int rc;

    if (helm_try(io))
        return;
    while (atomic_exchange(&io->helm, HELM_WANTED) != HELM_FREE) {
        rc = cz_park(&io->helm, HELM_WANTED, CZ_CLOCK_NEVER);
        (void)rc; /* whatever woke us, look again */
    }
}

static void helm_free(struct cz_io_thread *io)
{
    struct cz_loan *ended = io->ended_loans;

    io->guest = NULL;
    io->ended_loans = NULL;
    if (atomic_exchange(&io->helm, HELM_FREE) == HELM_WANTED)
        cz_unpark(&io->helm, 1);
    cz_loan_free(ended);
}

/* ---- commands and naps ----------------------------------------------- */

/* What rests is written, too, if somebody has asked for that. */
static void io_run_commands(struct cz_io_thread *io)
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

/* ---- who drives ----------------------------------------------------- */

static void io_end_nap(struct cz_io_thread *io)
{
    atomic_fetch_add(&io->nap_word, 1);
    cz_unpark(&io->nap_word, 1);
}

static uint64_t io_next_timer(const struct cz_io_thread *io)
{
    uint64_t next_us = cz_timers_next(&io->timers);

    return io->naps_end_us < next_us ? io->naps_end_us : next_us;
}

/* Sees to it that whoever waits takes notice of what has changed. */
static void io_announce_changes(struct cz_io_thread *io)
{
    bool is_sooner = io_next_timer(io) < io->waits_until_us;

    io->has_changed = false;
    if (io->is_waiting) {
        if (is_sooner || !cz_poller_is_live(io->poller))
            cz_waker_signal(&io->waker);
    } else if (atomic_load(&io->driver) == CZ_IO_NOBODY) {
        if (io->has_new_fds)
            io->must_take_over = true;
        if (io->has_new_fds || io_next_timer(io) < io->naps_until_us)
            io_end_nap(io);
    }
    io->has_new_fds = false;
}

/* Leaves the helm for good: nothing is left in the mailbox. */
static void io_leave(struct cz_io_thread *io)
{
    for (;;) {
        if (io->has_changed)
            io_announce_changes(io);
        helm_free(io);
        /* seq_cst: see helm_try. */
        if (!io_has_work(io) || !helm_try(io))
            return;
        io->now_us = cz_clock_us();
        io_run_commands(io);
    }
}

void cz_io_lock(struct cz_io_thread *io)
{
    helm_take(io);
    io->now_us = cz_clock_us();
}

void cz_io_unlock(struct cz_io_thread *io)
{
    io_run_commands(io);
    io_leave(io);
}

void cz_io_post(struct cz_io_thread *io, struct cz_command *command,
                enum cz_io_urgency urgency)
{
    bool is_taken;

    if (urgency == CZ_IO_NOW && helm_try(io)) {
        io->now_us = cz_clock_us();
        io_run_commands(io);
        command->run(command);
        io_leave(io);
        return;
    }
    is_taken = cz_mailbox_leave(io->mailbox, command);
    CZ_ASSERT(is_taken);
    (void)is_taken;
    if (urgency == CZ_IO_LATER)
        return;
    if (urgency == CZ_IO_SOON || !helm_try(io)) {
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
        io_end_nap(io);
}

bool cz_io_looks_within(struct cz_io_thread *io, uint32_t within_us)
{
    /* seq_cst: pairs with io_promise. The poster has pushed a command and then
     * reads the promise; who made it takes it back and then looks into the
     * mailbox. */
    return atomic_load(&io->looks_at_us) <= cz_clock_us() + within_us;
}

/* ---- turns ---------------------------------------------------------- */

/* Does what is due by the clock. */
static void io_run_timers(struct cz_io_thread *io)
{
    io->now_us = cz_clock_us();
    cz_io_run_naps(io);
    cz_timers_run(&io->timers, io->now_us);
}

bool cz_io_help(struct cz_io_thread *io)
{
    if (!helm_try(io))
        return false;
    /* Relaxed: a hint. */
    atomic_store_explicit(&io->helps, cz_io_helps(io) + 1,
                          memory_order_relaxed);
    io->now_us = cz_clock_us();
    io_run_commands(io);
    cz_io_end_naps(io);
    io_leave(io);
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

/* The I/O thread says when it will look into the mailbox; CZ_CLOCK_NEVER: it
 * makes no promise. */
static void io_promise(struct cz_io_thread *io, uint64_t until_us)
{
    atomic_store(&io->looks_at_us, until_us);
}

static int64_t io_timeout(uint64_t now_us, uint64_t until_us)
{
    if (until_us == CZ_CLOCK_NEVER)
        return -1;
    return until_us > now_us ? (int64_t)(until_us - now_us) : 0;
}

/* A thread that waits for something to receive has sent what it wanted to. One
 * that waits for room has not, and is nobody's guest. */
static void io_let_in(struct cz_io_thread *io, struct cz_mailbox *own)
{
    io->guest = own && own->pace.has_waited ? own : NULL;
}

/* One turn of the reactor, waiting until `limit_us` at most. The helm is held
 * before and after. `own`: the mailbox that the calling thread waits for, or
 * NULL; what the turn itself puts there need not wake anybody. 0 or -EINTR. */
static int io_turn(struct cz_io_thread *io, struct cz_mailbox *own,
                   uint64_t limit_us)
{
    struct cz_poll_batch batch;
    bool is_drivers = atomic_load(&io->driver) == CZ_IO_APPLICATION;
    uint64_t until_us;
    int64_t timeout_us;
    int rc;

    batch.count = 0;
    io_let_in(io, own);
    io_run_commands(io);
    io_run_timers(io);
    until_us = io_next_timer(io);
    if (limit_us < until_us)
        until_us = limit_us;
    cz_poller_prepare(io->poller);
    io->has_changed = false;
    if (!cz_mailbox_arm(io->mailbox, CZ_MAILBOX_IN_LOOP, &io->waker) ||
        atomic_load(&io->must_flush))
        until_us = io->now_us;
    io->waits_until_us = until_us;
    io->is_waiting = true;
    timeout_us = io_timeout(io->now_us, until_us);
    if (!is_drivers)
        io_promise(io, until_us);
    helm_free(io);

    rc = cz_poller_wait(io->poller, &batch, timeout_us);

    helm_take(io);
    io_let_in(io, own);
    if (!is_drivers)
        io_promise(io, CZ_CLOCK_NEVER);
    io->is_waiting = false;
    cz_mailbox_awake(io->mailbox);
    if (own)
        cz_mailbox_awake(own);
    io->now_us = cz_clock_us();
    io->turns++;
    cz_poller_dispatch(io->poller, &batch);
    io_run_commands(io);
    return rc;
}

static void io_on_waker(struct cz_poll_handler *handler,
                        unsigned events CZ_UNUSED)
{
    struct cz_io_thread *io =
        cz_container_of(handler, struct cz_io_thread, waker_handler);

    cz_waker_clear(&io->waker);
}

/* ---- the thread ----------------------------------------------------- */

/* When the I/O thread looks again whether an application thread drives. */
static uint64_t io_lease(struct cz_io_thread *io)
{
    uint64_t now_us = cz_clock_us();
    uint64_t lease_us, rest_us;

    if (atomic_load(&io->driver) == CZ_IO_NOBODY) {
        io->nap_us = LEASE_US;
        lease_us = io->driven_at_us + LEASE_US;
    } else {
        /* The longer it has driven, the less it matters when we look. */
        lease_us = now_us + io->nap_us;
        io->nap_us = io->nap_us * 2 < NAP_US_MAX ? io->nap_us * 2 : NAP_US_MAX;
    }
    /* A promise to look so soon saves a server from waking us in each of its
     * rounds. */
    rest_us = io->server_rest_us;
    io->server_rest_us = 0;
    return rest_us && now_us + rest_us < lease_us ? now_us + rest_us : lease_us;
}

/* An application thread drives, or has just driven. Sleeps until that is
 * over or there is something to do. */
static void io_nap(struct cz_io_thread *io)
{
    uint32_t word = atomic_load(&io->nap_word);
    uint64_t until_us = io_next_timer(io);
    uint64_t lease_us = io_lease(io);
    int rc;

    if (lease_us < until_us)
        until_us = lease_us;
    io->naps_until_us = until_us;
    io_promise(io, until_us);
    io_leave(io);
    rc = cz_park(&io->nap_word, word, until_us);
    (void)rc; /* whatever woke us, look */
    cz_io_lock(io);
    io_promise(io, CZ_CLOCK_NEVER);
    io_run_commands(io);
    io_run_timers(io);
    if (atomic_load(&io->driver) == CZ_IO_NOBODY &&
        (io->must_take_over || io->now_us >= io->driven_at_us + LEASE_US))
        atomic_store(&io->driver, CZ_IO_THREAD);
}

static void io_main(void *arg)
{
    struct cz_io_thread *io = arg;
    int rc;

    cz_io_lock(io);
    while (!atomic_load(&io->is_stopping)) {
        if (atomic_load(&io->driver) == CZ_IO_THREAD) {
            io->must_take_over = false;
            rc = io_turn(io, NULL, CZ_CLOCK_NEVER);
            (void)rc; /* all signals are blocked here */
        } else {
            io_nap(io);
        }
    }
    if (io->is_bound) {
        /* What has been closed must not remain open. */
        rc = io_turn(io, NULL, io->now_us);
        (void)rc; /* it does not wait */
    }
    io_leave(io);
}

/* ---- an application thread at the wheel ------------------------------ */

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
        io_leave(io);
        return false;
    }
    if (io->is_waiting)
        cz_waker_signal(&io->waker); /* the I/O thread: it will nap */
    atomic_store(&io->driver, CZ_IO_APPLICATION);
    /* Before waiting for an answer, send what there is. */
    io_let_in(io, own);
    io_run_commands(io);
    cz_io_end_naps(io);
    while (io->is_waiting) {
        /* It needs the helm to come out of its turn. */
        io_leave(io);
        cz_thread_yield();
        helm_take(io);
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
    if (io->must_take_over || io_next_timer(io) < io->naps_until_us ||
        (io->blocked_writers > 0 &&
         io->driven_at_us + LEASE_US < io->naps_until_us))
        io_end_nap(io);
    io_leave(io);
}

int cz_io_drive(struct cz_io_thread *io, struct cz_mailbox *mailbox,
                uint64_t deadline_us, uint32_t spin_us)
{
    bool has_rest = mailbox->pace.has_rest;
    uint64_t spin_until_us;
    int rc = 0;

    CZ_ASSERT(!io->is_bound);
    mailbox->pace.has_rest = false;
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
        rc = io_turn(io, mailbox, limit_us);
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
    }
    drive_end(io, mailbox);
    return rc;
}

void cz_io_look(struct cz_io_thread *io)
{
    int rc;

    if (atomic_load(&io->driver) != CZ_IO_NOBODY || !helm_try(io))
        return;
    if (atomic_load(&io->driver) == CZ_IO_NOBODY) {
        /* A turn lets go of the helm: nobody else must begin one. */
        atomic_store(&io->driver, CZ_IO_APPLICATION);
        io->now_us = cz_clock_us();
        rc = io_turn(io, NULL, 0);
        (void)rc; /* it does not wait, so nothing interrupts it */
        drive_end(io, NULL);
    } else {
        io_leave(io);
    }
}

void cz_io_resume(struct cz_io_thread *io)
{
    if (atomic_load(&io->driver) != CZ_IO_NOBODY)
        return;
    helm_take(io);
    io->must_take_over = true;
    io_end_nap(io);
    io_leave(io);
}

/* ---- beginning and end ---------------------------------------------- */

static int io_open(struct cz_io_thread *io, const char *backend)
{
    int rc;

    io->mailbox = cz_mailbox_create(io);
    if (!io->mailbox)
        return -ENOMEM;
    rc = cz_waker_init(&io->waker);
    if (rc != 0)
        return rc;
    rc = cz_poller_create(backend, &io->poller);
    if (rc != 0)
        return rc;
    io->is_bound = cz_poller_is_bound(io->poller);
    io->waker_handler.on_events = io_on_waker;
    return cz_poller_add(io->poller, io->waker.fd, &io->waker_handler,
                         CZ_POLL_IN, &io->waker_id);
}

static void io_close(struct cz_io_thread *io)
{
    if (io->poller)
        cz_poller_destroy(io->poller);
    if (io->waker.fd >= 0)
        cz_waker_fini(&io->waker);
    if (io->mailbox)
        cz_mailbox_unref(io->mailbox);
    cz_chunk_destroy(io->arrival);
    cz_pool_unref(io->pool);
    cz_free(io);
}

int cz_io_thread_create(const char *backend,
                        const struct cz_thread_options *options,
                        struct cz_pool *pool, struct cz_io_thread **out)
{
    struct cz_io_thread *io = cz_zalloc(sizeof *io);
    int rc;

    if (!io) {
        cz_pool_unref(pool);
        return -ENOMEM;
    }
    io->waker.fd = -1;
    cz_list_init(&io->tenants);
    cz_timers_init(&io->timers);
    io->nap_us = LEASE_US;
    io->pool = pool;
    cz_io_sweep_init(io);
    cz_io_init_naps(io);
    atomic_init(&io->must_flush, 0);
    atomic_init(&io->looks_at_us, CZ_CLOCK_NEVER);
    atomic_init(&io->driver, CZ_IO_THREAD);
    rc = io_open(io, backend);
    if (rc == 0)
        rc = cz_thread_start(&io->thread, options, io_main, io);
    if (rc != 0) {
        io_close(io);
        return rc;
    }
    *out = io;
    return 0;
}

void cz_io_thread_stop(struct cz_io_thread *io)
{
    if (atomic_exchange(&io->is_stopping, 1))
        return;
    cz_waker_signal(&io->waker);
    io_end_nap(io);
    cz_thread_join(&io->thread);
}

void cz_io_thread_destroy(struct cz_io_thread *io)
{
    cz_io_thread_stop(io);
    cz_mailbox_close(io->mailbox);
    io_close(io);
}

const char *cz_io_refused_reactor(const struct cz_io_thread *io)
{
    return cz_poller_refused(io->poller);
}
