/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Slabs.
 *
 *     slab  | head | block | block | ... | block |
 *
 * A slab begins at a multiple of its size, which leads from a block to it.
 *
 * What is given back goes to a stack that anybody may push on, and from there,
 * by whoever has the lock, to the slab that it belongs to. A slab is in the
 * list `partial` while it has blocks in use and others free, in `empty` while
 * none is in use, and in no list while all are.
 *
 * Thread: any. Owns: see msg/slab.h.
 */
#include "msg/slab.h"

#include "base/assert.h"
#include "base/list.h"
#include "os/pages.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    HEAD_SIZE = 64,
    CLASS_COUNT = 3,
};

/* A chunk's bytes, its header, and what makes that a multiple of the line. */
static const uint32_t block_sizes[CLASS_COUNT] = {2048 + 64, 8192 + 64,
                                                  32768 + 64};
static const uint32_t slab_sizes[CLASS_COUNT] = {65536, 65536, 262144};
/* Empty slabs that are kept until they are aged. The last is for bursts of 1000
 * messages of 8 KiB: with 32 they came and went, and ipc took 98,000 page
 * faults in half a second, with 64 70,000, with 128 8,000. */
static const uint32_t empty_max[CLASS_COUNT] = {32, 32, 128};

struct block {
    struct block *next;
    struct slab *slab; /* of one that was given back */
};

struct slab {
    struct cz_list link;
    struct block *free;
    uint16_t used;
    uint16_t touched; /* blocks that were ever in use */
    uint8_t class;
};

CZ_STATIC_ASSERT(sizeof(struct slab) <= HEAD_SIZE, "fits before the blocks");

struct slab_class {
    struct cz_list partial;
    struct cz_list empty;
    size_t empty_count;
    size_t least; /* the smallest count since the last cz_slab_age */
};

#define CLASS_INIT(class)                                                      \
    {                                                                          \
        .partial = {&(class).partial, &(class).partial},                       \
        .empty = {&(class).empty, &(class).empty},                             \
    }

static struct {
    atomic_flag lock;
    _Atomic(struct block *) returned;
    struct slab_class classes[CLASS_COUNT];
} slabs = {
    .lock = ATOMIC_FLAG_INIT,
    .classes = {CLASS_INIT(slabs.classes[0]), CLASS_INIT(slabs.classes[1]),
                CLASS_INIT(slabs.classes[2])},
};

static bool slabs_try_lock(void)
{
    /* Acquire and release: what one holder did is seen by the next. */
    return !atomic_flag_test_and_set_explicit(&slabs.lock,
                                              memory_order_acquire);
}

static void slabs_unlock(void)
{
    atomic_flag_clear_explicit(&slabs.lock, memory_order_release);
}

/* CLASS_COUNT: of none. */
static unsigned class_of(size_t size)
{
    unsigned class = 0;

    while (class < CLASS_COUNT &&
           (size > block_sizes[class] || size <= block_sizes[class] / 2))
        class ++;
    return class;
}

static struct slab *slab_of(void *block, unsigned class)
{
    uintptr_t mask = slab_sizes[class] - 1;

    return (struct slab *)((uintptr_t)block & ~mask);
}

static unsigned slab_capacity(const struct slab *slab)
{
    return (slab_sizes[slab->class] - HEAD_SIZE) / block_sizes[slab->class];
}

static void slab_unmap(struct slab *slab)
{
    cz_pages_unmap(slab, slab_sizes[slab->class]);
}

/* ---- with the lock --------------------------------------------------- */

static void slab_take_back(struct block *block)
{
    struct slab *slab = block->slab;
    struct slab_class *class = &slabs.classes[slab->class];

    block->next = slab->free;
    slab->free = block;
    slab->used--;
    cz_list_remove(&slab->link);
    if (slab->used > 0) {
        cz_list_push_front(&class->partial, &slab->link);
        return;
    }
    if (class->empty_count == empty_max[slab->class]) {
        slab_unmap(slab);
        return;
    }
    cz_list_push_front(&class->empty, &slab->link);
    class->empty_count++;
}

static void slabs_take_back(void)
{
    /* Acquire: pairs with the release in cz_slab_put. */
    struct block *block =
        atomic_exchange_explicit(&slabs.returned, NULL, memory_order_acquire);

    while (block) {
        struct block *next = block->next;

        slab_take_back(block);
        block = next;
    }
}

static struct slab *slab_create(unsigned class)
{
    struct slab *slab = cz_pages_map(slab_sizes[class]);

    if (!slab)
        return NULL;
    cz_list_init(&slab->link);
    slab->class = (uint8_t) class;
    return slab;
}

/* One with a free block, in the list `partial`. */
static struct slab *slab_find(unsigned number)
{
    struct slab_class *class = &slabs.classes[number];
    struct cz_list *node = cz_list_pop_front(&class->partial);
    struct slab *slab;

    if (!node && (node = cz_list_pop_front(&class->empty)) &&
        --class->empty_count < class->least)
        class->least = class->empty_count;
    slab =
        node ? cz_container_of(node, struct slab, link) : slab_create(number);
    if (slab)
        cz_list_push_front(&class->partial, &slab->link);
    return slab;
}

static void *slab_take(struct slab *slab)
{
    struct block *block = slab->free;

    if (block)
        slab->free = block->next;
    else
        block = (struct block *)((char *)slab + HEAD_SIZE +
                                 (size_t)slab->touched++ *
                                     block_sizes[slab->class]);
    slab->used++;
    if (slab->used == slab_capacity(slab))
        cz_list_remove(&slab->link);
    return block;
}

/* Takes out the empty ones that were not needed, at the far end of the list. */
static void class_age(struct slab_class *class, struct cz_list *aged)
{
    for (; class->least > 0; class->least--) {
        struct cz_list *node = class->empty.prev;

        cz_list_remove(node);
        cz_list_push_front(aged, node);
        class->empty_count--;
    }
    class->least = class->empty_count;
}

/* ---- for all --------------------------------------------------------- */

void *cz_slab_get(size_t size)
{
    struct slab *slab;
    void *block = NULL;
    unsigned class = class_of(size);

    if (class == CLASS_COUNT || !slabs_try_lock())
        return NULL;
    slabs_take_back();
    slab = slab_find(class);
    if (slab)
        block = slab_take(slab);
    slabs_unlock();
    return block;
}

void cz_slab_put(void *memory, size_t size)
{
    struct block *block = memory;
    struct block *first =
        atomic_load_explicit(&slabs.returned, memory_order_relaxed);

    block->slab = slab_of(block, class_of(size));
    do {
        block->next = first;
    } while (!atomic_compare_exchange_weak_explicit(&slabs.returned, &first,
                                                    block, memory_order_release,
                                                    memory_order_relaxed));
}

bool cz_slab_age(void)
{
    struct cz_list aged, *node;
    bool keeps_some = false;

    if (!slabs_try_lock())
        return true;
    cz_list_init(&aged);
    slabs_take_back();
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        class_age(&slabs.classes[i], &aged);
        keeps_some |= slabs.classes[i].empty_count > 0;
    }
    slabs_unlock();
    while ((node = cz_list_pop_front(&aged)))
        slab_unmap(cz_container_of(node, struct slab, link));
    return keeps_some;
}
