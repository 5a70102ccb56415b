/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Records: adding, removing, walking, sliding together.
 *
 * Thread: see pattern/records.h. Owns: what is listed there.
 */
#include "pattern/records.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    FIRST_UNITS = 64, /* a socket with few subscriptions needs no more */
    /* So many holes are not worth the trouble. */
    DEAD_UNITS_MIN = 1024,
    /* What follows the last record of a segment that is not full. */
    END_OF_SEGMENT = -1,
};

CZ_STATIC_ASSERT(CZ_RECORD_UNIT == sizeof(uint32_t), "a unit is a word");

void cz_records_init(struct cz_records *r, uint32_t value_words)
{
    memset(r, 0, sizeof *r);
    r->value_words = value_words;
    r->end_unit = 1; /* so that no reference is 0 */
}

static void records_free_segments(struct cz_records *r, uint32_t from)
{
    for (uint32_t i = from; i < r->segment_count; i++)
        cz_free(r->segments[i]);
    r->segment_count = from;
    if (from > 0)
        return;
    cz_free(r->segments);
    cz_records_init(r, r->value_words);
}

static bool is_long(uint32_t head)
{
    return (head & CZ_RECORD_KEY_MAX) > CZ_RECORD_INLINE_MAX;
}

void cz_records_fini(struct cz_records *r)
{
    struct cz_records_walk walk = cz_records_walk();
    cz_record_ref ref;

    while ((ref = cz_records_next(r, &walk)))
        if (is_long(*cz_record_at(r, ref)))
            cz_free((void *)(uintptr_t)cz_record_key(r, ref).bytes);
    records_free_segments(r, 0);
}

static uint32_t record_units(const struct cz_records *r, uint32_t head)
{
    uint32_t size = head & CZ_RECORD_KEY_MAX;

    if (size > CZ_RECORD_INLINE_MAX)
        size = sizeof(void *);
    return 1 + r->value_words + (size + CZ_RECORD_UNIT - 1) / CZ_RECORD_UNIT;
}

/* ---- room ----------------------------------------------------------- */

static uint32_t segment_units(const struct cz_records *r, uint32_t segment)
{
    return segment == 0 ? r->first_units : CZ_RECORD_SEGMENT_UNITS;
}

/* Makes the one segment that there is larger, up to its final size. */
static bool records_grow_first(struct cz_records *r, uint32_t units)
{
    uint32_t wanted = r->first_units ? r->first_units : FIRST_UNITS;
    uint32_t *bigger;

    while (wanted < r->end_unit + units && wanted < CZ_RECORD_SEGMENT_UNITS)
        wanted *= 2;
    if (wanted < r->end_unit + units)
        return false;
    bigger = cz_realloc(r->segments[0], (size_t)wanted * CZ_RECORD_UNIT);
    if (!bigger)
        return false;
    r->segments[0] = bigger;
    r->first_units = wanted;
    return true;
}

static bool records_grow_list(struct cz_records *r)
{
    uint32_t wanted = r->segment_capacity ? r->segment_capacity * 2 : 1;
    uint32_t **bigger;

    if (r->segment_count < r->segment_capacity)
        return true;
    if (wanted > CZ_RECORD_SEGMENT_MAX)
        return false;
    bigger = cz_realloc(r->segments, wanted * sizeof *bigger);
    if (!bigger)
        return false;
    r->segments = bigger;
    r->segment_capacity = wanted;
    return true;
}

static void records_end_segment(struct cz_records *r, uint32_t segment,
                                uint32_t unit)
{
    if (unit < segment_units(r, segment))
        r->segments[segment][unit] = (uint32_t)END_OF_SEGMENT;
}

static bool records_add_segment(struct cz_records *r)
{
    uint32_t *segment;

    if (!records_grow_list(r))
        return false;
    segment = cz_alloc((size_t)CZ_RECORD_SEGMENT_UNITS * CZ_RECORD_UNIT);
    if (!segment)
        return false;
    records_end_segment(r, r->segment_count - 1, r->end_unit);
    r->segments[r->segment_count++] = segment;
    r->end_unit = 0;
    return true;
}

static bool records_make_room(struct cz_records *r, uint32_t units)
{
    if (r->segment_count == 0) {
        if (!records_grow_list(r))
            return false;
        r->segments[0] = NULL;
        if (!records_grow_first(r, units))
            return false;
        r->segment_count = 1;
        return true;
    }
    if (r->end_unit + units <= segment_units(r, r->segment_count - 1))
        return true;
    if (r->segment_count == 1 && r->first_units < CZ_RECORD_SEGMENT_UNITS) {
        if (records_grow_first(r, units))
            return true;
        /* Only a segment of the final size may be followed by another. */
        if (!records_grow_first(r, CZ_RECORD_SEGMENT_UNITS - r->end_unit))
            return false;
    }
    return records_add_segment(r);
}

