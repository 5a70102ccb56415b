/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A run of bytes that belongs to somebody else.
 *
 * Thread: any. Owns: nothing; a span lives as long as what it points into.
 */
#ifndef CZ_WIRE_SPAN_H
#define CZ_WIRE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `bytes` may be NULL if `size` is 0. */
struct cz_span {
    const uint8_t *bytes;
    size_t size;
};

static inline struct cz_span cz_span(const void *bytes, size_t size)
{
    return (struct cz_span){.bytes = bytes, .size = size};
}

static inline struct cz_span cz_span_of_text(const char *text)
{
    return cz_span(text, strlen(text));
}

static inline bool cz_span_equals(struct cz_span a, struct cz_span b)
{
    return a.size == b.size &&
           (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* As memcpy, but an empty span may have no address at all. Returns the
 * place after the copy. */
static inline uint8_t *cz_span_copy(uint8_t *to, struct cz_span from)
{
    if (from.size > 0)
        memcpy(to, from.bytes, from.size);
    return to + from.size;
}

#endif
