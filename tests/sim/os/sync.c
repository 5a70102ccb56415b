/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The clock, parking, locks and (the lack of) membarrier.
 *
 * Thread: the one whose turn it is. Owns: nothing; a lock's state lives in
 * the bytes of its pthread handle.
 */
#include "os/clock.h"
#include "os/membarrier.h"
#include "os/mutex.h"
#include "os/park.h"
#include "sim/os/world.h"

#include <string.h>

/* Reading the clock takes a little time, so that a loop that waits for a
 * time without pausing comes to an end. */
uint64_t cz_clock_ns(void)
{
    sim.now_ns += 5;
    sim_point();
    return sim.now_ns;
}

/* Nobody is put aside by somebody else. */
uint64_t cz_clock_thread_us(void)
{
    return cz_clock_ns() / 1000;
}

uint64_t cz_clock_wall_us(void)
{
    return cz_clock_ns() / 1000;
}

int cz_park(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_us)
{
    int rc = 0;

    sim_point();
    if (atomic_load(word) == expected && !sim_fault(sim.config.spurious_park))
        rc = sim_wait("park", (const void *)word, sim_deadline_ns(deadline_us));
    sim_note("park", expected, rc);
    return rc;
}

void cz_unpark(_Atomic uint32_t *word, int count)
{
    sim_point();
    sim_wake((const void *)word, count);
    sim_note("unpark", count, 0);
    sim_point();
}

bool cz_heavy_barrier_available(void)
{
    return false;
}

void cz_heavy_barrier(void)
{
    sim_fail("the heavy barrier was used although it is not available");
}

/* ---- Locks ---- */

struct lock {
    uint32_t magic;
    uint32_t owner; /* cz_thread_self-like number; 0 = free */
};

enum { LOCK_MAGIC = 0x10c4ed };

_Static_assert(sizeof(struct lock) <= sizeof(pthread_mutex_t),
               "a simulated lock lives in the bytes of a real one");

static struct lock lock_get(const struct cz_mutex *mutex)
{
    struct lock lock;

    memcpy(&lock, &mutex->handle, sizeof lock);
    if (lock.magic != LOCK_MAGIC)
        sim_fail("a lock was used that is not initialised");
    return lock;
}

static void lock_put(struct cz_mutex *mutex, uint32_t magic, uint32_t owner)
{
    struct lock lock = {.magic = magic, .owner = owner};

    memcpy(&mutex->handle, &lock, sizeof lock);
}

static uint32_t lock_self(void)
{
    return sim.current ? sim.current->serial : SIM_THREADS_MAX + 1;
}

void cz_mutex_init(struct cz_mutex *mutex)
{
    lock_put(mutex, LOCK_MAGIC, 0);
}

void cz_mutex_fini(struct cz_mutex *mutex)
{
    if (lock_get(mutex).owner != 0)
        sim_fail("a lock ends while thread %u holds it", lock_get(mutex).owner);
    lock_put(mutex, 0, 0);
}

void cz_mutex_lock(struct cz_mutex *mutex)
{
    sim_point();
    if (lock_get(mutex).owner == lock_self())
        sim_fail("a thread takes a lock that it holds");
    while (lock_get(mutex).owner != 0)
        (void)!sim_wait("lock", mutex, SIM_NEVER);
    lock_put(mutex, LOCK_MAGIC, lock_self());
}

bool cz_mutex_try_lock(struct cz_mutex *mutex)
{
    bool is_free;

    sim_point();
    is_free = lock_get(mutex).owner == 0;
    if (is_free)
        lock_put(mutex, LOCK_MAGIC, lock_self());
    sim_note("try_lock", is_free, 0);
    return is_free;
}

void cz_mutex_unlock(struct cz_mutex *mutex)
{
    if (lock_get(mutex).owner != lock_self())
        sim_fail("a thread gives back a lock that it does not hold");
    lock_put(mutex, LOCK_MAGIC, 0);
    sim_wake(mutex, 1);
    sim_point();
}
