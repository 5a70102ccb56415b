/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A copy of what a turn waits for, for the back-ends whose system call
 * takes the whole set. The waiter fills it under the owner's lock and then
 * uses it without; owners meanwhile touch only the `next` array.
 *
 * A turn that finds more ready than its batch holds marks where it stopped,
 * and the next copy begins there: so nobody starves.
 *
 * Owns: both arrays.
 */
#ifndef CZ_REACTOR_POLLER_SNAPSHOT_H
#define CZ_REACTOR_POLLER_SNAPSHOT_H

#include "base/compiler.h"
#include "reactor/poller_table.h"

#include <poll.h>
#include <stdint.h>

struct cz_poll_set {
    uint32_t capacity;
    uint32_t count;
    cz_poll_id *ids; /* lies behind `fds`, in the same block */
    struct pollfd fds[];
};

struct cz_poll_snapshot {
    struct cz_poll_set *waiting; /* the waiter's; replaced in fill only */
    struct cz_poll_set *next;    /* owners': larger, still empty, or NULL */
    uint32_t first_slot;         /* the waiter's: the next copy begins here */
};

/* 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_poll_snapshot_init(struct cz_poll_snapshot *snapshot);
void cz_poll_snapshot_fini(struct cz_poll_snapshot *snapshot);

/* Makes sure that the table fits as it is now. An owner, perhaps while the
 * waiter waits. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_poll_snapshot_reserve(struct cz_poll_snapshot *snapshot,
                                           const struct cz_poll_table *table);

/* Copies what has interest, as pollfds. The waiter, before a wait. */
void cz_poll_snapshot_fill(struct cz_poll_snapshot *snapshot,
                           const struct cz_poll_table *table);

/* Lets the next copy begin with this entry of the set. The waiter. */
static inline void cz_poll_snapshot_resume_at(struct cz_poll_snapshot *snapshot,
                                              uint32_t entry)
{
    snapshot->first_slot = cz_poll_id_slot(snapshot->waiting->ids[entry]);
}

#endif
