/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pools of large blocks: a list for each class of sizes, four classes to a
 * power of two.
 *
 *     who takes     first <- foreign      with the lock
 *                               ^ all of it, when both are empty
 *     other threads         returned      without
 *
 * Blocks are mostly given back either by the thread that takes them, and then
 * the last one is the warmest; or by another, which must not meet the first at
 * each of them: inproc 64 KiB, zmq_msg_init_size, 2.4 M/s with one list under
 * the lock, 2.9 if what others return is counted when it is collected, which
 * means a walk through memory in their cache, and 3.5 as it is.
 *
 * Thread: any, under a lock that is held for a few instructions and that
 * nobody waits for: who finds it taken does without the pool. (A thread of
 * high priority could otherwise spin for ever before the holder that it has
 * interrupted.) Owns: see base/pool.h.
 */
#include "base/pool.h"

#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    CLASS_BITS_MIN = 14, /* CZ_POOL_BLOCK_MIN is 2^14 */
    CLASS_COUNT = 4 * 8 + 1,
    COMMON_LIMIT = 16 << 20,
    /* A pool that is swept may keep so many times its limit. */
    SWEPT_FACTOR = 4,
};

/* What a kept block begins with. */
struct free_block {
    struct free_block *next;
};

struct pool_class {
    /* With the lock. */
    struct free_block *first;
    size_t count;
    size_t least;               /* the smallest count since it last aged */
    struct free_block *foreign; /* from `returned`, not counted */
    size_t drawn;               /* bytes taken from there */
    struct {
        /* The thread that took the last one. */
        CZ_LINE_ALIGNED _Atomic(const void *) thread;
    } taker;
    struct {
        /* What others gave back, without the lock. */
        CZ_LINE_ALIGNED _Atomic(struct free_block *) first;
    } returned;
};

struct cz_pool {
    _Atomic size_t refs;
    _Atomic size_t in_use;
    atomic_flag lock;
    bool is_eternal;       /* and nobody asks how much is in use */
    bool is_busy;          /* something came back since it last aged */
    _Atomic bool is_swept; /* cz_pool_age is called now and then */
    uint64_t aged_us;      /* when it last did so */
    size_t limit;
    size_t kept;
    struct {
        CZ_LINE_ALIGNED _Atomic size_t bytes; /* without the lock */
    } returned;
    struct pool_class classes[CLASS_COUNT];
};

/* What tells this thread from all others that run. */
static const void *pool_me(void)
{
    static _Thread_local char me;

    return &me;
}

/* Sizes are rounded up to a quarter of their power of two. */
static unsigned pool_class_of(size_t size, size_t *rounded)
{
    unsigned bits = 63 - (unsigned)__builtin_clzll(size - 1);
    size_t step = (size_t)1 << (bits - 2);

    *rounded = (size + step - 1) & ~(step - 1);
    return (bits - CLASS_BITS_MIN) * 4 +
           (unsigned)((*rounded - ((size_t)1 << bits)) / step);
}

static bool pool_takes(const struct cz_pool *pool, size_t size)
{
    return pool && size > CZ_POOL_BLOCK_MIN && size <= CZ_POOL_BLOCK_MAX;
}

static bool pool_try_lock(struct cz_pool *pool)
{
    /* Acquire and release: what one holder did is seen by the next. */
    return !atomic_flag_test_and_set_explicit(&pool->lock,
                                              memory_order_acquire);
}

static void pool_unlock(struct cz_pool *pool)
{
    atomic_flag_clear_explicit(&pool->lock, memory_order_release);
}

static size_t class_size(unsigned class)
{
    size_t base = (size_t)1 << (CLASS_BITS_MIN + class / 4);

    return base + base / 4 * (class % 4);
}

/* A sender fills its pipe faster than the network takes from it, in bursts of
 * tens of MiB, and what comes back between two of them is needed for the next.
 * Where nobody sweeps it would stay. */
static size_t pool_limit(const struct cz_pool *pool)
{
    bool is_swept = atomic_load_explicit(&pool->is_swept, memory_order_relaxed);

    return is_swept ? SWEPT_FACTOR * pool->limit : pool->limit;
}

/* With the lock: takes what other threads gave back, uncounted. A count would
 * mean to walk through memory that is in their cache. */
