/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Counters that one thread at a time counts on and any thread reads: no
 * locked operation, and no order, for they are numbers on their own.
 */
#ifndef CZ_BASE_COUNT_H
#define CZ_BASE_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t cz_count;

static inline uint64_t cz_count_get(const cz_count *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* Modulo 2^64, so that less than nothing can be added, too. */
static inline void cz_count_add(cz_count *count, uint64_t more)
{
    atomic_store_explicit(count, cz_count_get(count) + more,
                          memory_order_relaxed);
}

/* The same where several threads count. */
static inline void cz_count_add_shared(cz_count *count, uint64_t more)
{
    atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

/* Moves a wide count to where its low half is, which is less than 2^31 away. */
static inline void cz_count_follow(cz_count *count, uint32_t low)
{
    uint64_t now = cz_count_get(count);

    cz_count_add(count, (uint64_t)(int32_t)(low - (uint32_t)now));
}

/* Where it would be then. */
static inline uint64_t cz_count_ahead(uint64_t count, uint32_t low)
{
    return count + (uint64_t)(int32_t)(low - (uint32_t)count);
}

#endif
