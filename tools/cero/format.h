/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How the bytes of one part of a message are written as text, and read
 * back.
 *
 *     raw     as they are
 *     quoted  printable ASCII as it is; \\ \n \r \t and \xNN for the rest
 *     hex     two digits for each byte
 *
 * Thread: any; nothing here has state.
 */
#ifndef CERO_FORMAT_H
#define CERO_FORMAT_H

#include "buffer.h"

#include <stdbool.h>

struct format {
    const char *name;
    /* Appends the text of `size` bytes; `separator`, a character or -1,
     * does not occur in it. 0 or -ENOMEM. NULL: the bytes are the text. */
    int (*encode)(struct buffer *text, const unsigned char *data, size_t size,
                  int separator);
    /* Writes at most `size` bytes at `to` and tells in `*length` how many.
     * 0 or -EBADMSG. */
    int (*decode)(unsigned char *to, size_t *length, const unsigned char *text,
                  size_t size);
    /* Characters that have a meaning and so cannot be separators. */
    bool (*is_reserved)(int c);
};

extern const struct format format_raw;
extern const struct format format_quoted;
extern const struct format format_hex;

/* The format of that name, or NULL. */
const struct format *format_find(const char *name);

#endif
