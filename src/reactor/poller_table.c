/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of registrations.
 *
 * Thread: the holder of the owner's lock. Owns: the array of slots.
 */
#include "reactor/poller_table.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>

enum {
    TABLE_CAPACITY_MIN = 8,
    TABLE_CAPACITY_MAX = 1 << 30,
};

void cz_poll_table_init(struct cz_poll_table *table)
{
    *table = (struct cz_poll_table){0};
}

void cz_poll_table_fini(struct cz_poll_table *table)
{
    cz_free(table->slots);
    cz_poll_table_init(table);
}

static bool table_is_upper(const struct cz_poll_table *table, uint32_t slot)
{
    return slot >= table->capacity / 2;
}

/* The free list begins with the low slots, so that the upper half empties
 * by itself. */
static void table_relink(struct cz_poll_table *table)
{
    table->first_free = 0;
    table->count_upper = 0;
    for (uint32_t slot = table->capacity; slot-- > 0;) {
        if (table->slots[slot].handler) {
            table->count_upper += table_is_upper(table, slot);
            continue;
        }
        table->slots[slot].next_free = table->first_free;
        table->first_free = slot + 1;
    }
}

static int table_resize(struct cz_poll_table *table, uint32_t capacity)
{
    struct cz_poll_slot *slots;

    slots = cz_realloc(table->slots, capacity * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (uint32_t slot = table->capacity; slot < capacity; slot++)
        slots[slot] = (struct cz_poll_slot){0};
    table->slots = slots;
    table->capacity = capacity;
    table_relink(table);
    return 0;
}

static int table_grow(struct cz_poll_table *table)
{
    if (table->capacity >= TABLE_CAPACITY_MAX)
        return -ENOMEM;
    return table_resize(table, table->capacity ? table->capacity * 2
                                               : TABLE_CAPACITY_MIN);
}

int cz_poll_table_take(struct cz_poll_table *table, int fd,
                       struct cz_poll_handler *handler, cz_poll_id *id)
{
    uint32_t slot;

    if (!table->first_free) {
        int rc = table_grow(table);

        if (rc < 0)
            return rc;
    }
    slot = table->first_free - 1;
    table->first_free = table->slots[slot].next_free;
    table->slots[slot] = (struct cz_poll_slot){
        .handler = handler,
        .generation = ++table->generation,
        .fd = fd,
    };
    table->count++;
    table->count_upper += table_is_upper(table, slot);
    *id = cz_poll_table_id(table, slot);
    return 0;
}

/* Without memory the table stays as large as it is. */
static void table_shrink(struct cz_poll_table *table)
{
    while (table->capacity > TABLE_CAPACITY_MIN && table->count_upper == 0 &&
           table->count <= table->capacity / 4) {
        if (table_resize(table, table->capacity / 2) < 0)
            break;
    }
}

void cz_poll_table_drop(struct cz_poll_table *table, cz_poll_id id)
{
    uint32_t slot = cz_poll_id_slot(id);

    CZ_ASSERT(cz_poll_table_find(table, id));
    table->slots[slot].handler = NULL;
    table->slots[slot].next_free = table->first_free;
    table->first_free = slot + 1;
    table->count--;
    table->count_upper -= table_is_upper(table, slot);
    table_shrink(table);
}
