/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The hash of pattern/subs.h and the search in its table, which entering and
 * matching share. For subs.c and subs_match.c only.
 *
 * Thread: the set's owner.
 */
#ifndef CZ_PATTERN_SUBS_LOOKUP_H
#define CZ_PATTERN_SUBS_LOOKUP_H

#include "pattern/subs.h"

#include <string.h>

enum {
    SUBS_STEM_MIN = 64,
    SUBS_REF_MASK = (1 << CZ_RECORD_REF_BITS) - 1,
};

/* ---- the hash -------------------------------------------------------- */

__extension__ typedef unsigned __int128 subs_wide;

static inline uint64_t subs_fold(uint64_t a, uint64_t b)
{
    subs_wide product = (subs_wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t subs_load(const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof word);
    return word;
}

static inline void subs_hash_begin(struct cz_subs_hash *h,
                                   const struct cz_subs *subs,
                                   const uint8_t *bytes)
{
    h->bytes = bytes;
    h->done = 0;
    h->state = subs->secrets[1];
}

/* The last `size` % 8 bytes before `size`. */
static inline uint64_t subs_hash_tail(const uint8_t *bytes, size_t size)
{
    size_t rest = size % 8;
    uint64_t word = 0;

    if (rest == 0)
        return 0;
    if (size >= 8)
        return subs_load(bytes + size - 8) >> (64 - 8 * rest);
    for (size_t i = rest; i > 0; i--)
        word = word << 8 | bytes[i - 1];
    return word;
}

/* The hash of the first `size` bytes, which may not be fewer than last time.
 * Stems have hashes of their own. */
static inline uint64_t subs_hash_first(struct cz_subs_hash *h,
                                       const struct cz_subs *subs, size_t size,
                                       uint32_t mark)
{
    for (; h->done + 8 <= size; h->done += 8)
        h->state = subs_fold(h->state ^ subs_load(h->bytes + h->done),
                             subs->secrets[0]);
    return subs_fold(h->state ^ subs_hash_tail(h->bytes, size),
                     subs->secrets[1] ^ size ^ mark);
}

static inline uint64_t subs_hash_of(const struct cz_subs *subs,
                                    struct cz_span key, uint32_t mark)
{
    struct cz_subs_hash h;

    subs_hash_begin(&h, subs, key.bytes);
    return subs_hash_first(&h, subs, key.size, mark);
}

/* ---- the table -------------------------------------------------------- */

static inline uint32_t subs_tag(uint64_t hash)
{
    return (uint32_t)hash << CZ_RECORD_REF_BITS;
}

static inline bool subs_record_is(const struct cz_subs *subs, cz_record_ref ref,
                                  struct cz_span key, uint32_t mark)
{
    return cz_record_is_marked(&subs->records, ref) == mark &&
           cz_span_equals(cz_record_key(&subs->records, ref), key);
}

static inline cz_record_ref subs_look_up(const struct cz_subs *subs,
                                         uint64_t hash, struct cz_span key,
                                         uint32_t mark)
{
    uint32_t at = (uint32_t)(hash >> subs->shift);
    uint32_t slot;

    while ((slot = subs->slots[at]) != 0) {
        cz_record_ref ref = slot & SUBS_REF_MASK;

        if ((slot ^ subs_tag(hash)) == ref && ref != 0 &&
            subs_record_is(subs, ref, key, mark))
            return ref;
        at = (at + 1) & (subs->slot_count - 1);
    }
    return 0;
}

#endif
