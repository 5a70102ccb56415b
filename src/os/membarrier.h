/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The asymmetric memory barrier: the rare side pays for the ordering that
 * the frequent side then gets for nothing.
 *
 * The frequent side writes `store; cz_light_barrier (); load`. The rare
 * side writes `store; cz_heavy_barrier (); load`. Then at least one of the
 * two sees the other's store, exactly as if both had used a sequentially
 * consistent fence. The light barrier only stops the compiler; the heavy
 * one makes the kernel interrupt every processor that runs this process.
 *
 * These are the only bare fences in the library.
 */
#ifndef CZ_OS_MEMBARRIER_H
#define CZ_OS_MEMBARRIER_H

#include <stdatomic.h>
#include <stdbool.h>

/* Whether cz_heavy_barrier works here: false where the kernel refuses it,
 * under ThreadSanitizer and in the simulation. Then both sides must use
 * sequentially consistent exchanges. The first call asks the kernel and
 * registers the process; any thread. A forked child registers anew. */
bool cz_heavy_barrier_available(void);

void cz_heavy_barrier(void);

static inline void cz_light_barrier(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

#endif
