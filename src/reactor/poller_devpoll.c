/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The /dev/poll back-end, for Solaris and illumos. The kernel keeps the set;
 * a turn costs what is ready. It knows a descriptor by its number only, so
 * the waiter has a map from numbers to ids.
 *
 * Changes are written by the waiter, before it waits: writing to the device
 * may block as long as another thread waits on it. What the kernel looks for
 * is added to what it looked for before, so a change is a removal first.
 *
 * Thread: as reactor/poller_ops.h says. Owns: the device, the ledger and
 * the maps.
 */
#include "reactor/poller_ops.h"

#ifdef CZ_HAVE_DEVPOLL

#include "base/alloc.h"
#include "base/assert.h"
#include "os/devpoll.h"
#include "reactor/poller_bits.h"
#include "reactor/poller_ledger.h"

#include <errno.h>
#include <string.h>

enum { DEVPOLL_CHANGES_MAX = 128, DEVPOLL_FDS_MIN = 64 };

/* By number of descriptor; as large as the largest number asks for. */
struct devpoll_map {
    uint32_t fd_limit;
    cz_poll_id *ids; /* lie behind `ready`, in the same block */
    struct pollfd ready[];
};

struct devpoll_backend {
    struct cz_poll_backend base;
    int fd;
    /* The waiter's. */
    int error; /* of the last prepare */
    int last_served;
    struct devpoll_map *map; /* replaced in prepare only */
    unsigned change_count;
    struct pollfd changes[DEVPOLL_CHANGES_MAX];
    /* Under the owner's lock. */
    struct cz_poll_ledger ledger; /* held: the descriptor plus one */
    struct devpoll_map *next;     /* larger, still empty, or NULL */
};

CZ_STATIC_ASSERT(offsetof(struct devpoll_map, ready) % sizeof(cz_poll_id) ==
                         0 &&
                     sizeof(struct pollfd) % sizeof(cz_poll_id) == 0,
                 "the ids behind the pollfds are aligned");

static struct devpoll_backend *devpoll_self(struct cz_poll_backend *backend)
{
    return cz_container_of(backend, struct devpoll_backend, base);
}

static struct devpoll_map *devpoll_map_create(uint32_t fd_limit)
{
    struct devpoll_map *map = cz_zalloc(
        sizeof *map + fd_limit * (sizeof(struct pollfd) + sizeof(cz_poll_id)));

    if (!map)
        return NULL;
    map->fd_limit = fd_limit;
    map->ids = (cz_poll_id *)(void *)&map->ready[fd_limit];
    return map;
}

static int devpoll_backend_create(struct cz_poll_backend **backend)
{
    struct devpoll_backend *self = cz_zalloc(sizeof *self);
    int rc = -ENOMEM;

    if (!self)
        return -ENOMEM;
    self->base.ops = &cz_poll_ops_devpoll;
    cz_poll_ledger_init(&self->ledger);
    self->map = devpoll_map_create(DEVPOLL_FDS_MIN);
    if (!self->map)
        goto fail;
    rc = self->fd = cz_os_devpoll_open();
    if (rc < 0)
        goto fail;
    *backend = &self->base;
    return 0;

fail:
    cz_free(self->map);
    cz_free(self);
    return rc;
}

static void devpoll_backend_destroy(struct cz_poll_backend *backend)
{
    struct devpoll_backend *self = devpoll_self(backend);

    cz_os_devpoll_close(self->fd);
    cz_poll_ledger_fini(&self->ledger);
    cz_free(self->map);
    cz_free(self->next);
    cz_free(self);
}

/* Makes sure that the descriptor has its place in the map. */
static int devpoll_reserve(struct devpoll_backend *self, int fd)
{
    const struct devpoll_map *largest = self->next ? self->next : self->map;
    uint32_t fd_limit = largest->fd_limit;
    struct devpoll_map *next;

    if ((uint32_t)fd < fd_limit)
        return 0;
    while (fd_limit <= (uint32_t)fd)
        fd_limit *= 2;
    next = devpoll_map_create(fd_limit);
    if (!next)
        return -ENOMEM;
    cz_free(self->next);
    self->next = next;
    return 0;
}

static int devpoll_backend_add(struct cz_poll_backend *backend,
                               const struct cz_poll_table *table, cz_poll_id id)
{
    struct devpoll_backend *self = devpoll_self(backend);
    int rc = devpoll_reserve(self, cz_poll_table_find(table, id)->fd);

    if (rc == 0)
        rc = cz_poll_ledger_reserve(&self->ledger, table);
    if (rc == 0)
        cz_poll_ledger_note(&self->ledger, cz_poll_id_slot(id));
    return rc;
}

static void devpoll_backend_watch(struct cz_poll_backend *backend,
                                  const struct cz_poll_slot *slot CZ_UNUSED,
                                  cz_poll_id id)
{
    cz_poll_ledger_note(&devpoll_self(backend)->ledger, cz_poll_id_slot(id));
}

