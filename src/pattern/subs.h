/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A set of prefixes, and which of them a topic begins with.
 *
 * All prefixes lie in one flat hash table. A topic is looked up once for each
 * LENGTH of prefix that is in use and not longer than the topic, shortest
 * first; the hash of each is got from the one before. Few lengths are in use
 * at once, so that is a handful of probes, whatever the number of prefixes:
 * 10 ns each among ten thousand, 25 ns among a million.
 *
 * Many lengths. Up to STEM_MIN (64) bytes that is at most 65 probes. A longer
 * prefix also enters its beginnings of 64, 128, 256, ... bytes as *stems*,
 * and lengths beyond a stem are only looked at if the topic has that stem.
 * So a topic costs at most 65 probes, plus two for each byte that it has in
 * common with some subscription: what a tree would cost, too. No peer can
 * make it cost more, by strange prefixes or by long messages.
 *
 * Collisions. The hash is keyed with a secret, so nobody can choose prefixes
 * that meet in one place.
 *
 *     slot   tag(4) reference(28): a reference of 0 is an empty slot, or with
 *            a tag the grave of one
 *
 * With linear probing, at most two thirds full; 6 to 12 bytes for each prefix,
 * and the record (pattern/records.h).
 *
 * Thread: the owner's. Owns: the table, the records, the list of lengths.
 */
#ifndef CZ_PATTERN_SUBS_H
#define CZ_PATTERN_SUBS_H

#include "base/compiler.h"
#include "pattern/records.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_subs_length {
    uint32_t length;
    uint32_t count; /* prefixes that have it */
};

/* Hashes a text, and each of its beginnings on the way. */
struct cz_subs_hash {
    const uint8_t *bytes;
    size_t done; /* bytes in `state`: whole blocks of 8 */
    uint64_t state;
};

struct cz_subs {
    uint32_t *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t shift;      /* from a hash to its slot */
    uint32_t used;       /* slots that are not empty, graves included */
    uint32_t live;       /* and that are no graves */
    uint32_t count;      /* prefixes, without stems */
    struct cz_subs_length *lengths; /* ascending */
    uint32_t length_count;
    uint32_t length_capacity;
    uint64_t secrets[2];
    struct cz_records records;
    /* Is told where a record has moved to; may be NULL. */
    void (*on_move)(void *owner, cz_record_ref to);
    void *owner;
};

/* `value_words` is 1 or 2. */
void cz_subs_init(struct cz_subs *subs, uint32_t value_words,
                  void (*on_move)(void *owner, cz_record_ref to), void *owner);
void cz_subs_fini(struct cz_subs *subs);

/* 0 = it is not there. */
cz_record_ref cz_subs_find(const struct cz_subs *subs, struct cz_span prefix);

/* Finds it or enters it with value 0. Addresses of values change. 0 or
 * -ENOMEM (also for more than CZ_RECORD_KEY_MAX bytes): nothing is changed. */
CZ_MUST_CHECK int cz_subs_add(struct cz_subs *subs, struct cz_span prefix,
                              cz_record_ref *ref, bool *is_new);

/* After the last one: cz_subs_tidy. */
void cz_subs_remove(struct cz_subs *subs, cz_record_ref ref);

/* Gives memory back if there is much to give. References change. */
void cz_subs_tidy(struct cz_subs *subs);

static inline uint32_t *cz_subs_value(const struct cz_subs *subs,
                                      cz_record_ref ref)
{
    return cz_record_value(&subs->records, ref);
}

static inline struct cz_span cz_subs_prefix(const struct cz_subs *subs,
                                            cz_record_ref ref)
{
    return cz_record_key(&subs->records, ref);
}

/* Each prefix in turn, beginning with cz_records_walk(); 0 at the end. */
cz_record_ref cz_subs_next(const struct cz_subs *subs,
                           struct cz_records_walk *walk);

/* ---- matching -------------------------------------------------------- */

struct cz_subs_match {
    const struct cz_subs *subs;
    struct cz_subs_hash hash;
    size_t size;
    size_t stem; /* the next one to be looked for */
    uint32_t index;
};

void cz_subs_match(struct cz_subs_match *match, const struct cz_subs *subs,
                   struct cz_span topic);

/* The next prefix that the topic has, or 0. */
cz_record_ref cz_subs_match_next(struct cz_subs_match *match);

/* Has the topic any of them? */
bool cz_subs_matches(const struct cz_subs *subs, struct cz_span topic);

#endif
