/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An intrusive pairing heap with the smallest key on top; among equal keys
 * the one that was set first. Nodes are linked to each other, so the heap
 * never allocates and nothing here can fail. Setting a node costs O(1),
 * removing one O(log n) amortised.
 *
 *     root                 a node precedes all of its children
 *      │ child
 *      ▼      next
 *     node ◀──────▶ node ◀──▶ node      prev of the first: the parent
 *      │ child
 *      ▼
 *
 * Thread: the owner of the heap. Owns: nothing; the nodes are their owners'.
 */
#ifndef CZ_BASE_HEAP_H
#define CZ_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed before its first use. */
struct cz_heap_node {
    uint64_t key;
    /* Counts calls of cz_heap_set: who comes first among equal keys. */
    uint64_t order;
    struct cz_heap_node *child;
    struct cz_heap_node *next;
    /* The sibling before, the parent of a first child, the root itself;
     * NULL = in no heap. */
    struct cz_heap_node *prev;
};

struct cz_heap {
    struct cz_heap_node *root;
    uint64_t next_order;
};

void cz_heap_init(struct cz_heap *heap);

/* Inserts the node or moves it to its new key, behind its equals. */
void cz_heap_set(struct cz_heap *heap, struct cz_heap_node *node, uint64_t key);

/* Harmless for a node that is in no heap. */
void cz_heap_remove(struct cz_heap *heap, struct cz_heap_node *node);

/* The node with the smallest key, or NULL. It stays in the heap. */
static inline struct cz_heap_node *cz_heap_top(const struct cz_heap *heap)
{
    return heap->root;
}

static inline bool cz_heap_contains(const struct cz_heap_node *node)
{
    return node->prev != NULL;
}

#endif
