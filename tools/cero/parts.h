/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The parts (frames) of one message: cut out of a record, or collected one
 * by one.
 *
 * Thread: one owner.
 */
#ifndef CERO_PARTS_H
#define CERO_PARTS_H

#include "buffer.h"
#include "format.h"
#include "input.h"

#include <stdbool.h>
#include <stddef.h>

struct part {
    size_t offset; /* from `base`, or from the head of `bytes` */
    size_t size;
};

struct parts {
    const unsigned char *base; /* NULL: the bytes are our own */
    struct buffer bytes;
    struct buffer list; /* of struct part */
    size_t count;
};

/* How a record becomes parts. */
struct parts_rules {
    const struct format *format;
    int separator;     /* between the parts; -1: the record is one part */
    const char *topic; /* the part before them; NULL: none */
};

void parts_fini(struct parts *parts);
void parts_clear(struct parts *parts);

/* Appends a copy. 0 or -ENOMEM. */
int parts_add(struct parts *parts, const void *data, size_t size);

/* Replaces the parts by those of the record, which must stay while they are
 * in use. 0, -ENOMEM, or -EBADMSG: it is not written as the format wants. */
int parts_cut(struct parts *parts, const struct record *record,
              const struct parts_rules *rules);

/* Valid until the next change. */
struct record parts_get(const struct parts *parts, size_t index);

#endif
