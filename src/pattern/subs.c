/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sets of prefixes: entering and leaving, the table, stems and lengths.
 *
 * Thread: see pattern/subs.h. Owns: what is listed there.
 */
#include "pattern/subs.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "os/random.h"
#include "pattern/subs_lookup.h"

#include <errno.h>
#include <string.h>

enum {
    SLOTS_MIN = 8,
    /* Stems of the longest prefix: 64, 128, ... 2^28. */
    STEM_COUNT_MAX = 23,
};

static const uint32_t grave = 1U << CZ_RECORD_REF_BITS;

/* ---- the table -------------------------------------------------------- */

/* The table has room. */
static void table_enter(struct cz_subs *subs, uint64_t hash, cz_record_ref ref)
{
    uint32_t at = (uint32_t)(hash >> subs->shift);

    while (subs->slots[at] & SUBS_REF_MASK)
        at = (at + 1) & (subs->slot_count - 1);
    subs->used += subs->slots[at] == 0;
    subs->live++;
    subs->slots[at] = subs_tag(hash) | ref;
}

/* Where a run of slots ends no grave is needed. */
static void table_leave(struct cz_subs *subs, uint64_t hash, cz_record_ref ref)
{
    uint32_t mask = subs->slot_count - 1;
    uint32_t at = (uint32_t)(hash >> subs->shift);

    while ((subs->slots[at] & SUBS_REF_MASK) != ref)
        at = (at + 1) & mask;
    subs->slots[at] = grave;
    subs->live--;
    if (subs->slots[(at + 1) & mask] != 0)
        return;
    for (; subs->slots[at] == grave; at = (at - 1) & mask) {
        subs->slots[at] = 0;
        subs->used--;
    }
}

static void table_enter_record(struct cz_subs *subs, cz_record_ref ref)
{
    table_enter(subs,
                subs_hash_of(subs, cz_record_key(&subs->records, ref),
                             cz_record_is_marked(&subs->records, ref)),
                ref);
}

/* So many slots that half of them are free, or a little more. */
static uint32_t table_fit(uint32_t count)
{
    uint32_t fit = SLOTS_MIN;

    while (fit / 2 < count)
        fit *= 2;
    return fit;
}

/* An empty table of the size that fits best, or, if there is no memory for
 * that, of the size that it has. */
static bool table_clear(struct cz_subs *subs, uint32_t slot_count)
{
    uint32_t *slots = NULL;

    if (slot_count != subs->slot_count)
        slots = cz_zalloc(slot_count * sizeof *slots);
    if (slots) {
        cz_free(subs->slots);
        subs->slots = slots;
        subs->slot_count = slot_count;
        subs->shift = 64 - (uint32_t)__builtin_ctz(slot_count);
    } else {
        if (slot_count > subs->slot_count)
            return false;
        memset(subs->slots, 0, subs->slot_count * sizeof *slots);
    }
    subs->used = subs->live = 0;
    return true;
}

/* Makes room for some more. */
static bool table_make_room(struct cz_subs *subs, uint32_t more)
{
    struct cz_records_walk walk = cz_records_walk();
    cz_record_ref ref;

    if (((uint64_t)subs->used + more) * 3 <= (uint64_t)subs->slot_count * 2)
        return true;
    if (!subs->slots)
        cz_random_bytes(subs->secrets, sizeof subs->secrets);
    /* Odd, so that no bit is lost. */
    subs->secrets[0] |= 1;
    if (!table_clear(subs, table_fit(subs->live + more)))
        return false;
    while ((ref = cz_records_next(&subs->records, &walk)))
        table_enter_record(subs, ref);
    return true;
}

/* ---- lengths ---------------------------------------------------------- */

