/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Audiences: seats and tickets.
 *
 * Thread: see pattern/audience.h. Owns: what is listed there.
 */
#include "pattern/audience.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <string.h>

struct ticket {
    cz_record_ref prefix;
    uint32_t seat;
};

struct cz_audience_member {
    struct ticket *tickets;
    uint32_t count;
    uint32_t capacity;
    uint32_t taken; /* while it goes: so many of them */
};

struct crowd {
    uint32_t count; /* two or more */
    uint32_t capacity;
    struct cz_audience_seat seats[];
};

enum { CROWD_MIN = 4 };

/* ---- the value of a prefix -------------------------------------------- */

/* Two words: twice the id of a lone subscriber, and its ticket; or the address
 * of a crowd, plus one. */
static uint64_t value_load(const uint32_t *value)
{
    uint64_t word;

    memcpy(&word, value, sizeof word);
    return word;
}

static void value_store(uint32_t *value, uint64_t word)
{
    memcpy(value, &word, sizeof word);
}

static uint64_t value_of_seat(struct cz_audience_seat seat)
{
    return (uint64_t)seat.ticket << 32 | (uint64_t)seat.id << 1;
}

static struct cz_audience_seat seat_of_value(uint64_t word)
{
    return (struct cz_audience_seat){
        .id = (uint32_t)word >> 1,
        .ticket = (uint32_t)(word >> 32),
    };
}

static struct crowd *crowd_of_value(uint64_t word)
{
    return word & 1 ? (struct crowd *)(uintptr_t)(word - 1) : NULL;
}

/* The seats of a prefix; a lone one is copied to `one`. */
static struct cz_audience_seat *
seats_of(const uint32_t *value, struct cz_audience_seat *one, uint32_t *count)
{
    uint64_t word = value_load(value);
    struct crowd *crowd = crowd_of_value(word);

    *count = crowd ? crowd->count : 1;
    *one = seat_of_value(word);
    return crowd ? crowd->seats : one;
}

/* ---- beginning and end ------------------------------------------------ */

static void audience_on_move(void *owner, cz_record_ref to)
{
    struct cz_audience *a = owner;
    struct cz_audience_seat one;
    uint32_t count;
    struct cz_audience_seat *seats =
        seats_of(cz_subs_value(&a->subs, to), &one, &count);

    for (uint32_t i = 0; i < count; i++)
        a->members[seats[i].id].tickets[seats[i].ticket].prefix = to;
}

void cz_audience_init(struct cz_audience *a)
{
    memset(a, 0, sizeof *a);
    cz_subs_init(&a->subs, 2, audience_on_move, a);
}

void cz_audience_fini(struct cz_audience *a)
{
    struct cz_records_walk walk = cz_records_walk();
    cz_record_ref ref;

    while ((ref = cz_subs_next(&a->subs, &walk)))
        cz_free(crowd_of_value(value_load(cz_subs_value(&a->subs, ref))));
    for (uint32_t i = 0; i < a->member_capacity; i++)
        cz_free(a->members[i].tickets);
    cz_free(a->members);
    cz_subs_fini(&a->subs);
}

/* ---- tickets ---------------------------------------------------------- */

static bool members_make_room(struct cz_audience *a, uint32_t id)
{
    uint32_t wanted = a->member_capacity ? a->member_capacity * 2 : 4;
    struct cz_audience_member *bigger;

    if (id < a->member_capacity)
        return true;
    while (wanted <= id)
        wanted *= 2;
    bigger = cz_realloc(a->members, wanted * sizeof *bigger);
    if (!bigger)
        return false;
    memset(bigger + a->member_capacity, 0,
           (wanted - a->member_capacity) * sizeof *bigger);
    a->members = bigger;
    a->member_capacity = wanted;
    return true;
}

static bool tickets_resize(struct cz_audience_member *member, uint32_t capacity)
{
    struct ticket *tickets =
        cz_realloc(member->tickets, capacity * sizeof *tickets);

    if (!tickets)
        return false;
    member->tickets = tickets;
    member->capacity = capacity;
    return true;
}

static bool tickets_make_room(struct cz_audience_member *member)
{
    return member->count < member->capacity ||
           tickets_resize(member, member->count + member->count / 2 + 2);
}

/* The last ticket moves to the place of the one that goes. */
static void ticket_remove(struct cz_audience *a,
                          struct cz_audience_member *member, uint32_t at)
{
    struct ticket last = member->tickets[--member->count];
    struct crowd *crowd;
    uint32_t *value;
    uint64_t word;

    if (at < member->count) {
        member->tickets[at] = last;
        value = cz_subs_value(&a->subs, last.prefix);
        word = value_load(value);
        crowd = crowd_of_value(word);
        if (crowd)
            crowd->seats[last.seat].ticket = at;
        else
            value_store(value, value_of_seat((struct cz_audience_seat){
                                   seat_of_value(word).id, at}));
    }
    if (member->count == 0) {
        cz_free(member->tickets);
        memset(member, 0, sizeof *member);
    } else if (member->count < member->capacity / 4) {
        /* Without memory it stays as large as it is. */
        (void)!tickets_resize(member, member->capacity / 2);
    }
}

/* ---- seats ------------------------------------------------------------ */

static struct crowd *crowd_resize(struct crowd *crowd, uint32_t capacity)
{
    crowd = cz_realloc(crowd, sizeof *crowd +
                                  capacity * sizeof(struct cz_audience_seat));
    if (crowd)
        crowd->capacity = capacity;
    return crowd;
}

