/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Slabs: the memory of the chunks that a burst needs and that are given back
 * soon after it. From the C library they would lie among smaller blocks that
 * stay, and a thread's cache of free ones keeps seven of each small size, which
 * is enough to hold the end of a heap of which nothing else is used: after a
 * burst 4.4 KiB a connection stayed resident, on one with 1,000 of them. So
 * they lie together, 64 or 256 KiB in a piece, and a piece that is empty goes
 * back to the kernel.
 *
 * Thread: any; nobody waits, who finds the lock taken does without. Owns: the
 * pieces, for the whole process.
 */
#ifndef CZ_MSG_SLAB_H
#define CZ_MSG_SLAB_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A block for a chunk of 2, 8 or 32 KiB, `size` with its header. NULL: have it
 * from elsewhere; it is not the size, or not the moment. Goes back with the
 * same size. */
void *cz_slab_get(size_t size);
void cz_slab_put(void *memory, size_t size);

/* Gives back to the kernel what has not been needed since it last did that.
 * Every I/O thread of the process comes here: before CZ_SLAB_AGE_US are over
 * nothing is done. True: some is still kept, or may be soon, and the caller
 * comes again. While it does, eight times as much may be kept. */
enum { CZ_SLAB_AGE_US = 50000 };
bool cz_slab_age(uint64_t now_us);

/* Gives back all that nobody uses. */
void cz_slab_trim(void);

#endif
