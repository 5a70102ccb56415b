/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The intrusive binary heap: the array of node pointers, and the sifting
 * that keeps a parent (i - 1) / 2 before its children 2i + 1 and 2i + 2.
 *
 * Thread: the owner of the heap. Owns: the array.
 */
#include "base/heap.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>

enum { HEAP_CAPACITY_MIN = 8 };

void cz_heap_init(struct cz_heap *heap)
{
    *heap = (struct cz_heap){0};
}

void cz_heap_fini(struct cz_heap *heap)
{
    cz_free(heap->nodes);
    cz_heap_init(heap);
}

static int heap_resize(struct cz_heap *heap, size_t capacity)
{
    struct cz_heap_node **nodes;

    if (capacity > SIZE_MAX / sizeof *nodes)
        return -ENOMEM;
    nodes = cz_realloc(heap->nodes, capacity * sizeof *nodes);
    if (!nodes)
        return -ENOMEM;
    heap->nodes = nodes;
    heap->capacity = capacity;
    return 0;
}

int cz_heap_reserve(struct cz_heap *heap, size_t count)
{
    if (count > heap->capacity) {
        int rc = heap_resize(heap, count);

        if (rc < 0)
            return rc;
    }
    heap->reserved = count;
    return 0;
}

static bool heap_precedes(const struct cz_heap_node *a,
                          const struct cz_heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

static void heap_put(struct cz_heap *heap, size_t index,
                     struct cz_heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

/* Settles a node, for which there is a hole at `index`, where it belongs:
 * parents move down into the hole, or else children move up. */
static void heap_settle(struct cz_heap *heap, size_t index,
                        struct cz_heap_node *node)
{
    size_t child;

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (!heap_precedes(node, heap->nodes[parent]))
            break;
        heap_put(heap, index, heap->nodes[parent]);
        index = parent;
    }
    while ((child = 2 * index + 1) < heap->count) {
        if (child + 1 < heap->count &&
            heap_precedes(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!heap_precedes(heap->nodes[child], node))
            break;
        heap_put(heap, index, heap->nodes[child]);
        index = child;
    }
    heap_put(heap, index, node);
}

int cz_heap_set(struct cz_heap *heap, struct cz_heap_node *node, uint64_t key)
{
    if (!cz_heap_contains(node)) {
        if (heap->count == heap->capacity) {
            size_t wanted = heap->capacity * 2;
            int rc = heap_resize(
                heap, wanted > HEAP_CAPACITY_MIN ? wanted : HEAP_CAPACITY_MIN);

            if (rc < 0)
                return rc;
        }
        node->place = ++heap->count;
    } else {
        CZ_ASSERT(heap->nodes[node->place - 1] == node);
    }
    node->key = key;
    node->order = heap->next_order++;
    heap_settle(heap, node->place - 1, node);
    return 0;
}

/* Half of what is left stays free, so that neither the next insertion nor
 * the next removal has to ask for memory again. */
static void heap_shrink(struct cz_heap *heap)
{
    size_t wanted = heap->capacity / 2;

    if (wanted < HEAP_CAPACITY_MIN || wanted < heap->reserved ||
        heap->count > heap->capacity / 4)
        return;
    /* Without memory the array stays as large as it is. */
    (void)!heap_resize(heap, wanted);
}

void cz_heap_remove(struct cz_heap *heap, struct cz_heap_node *node)
{
    struct cz_heap_node *last;
    size_t index;

    if (!cz_heap_contains(node))
        return;
    index = node->place - 1;
    CZ_ASSERT(heap->nodes[index] == node);
    node->place = 0;
    last = heap->nodes[--heap->count];
    if (last != node)
        heap_settle(heap, index, last);
    heap_shrink(heap);
}

struct cz_heap_node *cz_heap_top(const struct cz_heap *heap)
{
    return heap->count ? heap->nodes[0] : NULL;
}
