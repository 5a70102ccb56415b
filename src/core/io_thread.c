/* SPDX-License-Identifier: MPL-2.0 */
/*
 * I/O threads: the turns of the reactor, the thread that makes most of them,
 * its beginning and its end.
 *
 * Thread: see core/io_thread.h. Owns: what is listed there.
 */
#include "core/io_thread.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "core/io_helm.h"
#include "os/clock.h"
#include "os/park.h"

#include <errno.h>

/* How long the I/O thread naps at most while an application thread drives, and
 * so how late it may notice that nobody does any more. */
enum { NAP_US_MAX = 8000 };

/* ---- turns ---------------------------------------------------------- */

void cz_helm_run_timers(struct cz_io_thread *io)
{
    io->now_us = cz_clock_us();
    cz_io_run_naps(io);
    cz_timers_run(&io->timers, io->now_us);
}

static int64_t io_timeout(uint64_t now_us, uint64_t until_us)
{
    if (until_us == CZ_CLOCK_NEVER)
        return -1;
    return until_us > now_us ? (int64_t)(until_us - now_us) : 0;
}

int cz_helm_turn(struct cz_io_thread *io, struct cz_mailbox *own,
                 uint64_t limit_us)
{
    struct cz_poll_batch batch;
    bool is_drivers = atomic_load(&io->driver) == CZ_IO_APPLICATION;
    uint64_t until_us;
    int64_t timeout_us;
    int rc;

    batch.count = 0;
    cz_helm_let_in(io, own);
    cz_helm_run_commands(io);
    cz_helm_run_timers(io);
    until_us = cz_helm_next_timer(io);
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
        cz_helm_promise(io, until_us);
    cz_helm_free(io);

    rc = cz_poller_wait(io->poller, &batch, timeout_us);

    cz_helm_take(io);
    cz_helm_let_in(io, own);
    if (!is_drivers)
        cz_helm_promise(io, CZ_CLOCK_NEVER);
    io->is_waiting = false;
    cz_mailbox_awake(io->mailbox);
    if (own)
        cz_mailbox_awake(own);
    io->now_us = cz_clock_us();
    io->turns++;
    cz_poller_dispatch(io->poller, &batch);
    cz_helm_run_commands(io);
    return rc;
}

/* ---- the thread ----------------------------------------------------- */

/* When the I/O thread looks again whether an application thread drives. */
static uint64_t io_lease(struct cz_io_thread *io)
{
    uint64_t now_us = cz_clock_us();
    uint64_t lease_us, rest_us;

    if (atomic_load(&io->driver) == CZ_IO_NOBODY) {
        io->nap_us = CZ_LEASE_US;
        lease_us = io->driven_at_us + CZ_LEASE_US;
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
    uint64_t until_us = cz_helm_next_timer(io);
    uint64_t lease_us = io_lease(io);
    int rc;

    if (lease_us < until_us)
        until_us = lease_us;
    io->naps_until_us = until_us;
    cz_helm_promise(io, until_us);
    cz_helm_leave(io);
    rc = cz_park(&io->nap_word, word, until_us);
    (void)rc; /* whatever woke us, look */
    cz_io_lock(io);
    cz_helm_promise(io, CZ_CLOCK_NEVER);
    cz_helm_run_commands(io);
    cz_helm_run_timers(io);
    if (atomic_load(&io->driver) == CZ_IO_NOBODY &&
        (io->must_take_over || io->now_us >= io->driven_at_us + CZ_LEASE_US))
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
            rc = cz_helm_turn(io, NULL, CZ_CLOCK_NEVER);
            (void)rc; /* all signals are blocked here */
        } else {
            io_nap(io);
        }
    }
    if (io->is_bound) {
        /* What has been closed must not remain open. */
        rc = cz_helm_turn(io, NULL, io->now_us);
        (void)rc; /* it does not wait */
    }
    cz_helm_leave(io);
}

/* ---- beginning and end ---------------------------------------------- */

static void io_on_waker(struct cz_poll_handler *handler,
                        unsigned events CZ_UNUSED)
{
    struct cz_io_thread *io =
        cz_container_of(handler, struct cz_io_thread, waker_handler);

    cz_waker_clear(&io->waker);
}

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
    io->nap_us = CZ_LEASE_US;
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
    cz_helm_end_nap(io);
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
