/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory for many small keys with a value each, addressed by 32 bits.
 *
 * A record is a header, one or two words of value, and the key; records lie
 * end to end in segments. New ones are added at the end. One that is removed
 * leaves a hole, and when the holes outweigh the rest the records slide
 * together, in place: that needs no memory and cannot fail, and the memory
 * behind goes back.
 *
 *     reference   segment(14) unit(14), a unit being 4 bytes; 0 = none
 *     record      head(4) value(4 or 8) key, padded to whole units
 *     head        length of the key(29), a mark of the owner(1), dead(1)
 *
 * Thread: the owner's. Owns: the segments, and keys that are too long for
 * them, which lie by themselves.
 */
#ifndef CZ_PATTERN_RECORDS_H
#define CZ_PATTERN_RECORDS_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    CZ_RECORD_UNIT = 4,
    CZ_RECORD_UNIT_BITS = 14,
    CZ_RECORD_REF_BITS = 28, /* so 1 GiB, long keys not included */
    CZ_RECORD_SEGMENT_UNITS = 1 << CZ_RECORD_UNIT_BITS,
    CZ_RECORD_SEGMENT_MAX = 1 << (CZ_RECORD_REF_BITS - CZ_RECORD_UNIT_BITS),
    /* Longer keys lie outside; the record holds their address. */
    CZ_RECORD_INLINE_MAX = 1024,
    CZ_RECORD_KEY_MAX = (1 << 29) - 1,
    CZ_RECORD_MARK = 1 << 29,
    CZ_RECORD_DEAD = 1 << 30,
    CZ_RECORD_VALUE_WORDS_MAX = 2,
};

typedef uint32_t cz_record_ref;

struct cz_records {
    uint32_t **segments;
    uint32_t segment_count;
    uint32_t segment_capacity;
    uint32_t first_units; /* of segment 0, which grows before there are more */
    uint32_t end_unit;    /* where the last segment's free part begins */
    uint32_t value_words;
    size_t live_units;
    size_t dead_units;
};

/* Where a walk over all records is. */
struct cz_records_walk {
    uint32_t segment;
    uint32_t unit;
};

void cz_records_init(struct cz_records *records, uint32_t value_words);
void cz_records_fini(struct cz_records *records);

/* A new record with value 0; `mark` is CZ_RECORD_MARK or 0. Addresses of
 * values and keys change. 0 = no memory, or more than there may be. */
cz_record_ref cz_records_add(struct cz_records *records, struct cz_span key,
                             uint32_t mark);

/* Its reference is not used again before the records are compacted. */
void cz_records_remove(struct cz_records *records, cz_record_ref ref);

/* Begins before the first record; then each that is alive; 0 at the end. */
static inline struct cz_records_walk cz_records_walk(void)
{
    return (struct cz_records_walk){0, 1};
}
cz_record_ref cz_records_next(const struct cz_records *records,
                              struct cz_records_walk *walk);

/* Are there so many holes that compacting pays? */
bool cz_records_are_sparse(const struct cz_records *records);

/* Slides the records together. `on_move` is called for each of them, moved or
 * not, when it is in its new place. */
void cz_records_compact(struct cz_records *records,
                        void (*on_move)(void *owner, cz_record_ref from,
                                        cz_record_ref to),
                        void *owner);

static inline uint32_t *cz_record_at(const struct cz_records *records,
                                     cz_record_ref ref)
{
    return records->segments[ref >> CZ_RECORD_UNIT_BITS] +
           (ref & (CZ_RECORD_SEGMENT_UNITS - 1));
}

static inline uint32_t cz_record_is_marked(const struct cz_records *records,
                                           cz_record_ref ref)
{
    return *cz_record_at(records, ref) & CZ_RECORD_MARK;
}

static inline uint32_t *cz_record_value(const struct cz_records *records,
                                        cz_record_ref ref)
{
    return cz_record_at(records, ref) + 1;
}

/* Valid until the next change. */
static inline struct cz_span cz_record_key(const struct cz_records *records,
                                           cz_record_ref ref)
{
    const uint32_t *record = cz_record_at(records, ref);
    struct cz_span key = {(const uint8_t *)(record + 1 + records->value_words),
                          *record & CZ_RECORD_KEY_MAX};

    if (CZ_UNLIKELY(key.size > CZ_RECORD_INLINE_MAX))
        memcpy(&key.bytes, key.bytes, sizeof key.bytes);
    return key;
}

#endif
