/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Chunks: making and freeing them.
 *
 * Thread: any.
 */
#include "msg/chunk.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "msg/slab.h"

struct cz_chunk *cz_chunk_create(struct cz_pool *pool, uint32_t capacity)
{
    size_t size = sizeof(struct cz_chunk) + capacity;
    /* Without a pool nobody sweeps. */
    struct cz_chunk *chunk = pool ? cz_slab_get(size) : NULL;
    bool is_in_slab = chunk != NULL;

    if (is_in_slab && cz_alloc_is_refused()) {
        cz_slab_put(chunk, size);
        return NULL;
    }
    if (is_in_slab)
        cz_pool_lend(pool, size);
    else
        chunk = cz_pool_get(pool, size);
    if (!chunk)
        return NULL;
    chunk->is_in_slab = is_in_slab;
    chunk->capacity = chunk->size = capacity;
    chunk->pool = pool;
    chunk->bytes = (uint8_t *)(chunk + 1);
    chunk->shared = NULL;
    atomic_init(&chunk->refs, 1);
    cz_chunk_reset(chunk);
    return chunk;
}

struct cz_chunk *cz_chunk_view(struct cz_chunk *shared, const uint8_t *at)
{
    struct cz_chunk *view = cz_pool_get(shared->pool, sizeof *view);

    if (!view)
        return NULL;
    cz_chunk_reset(view);
    view->begin = view->capacity = (uint32_t)(at - shared->bytes);
    view->is_on_loan = true;
    view->is_in_slab = false;
    view->size = shared->size;
    view->pool = shared->pool;
    view->bytes = shared->bytes;
    view->shared = shared;
    /* Relaxed: who has a reference gives another one. */
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return view;
}

static void chunk_free(struct cz_chunk *chunk)
{
    size_t size = sizeof *chunk + chunk->size;

    if (chunk->is_in_slab) {
        cz_pool_settle(chunk->pool, size);
        cz_slab_put(chunk, size);
    } else {
        cz_pool_put(chunk->pool, chunk, size);
    }
}

void cz_chunk_unref(struct cz_chunk *chunk)
{
    /* Release: reads come before the memory is used again; acquire: by whoever
     * is the last. */
    if (chunk &&
        atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) == 1)
        chunk_free(chunk);
}

static void chunk_destroy_view(struct cz_chunk *view)
{
    struct cz_chunk *shared = view->shared;

    cz_pool_put(view->pool, view, sizeof *view);
    cz_chunk_unref(shared);
}

void cz_chunk_destroy(struct cz_chunk *chunk)
{
    if (!chunk)
        return;
    if (chunk->shared)
        chunk_destroy_view(chunk);
    else
        chunk_free(chunk);
}

void cz_chunk_destroy_chain(struct cz_chunk *chunk)
{
    while (chunk) {
        struct cz_chunk *next = chunk->next;

        cz_chunk_destroy(chunk);
        chunk = next;
    }
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
