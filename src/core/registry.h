/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The inproc names of a context: who is bound to a name, and which ends of
 * pipes wait for somebody to bind it. A hash table, as a program may have a
 * name for each of thousands of sockets; and each socket lists its own, so that
 * closing one does not look through those of all others.
 *
 * Thread: any, under the registry's lock, which the caller takes, because
 * finding an entry and acting on it must be one step. Owns: the names, not
 * what they stand for.
 */
#ifndef CZ_CORE_REGISTRY_H
#define CZ_CORE_REGISTRY_H

#include "base/compiler.h"
#include "base/list.h"
#include "os/mutex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_metadata;
struct cz_options;
struct cz_pipe_end;
struct cz_socket;

enum cz_registry_kind {
    CZ_REGISTRY_BOUND,   /* `socket` is bound to the name */
    CZ_REGISTRY_WAITING, /* `end` waits for a socket to bind the name */
    CZ_REGISTRY_OFFERED, /* `end` is for the first who connects (monitors) */
    CZ_REGISTRY_TAKEN,   /* the same, with the one who has connected */
};

struct cz_registry_entry {
    struct cz_list link; /* of those of the same hash, oldest first */
    struct cz_list own;  /* of those of the socket */
    struct cz_registry *registry;
    char *name;
    uint32_t hash;
    enum cz_registry_kind kind;
    struct cz_socket *socket; /* the one that bound, or connected */
    struct cz_pipe_end *end;
    /* Of the socket, when it was bound or connected. */
    struct cz_metadata *self; /* or NULL: it has no routing id */
    int sndhwm;
    int rcvhwm;
    bool conflates_out;
    bool conflates_in;
    struct cz_options *swap_options; /* or NULL: it has no swap */
};

/* As many lists as do without memory of their own. */
enum { CZ_REGISTRY_LISTS_MIN = 8 };

struct cz_registry {
    struct cz_mutex lock;
    struct cz_list *lists; /* by hash; `few`, or a larger array */
    size_t list_count;     /* a power of two */
    size_t count;
    struct cz_list few[CZ_REGISTRY_LISTS_MIN];
};

void cz_registry_init(struct cz_registry *registry);
void cz_registry_fini(struct cz_registry *registry);

/* All of these with the lock held. Adds: NULL = no memory. `socket`, if not
 * NULL, has the entry among its `names` from then on. */
struct cz_registry_entry *cz_registry_add(struct cz_registry *registry,
                                          enum cz_registry_kind kind,
                                          const char *name,
                                          struct cz_socket *socket,
                                          struct cz_pipe_end *end);
void cz_registry_remove(struct cz_registry_entry *entry);

/* The entry stays when its socket goes. */
void cz_registry_disown(struct cz_registry_entry *entry);

/* The first entry of the kind with the name; NULL if there is none. */
struct cz_registry_entry *cz_registry_find(struct cz_registry *registry,
                                           enum cz_registry_kind kind,
                                           const char *name);

/* May the name be bound? */
bool cz_registry_is_free(struct cz_registry *registry, const char *name);

/* Removes the entries of a socket for one name, and closes the ends that
 * waited. Ends in which messages wait stay for whoever binds the name; they go
 * with the context. Returns how many. */
int cz_registry_remove_socket(struct cz_registry *registry,
                              const struct cz_socket *socket, const char *name);

/* The same for all entries of a socket that closes. */
void cz_registry_close_socket(struct cz_registry *registry,
                              struct cz_socket *socket);

#endif
