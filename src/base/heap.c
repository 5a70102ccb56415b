/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The intrusive pairing heap. Two trees become one by making the root that
 * comes later the first child of the other; everything else is that.
 *
 * Thread: the owner of the heap. Owns: nothing.
 */
#include "base/heap.h"

#include "base/assert.h"

void cz_heap_init(struct cz_heap *heap)
{
    *heap = (struct cz_heap){0};
}

static bool heap_precedes(const struct cz_heap_node *a,
                          const struct cz_heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

/* Makes one tree of two. The links of its root are the caller's to set. */
static struct cz_heap_node *heap_meld(struct cz_heap_node *a,
                                      struct cz_heap_node *b)
{
    if (heap_precedes(b, a)) {
        struct cz_heap_node *first = b;

        b = a;
        a = first;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Makes one tree of a list of siblings: first pairs, from left to right,
 * then all of these, from right to left. That order is what keeps the trees
 * flat. A loop, for the depth of a tree has no bound. */
static struct cz_heap_node *heap_meld_siblings(struct cz_heap_node *left)
{
    struct cz_heap_node *pairs = NULL;
    struct cz_heap_node *root;

    while (left) {
        struct cz_heap_node *pair = left;
        struct cz_heap_node *second = left->next;

        left = second ? second->next : NULL;
        if (second)
            pair = heap_meld(pair, second);
        pair->next = pairs;
        pairs = pair;
    }
    root = pairs;
    if (!root)
        return NULL;
    pairs = root->next;
    while (pairs) {
        struct cz_heap_node *next = pairs->next;

        root = heap_meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void heap_set_root(struct cz_heap *heap, struct cz_heap_node *root)
{
    heap->root = root;
    if (!root)
        return;
    root->prev = root;
    root->next = NULL;
}

void cz_heap_set(struct cz_heap *heap, struct cz_heap_node *node, uint64_t key)
{
    cz_heap_remove(heap, node);
    node->key = key;
    node->order = heap->next_order++;
    heap_set_root(heap, heap->root ? heap_meld(heap->root, node) : node);
}

/* Takes a node that is not the root out of the list of its siblings. */
static void heap_cut(struct cz_heap_node *node)
{
    if (node->prev->child == node)
        node->prev->child = node->next;
    else
        node->prev->next = node->next;
    if (node->next)
        node->next->prev = node->prev;
}

void cz_heap_remove(struct cz_heap *heap, struct cz_heap_node *node)
{
    struct cz_heap_node *rest;

    if (!cz_heap_contains(node))
        return;
    CZ_ASSERT(heap->root);
    rest = heap_meld_siblings(node->child);
    if (node != heap->root) {
        heap_cut(node);
        rest = rest ? heap_meld(heap->root, rest) : heap->root;
    }
    heap_set_root(heap, rest);
    node->child = node->next = node->prev = NULL;
}
