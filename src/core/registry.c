/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The inproc names of a context.
 *
 * Thread: any, under the lock. Owns: the entries, their names, and a reference
 * to what they say of their sockets.
 */
#include "core/registry.h"

#include "base/alloc.h"
#include "core/pipe.h"
#include "msg/metadata.h"

#include <string.h>

void cz_registry_init(struct cz_registry *registry)
{
    cz_mutex_init(&registry->lock);
    cz_list_init(&registry->entries);
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
    cz_list_for_each (node, &registry->entries)
        registry_discard(cz_container_of(node, struct cz_registry_entry, link));
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
    entry->kind = kind;
    entry->socket = socket;
    entry->end = end;
    cz_list_push_back(&registry->entries, &entry->link);
    return entry;
}

void cz_registry_remove(struct cz_registry_entry *entry)
{
    cz_list_remove(&entry->link);
    if (entry->self)
        cz_metadata_unref(entry->self, 1);
    cz_free(entry->name);
    cz_free(entry);
}

struct cz_registry_entry *cz_registry_find(struct cz_registry *registry,
                                           enum cz_registry_kind kind,
                                           const char *name)
{
    cz_list_for_each (node, &registry->entries) {
        struct cz_registry_entry *entry =
            cz_container_of(node, struct cz_registry_entry, link);

        if (entry->kind == kind && strcmp(entry->name, name) == 0)
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

/* What a socket has no part in any more. An end in which messages wait stays
 * for whoever binds its name. */
static void registry_leave(struct cz_registry_entry *entry)
{
    if (entry->kind == CZ_REGISTRY_WAITING &&
        cz_stream_has_more(entry->end->in))
        entry->socket = NULL;
    else
        registry_discard(entry);
}

int cz_registry_remove_socket(struct cz_registry *registry,
                              const struct cz_socket *socket, const char *name)
{
    int count = 0;

    cz_list_for_each (node, &registry->entries) {
        struct cz_registry_entry *entry =
            cz_container_of(node, struct cz_registry_entry, link);

        if (entry->socket != socket || (name && strcmp(entry->name, name) != 0))
            continue;
        registry_leave(entry);
        count++;
    }
    return count;
}

void cz_registry_close_socket(struct cz_registry *registry,
                              const struct cz_socket *socket)
{
    (void)cz_registry_remove_socket(registry, socket, NULL);
}
