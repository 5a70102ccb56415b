/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Biased locks: where the favourite meets another.
 *
 * Thread: see core/biased_lock.h. Owns: the mutex.
 */
#include "core/biased_lock.h"

#include "os/clock.h"
#include "os/park.h"

/* The barrier costs as much as some hundred locked operations. */
enum { VISITS_MAX = 64 };

void cz_biased_lock_init(struct cz_biased_lock *lock)
{
    *lock = (struct cz_biased_lock){.is_shared = 1};
    cz_mutex_init(&lock->mutex);
}

void cz_biased_lock_fini(struct cz_biased_lock *lock)
{
    cz_mutex_fini(&lock->mutex);
}

CZ_IS_A_LOCK void cz_biased_lock_lock(struct cz_biased_lock *lock)
{
    cz_mutex_lock(&lock->mutex);
    lock->visits = 0;
    if (cz_biased_lock_is_shared(lock))
        return;
    atomic_store_explicit(&lock->is_shared, 1, memory_order_relaxed);
    cz_heavy_barrier(); /* pairs with the light ones of the favourite */
    while (atomic_load_explicit(&lock->is_held, memory_order_acquire))
        (void)!cz_park(&lock->is_held, 1, CZ_CLOCK_NEVER);
}

CZ_IS_A_LOCK void cz_biased_lock_unlock(struct cz_biased_lock *lock)
{
    cz_mutex_unlock(&lock->mutex);
}

/* What the favourite holds without the mutex, it lets go. */
static void biased_lock_yield(struct cz_biased_lock *lock)
{
    atomic_store_explicit(&lock->is_held, 0, memory_order_release);
    cz_unpark(&lock->is_held, 1);
}

CZ_IS_A_LOCK void cz_biased_lock_favour_slow(struct cz_biased_lock *lock)
{
    /* Relaxed: its own. */
    if (atomic_load_explicit(&lock->is_held, memory_order_relaxed))
        biased_lock_yield(lock);
    cz_mutex_lock(&lock->mutex);
    lock->has_mutex = true;
    if (++lock->visits > VISITS_MAX && cz_heavy_barrier_available())
        atomic_store_explicit(&lock->is_shared, 0, memory_order_relaxed);
}

CZ_IS_A_LOCK void cz_biased_lock_unfavour_slow(struct cz_biased_lock *lock)
{
    if (!lock->has_mutex) {
        cz_unpark(&lock->is_held, 1);
        return;
    }
    lock->has_mutex = false;
    cz_mutex_unlock(&lock->mutex);
}
