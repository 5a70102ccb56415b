/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the kernel has been told, and what has changed since: for the
 * back-ends whose kernel keeps the set but may be told only by the thread
 * that waits. Owners write changes down; the waiter passes them on in its
 * `prepare`.
 *
 * A slot of the table that has changed is listed once, however often it
 * changes. What a registration that has ended held goes to a list of its
 * own, since its slot may be in use again by then.
 *
 * Thread: the holder of the owner's lock. Owns: the array.
 */
#ifndef CZ_REACTOR_POLLER_LEDGER_H
#define CZ_REACTOR_POLLER_LEDGER_H

#include "base/compiler.h"
#include "reactor/poller_table.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_poll_entry {
    /* Of the slot with the entry's number. */
    uint64_t held;   /* what the kernel knows it by; 0 = not at all */
    unsigned events; /* what the kernel looks for */
    bool is_listed;
    bool is_lasting; /* the back-end's */
    /* Room for the two lists, apart from the above. */
    uint32_t changed_slot;
    uint64_t ended;
};

struct cz_poll_ledger {
    struct cz_poll_entry *entries;
    uint32_t capacity;
    uint32_t changed_count;
    uint32_t ended_count;
};

void cz_poll_ledger_init(struct cz_poll_ledger *ledger);
void cz_poll_ledger_fini(struct cz_poll_ledger *ledger);

/* Makes sure that every slot of the table has its entry. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_poll_ledger_reserve(struct cz_poll_ledger *ledger,
                                         const struct cz_poll_table *table);

/* Gives back what the table does not need any more, once the lists are
 * empty. Without memory it stays. */
void cz_poll_ledger_trim(struct cz_poll_ledger *ledger,
                         const struct cz_poll_table *table);

/* The slot has changed, or shall be looked at again. */
static inline void cz_poll_ledger_note(struct cz_poll_ledger *ledger,
                                       uint32_t slot)
{
    if (ledger->entries[slot].is_listed)
        return;
    ledger->entries[slot].is_listed = true;
    ledger->entries[ledger->changed_count++].changed_slot = slot;
}

/* The registration in the slot ends. */
static inline void cz_poll_ledger_end(struct cz_poll_ledger *ledger,
                                      uint32_t slot)
{
    struct cz_poll_entry *entry = &ledger->entries[slot];

    if (!entry->held)
        return;
    ledger->entries[ledger->ended_count++].ended = entry->held;
    entry->held = 0;
}

#endif
