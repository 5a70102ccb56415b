/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bells: waking the one thread that waits for many mailboxes.
 *
 * Thread: see core/bell.h. Owns: the eventfd, if there is one.
 */
#include "core/bell.h"

#include "base/alloc.h"
#include "os/park.h"

struct cz_bell *cz_bell_create(void)
{
    struct cz_bell *bell = cz_zalloc_lines(sizeof *bell);

    if (!bell)
        return NULL;
    atomic_init(&bell->refs, 1);
    atomic_init(&bell->is_taken, 1);
    bell->waker.fd = -1;
    return bell;
}

void cz_bell_ref(struct cz_bell *bell)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&bell->refs, 1, memory_order_relaxed);
}

void cz_bell_unref(struct cz_bell *bell)
{
    /* acq_rel: the last one out sees all uses by the others. */
    if (atomic_fetch_sub_explicit(&bell->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (bell->waker.fd >= 0)
        cz_waker_fini(&bell->waker);
    cz_free(bell);
}

bool cz_bell_try_take(struct cz_bell *bell)
{
    uint32_t expected = 0;

    /* Acquire: pairs with the release in cz_bell_leave, for the waker. */
    return atomic_compare_exchange_strong_explicit(&bell->is_taken, &expected,
                                                   1, memory_order_acquire,
                                                   memory_order_relaxed);
}

void cz_bell_leave(struct cz_bell *bell)
{
    atomic_store_explicit(&bell->is_taken, 0, memory_order_release);
}

void cz_bell_listen(struct cz_bell *bell, enum cz_bell_state state)
{
    atomic_store(&bell->state, state);
}

void cz_bell_ignore(struct cz_bell *bell)
{
    atomic_store(&bell->state, CZ_BELL_SILENT);
}

int cz_bell_park(struct cz_bell *bell, uint64_t deadline_us)
{
    int rc = 0;

    while (rc == 0 && atomic_load(&bell->state) == CZ_BELL_PARKED)
        rc = cz_park(&bell->state, CZ_BELL_PARKED, deadline_us);
    return atomic_load(&bell->state) == CZ_BELL_PARKED ? rc : 0;
}

int cz_bell_fd(struct cz_bell *bell)
{
    if (bell->waker.fd < 0) {
        int rc = cz_waker_init(&bell->waker);

        if (rc != 0)
            return rc;
    }
    return bell->waker.fd;
}

void cz_bell_clear(struct cz_bell *bell)
{
    cz_waker_clear(&bell->waker);
}

void cz_bell_wake(struct cz_bell *bell)
{
    switch (atomic_exchange(&bell->state, CZ_BELL_SILENT)) {
    case CZ_BELL_PARKED:
        cz_unpark(&bell->state, 1);
        break;
    case CZ_BELL_POLLING:
        cz_waker_signal(&bell->waker);
        break;
    default:
        break;
    }
}
