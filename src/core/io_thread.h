/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An I/O thread: one reactor, one mailbox, and the listeners, connecters,
 * sessions and engines that live on them.
 *
 * The helm. Everything that lives here is touched only by the thread that
 * holds the helm, a lock. Usually that is the I/O thread itself, but it lets
 * go of the helm while it waits in its reactor, and then any application
 * thread may take it for a moment and do its own I/O:
 *
 *   - a command for an object here runs at once, in the thread that posts it,
 *     if the helm is free: no thread hop for connecting, closing, or sending
 *     the one message of a quiet connection (cz_io_post, CZ_IO_NOW);
 *   - in a burst that would be a system call per message, so there the
 *     command goes to the I/O thread, which finds a batch when it comes
 *     (CZ_IO_SOON);
 *   - a thread that must wait for the network, because it wants a message or
 *     the pipe is full, may drive the reactor itself until it has what it
 *     needs (cz_io_drive). Only if all I/O of its socket is here and no other
 *     socket's: nobody else depends on it then.
 *
 * Who drives. At any time at most one thread waits in the reactor. When an
 * application thread wants to drive, the I/O thread steps aside and naps.
 * When the application thread leaves, nobody drives: it will probably be
 * back at once. If it is not within CZ_LEASE_US, or if something needs
 * attention, the I/O thread takes over again. A reactor that belongs to one
 * thread (io_uring) is driven by the I/O thread alone.
 *
 * Nothing is ever stranded: whoever lets go of the helm looks into the
 * mailbox once more (modelled in tests/unit/model).
 *
 * Thread: as said. Owns: its thread, reactor, timers, mailbox, and the
 * arrival chunk that all its connections read into.
 */
#ifndef CZ_CORE_IO_THREAD_H
#define CZ_CORE_IO_THREAD_H

#include "base/assert.h"
#include "base/compiler.h"
#include "base/list.h"
#include "core/command.h"
#include "core/mailbox.h"
#include "msg/chunk.h"
#include "os/thread.h"
#include "os/waker.h"
#include "reactor/poller.h"
#include "reactor/timers.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes of one read: large enough that the system call does not matter. */
enum { CZ_ARRIVAL_SIZE = 131072 };

enum cz_io_driver {
    CZ_IO_NOBODY,
    CZ_IO_THREAD,
    CZ_IO_APPLICATION,
};

struct cz_io_thread {
    _Atomic uint32_t helm;
    _Atomic uint32_t driver;   /* enum cz_io_driver */
    _Atomic uint32_t nap_word; /* changes to end the I/O thread's nap */
    struct cz_mailbox *mailbox;
    /* The mailbox of a socket whose thread has the helm, and will send nothing
     * more before it has received something; or NULL. */
    struct cz_mailbox *guest;
    struct cz_loan *ended_loans; /* see core/loan.h */
    struct cz_poller *poller;
    struct cz_timers timers;
    uint64_t now_us; /* the clock at the beginning of this turn */
    uint32_t turns;  /* of the reactor, so far */
    bool is_bound;   /* see cz_poller_is_bound */

    /* While somebody waits in the reactor. */
    bool is_waiting;
    uint64_t waits_until_us;
    /* The set of descriptors or timers changed in this hold of the helm. */
    bool has_changed;
    bool has_new_fds;    /* and not only timers */
    bool must_take_over; /* nobody drives, and something has to be watched */
    uint64_t driven_at_us;
    uint64_t nap_us; /* the next nap while an application thread drives */
    uint64_t naps_until_us; /* when the napping I/O thread wakes by itself */
    /* Who has driven since the I/O thread last looked serves many: how long
     * its answers may rest. Else 0. */
    uint32_t server_rest_us;
    /* Somebody who could not take the helm wants what rests to be written. */
    _Atomic uint32_t must_flush;
    /* While the I/O thread waits or naps: when it will look into the mailbox at
     * the latest. */
    _Atomic uint64_t looks_at_us;

    /* Descriptors that somebody waits to write to: they cannot be left without
     * a driver for longer than the lease. */
    uint32_t blocked_writers;

    /* Pipes whose reader, here, will look again by itself in a moment. */
    struct cz_list napping;
    uint64_t naps_end_us; /* CZ_CLOCK_NEVER if there are none */
    uint64_t batch_us;    /* how long the next ones are */
    /* How often all of them have been ended. */
    _Atomic uint32_t naps_ended;

    /* Connections that may hold more memory than an idle one should. */
    struct cz_list sweepers;
    struct cz_timer sweep;

    struct cz_list tenants;
    _Atomic uint32_t tenant_count; /* changed with the helm only */
    _Atomic uint32_t load; /* connections and listeners, for placing new ones */

    struct cz_pool *shared_pool; /* the context's, to be swept; or NULL */
    struct cz_pool *pool; /* its own: no other I/O thread meets it there */
    struct cz_chunk *arrival;
    struct cz_waker waker;
    cz_poll_id waker_id;
    struct cz_poll_handler waker_handler;
    struct cz_thread thread;
    _Atomic uint32_t is_stopping;
    _Atomic uintptr_t helmsman; /* debug builds: the thread that has the helm */
};

/* Something here that wants to be looked at again in a moment. */
struct cz_io_napper {
    struct cz_list link;
    void (*on_nap_end)(struct cz_io_napper *napper);
};

/* Starts one. `backend` as for cz_poller_create; `pool`, for what arrives and
 * for its pipes, may be NULL and is taken over, also on failure. 0 or
 * -errno. */
CZ_MUST_CHECK int cz_io_thread_create(const char *backend,
                                      const struct cz_thread_options *options,
                                      struct cz_pool *pool,
                                      struct cz_io_thread **io);
