/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A pool of large blocks. The C library gives large blocks back to the
 * kernel when they are freed, and each page of the next one costs a page
 * fault: at 1 MiB a message that is more than copying it. The pool keeps
 * some of them, up to a limit in bytes.
 *
 * A pool lives as long as its owner or any of its blocks.
 *
 * Thread: any. Owns: the blocks that nobody uses.
 */
#ifndef CZ_BASE_POOL_H
#define CZ_BASE_POOL_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks smaller than this are not worth it, larger ones too many bytes. */
enum { CZ_POOL_BLOCK_MIN = 16384, CZ_POOL_BLOCK_MAX = 4194304 };

struct cz_pool;

/* `limit`: bytes that it may keep, and as many again of what others than the
 * thread that takes have given back; four times as many while cz_pool_age is
 * called now and then. NULL = no memory. */
struct cz_pool *cz_pool_create(size_t limit);

/* The owner's reference. `pool` may be NULL. */
void cz_pool_unref(struct cz_pool *pool);

/* The one for what belongs to no context yet: messages that applications make.
 * It is never destroyed. */
struct cz_pool *cz_pool_common(void);

/* Gives the blocks that nobody uses back to the C library. */
void cz_pool_trim(struct cz_pool *pool);

/* The same for those that were not needed since it last did that. Several I/O
 * threads may come here: before CZ_POOL_AGE_US are over nothing is done. True:
 * some are still kept, or may be soon, and the caller comes again. */
enum { CZ_POOL_AGE_US = 50000 };
bool cz_pool_age(struct cz_pool *pool, uint64_t now_us);

/* How many bytes were got with this pool, of whatever size the blocks, and not
 * put back. */
size_t cz_pool_in_use(const struct cz_pool *pool);

/* A block of at least `size` bytes; NULL = no memory. Goes back with
 * cz_pool_put, with the same size. `pool` may be NULL: then, and for sizes
 * outside the limits above, these are cz_alloc and cz_free. */
void *cz_pool_get(struct cz_pool *pool, size_t size);
void cz_pool_put(struct cz_pool *pool, void *block, size_t size);

/* Counts memory that is got elsewhere like a block of the pool, and until it is
 * put back. */
void cz_pool_lend(struct cz_pool *pool, size_t size);
void cz_pool_settle(struct cz_pool *pool, size_t size);

#endif
