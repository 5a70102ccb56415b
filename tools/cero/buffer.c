/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The growing buffer under the tool's input and output.
 *
 * Thread: one owner.
 * Owns: the bytes.
 */
#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_CAPACITY_MIN = 64 * 1024 };

int buffer_reserve(struct buffer *buffer, size_t room)
{
    size_t size = buffer_size(buffer);
    size_t capacity = buffer->capacity;
    unsigned char *data;

    if (room <= buffer_room(buffer))
        return 0;
    if (room > SIZE_MAX / 2 - size)
        return -ENOMEM;
    /* Moving pays only when it frees at least as much as it moves. */
    if (size + room <= capacity && size <= buffer->start) {
        memmove(buffer->data, buffer_head(buffer), size);
    } else {
        if (capacity < BUFFER_CAPACITY_MIN)
            capacity = BUFFER_CAPACITY_MIN;
        while (capacity < size + room)
            capacity *= 2;
        data = malloc(capacity);
        if (!data)
            return -ENOMEM;
        if (size > 0)
            memcpy(data, buffer_head(buffer), size);
        free(buffer->data);
        buffer->data = data;
        buffer->capacity = capacity;
    }
    buffer->start = 0;
    buffer->end = size;
    return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    int rc = buffer_reserve(buffer, size);

    if (rc != 0)
        return rc;
    if (size > 0)
        memcpy(buffer_tail(buffer), data, size);
    buffer->end += size;
    return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    buffer->start += size;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}