/* Where this length is, or belongs. */
static uint32_t lengths_find(const struct cz_subs *subs, uint32_t length)
{
    uint32_t low = 0;
    uint32_t high = subs->length_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (subs->lengths[middle].length < length)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool lengths_make_room(struct cz_subs *subs)
{
    uint32_t wanted = subs->length_capacity ? subs->length_capacity * 2 : 4;
    struct cz_subs_length *bigger;

    if (subs->length_count < subs->length_capacity)
        return true;
    bigger = cz_realloc(subs->lengths, wanted * sizeof *bigger);
    if (!bigger)
        return false;
    subs->lengths = bigger;
    subs->length_capacity = wanted;
    return true;
}

/* There is room. */
static void lengths_count(struct cz_subs *subs, uint32_t length)
{
    uint32_t at = lengths_find(subs, length);
    struct cz_subs_length *place = &subs->lengths[at];

    if (at == subs->length_count || place->length != length) {
        memmove(place + 1, place, (subs->length_count - at) * sizeof *place);
        *place = (struct cz_subs_length){.length = length};
        subs->length_count++;
    }
    place->count++;
}

static void lengths_discount(struct cz_subs *subs, uint32_t length)
{
    uint32_t at = lengths_find(subs, length);
    struct cz_subs_length *place = &subs->lengths[at];

    if (--place->count > 0)
        return;
    subs->length_count--;
    memmove(place, place + 1, (subs->length_count - at) * sizeof *place);
}

/* ---- the set ----------------------------------------------------------- */

void cz_subs_init(struct cz_subs *subs, uint32_t value_words,
                  void (*on_move)(void *owner, cz_record_ref to), void *owner)
{
    CZ_ASSERT(value_words <= CZ_RECORD_VALUE_WORDS_MAX);
    memset(subs, 0, sizeof *subs);
    cz_records_init(&subs->records, value_words);
    subs->on_move = on_move;
    subs->owner = owner;
}

void cz_subs_fini(struct cz_subs *subs)
{
    cz_records_fini(&subs->records);
    cz_free(subs->slots);
    cz_free(subs->lengths);
}

cz_record_ref cz_subs_find(const struct cz_subs *subs, struct cz_span prefix)
{
    if (!subs->slots)
        return 0;
    return subs_look_up(subs, subs_hash_of(subs, prefix, 0), prefix, 0);
}

/* Enters a record; there is room for it in the table. 0 = no memory. */
static cz_record_ref subs_enter(struct cz_subs *subs, struct cz_span key,
                                uint32_t mark)
{
    cz_record_ref ref = cz_records_add(&subs->records, key, mark);

    if (ref)
        table_enter(subs, subs_hash_of(subs, key, mark), ref);
    return ref;
}

static void subs_leave(struct cz_subs *subs, cz_record_ref ref, uint32_t mark)
{
    struct cz_span key = cz_record_key(&subs->records, ref);

    table_leave(subs, subs_hash_of(subs, key, mark), ref);
    cz_records_remove(&subs->records, ref);
}

/* Drops the stems of a prefix that are shorter than `size`. */
static void stems_leave(struct cz_subs *subs, const uint8_t *bytes, size_t size)
{
    for (size_t stem = SUBS_STEM_MIN; stem < size; stem *= 2) {
        struct cz_span key = cz_span(bytes, stem);
        cz_record_ref ref = subs_look_up(
            subs, subs_hash_of(subs, key, CZ_RECORD_MARK), key, CZ_RECORD_MARK);

        if (--*cz_subs_value(subs, ref) == 0)
            subs_leave(subs, ref, CZ_RECORD_MARK);
    }
}

static bool stems_enter(struct cz_subs *subs, struct cz_span prefix)
{
    for (size_t stem = SUBS_STEM_MIN; stem < prefix.size; stem *= 2) {
        struct cz_span key = cz_span(prefix.bytes, stem);
        cz_record_ref ref = subs_look_up(
            subs, subs_hash_of(subs, key, CZ_RECORD_MARK), key, CZ_RECORD_MARK);

        if (!ref)
            ref = subs_enter(subs, key, CZ_RECORD_MARK);
        if (!ref) {
            stems_leave(subs, prefix.bytes, stem);
            return false;
        }
        ++*cz_subs_value(subs, ref);
    }
    return true;
}

int cz_subs_add(struct cz_subs *subs, struct cz_span prefix, cz_record_ref *out,
                bool *is_new)
{
    cz_record_ref ref;

    if (prefix.size > CZ_RECORD_KEY_MAX)
        return -ENOMEM;
    ref = cz_subs_find(subs, prefix);
    *is_new = !ref;
    *out = ref;
    if (ref)
        return 0;
    if (!lengths_make_room(subs) ||
        !table_make_room(subs, prefix.size > SUBS_STEM_MIN ? 1 + STEM_COUNT_MAX
                                                           : 1) ||
        !stems_enter(subs, prefix))
        return -ENOMEM;
    ref = subs_enter(subs, prefix, 0);
    if (!ref) {
        stems_leave(subs, prefix.bytes, prefix.size);
        return -ENOMEM;
    }
    lengths_count(subs, (uint32_t)prefix.size);
    subs->count++;
    *out = ref;
    return 0;
}

void cz_subs_remove(struct cz_subs *subs, cz_record_ref ref)
{
    struct cz_span prefix = cz_subs_prefix(subs, ref);

    lengths_discount(subs, (uint32_t)prefix.size);
    stems_leave(subs, prefix.bytes, prefix.size);
    subs_leave(subs, ref, 0);
    subs->count--;
}

static void subs_on_move(void *owner, cz_record_ref from, cz_record_ref to)
{
    struct cz_subs *subs = owner;

    table_enter_record(subs, to);
    if (from != to && subs->on_move && !cz_record_is_marked(&subs->records, to))
        subs->on_move(subs->owner, to);
}

void cz_subs_tidy(struct cz_subs *subs)
{
    uint32_t fit;

    if (!cz_records_are_sparse(&subs->records))
        return;
    if (subs->live == 0) {
        cz_subs_fini(subs);
        cz_subs_init(subs, subs->records.value_words, subs->on_move,
                     subs->owner);
        return;
    }
    fit = table_fit(subs->live);
    (void)table_clear(subs, fit < subs->slot_count ? fit : subs->slot_count);
    cz_records_compact(&subs->records, subs_on_move, subs);
}

cz_record_ref cz_subs_next(const struct cz_subs *subs,
                           struct cz_records_walk *walk)
{
    cz_record_ref ref;

    do {
        ref = cz_records_next(&subs->records, walk);
    } while (ref && cz_record_is_marked(&subs->records, ref));
    return ref;
}
