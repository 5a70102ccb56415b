/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An intrusive binary heap with the smallest key on top; among equal keys
 * the one that was set first. Nodes know their place, so that any of them
 * can be moved or removed in O(log n).
 *
 * Thread: the owner of the heap. Owns: its array of node pointers, not the
 * nodes.
 */
#ifndef CZ_BASE_HEAP_H
#define CZ_BASE_HEAP_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed before its first use. */
struct cz_heap_node {
    uint64_t key;
    /* Counts calls of cz_heap_set: who comes first among equal keys. */
    uint64_t order;
    /* Place in the array plus one; 0 = in no heap. */
    size_t place;
};

struct cz_heap {
    struct cz_heap_node **nodes;
    size_t count;
    size_t capacity;
    size_t reserved; /* below this, the array does not shrink */
    uint64_t next_order;
};

void cz_heap_init(struct cz_heap *heap);
void cz_heap_fini(struct cz_heap *heap);

/* Makes sure that `count` nodes fit, from now until the next call, so that
 * cz_heap_set cannot fail up to there. 0 or -ENOMEM (nothing changes). */
CZ_MUST_CHECK int cz_heap_reserve(struct cz_heap *heap, size_t count);

/* Inserts the node or moves it to its new key, behind its equals. 0 or
 * -ENOMEM; moving a node that is already in the heap never fails, nor does
 * the first insertion after a removal. */
CZ_MUST_CHECK int cz_heap_set(struct cz_heap *heap, struct cz_heap_node *node,
                              uint64_t key);

/* Harmless for a node that is in no heap. An array that has become much too
 * large shrinks. */
void cz_heap_remove(struct cz_heap *heap, struct cz_heap_node *node);

/* The node with the smallest key, or NULL. It stays in the heap. */
struct cz_heap_node *cz_heap_top(const struct cz_heap *heap);

static inline bool cz_heap_contains(const struct cz_heap_node *node)
{
    return node->place != 0;
}

#endif
