/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Finds the records in a run of bytes: lines, length-prefixed, raw.
 *
 * Thread: any.
 * Owns: nothing.
 */
#include "framing.h"

#include <errno.h>
#include <string.h>

static int framing_cut_line(const struct framing_scan *scan,
                            struct framing_cut *cut)
{
    const unsigned char *end = NULL;

    if (scan->size > scan->seen)
        end = memchr(scan->data + scan->seen, '\n', scan->size - scan->seen);
    if (end) {
        cut->offset = 0;
        cut->size = (size_t)(end - scan->data);
        cut->total = cut->size + 1;
        return 0;
    }
    if (!scan->is_ended)
        return -EAGAIN;
    if (scan->size == 0)
        return -ENODATA;
    *cut = (struct framing_cut){0, scan->size, scan->size};
    return 0;
}

static int framing_cut_length_prefixed(const struct framing_scan *scan,
                                       struct framing_cut *cut)
{
    const unsigned char *p = scan->data;
    size_t size = 0;

    if (scan->size >= FRAMING_PREFIX_SIZE) {
        size = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
               (size_t)p[3];
        if (scan->size - FRAMING_PREFIX_SIZE >= size) {
            cut->offset = FRAMING_PREFIX_SIZE;
            cut->size = size;
            cut->total = FRAMING_PREFIX_SIZE + size;
            return 0;
        }
    }
    if (!scan->is_ended)
        return -EAGAIN;
    return scan->size == 0 ? -ENODATA : -EBADMSG;
}

static int framing_cut_raw(const struct framing_scan *scan,
                           struct framing_cut *cut)
{
    if (!scan->is_ended)
        return -EAGAIN;
    if (!scan->is_first)
        return -ENODATA;
    *cut = (struct framing_cut){0, scan->size, scan->size};
    return 0;
}

void framing_put_prefix(unsigned char *to, uint32_t size)
{
    to[0] = (unsigned char)(size >> 24);
    to[1] = (unsigned char)(size >> 16);
    to[2] = (unsigned char)(size >> 8);
    to[3] = (unsigned char)size;
}

const struct framing framing_lines = {
    .cut = framing_cut_line,
    .has_newline = true,
};

const struct framing framing_length_prefixed = {
    .cut = framing_cut_length_prefixed,
    .has_prefix = true,
};

const struct framing framing_raw = {
    .cut = framing_cut_raw,
};