static void class_collect(struct cz_pool *pool, struct pool_class *class)
{
    if (class->drawn) {
        atomic_fetch_sub_explicit(&pool->returned.bytes, class->drawn,
                                  memory_order_relaxed);
        class->drawn = 0;
    }
    /* Relaxed: to save the exchange, and the line that it takes away. */
    if (atomic_load_explicit(&class->returned.first, memory_order_relaxed)) {
        /* Acquire: pairs with the release in pool_return. */
        class->foreign = atomic_exchange_explicit(&class->returned.first, NULL,
                                                  memory_order_acquire);
        pool->is_busy = true;
    }
}

/* With the lock: one of those. NULL: there is none. */
static struct free_block *class_draw(struct cz_pool *pool,
                                     struct pool_class *class, size_t size)
{
    struct free_block *block;

    if (!class->foreign)
        class_collect(pool, class);
    block = class->foreign;
    if (block) {
        class->foreign = block->next;
        class->drawn += size;
        __builtin_prefetch(class->foreign);
    }
    return block;
}

/* With the lock: counts them all. */
static void class_count(struct cz_pool *pool, unsigned number)
{
    struct pool_class *class = &pool->classes[number];
    size_t size = class_size(number);
    struct free_block *block;

    while ((block = class_draw(pool, class, size))) {
        block->next = class->first;
        class->first = block;
        class->count++;
        pool->kept += size;
    }
}

struct cz_pool *cz_pool_create(size_t limit)
{
    struct cz_pool *pool = cz_zalloc_lines(sizeof *pool);

    if (!pool)
        return NULL;
    atomic_init(&pool->refs, 1);
    atomic_flag_clear_explicit(&pool->lock, memory_order_relaxed);
    pool->limit = limit;
    return pool;
}

struct cz_pool *cz_pool_common(void)
{
    static struct cz_pool common = {
        .refs = 1,
        .lock = ATOMIC_FLAG_INIT,
        .is_eternal = true,
        .limit = COMMON_LIMIT,
    };

    return &common;
}

static void pool_free(struct free_block *block)
{
    while (block) {
        struct free_block *next = block->next;

        cz_free(block);
        block = next;
    }
}

/* With the lock: everything, to be freed without it. */
static void pool_take_all(struct cz_pool *pool, struct free_block **lists)
{
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        class_count(pool, i);
        lists[i] = pool->classes[i].first;
        pool->classes[i].first = NULL;
        pool->classes[i].count = pool->classes[i].least = 0;
    }
    pool->kept = 0;
}

static void pool_free_all(struct free_block *const *lists)
{
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        pool_free(lists[i]);
}

void cz_pool_trim(struct cz_pool *pool)
{
    struct free_block *lists[CLASS_COUNT];

    /* Nobody waits for the lock: then somebody needs the blocks just now. */
    if (!pool_try_lock(pool))
        return;
    pool_take_all(pool, lists);
    /* Perhaps nobody will sweep any more. Who does begins anew. */
    atomic_store_explicit(&pool->is_swept, false, memory_order_relaxed);
    pool->aged_us = 0;
    pool_unlock(pool);
    pool_free_all(lists);
}

/* Takes out what was there all the time. */
static struct free_block *class_age(struct pool_class *class)
{
    struct free_block *aged = class->first;
    struct free_block *last = aged;

    if (class->least == 0) {
        class->least = class->count;
        return NULL;
    }
    for (size_t i = 1; i < class->least; i++)
        last = last->next;
    class->first = last->next;
    last->next = NULL;
    class->count -= class->least;
    class->least = class->count;
    return aged;
}

bool cz_pool_age(struct cz_pool *pool, uint64_t now_us)
{
    struct free_block *aged[CLASS_COUNT];
    bool is_swept;

    if (!pool_try_lock(pool))
        return true;
    if (now_us < pool->aged_us + CZ_POOL_AGE_US) {
        pool_unlock(pool);
        return true;
    }
    pool->aged_us = now_us;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        size_t before;

        class_count(pool, i);
        before = pool->classes[i].count;

        aged[i] = class_age(&pool->classes[i]);
        pool->kept -= (before - pool->classes[i].count) * class_size(i);
    }
    is_swept = pool->kept > 0 || pool->is_busy;
    atomic_store_explicit(&pool->is_swept, is_swept, memory_order_relaxed);
    pool->is_busy = false;
    pool_unlock(pool);
    pool_free_all(aged);
    return is_swept;
}

