/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who has subscribed to what: the publisher's side of subscriptions. Each
 * prefix has a crowd of subscribers, each subscriber the list of its prefixes,
 * and the two know each other's places:
 *
 *     prefix "a" ──▶ seats    [ id 7, ticket 0 ] [ id 9, ticket 2 ]
 *                                   ▲                  ▲
 *     tickets of id 7  [ "a", seat 0 ] ...             │
 *     tickets of id 9  [ ... ] [ ... ] [ "a", seat 1 ]─┘
 *
 * so that a subscriber that goes leaves each of its crowds in constant time.
 * A crowd of one, the commonest, is kept in the record of its prefix.
 *
 * Subscribers are small numbers that the owner gives out (pattern/dist.h).
 *
 * Thread: the owner's. Owns: the set of prefixes, crowds, and tickets.
 */
#ifndef CZ_PATTERN_AUDIENCE_H
#define CZ_PATTERN_AUDIENCE_H

#include "base/compiler.h"
#include "pattern/subs.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_audience_member;

struct cz_audience {
    struct cz_subs subs; /* the value is a seat, or the address of a crowd */
    struct cz_audience_member *members; /* by their id */
    uint32_t member_capacity;
    cz_record_ref leaving; /* its prefix is still being looked at */
};

struct cz_audience_seat {
    uint32_t id;
    uint32_t ticket; /* where it stands in the list of its subscriber */
};

/* What became of a prefix that was cancelled. */
enum cz_audience_left {
    CZ_AUDIENCE_NOBODY, /* nobody had it anyway */
    CZ_AUDIENCE_LAST,   /* this was the last one to have it */
    CZ_AUDIENCE_OTHERS, /* others still have it */
};

void cz_audience_init(struct cz_audience *audience);
void cz_audience_fini(struct cz_audience *audience);

/* Notes that a subscriber wants a prefix; again does nothing. *is_first: nobody
 * had it before. 0 or -ENOMEM: nothing is changed. */
CZ_MUST_CHECK int cz_audience_add(struct cz_audience *audience, uint32_t id,
                                  struct cz_span prefix, bool *is_first);

enum cz_audience_left cz_audience_remove(struct cz_audience *audience,
                                         uint32_t id, struct cz_span prefix);

/* For a subscriber that goes: takes one of its prefixes away, the oldest
 * first. The prefix is valid until the next call, and nothing else may be
 * done before the last one. *is_last: nobody has it any more. False: that
 * was all. */
CZ_MUST_CHECK bool cz_audience_take(struct cz_audience *audience, uint32_t id,
                                    struct cz_span *prefix, bool *is_last);

/* ---- matching -------------------------------------------------------- */

struct cz_audience_match {
    struct cz_subs_match match;
    struct cz_audience_seat one;
};

static inline void cz_audience_match(struct cz_audience_match *m,
                                     const struct cz_audience *audience,
                                     struct cz_span topic)
{
    cz_subs_match(&m->match, &audience->subs, topic);
}

/* The crowd of the next prefix that the topic has: so a subscriber may come
 * more than once. NULL at the end. */
const struct cz_audience_seat *
cz_audience_match_next(struct cz_audience_match *m, uint32_t *count);

#endif