/* Nothing may live on it any more. stop ends the thread and waits for that;
 * destroy does so too, if need be, and frees it. */
void cz_io_thread_stop(struct cz_io_thread *io);
void cz_io_thread_destroy(struct cz_io_thread *io);

/* The name of the reactor that the kernel refused, so that another one had to
 * be taken; else NULL. Any thread. */
const char *cz_io_refused_reactor(const struct cz_io_thread *io);

/* Something here that may have memory to give back. */
struct cz_io_sweeper {
    struct cz_list link;
    /* Gives back what is not needed. True: that is all. */
    bool (*on_sweep)(struct cz_io_sweeper *sweeper);
};

enum cz_io_urgency {
    CZ_IO_NOW,   /* here and now if the helm is free */
    CZ_IO_SOON,  /* by the I/O thread, together with what else comes */
    CZ_IO_LATER, /* at cz_io_flush or after cz_io_wake; one of them must follow
                    in the same thread */
};

/* Posts a command to an object that lives here. Any thread. The mailbox of an
 * I/O thread is never closed while it has tenants, so this cannot fail. */
void cz_io_post(struct cz_io_thread *io, struct cz_command *command,
                enum cz_io_urgency urgency);

/* Takes the helm if it is free and does what waits to be done. False: it was
 * not. */
bool cz_io_help(struct cz_io_thread *io);

/* The same, or has it done as soon as the helm is free. */
void cz_io_flush(struct cz_io_thread *io);

/* Wakes the I/O thread for what was posted CZ_IO_LATER. */
void cz_io_wake(struct cz_io_thread *io);

/* Will the I/O thread look into its mailbox soon enough without being woken? */
bool cz_io_looks_by(struct cz_io_thread *io, uint64_t latest_us);

/* Can application threads drive? Not with a reactor that is bound to the I/O
 * thread. */
static inline bool cz_io_is_drivable(const struct cz_io_thread *io)
{
    return !io->is_bound;
}

/* Drives the reactor, which must be drivable, until something is in `mailbox`,
 * or the deadline; for so long of that without sleeping. at_once: it took one
 * look, or another thread drives. 0, -ETIMEDOUT or -EINTR. */
CZ_MUST_CHECK int cz_io_drive(struct cz_io_thread *io,
                              struct cz_mailbox *mailbox, uint64_t deadline_us,
                              uint32_t spin_us, bool *at_once);

/* With the helm: is this the thread of the socket with this mailbox, and will
 * it send nothing more for now? Not always known. */
static inline bool cz_io_is_guest(const struct cz_io_thread *io,
                                  const struct cz_mailbox *mailbox)
{
    return mailbox && io->guest == mailbox;
}

/* Does nobody drive just now? */
static inline bool cz_io_is_adrift(struct cz_io_thread *io)
{
    /* Relaxed: a hint; who acts on it looks again. */
    return atomic_load_explicit(&io->driver, memory_order_relaxed) ==
           CZ_IO_NOBODY;
}

/* If nobody drives: looks once, without waiting, at what has arrived. */
void cz_io_look(struct cz_io_thread *io);

/* If nobody drives: has the I/O thread take over at once, because the caller
 * is going to wait elsewhere. */
void cz_io_resume(struct cz_io_thread *io);

/* Takes and leaves the helm; for threads that must see or change what lives
 * here and can wait for it. */
void cz_io_lock(struct cz_io_thread *io);
void cz_io_unlock(struct cz_io_thread *io);

/* ---- with the helm held --------------------------------------------- */

/* Debug builds: the calling thread has it. All of the functions below say so,
 * and so whatever lives on an I/O thread does. */
static inline void cz_io_assert_helm(const struct cz_io_thread *io CZ_UNUSED)
{
    /* Relaxed: who has the helm has written it itself. */
    CZ_ASSERT(atomic_load_explicit(&io->helmsman, memory_order_relaxed) ==
              cz_thread_self());
}

CZ_MUST_CHECK int cz_io_watch_fd(struct cz_io_thread *io, int fd,
                                 struct cz_poll_handler *handler,
                                 unsigned interest, cz_poll_id *id);
void cz_io_hand_over(struct cz_io_thread *io, cz_poll_id id,
                     struct cz_poll_handler *handler);
void cz_io_set_interest(struct cz_io_thread *io, cz_poll_id id,
                        unsigned interest);
void cz_io_unwatch(struct cz_io_thread *io, cz_poll_id id);

void cz_io_set_timer(struct cz_io_thread *io, struct cz_timer *timer,
                     uint64_t delay_us);
void cz_io_cancel_timer(struct cz_io_thread *io, struct cz_timer *timer);

/* Calls napper->on_nap_end in a moment, or when somebody asks for help. */
void cz_io_nap(struct cz_io_thread *io, struct cz_io_napper *napper);

/* The same within so long. 0: as soon as others here had their turn. */
void cz_io_rest(struct cz_io_thread *io, struct cz_io_napper *napper,
                uint32_t rest_us);

/* For the helm: ends all naps now, or those that are over. */
void cz_io_end_naps(struct cz_io_thread *io);
void cz_io_run_naps(struct cz_io_thread *io);
void cz_io_init_naps(struct cz_io_thread *io);

/* Calls sweeper->on_sweep within a fraction of a second, until it says that
 * it is done. Costs nothing while that is still to come. */
void cz_io_sweep_later(struct cz_io_thread *io, struct cz_io_sweeper *sweeper);
void cz_io_sweep_init(struct cz_io_thread *io);

/* The arrival chunk, made if need be; NULL = no memory. Who keeps it calls
 * cz_io_take_arrival. */
struct cz_chunk *cz_io_arrival(struct cz_io_thread *io);
struct cz_chunk *cz_io_take_arrival(struct cz_io_thread *io);

#endif
