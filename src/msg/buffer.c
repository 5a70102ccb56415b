/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reference-counted message bodies.
 *
 * Thread: any. Owns: the bytes, until the last reference goes.
 */
#include "msg/buffer.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "msg/buffer_head.h"

struct cz_buffer *cz_buffer_create(struct cz_pool *pool, size_t size)
{
    struct cz_buffer *buffer;

    if (size > SIZE_MAX - sizeof *buffer)
        return NULL;
    buffer = cz_pool_get(pool, sizeof *buffer + size);
    if (!buffer)
        return NULL;
    buffer->data = (uint8_t *)(buffer + 1);
    buffer->size = size;
    buffer->free_fn = NULL;
    buffer->hint = NULL;
    buffer->pool = pool;
    buffer->is_wrapped = false;
    atomic_init(&buffer->refs, 1);
    return buffer;
}

struct cz_buffer *cz_buffer_wrap(void *data, size_t size, cz_free_fn *free_fn,
                                 void *hint)
{
    struct cz_buffer *buffer = cz_buffer_head_take();

    if (!buffer)
        return NULL;
    buffer->data = data;
    buffer->size = size;
    buffer->free_fn = free_fn;
    buffer->hint = hint;
    buffer->pool = NULL;
    buffer->is_wrapped = true;
    atomic_init(&buffer->refs, 1);
    return buffer;
}

void cz_buffer_destroy(struct cz_buffer *buffer)
{
    if (buffer->free_fn)
        buffer->free_fn(buffer->data, buffer->hint);
    if (buffer->is_wrapped)
        cz_buffer_head_drop(buffer);
    else if (buffer->pool)
        cz_pool_put(buffer->pool, buffer, sizeof *buffer + buffer->size);
    else
        cz_free(buffer);
}