void cz_pool_unref(struct cz_pool *pool)
{
    struct free_block *lists[CLASS_COUNT];

    /* acq_rel: the last one out sees all that the others did. */
    if (!pool ||
        atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) > 1)
        return;
    pool_take_all(pool, lists);
    pool_free_all(lists);
    cz_free(pool);
}

/* One of the class that is kept, or NULL. */
static struct free_block *pool_pop(struct cz_pool *pool, unsigned class,
                                   size_t rounded)
{
    struct pool_class *from = &pool->classes[class];
    struct free_block *block;

    if (!pool_try_lock(pool))
        return NULL;
    if (atomic_load_explicit(&from->taker.thread, memory_order_relaxed) !=
        pool_me())
        atomic_store_explicit(&from->taker.thread, pool_me(),
                              memory_order_relaxed);
    block = from->first;
    if (block) {
        from->first = block->next;
        if (--from->count < from->least)
            from->least = from->count;
        pool->kept -= rounded;
    } else {
        block = class_draw(pool, from, rounded);
    }
    pool_unlock(pool);
    return block;
}

/* Without the lock. */
static bool pool_return(struct cz_pool *pool, unsigned class, size_t rounded,
                        struct free_block *block)
{
    _Atomic(struct free_block *) *to = &pool->classes[class].returned.first;
    struct free_block *first;

    /* Relaxed: a number on its own. */
    if (atomic_fetch_add_explicit(&pool->returned.bytes, rounded,
                                  memory_order_relaxed) > pool_limit(pool)) {
        atomic_fetch_sub_explicit(&pool->returned.bytes, rounded,
                                  memory_order_relaxed);
        return false;
    }
    first = atomic_load_explicit(to, memory_order_relaxed);
    do {
        block->next = first;
    } while (!atomic_compare_exchange_weak_explicit(
        to, &first, block, memory_order_release, memory_order_relaxed));
    return true;
}

/* By who took the last one, with the lock if it is free. */
static bool pool_push(struct cz_pool *pool, unsigned class, size_t rounded,
                      struct free_block *block)
{
    bool has_room;

    if (atomic_load_explicit(&pool->classes[class].taker.thread,
                             memory_order_relaxed) != pool_me() ||
        !pool_try_lock(pool))
        return pool_return(pool, class, rounded, block);
    has_room = pool->kept + rounded <= pool_limit(pool);
    pool->is_busy = true;
    if (has_room) {
        block->next = pool->classes[class].first;
        pool->classes[class].first = block;
        pool->classes[class].count++;
        pool->kept += rounded;
    }
    pool_unlock(pool);
    return has_room;
}

static void *pool_obtain(struct cz_pool *pool, size_t size)
{
    struct free_block *block;
    size_t rounded;
    unsigned class;

    if (!pool_takes(pool, size))
        return cz_alloc(size);
    class = pool_class_of(size, &rounded);
    block = pool_pop(pool, class, rounded);
    return block ? block : cz_alloc(rounded);
}

void *cz_pool_get(struct cz_pool *pool, size_t size)
{
    void *block = pool_obtain(pool, size);

    if (block && pool)
        cz_pool_lend(pool, size);
    return block;
}

void cz_pool_lend(struct cz_pool *pool, size_t size)
{
    if (pool->is_eternal)
        return;
    /* Relaxed: who takes a reference already has one, and the other is a
     * number on its own. */
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->in_use, size, memory_order_relaxed);
}

void cz_pool_settle(struct cz_pool *pool, size_t size)
{
    if (pool->is_eternal)
        return;
    atomic_fetch_sub_explicit(&pool->in_use, size, memory_order_relaxed);
    cz_pool_unref(pool);
}

size_t cz_pool_in_use(const struct cz_pool *pool)
{
    return atomic_load_explicit(&pool->in_use, memory_order_relaxed);
}

void cz_pool_put(struct cz_pool *pool, void *block, size_t size)
{
    size_t rounded;
    unsigned class;

    if (!block || !pool) {
        cz_free(block);
        return;
    }
    if (!pool->is_eternal)
        atomic_fetch_sub_explicit(&pool->in_use, size, memory_order_relaxed);
    if (pool_takes(pool, size)) {
        class = pool_class_of(size, &rounded);
        if (!pool_push(pool, class, rounded, block))
            cz_free(block);
    } else {
        cz_free(block);
    }
    if (!pool->is_eternal)
        cz_pool_unref(pool);
}
