/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The inproc names of a context.
 *
 * Thread: any, under the lock. Owns: the entries, their names, and a reference
 * to what they say of their sockets.
 */
#include "core/registry.h"

#include "base/alloc.h"
#include "core/options.h"
#include "core/pipe.h"
#include "core/socket.h"
#include "msg/metadata.h"

#include <string.h>

/* ---- the table ------------------------------------------------------ */

/* FNV-1a. The names are the program's own: nobody outside chooses them. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

static struct cz_list *list_of(const struct cz_registry *registry,
                               uint32_t hash)
{
    return &registry->lists[hash & (registry->list_count - 1)];
}

/* Moves all entries to `count` lists. Those of one name stay in order. */
static void registry_move(struct cz_registry *registry, struct cz_list *lists,
                          size_t count)
{
    struct cz_list *old = registry->lists;
    size_t old_count = registry->list_count;
    struct cz_list *node;

    for (size_t i = 0; i < count; i++)
        cz_list_init(&lists[i]);
    registry->lists = lists;
    registry->list_count = count;
    for (size_t i = 0; i < old_count; i++) {
        while ((node = cz_list_pop_front(&old[i]))) {
            struct cz_registry_entry *entry =
                cz_container_of(node, struct cz_registry_entry, link);

            cz_list_push_back(list_of(registry, entry->hash), node);
        }
    }
    if (old != registry->few)
        cz_free(old);
}

/* One entry in a list, more or less; but not for each a new array. Without
 * memory the one that is there will do. */
static void registry_fit(struct cz_registry *registry)
{
    size_t count = registry->list_count;
    struct cz_list *lists;

    while (count < registry->count)
        count *= 2;
    while (count > CZ_REGISTRY_LISTS_MIN && count / 8 >= registry->count)
        count /= 2;
    if (count == registry->list_count)
        return;
    lists = count > CZ_REGISTRY_LISTS_MIN
                ? cz_alloc(count * sizeof(struct cz_list))
                : registry->few;
    if (lists)
        registry_move(registry, lists, count);
}

void cz_registry_init(struct cz_registry *registry)
{
    cz_mutex_init(&registry->lock);
    registry->count = 0;
    registry->lists = registry->few;
    registry->list_count = CZ_REGISTRY_LISTS_MIN;
    for (size_t i = 0; i < CZ_REGISTRY_LISTS_MIN; i++)
        cz_list_init(&registry->few[i]);
}

/* Removes an entry together with the end that waited in it. */
static void registry_discard(struct cz_registry_entry *entry)
{
    if (entry->kind == CZ_REGISTRY_WAITING)
        cz_pipe_close(entry->end, 0);
    cz_registry_remove(entry);
}

void cz_registry_fini(struct cz_registry *registry)
{
    for (size_t i = 0; i < registry->list_count; i++)
        cz_list_for_each (node, &registry->lists[i])
            registry_discard(
                cz_container_of(node, struct cz_registry_entry, link));
    if (registry->lists != registry->few)
        cz_free(registry->lists);
    cz_mutex_fini(&registry->lock);
}

struct cz_registry_entry *cz_registry_add(struct cz_registry *registry,
                                          enum cz_registry_kind kind,
                                          const char *name,
                                          struct cz_socket *socket,
                                          struct cz_pipe_end *end)
{
    struct cz_registry_entry *entry = cz_zalloc(sizeof *entry);

    if (!entry)
        return NULL;
    entry->name = cz_strdup(name);
    if (!entry->name) {
        cz_free(entry);
        return NULL;
    }
    entry->registry = registry;
    entry->hash = hash_of(name);
    entry->kind = kind;
    entry->socket = socket;
    entry->end = end;
    cz_list_init(&entry->own);
    if (socket)
        cz_list_push_back(&socket->names, &entry->own);
    registry->count++;
    registry_fit(registry);
    cz_list_push_back(list_of(registry, entry->hash), &entry->link);
    return entry;
}

void cz_registry_remove(struct cz_registry_entry *entry)
{
    entry->registry->count--;
    cz_list_remove(&entry->link);
    cz_list_remove(&entry->own);
    if (entry->self)
        cz_metadata_unref(entry->self, 1);
    cz_options_unref(entry->swap_options);
    cz_free(entry->name);
    cz_free(entry);
}

void cz_registry_disown(struct cz_registry_entry *entry)
{
    cz_list_remove(&entry->own);
    entry->socket = NULL;
}

struct cz_registry_entry *cz_registry_find(struct cz_registry *registry,
                                           enum cz_registry_kind kind,
                                           const char *name)
{
    uint32_t hash = hash_of(name);

    cz_list_for_each (node, list_of(registry, hash)) {
        struct cz_registry_entry *entry =
            cz_container_of(node, struct cz_registry_entry, link);

        if (entry->hash == hash && entry->kind == kind &&
            strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

bool cz_registry_is_free(struct cz_registry *registry, const char *name)
{
    return !cz_registry_find(registry, CZ_REGISTRY_BOUND, name) &&
           !cz_registry_find(registry, CZ_REGISTRY_OFFERED, name) &&
           !cz_registry_find(registry, CZ_REGISTRY_TAKEN, name);
}

/* ---- sockets that go ------------------------------------------------ */

/* What a socket has no part in any more. An end in which messages wait stays
 * for whoever binds its name. */
static void registry_leave(struct cz_registry_entry *entry)
{
    if (entry->kind == CZ_REGISTRY_WAITING &&
        cz_stream_has_more(entry->end->in))
        cz_registry_disown(entry);
    else
        registry_discard(entry);
}

int cz_registry_remove_socket(struct cz_registry *registry,
                              const struct cz_socket *socket, const char *name)
{
    uint32_t hash = hash_of(name);
    int count = 0;

    cz_list_for_each (node, list_of(registry, hash)) {
        struct cz_registry_entry *entry =
            cz_container_of(node, struct cz_registry_entry, link);

        if (entry->socket != socket || entry->hash != hash ||
            strcmp(entry->name, name) != 0)
            continue;
        registry_leave(entry);
        count++;
    }
    registry_fit(registry);
    return count;
}

void cz_registry_close_socket(struct cz_registry *registry,
                              struct cz_socket *socket)
{
    cz_list_for_each (node, &socket->names)
        registry_leave(cz_container_of(node, struct cz_registry_entry, own));
    registry_fit(registry);
}
