/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The inproc names of a context: who is bound to a name, and which ends of
 * pipes wait for somebody to bind it.
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

struct cz_metadata;
struct cz_pipe_end;
struct cz_socket;

enum cz_registry_kind {
    CZ_REGISTRY_BOUND,   /* `socket` is bound to the name */
    CZ_REGISTRY_WAITING, /* `end` waits for a socket to bind the name */
    CZ_REGISTRY_OFFERED, /* `end` is for the first who connects (monitors) */
    CZ_REGISTRY_TAKEN,   /* the same, with the one who has connected */
};

struct cz_registry_entry {
    struct cz_list link;
    char *name;
    enum cz_registry_kind kind;
    struct cz_socket *socket; /* the one that bound, or connected */
    struct cz_pipe_end *end;
    /* Of the socket, when it was bound or connected. */
    struct cz_metadata *self; /* or NULL: it has no routing id */
    int sndhwm;
    int rcvhwm;
    bool conflates_out;
    bool conflates_in;
};

struct cz_registry {
    struct cz_mutex lock;
    struct cz_list entries;
};

void cz_registry_init(struct cz_registry *registry);
void cz_registry_fini(struct cz_registry *registry);

/* All of these with the lock held. Adds: NULL = no memory. */
struct cz_registry_entry *cz_registry_add(struct cz_registry *registry,
                                          enum cz_registry_kind kind,
                                          const char *name,
                                          struct cz_socket *socket,
                                          struct cz_pipe_end *end);
void cz_registry_remove(struct cz_registry_entry *entry);

/* The first entry of the kind with the name; NULL if there is none. */
struct cz_registry_entry *cz_registry_find(struct cz_registry *registry,
                                           enum cz_registry_kind kind,
                                           const char *name);

/* May the name be bound? */
bool cz_registry_is_free(struct cz_registry *registry, const char *name);

/* Removes the entries of a socket: all, or those for one name, and closes the
 * ends that waited. Ends in which messages wait stay for whoever binds their
 * names; they go with the context. Returns how many. */
int cz_registry_remove_socket(struct cz_registry *registry,
                              const struct cz_socket *socket, const char *name);

/* The same for all entries of a socket that closes. */
void cz_registry_close_socket(struct cz_registry *registry,
                              const struct cz_socket *socket);

#endif
