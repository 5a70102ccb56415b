/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the kernel has been told.
 *
 * The list of what ended is never longer than the array: what ends was held
 * when the lists were last empty, and each slot can have held one then.
 *
 * Thread: the holder of the owner's lock. Owns: the array.
 */
#include "reactor/poller_ledger.h"

#include "base/alloc.h"

#include <errno.h>

void cz_poll_ledger_init(struct cz_poll_ledger *ledger)
{
    *ledger = (struct cz_poll_ledger){0};
}

void cz_poll_ledger_fini(struct cz_poll_ledger *ledger)
{
    cz_free(ledger->entries);
}

static int ledger_resize(struct cz_poll_ledger *ledger, uint32_t capacity)
{
    struct cz_poll_entry *entries;

    entries = cz_realloc(ledger->entries, capacity * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    for (uint32_t slot = ledger->capacity; slot < capacity; slot++)
        entries[slot] = (struct cz_poll_entry){0};
    ledger->entries = entries;
    ledger->capacity = capacity;
    return 0;
}

int cz_poll_ledger_reserve(struct cz_poll_ledger *ledger,
                           const struct cz_poll_table *table)
{
    if (table->capacity <= ledger->capacity)
        return 0;
    return ledger_resize(ledger, table->capacity);
}

void cz_poll_ledger_trim(struct cz_poll_ledger *ledger,
                         const struct cz_poll_table *table)
{
    if (ledger->changed_count > 0 || ledger->ended_count > 0 ||
        ledger->capacity / 2 < table->capacity)
        return;
    (void)!ledger_resize(ledger, table->capacity);
}
