/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A lock for one thread that takes it all the time, its favourite, and others
 * that take it now and then. While they stay away, the favourite pays for two
 * stores and three loads, and for no locked operation.
 *
 *     favourite                        another
 *     is_held = 1                      lock the mutex
 *     light barrier                    is_shared = 1
 *     is_shared? then with the mutex   heavy barrier
 *     ...                              sleep while is_held
 *     is_held = 0                      ...
 *     is_shared? then wake             unlock the mutex
 *
 * Once it is shared, all of them take the mutex, until the favourite has done
 * so many times without meeting another: the heavy barrier is dear. Where
 * there is none (os/membarrier.h) it stays shared. Every state is visited in
 * tests/unit/model/biased_lock_model_test.c.
 *
 * Thread: favour and unfavour by one thread at a time, lock and unlock by any.
 * Not recursive.
 */
#ifndef CZ_CORE_BIASED_LOCK_H
#define CZ_CORE_BIASED_LOCK_H

#include "base/compiler.h"
#include "os/membarrier.h"
#include "os/mutex.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_biased_lock {
    struct cz_mutex mutex;
    _Atomic uint32_t is_held;   /* by the favourite, without the mutex */
    _Atomic uint32_t is_shared; /* changed with the mutex only */
    uint32_t visits;            /* of the favourite since another was there */
    bool has_mutex;             /* the favourite */
};

void cz_biased_lock_init(struct cz_biased_lock *lock);
void cz_biased_lock_fini(struct cz_biased_lock *lock);

/* Anybody. */
void cz_biased_lock_lock(struct cz_biased_lock *lock);
void cz_biased_lock_unlock(struct cz_biased_lock *lock);

/* The slow halves of the functions below. */
void cz_biased_lock_favour_slow(struct cz_biased_lock *lock);
void cz_biased_lock_unfavour_slow(struct cz_biased_lock *lock);

/* Relaxed: ordered by the barriers against another's, and else the
 * favourite's own. */
static inline bool cz_biased_lock_is_shared(struct cz_biased_lock *lock)
{
    return atomic_load_explicit(&lock->is_shared, memory_order_relaxed);
}

/* The favourite. */
static inline void cz_biased_lock_favour(struct cz_biased_lock *lock)
{
    if (CZ_LIKELY(!cz_biased_lock_is_shared(lock))) {
        atomic_store_explicit(&lock->is_held, 1, memory_order_relaxed);
        cz_light_barrier();
        if (CZ_LIKELY(!cz_biased_lock_is_shared(lock)))
            return;
    }
    cz_biased_lock_favour_slow(lock);
}

static inline void cz_biased_lock_unfavour(struct cz_biased_lock *lock)
{
    if (CZ_LIKELY(!lock->has_mutex)) {
        /* Release: pairs with the acquire of who waits for it. */
        atomic_store_explicit(&lock->is_held, 0, memory_order_release);
        cz_light_barrier();
        if (CZ_LIKELY(!cz_biased_lock_is_shared(lock)))
            return;
    }
    cz_biased_lock_unfavour_slow(lock);
}

#endif
