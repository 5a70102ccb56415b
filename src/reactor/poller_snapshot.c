/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The waiter's copy of the registrations.
 *
 * Thread: as said beside each function. Owns: both arrays.
 */
#include "reactor/poller_snapshot.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "reactor/poller_bits.h"

#include <errno.h>

enum { SNAPSHOT_CAPACITY_MIN = 8 };

CZ_STATIC_ASSERT(offsetof(struct cz_poll_set, fds) % sizeof(cz_poll_id) == 0 &&
                     sizeof(struct pollfd) % sizeof(cz_poll_id) == 0,
                 "the ids behind the pollfds are aligned");

static struct cz_poll_set *set_create(uint32_t capacity)
{
    struct cz_poll_set *set = cz_alloc(
        sizeof *set + capacity * (sizeof(struct pollfd) + sizeof(cz_poll_id)));

    if (!set)
        return NULL;
    set->capacity = capacity;
    set->count = 0;
    set->ids = (cz_poll_id *)(void *)&set->fds[capacity];
    return set;
}

int cz_poll_snapshot_init(struct cz_poll_snapshot *snapshot)
{
    *snapshot = (struct cz_poll_snapshot){
        .waiting = set_create(SNAPSHOT_CAPACITY_MIN),
    };
    return snapshot->waiting ? 0 : -ENOMEM;
}

void cz_poll_snapshot_fini(struct cz_poll_snapshot *snapshot)
{
    cz_free(snapshot->waiting);
    cz_free(snapshot->next);
}

int cz_poll_snapshot_reserve(struct cz_poll_snapshot *snapshot,
                             const struct cz_poll_table *table)
{
    const struct cz_poll_set *largest =
        snapshot->next ? snapshot->next : snapshot->waiting;
    struct cz_poll_set *next;

    if (table->count <= largest->capacity)
        return 0;
    next = set_create(table->capacity);
    if (!next)
        return -ENOMEM;
    cz_free(snapshot->next);
    snapshot->next = next;
    return 0;
}

/* Nobody waits, so the arrays may be exchanged: for the larger one that an
 * owner has made, or for a smaller one when the table has shrunk. */
static void snapshot_exchange(struct cz_poll_snapshot *snapshot,
                              const struct cz_poll_table *table)
{
    struct cz_poll_set *next = snapshot->next;

    if (!next && snapshot->waiting->capacity > SNAPSHOT_CAPACITY_MIN &&
        snapshot->waiting->capacity / 2 >= table->capacity)
        next = set_create(table->capacity);
    if (!next)
        return;
    cz_free(snapshot->waiting);
    snapshot->waiting = next;
    snapshot->next = NULL;
}

static void snapshot_fill_from(struct cz_poll_set *set,
                               const struct cz_poll_table *table,
                               uint32_t begin, uint32_t end)
{
    for (uint32_t slot = begin; slot < end; slot++) {
        const struct cz_poll_slot *from = &table->slots[slot];

        if (!from->handler || !from->interest)
            continue;
        CZ_ASSERT(set->count < set->capacity);
        set->ids[set->count] = cz_poll_table_id(table, slot);
        set->fds[set->count++] = (struct pollfd){
            .fd = from->fd,
            .events = cz_poll_bits(from->interest),
        };
    }
}

void cz_poll_snapshot_fill(struct cz_poll_snapshot *snapshot,
                           const struct cz_poll_table *table)
{
    uint32_t first = snapshot->first_slot;

    snapshot_exchange(snapshot, table);
    snapshot->waiting->count = 0;
    if (first >= table->capacity)
        first = 0;
    snapshot_fill_from(snapshot->waiting, table, first, table->capacity);
    snapshot_fill_from(snapshot->waiting, table, 0, first);
}