static void devpoll_backend_remove(struct cz_poll_backend *backend,
                                   const struct cz_poll_slot *slot CZ_UNUSED,
                                   cz_poll_id id)
{
    cz_poll_ledger_end(&devpoll_self(backend)->ledger, cz_poll_id_slot(id));
}

/* ---- prepare -------------------------------------------------------- */

/* What could not be written is written again, which does no harm. */
static int devpoll_flush(struct devpoll_backend *self)
{
    int rc = 0;

    if (self->change_count > 0)
        rc = cz_os_devpoll_change(self->fd, self->changes, self->change_count);
    if (rc == 0)
        self->change_count = 0;
    return rc;
}

static void devpoll_append(struct devpoll_backend *self, int fd, short bits,
                           cz_poll_id id)
{
    self->changes[self->change_count++] =
        (struct pollfd){.fd = fd, .events = bits};
    self->map->ids[fd] = id;
}

/* Tells the kernel what the slot wants now: at most two changes. */
static void devpoll_tell(struct devpoll_backend *self,
                         const struct cz_poll_table *table, uint32_t slot)
{
    struct cz_poll_entry *entry = &self->ledger.entries[slot];
    const struct cz_poll_slot *from;

    if (slot >= table->capacity || !table->slots[slot].handler)
        return;
    from = &table->slots[slot];
    if (entry->held && entry->events == from->interest)
        return;
    if (entry->held) {
        devpoll_append(self, from->fd, POLLREMOVE, 0);
        entry->held = 0;
    }
    if (!from->interest)
        return;
    devpoll_append(self, from->fd, cz_poll_bits(from->interest),
                   cz_poll_table_id(table, slot));
    entry->held = (uint64_t)from->fd + 1;
    entry->events = from->interest;
}

/* What ended comes first: its descriptor may be in use again. */
static int devpoll_tell_all(struct devpoll_backend *self,
                            const struct cz_poll_table *table)
{
    struct cz_poll_ledger *ledger = &self->ledger;
    int rc = 0;

    while (ledger->ended_count + ledger->changed_count > 0) {
        if (self->change_count + 2 > DEVPOLL_CHANGES_MAX)
            rc = devpoll_flush(self);
        if (rc < 0)
            return rc;
        if (ledger->ended_count > 0) {
            uint64_t held = ledger->entries[--ledger->ended_count].ended;

            devpoll_append(self, (int)(held - 1), POLLREMOVE, 0);
        } else {
            uint32_t slot =
                ledger->entries[--ledger->changed_count].changed_slot;

            ledger->entries[slot].is_listed = false;
            devpoll_tell(self, table, slot);
        }
    }
    cz_poll_ledger_trim(ledger, table);
    return devpoll_flush(self);
}

static void devpoll_backend_prepare(struct cz_poll_backend *backend,
                                    const struct cz_poll_table *table)
{
    struct devpoll_backend *self = devpoll_self(backend);

    if (self->next) {
        memcpy(self->next->ids, self->map->ids,
               self->map->fd_limit * sizeof(cz_poll_id));
        cz_free(self->map);
        self->map = self->next;
        self->next = NULL;
    }
    self->error = devpoll_tell_all(self, table);
}

/* ---- wait ----------------------------------------------------------- */

/* Adds what is ready of the descriptors from `begin` to `end`, both included;
 * false if the batch is full. */
static bool devpoll_serve(struct devpoll_backend *self, int count, int begin,
                          int end, struct cz_poll_batch *batch)
{
    for (int i = 0; i < count; i++) {
        const struct pollfd *ready = &self->map->ready[i];

        if (ready->fd < begin || ready->fd > end || !self->map->ids[ready->fd])
            continue;
        if (!cz_poll_batch_push(batch, self->map->ids[ready->fd],
                                cz_poll_events(ready->revents)))
            return false;
        self->last_served = ready->fd;
    }
    return true;
}

/* The kernel begins with the lowest number each time. So all that is ready
 * is asked for, and served in a round. */
static int devpoll_backend_wait(struct cz_poll_backend *backend,
                                struct cz_poll_batch *batch, int64_t timeout_us)
{
    struct devpoll_backend *self = devpoll_self(backend);
    int last = self->last_served;
    int count = self->error;

    if (count == 0)
        count = cz_os_devpoll_wait(self->fd, self->map->ready,
                                   self->map->fd_limit, timeout_us);
    if (count < 0)
        return count;
    if (devpoll_serve(self, count, last + 1, INT32_MAX, batch))
        (void)devpoll_serve(self, count, 0, last, batch);
    return 0;
}

const struct cz_poll_ops cz_poll_ops_devpoll = {
    .name = "devpoll",
    .is_live = false,
    .create = devpoll_backend_create,
    .destroy = devpoll_backend_destroy,
    .add = devpoll_backend_add,
    .watch = devpoll_backend_watch,
    .remove = devpoll_backend_remove,
    .prepare = devpoll_backend_prepare,
    .wait = devpoll_backend_wait,
};

#endif