/* One more for a prefix that somebody has. False = no memory. */
static bool seat_add(uint32_t *value, struct cz_audience_seat seat,
                     uint32_t *place)
{
    uint64_t word = value_load(value);
    struct crowd *crowd = crowd_of_value(word);

    if (!crowd) {
        crowd = crowd_resize(NULL, CROWD_MIN);
        if (!crowd)
            return false;
        crowd->seats[0] = seat_of_value(word);
        crowd->count = 1;
    } else if (crowd->count == crowd->capacity) {
        crowd = crowd_resize(crowd, crowd->count + crowd->count / 2);
        if (!crowd)
            return false;
    }
    *place = crowd->count++;
    crowd->seats[*place] = seat;
    value_store(value, (uint64_t)(uintptr_t)crowd + 1);
    return true;
}

/* The last seat moves to the place of the one that goes. False: it was the
 * only one; it stays. */
static bool seat_remove(struct cz_audience *a, uint32_t *value, uint32_t at)
{
    struct crowd *crowd = crowd_of_value(value_load(value));
    struct cz_audience_seat last;
    struct crowd *smaller;

    if (!crowd)
        return false;
    last = crowd->seats[--crowd->count];
    if (at < crowd->count) {
        crowd->seats[at] = last;
        a->members[last.id].tickets[last.ticket].seat = at;
    }
    if (crowd->count == 1) {
        value_store(value, value_of_seat(crowd->seats[0]));
        cz_free(crowd);
    } else if (crowd->count < crowd->capacity / 4) {
        smaller = crowd_resize(crowd, crowd->capacity / 2);
        if (smaller)
            value_store(value, (uint64_t)(uintptr_t)smaller + 1);
    }
    return true;
}

/* Finds the ticket of a member for a prefix, in the shorter of the two
 * lists. */
static bool ticket_find(const struct cz_audience *a, uint32_t id,
                        cz_record_ref prefix, uint32_t *ticket)
{
    const struct cz_audience_member *member = &a->members[id];
    struct cz_audience_seat one;
    uint32_t count;
    const struct cz_audience_seat *seats =
        seats_of(cz_subs_value(&a->subs, prefix), &one, &count);

    if (count <= member->count) {
        for (uint32_t i = 0; i < count; i++)
            if (seats[i].id == id)
                return *ticket = seats[i].ticket, true;
    } else {
        for (uint32_t i = 0; i < member->count; i++)
            if (member->tickets[i].prefix == prefix)
                return *ticket = i, true;
    }
    return false;
}

/* ---- subscriptions ----------------------------------------------------- */

int cz_audience_add(struct cz_audience *a, uint32_t id, struct cz_span prefix,
                    bool *is_first)
{
    struct cz_audience_member *member;
    struct ticket ticket = {0};
    struct cz_audience_seat seat;
    uint32_t *value;
    uint32_t known;
    int rc;

    *is_first = false;
    if (!members_make_room(a, id))
        return -ENOMEM;
    member = &a->members[id];
    if (!tickets_make_room(member))
        return -ENOMEM;
    rc = cz_subs_add(&a->subs, prefix, &ticket.prefix, is_first);
    if (rc != 0)
        return rc;
    seat = (struct cz_audience_seat){id, member->count};
    value = cz_subs_value(&a->subs, ticket.prefix);
    if (*is_first)
        value_store(value, value_of_seat(seat));
    else if (ticket_find(a, id, ticket.prefix, &known))
        return 0;
    else if (!seat_add(value, seat, &ticket.seat))
        return -ENOMEM;
    member->tickets[member->count++] = ticket;
    return 0;
}

enum cz_audience_left cz_audience_remove(struct cz_audience *a, uint32_t id,
                                         struct cz_span prefix)
{
    cz_record_ref ref = cz_subs_find(&a->subs, prefix);
    struct cz_audience_member *member;
    bool has_others;
    uint32_t at;

    if (!ref)
        return CZ_AUDIENCE_NOBODY;
    if (id >= a->member_capacity || !ticket_find(a, id, ref, &at))
        return CZ_AUDIENCE_OTHERS;
    member = &a->members[id];
    has_others =
        seat_remove(a, cz_subs_value(&a->subs, ref), member->tickets[at].seat);
    ticket_remove(a, member, at);
    if (has_others)
        return CZ_AUDIENCE_OTHERS;
    cz_subs_remove(&a->subs, ref);
    cz_subs_tidy(&a->subs);
    return CZ_AUDIENCE_LAST;
}

static void audience_forget_leaving(struct cz_audience *a)
{
    if (a->leaving)
        cz_subs_remove(&a->subs, a->leaving);
    a->leaving = 0;
}

bool cz_audience_take(struct cz_audience *a, uint32_t id,
                      struct cz_span *prefix, bool *is_last)
{
    struct cz_audience_member *member;
    struct ticket ticket;

    audience_forget_leaving(a);
    if (id >= a->member_capacity)
        return false;
    member = &a->members[id];
    if (member->taken == member->count) {
        cz_free(member->tickets);
        memset(member, 0, sizeof *member);
        cz_subs_tidy(&a->subs);
        return false;
    }
    ticket = member->tickets[member->taken++];
    *prefix = cz_subs_prefix(&a->subs, ticket.prefix);
    *is_last =
        !seat_remove(a, cz_subs_value(&a->subs, ticket.prefix), ticket.seat);
    if (*is_last)
        a->leaving = ticket.prefix;
    return true;
}

/* ---- matching ---------------------------------------------------------- */

const struct cz_audience_seat *
cz_audience_match_next(struct cz_audience_match *m, uint32_t *count)
{
    cz_record_ref ref = cz_subs_match_next(&m->match);

    if (!ref)
        return NULL;
    return seats_of(cz_subs_value(m->match.subs, ref), &m->one, count);
}
