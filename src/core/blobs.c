/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sets of values: records, end to end, of number(1) size(4) bytes.
 *
 * Thread: see core/blobs.h. Owns: nothing but the blocks.
 */
#include "core/blobs.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { HEAD_SIZE = 1 + sizeof(uint32_t) };

struct cz_blobs {
    _Atomic uint32_t refs;
    uint32_t size;
    uint8_t records[];
};

/* The size of the record at `at`, and what is in it. */
static size_t record_read(const uint8_t *at, uint8_t *number,
                          struct cz_span *value)
{
    uint32_t size;

    *number = at[0];
    memcpy(&size, at + 1, sizeof size);
    *value = cz_span(at + HEAD_SIZE, size);
    return HEAD_SIZE + size;
}

static uint8_t *record_begin(uint8_t *to, uint8_t number, size_t size)
{
    uint32_t stored = (uint32_t)size;

    to[0] = number;
    memcpy(to + 1, &stored, sizeof stored);
    return to + HEAD_SIZE;
}

struct cz_span cz_blobs_find(const struct cz_blobs *blobs, uint8_t number)
{
    size_t at = 0;

    while (blobs && at < blobs->size) {
        struct cz_span value;
        uint8_t found;

        at += record_read(blobs->records + at, &found, &value);
        if (found == number)
            return value;
    }
    return cz_span(NULL, 0);
}

/* All values of the old set but one, and behind them a new one, in two
 * parts. */
static int blobs_replace(struct cz_blobs **blobs, uint8_t number,
                         struct cz_span head, struct cz_span tail)
{
    const struct cz_blobs *old = *blobs;
    size_t old_size = old ? old->size : 0;
    size_t new_size = head.size + tail.size;
    struct cz_blobs *made;
    uint8_t *to;

    if (new_size > UINT32_MAX - HEAD_SIZE - old_size)
        return -ENOMEM;
    made = cz_alloc(sizeof *made + old_size + HEAD_SIZE + new_size);
    if (!made)
        return -ENOMEM;
    to = made->records;
    for (size_t at = 0; at < old_size;) {
        const uint8_t *record = old->records + at;
        struct cz_span value;
        uint8_t found;
        size_t size = record_read(record, &found, &value);

        if (found != number)
            to = cz_span_copy(to, cz_span(record, size));
        at += size;
    }
    if (new_size > 0) {
        to = record_begin(to, number, new_size);
        to = cz_span_copy(to, head);
        to = cz_span_copy(to, tail);
    }
    atomic_init(&made->refs, 1);
    made->size = (uint32_t)(to - made->records);
    cz_blobs_unref(*blobs);
    *blobs = made;
    return 0;
}

int cz_blobs_set(struct cz_blobs **blobs, uint8_t number, struct cz_span value)
{
    if (value.size == 0 && cz_blobs_find(*blobs, number).size == 0)
        return 0;
    return blobs_replace(blobs, number, value, cz_span(NULL, 0));
}

int cz_blobs_append(struct cz_blobs **blobs, uint8_t number,
                    struct cz_span more)
{
    return blobs_replace(blobs, number, cz_blobs_find(*blobs, number), more);
}

struct cz_blobs *cz_blobs_ref(struct cz_blobs *blobs)
{
    /* Relaxed: who takes a reference already holds one. */
    if (blobs)
        atomic_fetch_add_explicit(&blobs->refs, 1, memory_order_relaxed);
    return blobs;
}

void cz_blobs_unref(struct cz_blobs *blobs)
{
    /* acq_rel: the last one out sees all uses by the others. */
    if (!blobs ||
        atomic_fetch_sub_explicit(&blobs->refs, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(blobs->records, blobs->size);
    cz_free(blobs);
}
