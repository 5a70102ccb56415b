/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Routing: the hash table. Collisions go to the next free slot; a slot that
 * becomes free is filled again from behind, so that there are no tombstones
 * however many peers come and go.
 *
 * Thread: the socket's. Owns: see pattern/routing.h.
 */
#include "pattern/routing.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "os/random.h"

#include <errno.h>

enum { CAPACITY_MIN = 8 };

__extension__ typedef unsigned __int128 uint128;

void cz_routing_init(struct cz_routing *routing)
{
    memset(routing, 0, sizeof *routing);
    cz_random_bytes(routing->key, sizeof routing->key);
    routing->next_id = cz_random_u32();
}

/* ---- hashing -------------------------------------------------------- */

/* Both halves of a product: the upper one makes every bit of the result
 * depend on the key, also where ids differ in their last bits only. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t routing_hash(const struct cz_routing *routing,
                             struct cz_span id)
{
    uint64_t hash = routing->key[0] ^ id.size;
    const uint8_t *at = id.bytes;
    size_t left = id.size;

    for (; left > 8; at += 8, left -= 8)
        hash = mix(hash ^ cz_route_word(at, 8), routing->key[1] | 1);
    hash = mix(hash ^ cz_route_word(at, left), routing->key[1] | 1);
    return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t slot_after(const struct cz_routing *routing, uint32_t slot)
{
    return (slot + 1) & (routing->capacity - 1);
}

struct cz_route *cz_routing_search(const struct cz_routing *routing,
                                   struct cz_span id)
{
    uint32_t hash, slot;
    struct cz_route *route;

    if (routing->count == 0)
        return NULL;
    hash = routing_hash(routing, id);
    slot = hash & (routing->capacity - 1);
    for (; (route = routing->slots[slot]); slot = slot_after(routing, slot))
        if (route->hash == hash && cz_route_has_id(route, id))
            return route;
    return NULL;
}

/* ---- changing ------------------------------------------------------- */

/* Into the first free slot; there is one. */
static void routing_put(struct cz_routing *routing, struct cz_route *route)
{
    uint32_t slot = route->hash & (routing->capacity - 1);

    while (routing->slots[slot])
        slot = slot_after(routing, slot);
    routing->slots[slot] = route;
}

static int routing_resize(struct cz_routing *routing, uint32_t capacity)
{
    struct cz_route **old = routing->slots;
    uint32_t old_capacity = routing->capacity;
    struct cz_route **slots = cz_zalloc(capacity * sizeof(struct cz_route *));

    if (!slots)
        return -ENOMEM;
    routing->slots = slots;
    routing->capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i])
            routing_put(routing, old[i]);
    cz_free(old);
    return 0;
}

/* At most three quarters are in use. */
static int routing_make_room(struct cz_routing *routing)
{
    uint32_t capacity = routing->capacity;

    if ((uint64_t)(routing->count + 1) * 4 <= (uint64_t)capacity * 3)
        return 0;
    return routing_resize(routing, capacity ? capacity * 2 : CAPACITY_MIN);
}

/* Gives memory back when most of it is not used. */
static void routing_slim(struct cz_routing *routing)
{
    if (routing->count == 0) {
        cz_free(routing->slots);
        routing->slots = NULL;
        routing->capacity = 0;
    } else if (routing->capacity > CAPACITY_MIN &&
               routing->count <= routing->capacity / 8) {
        /* Without memory for the smaller array the larger one will do. */
        (void)!routing_resize(routing, routing->capacity / 2);
    }
}

/* An id that nobody has: peers may use such ids, too. */
static struct cz_span routing_generate(struct cz_routing *routing,
                                       uint8_t to[CZ_ROUTE_GENERATED_SIZE])
{
    struct cz_span id = cz_span(to, CZ_ROUTE_GENERATED_SIZE);

    to[0] = 0;
    do
        cz_put_be32(to + 1, routing->next_id++);
    while (cz_routing_find(routing, id));
    return id;
}

int cz_routing_add(struct cz_routing *routing, struct cz_span id,
                   struct cz_pipe_end *end, struct cz_route **out)
{
    uint8_t generated[CZ_ROUTE_GENERATED_SIZE];
    struct cz_route *route;
    int rc;

    if (id.size == 0)
        id = routing_generate(routing, generated);
    else if (id.size > CZ_ROUTE_ID_MAX)
        return -EINVAL;
    else if (cz_routing_find(routing, id))
        return -EEXIST;
    rc = routing_make_room(routing);
    if (rc != 0)
        return rc;
    route = cz_alloc(sizeof *route + id.size);
    if (!route) {
        route = routing->spare;
        routing->spare = NULL;
    }
    if (!route) {
        routing_slim(routing);
        return -ENOMEM;
    }
    route->end = end;
    route->hash = routing_hash(routing, id);
    route->is_listed = true;
    route->size = (uint8_t)id.size;
    memcpy(route->id, id.bytes, id.size);
    routing_put(routing, route);
    routing->count++;
    *out = route;
    return 0;
}

int cz_routing_prepare(struct cz_routing *routing)
{
    if (!routing->spare)
        routing->spare = cz_alloc(sizeof *routing->spare + CZ_ROUTE_ID_MAX);
    return routing->spare ? routing_make_room(routing) : -ENOMEM;
}

void cz_routing_fini(struct cz_routing *routing)
{
    cz_free(routing->spare);
    cz_free(routing->slots);
}

/* Fills a free slot with a route from behind that would rather be there, and
 * so on until nobody is missing one. */
static void routing_close_gap(struct cz_routing *routing, uint32_t gap)
{
    uint32_t mask = routing->capacity - 1;
    uint32_t slot = slot_after(routing, gap);
    struct cz_route *route;

    for (; (route = routing->slots[slot]); slot = slot_after(routing, slot)) {
        uint32_t distance = (slot - route->hash) & mask;

        if (distance < ((slot - gap) & mask))
            continue;
        routing->slots[gap] = route;
        gap = slot;
    }
    routing->slots[gap] = NULL;
}

void cz_routing_withdraw(struct cz_routing *routing, struct cz_route *route)
{
    uint32_t slot;

    if (!route->is_listed)
        return;
    slot = route->hash & (routing->capacity - 1);
    while (routing->slots[slot] != route)
        slot = slot_after(routing, slot);
    routing_close_gap(routing, slot);
    route->is_listed = false;
    if (routing->expected == route)
        routing->expected = NULL;
    routing->count--;
    routing_slim(routing);
}

void cz_routing_remove(struct cz_routing *routing, struct cz_route *route)
{
    cz_routing_withdraw(routing, route);
    cz_free(route);
}

/* ---- ZMQ_CONNECT_ROUTING_ID ------------------------------------------ */

int cz_routing_set_connect_id(struct cz_routing *routing, const void *value,
                              size_t size)
{
    if (size == 0 || size > CZ_ROUTE_ID_MAX || !value)
        return -EINVAL;
    memcpy(routing->connect_id, value, size);
    routing->connect_id_size = (uint8_t)size;
    return 0;
}

int cz_routing_check_connect_id(struct cz_routing *routing)
{
    struct cz_span id = cz_span(routing->connect_id, routing->connect_id_size);

    if (id.size == 0 || !cz_routing_find(routing, id))
        return 0;
    routing->connect_id_size = 0;
    return -EADDRINUSE;
}

struct cz_span cz_routing_take_connect_id(struct cz_routing *routing)
{
    struct cz_span id = cz_span(routing->connect_id, routing->connect_id_size);

    routing->connect_id_size = 0;
    return id;
}