/* ---- records -------------------------------------------------------- */

cz_record_ref cz_records_add(struct cz_records *r, struct cz_span key,
                             uint32_t mark)
{
    uint32_t head = (uint32_t)key.size | mark;
    uint32_t units = record_units(r, head);
    void *outside = NULL;
    uint32_t *record;
    uint32_t unit;

    if (is_long(head) && !(outside = cz_memdup(key.bytes, key.size)))
        return 0;
    if (!records_make_room(r, units)) {
        cz_free(outside);
        return 0;
    }
    unit = r->end_unit;
    record = r->segments[r->segment_count - 1] + unit;
    record[0] = head;
    memset(record + 1, 0, r->value_words * sizeof *record);
    if (outside)
        memcpy(record + 1 + r->value_words, &outside, sizeof outside);
    else
        cz_span_copy((uint8_t *)(record + 1 + r->value_words), key);
    r->end_unit += units;
    r->live_units += units;
    return (r->segment_count - 1) << CZ_RECORD_UNIT_BITS | unit;
}

void cz_records_remove(struct cz_records *r, cz_record_ref ref)
{
    uint32_t *record = cz_record_at(r, ref);
    uint32_t units = record_units(r, *record);

    if (is_long(*record))
        cz_free((void *)(uintptr_t)cz_record_key(r, ref).bytes);
    *record |= CZ_RECORD_DEAD;
    r->live_units -= units;
    r->dead_units += units;
}

static bool walk_is_at_end_of_segment(const struct cz_records *r,
                                      const struct cz_records_walk *walk)
{
    return walk->unit >= segment_units(r, walk->segment) ||
           r->segments[walk->segment][walk->unit] == (uint32_t)END_OF_SEGMENT;
}

cz_record_ref cz_records_next(const struct cz_records *r,
                              struct cz_records_walk *walk)
{
    while (walk->segment < r->segment_count) {
        uint32_t unit = walk->unit;
        uint32_t head;

        if (walk->segment + 1 == r->segment_count) {
            if (unit >= r->end_unit)
                return 0;
        } else if (walk_is_at_end_of_segment(r, walk)) {
            walk->segment++;
            walk->unit = 0;
            continue;
        }
        head = r->segments[walk->segment][unit];
        walk->unit += record_units(r, head);
        if (!(head & CZ_RECORD_DEAD))
            return walk->segment << CZ_RECORD_UNIT_BITS | unit;
    }
    return 0;
}

/* ---- sliding together ------------------------------------------------ */

bool cz_records_are_sparse(const struct cz_records *r)
{
    return r->dead_units > r->live_units &&
           (r->dead_units > DEAD_UNITS_MIN || r->live_units == 0);
}

/* Gives back what the only segment does not need. If that fails, it stays. */
static void records_shrink_first(struct cz_records *r)
{
    uint32_t wanted = FIRST_UNITS;
    uint32_t *smaller;

    while (wanted < r->end_unit)
        wanted *= 2;
    if (wanted >= r->first_units)
        return;
    smaller = cz_realloc(r->segments[0], (size_t)wanted * CZ_RECORD_UNIT);
    if (!smaller)
        return;
    r->segments[0] = smaller;
    r->first_units = wanted;
}

void cz_records_compact(struct cz_records *r,
                        void (*on_move)(void *owner, cz_record_ref from,
                                        cz_record_ref to),
                        void *owner)
{
    struct cz_records_walk walk = cz_records_walk();
    struct cz_records_walk to = cz_records_walk();
    cz_record_ref from;

    /* A record never moves up: whatever stood before it took at least as much
     * room. So what is overwritten has been read. */
    while ((from = cz_records_next(r, &walk))) {
        uint32_t *record = cz_record_at(r, from);
        uint32_t units = record_units(r, *record);

        if (to.unit + units > segment_units(r, to.segment)) {
            records_end_segment(r, to.segment, to.unit);
            to.segment++;
            to.unit = 0;
        }
        memmove(r->segments[to.segment] + to.unit, record,
                (size_t)units * CZ_RECORD_UNIT);
        on_move(owner, from, to.segment << CZ_RECORD_UNIT_BITS | to.unit);
        to.unit += units;
    }
    r->dead_units = 0;
    if (r->segment_count == 0)
        return;
    records_free_segments(r, r->live_units > 0 ? to.segment + 1 : 0);
    if (r->segment_count == 0)
        return;
    r->end_unit = to.unit;
    if (r->segment_count == 1)
        records_shrink_first(r);
}
