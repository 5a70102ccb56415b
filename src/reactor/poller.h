/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reactor: which descriptors are ready, and who wants to know.
 *
 * One turn of a loop has three steps, because the thread that waits is not
 * always the thread that owns the loop's state (see core/io_thread.h):
 *
 *     cz_poller_prepare (poller);                    owner's lock held
 *     cz_poller_wait (poller, &batch, timeout_us);   lock NOT held
 *     cz_poller_dispatch (poller, &batch);           owner's lock held
 *
 * Between prepare and dispatch other threads that hold the lock may add,
 * watch and remove descriptors. So that a stale event never reaches a
 * handler that has gone, each registration has a generation, and dispatch
 * drops events of an older one. A descriptor that is added while another
 * thread waits takes effect at once if the back-end `is_live` (epoll), else
 * at the next prepare: the adder then wakes the waiter.
 *
 * Level-triggered: what is still ready is reported again.
 *
 * Thread: all calls but wait under the owner's lock; wait by one thread at
 * a time, and if the back-end `is_bound`, always by the same. Owns: the table
 * of registrations and the back-end's state.
 */
#ifndef CZ_REACTOR_POLLER_H
#define CZ_REACTOR_POLLER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A registration hears of what it watches for, and of nothing while it
 * watches for nothing. When the descriptor has failed, all that it watches
 * for is ready: reading or writing tells what happened. */
enum {
    CZ_POLL_IN = 1,  /* readable, or the far end has gone */
    CZ_POLL_OUT = 2, /* writable, or connecting has ended */
    CZ_POLL_ERR = 4, /* failed: comes unasked, beside the others; select
                      * cannot tell and leaves it out */
};

enum { CZ_POLL_BATCH_MAX = 256 };

struct cz_poll_handler {
    /* Called from dispatch with the events that are ready. May add, watch
     * and remove any registration, its own too. */
    void (*on_events)(struct cz_poll_handler *handler, unsigned events);
};

/* A registration. 0 is never a valid one. */
typedef uint64_t cz_poll_id;

struct cz_poll_event {
    cz_poll_id id;
    unsigned events;
};

struct cz_poll_batch {
    int count;
    struct cz_poll_event events[CZ_POLL_BATCH_MAX];
};

struct cz_poller;

/* Creates a poller. `backend` is one of cz_poller_name; NULL or "" means the
 * best one. Instead of one that the kernel refuses altogether (ENOSYS, EPERM)
 * the best of the others is taken, even if it was asked for by name. 0,
 * -EINVAL (unknown name, or left out of this build), -ENOMEM, -EMFILE... */
CZ_MUST_CHECK int cz_poller_create(const char *backend,
                                   struct cz_poller **poller);
void cz_poller_destroy(struct cz_poller *poller);

/* The names of the back-ends in this build, the best first; NULL behind the
 * last. */
const char *cz_poller_name(size_t number);

/* Is there a back-end of this name? */
bool cz_poller_is_known(const char *name);

/* The name of the one that cz_poller_create would try first. */
const char *cz_poller_default(const char *name);

/* The name of the back-end in use. */
const char *cz_poller_backend(const struct cz_poller *poller);

/* The name of the back-end that should be in use, if the kernel has refused
 * it; else NULL. */
const char *cz_poller_refused(const struct cz_poller *poller);

/* Must it always be the same thread that prepares and waits? It ends with a
 * last prepare and wait, so that nothing closed remains open. */
bool cz_poller_is_bound(const struct cz_poller *poller);

/* Do changes take effect while another thread waits? If not, whoever makes
 * one wakes the waiter; after a removal, too, for the kernel keeps what is
 * waited for open even when it is closed. */
bool cz_poller_is_live(const struct cz_poller *poller);

/* Registers a descriptor, once, with a first interest, perhaps none. The
 * handler must outlive the registration. 0, -EBADF, -ENOMEM, -EMFILE (select:
 * descriptor too large)... */
CZ_MUST_CHECK int cz_poller_add(struct cz_poller *poller, int fd,
                                struct cz_poll_handler *handler,
                                unsigned interest, cz_poll_id *id);

/* Another handler takes over; the interest stays. */
void cz_poller_hand_over(struct cz_poller *poller, cz_poll_id id,
                         struct cz_poll_handler *handler);

/* Says which of CZ_POLL_IN and CZ_POLL_OUT are wanted from now on. Cannot
 * fail; free if nothing changes. Harmless if the registration has ended. */
void cz_poller_watch(struct cz_poller *poller, cz_poll_id id,
                     unsigned interest);

/* Ends a registration; call before the descriptor is closed. Harmless if
 * the registration has ended. */
void cz_poller_remove(struct cz_poller *poller, cz_poll_id id);

/* How many registrations there are. */
size_t cz_poller_count(const struct cz_poller *poller);

/* Takes down what the next wait is to look at. */
void cz_poller_prepare(struct cz_poller *poller);

/* Waits until something is ready or `timeout_us` has passed (-1 = for ever,
 * 0 = only look) and fills the batch, possibly with nothing. 0 or -EINTR. */
CZ_MUST_CHECK int cz_poller_wait(struct cz_poller *poller,
                                 struct cz_poll_batch *batch,
                                 int64_t timeout_us);

/* Calls the handlers of all events of the batch that are still meant. */
void cz_poller_dispatch(struct cz_poller *poller,
                        const struct cz_poll_batch *batch);

#endif
