/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Chunks: making and freeing them.
 *
 * Thread: any.
 */
#include "msg/chunk.h"

#include "base/pool.h"

struct cz_chunk *cz_chunk_create(struct cz_pool *pool, uint32_t capacity)
{
    struct cz_chunk *chunk = cz_pool_get(pool, sizeof *chunk + capacity);

    if (!chunk)
        return NULL;
    chunk->capacity = chunk->size = capacity;
    chunk->pool = pool;
    cz_chunk_reset(chunk);
    return chunk;
}

void cz_chunk_destroy(struct cz_chunk *chunk)
{
    if (chunk)
        cz_pool_put(chunk->pool, chunk, sizeof *chunk + chunk->size);
}

void cz_chunk_reset(struct cz_chunk *chunk)
{
    atomic_store_explicit(&chunk->limit, CZ_CHUNK_OPEN, memory_order_relaxed);
    chunk->begin = 0;
    chunk->messages = 0;
    chunk->next = NULL;
    chunk->is_continuation = false;
    chunk->has_refs = false;
    chunk->is_on_loan = false;
}
