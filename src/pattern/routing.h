/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Routing: a table from routing ids to the pipes of their peers, for types
 * that address a peer by name (ROUTER, STREAM).
 *
 * A route is what a type keeps about one peer: the id, once, where recv can
 * show it and send finds it. The table is an open-addressing hash of pointers
 * to routes. Peers choose their ids, so the hash is keyed with random bytes:
 * nobody outside can make ids collide.
 *
 * Thread: the socket's. Owns: its array, and none while it is empty; and a
 * spare route.
 */
#ifndef CZ_PATTERN_ROUTING_H
#define CZ_PATTERN_ROUTING_H

#include "base/compiler.h"
#include "wire/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cz_pipe_end;

enum {
    CZ_ROUTE_ID_MAX = 255,
    CZ_ROUTE_GENERATED_SIZE = 5, /* 00, then a counter */
};

struct cz_route {
    struct cz_pipe_end *end; /* the type may change it */
    uint32_t hash;
    bool is_listed; /* found by its id */
    uint8_t size;
    uint8_t id[];
};

struct cz_routing {
    struct cz_route **slots;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
    uint32_t next_id; /* to be generated */
    uint64_t key[2];
    struct cz_route *expected; /* to be looked for next, or NULL */
    struct cz_route *spare;    /* for who finds no memory, or NULL */
    /* ZMQ_CONNECT_ROUTING_ID, until the next connect. */
    uint8_t connect_id_size;
    uint8_t connect_id[CZ_ROUTE_ID_MAX];
};

void cz_routing_init(struct cz_routing *routing);
/* All routes have been removed. */
void cz_routing_fini(struct cz_routing *routing);

/* Sees to it that the next cz_routing_add does not fail for lack of memory. 0
 * or -ENOMEM. */
CZ_MUST_CHECK int cz_routing_prepare(struct cz_routing *routing);

/* An id of at most 8 bytes as a number; different ones of one size differ. */
static inline uint64_t cz_route_word(const uint8_t *id, size_t size)
{
    uint64_t word = 0;
    uint32_t low, high;

    if (size == 8) {
        memcpy(&word, id, 8);
    } else if (size >= 4) {
        memcpy(&low, id, 4);
        memcpy(&high, id + size - 4, 4);
        word = (uint64_t)high << 32 | low;
    } else if (size > 0) {
        word =
            (uint64_t)id[0] << 16 | (uint64_t)id[size / 2] << 8 | id[size - 1];
    }
    return word;
}

static inline bool cz_route_has_id(const struct cz_route *route,
                                   struct cz_span id)
{
    if (route->size != id.size)
        return false;
    if (id.size > 8)
        return memcmp(route->id, id.bytes, id.size) == 0;
    return cz_route_word(route->id, id.size) ==
           cz_route_word(id.bytes, id.size);
}

struct cz_route *cz_routing_search(const struct cz_routing *routing,
                                   struct cz_span id);

/* The route with this id, or NULL. */
static inline struct cz_route *cz_routing_find(const struct cz_routing *routing,
                                               struct cz_span id)
{
    struct cz_route *route = routing->expected;

    return route && cz_route_has_id(route, id) ? route
                                               : cz_routing_search(routing, id);
}

/* Who has just spoken is probably answered next: saves hashing the id, and
 * looking at slots that are not in the cache. */
static inline void cz_routing_expect(struct cz_routing *routing,
                                     struct cz_route *route)
{
    routing->expected = route->is_listed ? route : NULL;
}

/* Makes a route; an empty id means that one is generated. The caller owns it:
 * cz_routing_remove. 0; -EEXIST; -EINVAL: the id is too long; -ENOMEM. */
CZ_MUST_CHECK int cz_routing_add(struct cz_routing *routing, struct cz_span id,
                                 struct cz_pipe_end *end,
                                 struct cz_route **route);

/* From now on the route is not found and its id is free; the route itself
 * stays. Harmless twice. */
void cz_routing_withdraw(struct cz_routing *routing, struct cz_route *route);

/* Withdraws and frees it. */
void cz_routing_remove(struct cz_routing *routing, struct cz_route *route);

/* ---- ZMQ_CONNECT_ROUTING_ID ------------------------------------------ */

/* 0 or -EINVAL. */
CZ_MUST_CHECK int cz_routing_set_connect_id(struct cz_routing *routing,
                                            const void *value, size_t size);

/* Before a connect: -EADDRINUSE if the id is somebody's, and then it is
 * forgotten, since two peers of one id cannot be meant. Else 0. */
CZ_MUST_CHECK int cz_routing_check_connect_id(struct cz_routing *routing);

/* The id for the pipe of this connect, once; empty if none was set. Valid
 * until the next one is set. */
struct cz_span cz_routing_take_connect_id(struct cz_routing *routing);

#endif
