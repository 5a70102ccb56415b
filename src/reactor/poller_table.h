/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The registrations of a poller: a table of slots, found by number.
 *
 *     id    = generation << 32 | (slot number + 1)
 *     slots = [ used | free | used | free | free ... ]
 *                       |              ^      ^
 *                       +-- next_free -+------+
 *
 * Every registration gets a generation of its own, so that the id of one
 * that has ended never finds the one that has its slot now. The table
 * halves when three quarters are free and nothing lives in its upper half.
 *
 * Thread: the holder of the owner's lock. Owns: the array of slots.
 */
#ifndef CZ_REACTOR_POLLER_TABLE_H
#define CZ_REACTOR_POLLER_TABLE_H

#include "base/compiler.h"
#include "reactor/poller.h"

#include <stddef.h>
#include <stdint.h>

struct cz_poll_slot {
    struct cz_poll_handler *handler; /* NULL = free */
    uint32_t generation;
    uint32_t next_free; /* slot number plus one; 0 = the last one */
    int fd;
    unsigned interest;
};

struct cz_poll_table {
    struct cz_poll_slot *slots;
    uint32_t capacity;
    uint32_t count;
    uint32_t count_upper; /* of `count`, those in the upper half */
    uint32_t first_free;  /* slot number plus one; 0 = none */
    uint32_t generation;  /* the last one given out */
};

void cz_poll_table_init(struct cz_poll_table *table);
void cz_poll_table_fini(struct cz_poll_table *table);

/* Fills a free slot, with no interest, and makes its id. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_poll_table_take(struct cz_poll_table *table, int fd,
                                     struct cz_poll_handler *handler,
                                     cz_poll_id *id);

/* Frees the slot, which must be in use. Pointers to slots are void now. */
void cz_poll_table_drop(struct cz_poll_table *table, cz_poll_id id);

static inline uint32_t cz_poll_id_slot(cz_poll_id id)
{
    return (uint32_t)id - 1;
}

static inline cz_poll_id cz_poll_table_id(const struct cz_poll_table *table,
                                          uint32_t slot)
{
    return (cz_poll_id)table->slots[slot].generation << 32 | (slot + 1);
}

/* NULL if the registration has ended. */
static inline struct cz_poll_slot *
cz_poll_table_find(const struct cz_poll_table *table, cz_poll_id id)
{
    uint32_t slot = cz_poll_id_slot(id);

    if (slot >= table->capacity || !table->slots[slot].handler ||
        table->slots[slot].generation != (uint32_t)(id >> 32))
        return NULL;
    return &table->slots[slot];
}

#endif
