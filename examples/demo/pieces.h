/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Cuts standard input into pieces of whole lines.
 */
#ifndef DEMO_PIECES_H
#define DEMO_PIECES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_READ_SIZE = 256 * 1024 };

struct pieces {
    char *buffer;
    size_t capacity;
    size_t start; /* what is left in the buffer... */
    size_t end;   /* ...ends here */
    bool is_ended;
};

static inline void pieces_read(struct pieces *pieces)
{
    size_t size = pieces->end - pieces->start;

    if (pieces->start > 0)
        memmove(pieces->buffer, pieces->buffer + pieces->start, size);
    pieces->start = 0;
    pieces->end = size;
    if (pieces->capacity - size < PIECES_READ_SIZE) {
        pieces->capacity = 2 * pieces->capacity + PIECES_READ_SIZE;
        pieces->buffer = realloc(pieces->buffer, pieces->capacity);
        if (!pieces->buffer) {
            perror("realloc");
            exit(1);
        }
    }
    size = fread(pieces->buffer + pieces->end, 1, PIECES_READ_SIZE, stdin);
    pieces->end += size;
    pieces->is_ended = size < PIECES_READ_SIZE;
}

/* Where a piece ends in text of `available` bytes: behind the last line
 * that ends within `size` bytes or else, when it is a long one, behind the
 * first line. 0 if no line ends. */
static inline size_t pieces_cut(const char *text, size_t available, size_t size)
{
    size_t window = available < size ? available : size;
    const char *end = memrchr(text, '\n', window);

    if (!end)
        end = memchr(text + window, '\n', available - window);
    return end ? (size_t)(end - text) + 1 : 0;
}

/* Finds the next piece, of about `size` bytes; it is valid until the next
 * call. False at the end of the input. */
static inline bool pieces_next(struct pieces *pieces, size_t size,
                               const char **piece, size_t *piece_size)
{
    size_t available, cut = 0;

    for (;;) {
        available = pieces->end - pieces->start;
        if (available > 0 && (available >= size || pieces->is_ended))
            cut = pieces_cut(pieces->buffer + pieces->start, available, size);
        if (cut > 0 || pieces->is_ended)
            break;
        pieces_read(pieces);
    }
    if (cut == 0) /* the last line may lack its newline */
        cut = available;
    *piece = pieces->buffer + pieces->start;
    *piece_size = cut;
    pieces->start += cut;
    return cut > 0;
}

#endif
