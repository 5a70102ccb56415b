/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A growing run of bytes: appended at the end, consumed at the start.
 *
 *     data      start            end         capacity
 *      | consumed | what it holds | free room |
 *
 * Thread: one owner.
 */
#ifndef CERO_BUFFER_H
#define CERO_BUFFER_H

#include <stddef.h>

struct buffer {
    unsigned char *data; /* NULL while nothing was ever reserved */
    size_t start;
    size_t end;
    size_t capacity;
};

/* Makes room for `room` more bytes at buffer_tail. 0 or -ENOMEM. */
int buffer_reserve(struct buffer *buffer, size_t room);

/* Copies `size` bytes to the end. 0 or -ENOMEM. */
int buffer_append(struct buffer *buffer, const void *data, size_t size);

/* Forgets `size` bytes at the start. */
void buffer_consume(struct buffer *buffer, size_t size);

void buffer_fini(struct buffer *buffer);

static inline unsigned char *buffer_head(const struct buffer *buffer)
{
    return buffer->data + buffer->start;
}

static inline unsigned char *buffer_tail(const struct buffer *buffer)
{
    return buffer->data + buffer->end;
}

static inline size_t buffer_size(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline size_t buffer_room(const struct buffer *buffer)
{
    return buffer->capacity - buffer->end;
}

#endif
