/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Atomic counters: zmq_atomic_counter_*(3).
 *
 * A counter guards other data, as a reference count does, so counting up and
 * down acquires what the last thread that counted has released.
 *
 * Thread: any. Owns: a counter belongs to the caller.
 */
#include "base/alloc.h"
#include "zmq.h"

#include <errno.h>
#include <stdatomic.h>

void *zmq_atomic_counter_new(void)
{
    atomic_int *counter = cz_alloc(sizeof *counter);

    if (!counter) {
        errno = ENOMEM;
        return NULL;
    }
    atomic_init(counter, 0);
    return counter;
}

void zmq_atomic_counter_set(void *handle, int value)
{
    atomic_int *counter = handle;

    /* Pairs with the acquire of value, inc and dec. */
    atomic_store_explicit(counter, value, memory_order_release);
}

int zmq_atomic_counter_inc(void *handle)
{
    atomic_int *counter = handle;

    /* Pairs with itself and with dec, in other threads. */
    return atomic_fetch_add_explicit(counter, 1, memory_order_acq_rel);
}

int zmq_atomic_counter_dec(void *handle)
{
    atomic_int *counter = handle;

    /* Pairs with itself and with inc, in other threads. */
    return atomic_fetch_sub_explicit(counter, 1, memory_order_acq_rel) != 1;
}

int zmq_atomic_counter_value(void *handle)
{
    atomic_int *counter = handle;

    /* Pairs with the release of set, inc and dec. */
    return atomic_load_explicit(counter, memory_order_acquire);
}

void zmq_atomic_counter_destroy(void **handle)
{
    if (!handle)
        return;
    cz_free(*handle);
    *handle = NULL;
}
