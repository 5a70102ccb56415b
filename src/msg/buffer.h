/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A reference-counted run of bytes: the body of a large message, shared by
 * everybody who holds a piece of it and never copied on the way.
 *
 * Thread: any; the bytes must not change while more than one holds it.
 */
#ifndef CZ_MSG_BUFFER_H
#define CZ_MSG_BUFFER_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_pool;

typedef void(cz_free_fn)(void *data, void *hint);

struct cz_buffer {
    uint8_t *data;
    size_t size;
    cz_free_fn *free_fn; /* NULL: the bytes follow the struct, or are const */
    void *hint;
    struct cz_pool *pool; /* where the memory goes back to, or NULL */
    _Atomic uint32_t refs;
    uint16_t slot; /* of one that wraps: see msg/buffer_head.h */
    bool is_wrapped;
};

/* One reference to `size` fresh, uninitialised bytes; NULL = no memory. From
 * the pool, unless it is NULL. */
struct cz_buffer *cz_buffer_create(struct cz_pool *pool, size_t size);

/* Takes over memory of the caller: `free_fn (data, hint)` runs exactly once,
 * in the thread that drops the last reference. `free_fn` may be NULL: then
 * the bytes must outlive everything. NULL = no memory; free_fn has not run. */
struct cz_buffer *cz_buffer_wrap(void *data, size_t size, cz_free_fn *free_fn,
                                 void *hint);

void cz_buffer_destroy(struct cz_buffer *buffer);

static inline struct cz_buffer *cz_buffer_ref(struct cz_buffer *buffer)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

static inline void cz_buffer_unref(struct cz_buffer *buffer)
{
    /* A sole holder needs no locked operation: nobody else can take a
     * reference meanwhile. Acquire pairs with the release below, so that all
     * uses by earlier holders come before the destruction. */
    if (atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) == 1)
        cz_buffer_destroy(buffer);
}

#endif
