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
/* Bytes in empty slabs that are kept. Where they are aged, what came and goes
 * is soon needed again, and what is not needed goes soon: the pipes of eight
 * connections, 1000 messages of 8 KiB in each, took 38,000 page faults in half
 * a second with 32 MiB and 26,000 with this. */
static const size_t kept_max = (size_t)32 << 20;
static const size_t kept_max_swept = (size_t)256 << 20;

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
    size_t count; /* of those */
    size_t least; /* the smallest since they last aged */
};

#define CLASS_INIT(class)                                                      \
    {                                                                          \
        .partial = {&(class).partial, &(class).partial},                       \
        .empty = {&(class).empty, &(class).empty},                             \
    }

static struct {
    atomic_flag lock;
    bool is_busy;           /* something came back since it last aged */
    bool is_swept;          /* cz_slab_age is called now and then */
    uint64_t aged_us;       /* when it last did so */
    size_t kept;            /* bytes */
    struct cz_list surplus; /* to be unmapped by who lets go of the lock */
    _Atomic(struct block *) returned;
    struct slab_class classes[CLASS_COUNT];
} slabs = {
    .lock = ATOMIC_FLAG_INIT,
    .surplus = {&slabs.surplus, &slabs.surplus},
    .classes = {CLASS_INIT(slabs.classes[0]), CLASS_INIT(slabs.classes[1]),
                CLASS_INIT(slabs.classes[2])},
};

static bool slabs_try_lock(void)
{
    /* Acquire and release: what one holder did is seen by the next. */
    return !atomic_flag_test_and_set_explicit(&slabs.lock,
                                              memory_order_acquire);
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

/* Whoever finds the lock taken does without: it is not held for the time that
 * the kernel takes. */
static void slabs_unlock(void)
{
    struct cz_list surplus;
    struct cz_list *node;

    cz_list_take_all(&surplus, &slabs.surplus);
    atomic_flag_clear_explicit(&slabs.lock, memory_order_release);
    while ((node = cz_list_pop_front(&surplus))) {
        struct slab *slab = cz_container_of(node, struct slab, link);

        cz_pages_unmap(slab, slab_sizes[slab->class]);
    }
}

/* ---- with the lock --------------------------------------------------- */

static void slab_keep(struct slab *slab)
{
    struct slab_class *class = &slabs.classes[slab->class];

    cz_list_push_front(&class->empty, &slab->link);
    class->count++;
    slabs.kept += slab_sizes[slab->class];
}

/* One that was kept. */
static struct slab *slab_unkeep(struct cz_list *node)
{
    struct slab *slab = cz_container_of(node, struct slab, link);
    struct slab_class *class = &slabs.classes[slab->class];

    cz_list_remove(&slab->link);
    class->count--;
    slabs.kept -= slab_sizes[slab->class];
    return slab;
}

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
    if (slabs.kept < (slabs.is_swept ? kept_max_swept : kept_max))
        slab_keep(slab);
    else
        cz_list_push_front(&slabs.surplus, &slab->link);
}

static void slabs_take_back(void)
{
    /* Acquire: pairs with the release in cz_slab_put. */
    struct block *block =
        atomic_exchange_explicit(&slabs.returned, NULL, memory_order_acquire);

    slabs.is_busy |= block != NULL;
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
    struct slab *slab;

    if (!cz_list_is_empty(&class->partial))
        return cz_container_of(class->partial.next, struct slab, link);
    if (cz_list_is_empty(&class->empty)) {
        slab = slab_create(number);
    } else {
        slab = slab_unkeep(class->empty.next);
        if (class->count < class->least)
            class->least = class->count;
    }
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
static void class_age(struct slab_class *class)
{
    for (; class->least > 0; class->least--) {
        struct slab *slab = slab_unkeep(class->empty.prev);

        cz_list_push_front(&slabs.surplus, &slab->link);
    }
    class->least = class->count;
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
    unsigned class = class_of(size);

    CZ_ASSERT(class < CLASS_COUNT);
    block->slab = slab_of(block, class);
    do {
        block->next = first;
    } while (!atomic_compare_exchange_weak_explicit(&slabs.returned, &first,
                                                    block, memory_order_release,
                                                    memory_order_relaxed));
}

/* With the lock. Those who come too early are to come again. */
static bool slabs_age(uint64_t now_us)
{
    if (now_us < slabs.aged_us + CZ_SLAB_AGE_US)
        return true;
    slabs.aged_us = now_us;
    slabs_take_back();
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        class_age(&slabs.classes[i]);
    slabs.is_swept = slabs.kept > 0 || slabs.is_busy;
    slabs.is_busy = false;
    return slabs.is_swept;
}

bool cz_slab_age(uint64_t now_us)
{
    bool is_swept;

    if (!slabs_try_lock())
        return true;
    is_swept = slabs_age(now_us);
    slabs_unlock();
    return is_swept;
}

void cz_slab_trim(void)
{
    /* Nobody waits for the lock: then somebody needs them just now. */
    if (!slabs_try_lock())
        return;
    slabs_take_back();
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        slabs.classes[i].least = slabs.classes[i].count;
        class_age(&slabs.classes[i]);
    }
    /* Perhaps nobody will sweep any more. Who does begins anew. */
    slabs.is_swept = false;
    slabs.aged_us = 0;
    slabs_unlock();
}
