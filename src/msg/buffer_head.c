/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Slabs of buffers' heads.
 *
 *     a thread      current -> spare -> spare     cut one after the other
 *                                 ^ all of it, when there is none
 *     all threads   spares -> spare -> spare      from the last of their heads
 *
 * Thread: any. Owns: a slab belongs to those of its heads that are in use, and
 * to the thread that still cuts from it, or will.
 */
#include "msg/buffer_head.h"

#include "base/alloc.h"
#include "os/thread.h"

enum {
    /* A head that is kept for long keeps 1.5 KiB. */
    SLAB_HEADS = 32,
    /* Free slabs that are kept: 200 KiB, two thousand messages and more. */
    SPARE_MAX = 128,
    ALONE = UINT16_MAX, /* a head of its own */
};

struct slab {
    /* Heads in use, and those that were not cut yet. */
    _Atomic uint32_t left;
    uint32_t next;      /* the thread's that cuts */
    struct slab *spare; /* the next one, while it is free */
    struct cz_buffer heads[SLAB_HEADS];
};

static cz_thread_slot current;
static bool has_current;
static cz_once once = CZ_ONCE_INIT;
/* Those that nobody uses, and how many there are, here and with threads that
 * have taken them along. The C library would have its lock taken by two threads
 * for each slab: inproc 64 KiB, 150,000 futex calls in 7 million messages. */
static _Atomic(struct slab *) spares;
static _Atomic uint32_t spare_count;

/* Nobody else sees it. */
static void slab_init(struct slab *slab)
{
    atomic_init(&slab->left, SLAB_HEADS);
    slab->next = 0;
    slab->spare = NULL;
}

static void slab_keep_or_free(struct slab *slab)
{
    struct slab *first;

    /* Relaxed: a number on its own. */
    if (atomic_fetch_add_explicit(&spare_count, 1, memory_order_relaxed) >=
        SPARE_MAX) {
        atomic_fetch_sub_explicit(&spare_count, 1, memory_order_relaxed);
        cz_free(slab);
        return;
    }
    slab_init(slab);
    first = atomic_load_explicit(&spares, memory_order_relaxed);
    do {
        slab->spare = first;
    } while (!atomic_compare_exchange_weak_explicit(
        &spares, &first, slab, memory_order_release, memory_order_relaxed));
}

/* acq_rel: whoever frees it sees all uses by others before. */
static void slab_drop(struct slab *slab, uint32_t count)
{
    if (atomic_fetch_sub_explicit(&slab->left, count, memory_order_acq_rel) ==
        count)
        slab_keep_or_free(slab);
}

static void spares_free(struct slab *spare)
{
    while (spare) {
        struct slab *slab = spare;

        spare = slab->spare;
        atomic_fetch_sub_explicit(&spare_count, 1, memory_order_relaxed);
        cz_free(slab);
    }
}

static void slab_on_thread_end(void *value)
{
    struct slab *slab = value;

    spares_free(slab->spare);
    slab_drop(slab, SLAB_HEADS - slab->next);
}

static void slab_once(void)
{
    has_current = cz_thread_slot_create(&current, slab_on_thread_end) == 0;
}

/* All of them at once: to take one from others would need a lock. */
static struct slab *slab_create(void)
{
    /* Acquire: pairs with the release in slab_keep_or_free. */
    struct slab *slab =
        atomic_exchange_explicit(&spares, NULL, memory_order_acquire);

    if (slab) {
        atomic_fetch_sub_explicit(&spare_count, 1, memory_order_relaxed);
    } else {
        slab = cz_alloc(sizeof *slab);
        if (!slab)
            return NULL;
        slab_init(slab);
    }
    if (cz_thread_slot_set(current, slab) == 0)
        return slab;
    spares_free(slab->spare);
    cz_free(slab);
    return NULL;
}

/* From now on it is gone with its last head. */
static void slab_leave(struct slab *slab)
{
    struct slab *spare = slab->spare;

    if (spare)
        atomic_fetch_sub_explicit(&spare_count, 1, memory_order_relaxed);
    (void)!cz_thread_slot_set(current, spare);
}

static struct cz_buffer *head_alone(void)
{
    struct cz_buffer *head = cz_alloc(sizeof *head);

    if (head)
        head->slot = ALONE;
    return head;
}

struct cz_buffer *cz_buffer_head_take(void)
{
    struct cz_buffer *head;
    struct slab *slab;

    cz_once_run(&once, slab_once);
    if (!has_current) /* the program has used up what the system has */
        return head_alone();
    slab = cz_thread_slot_get(current);
    if (!slab)
        slab = slab_create();
    if (!slab)
        return NULL;
    head = &slab->heads[slab->next];
    head->slot = (uint16_t)slab->next++;
    if (slab->next == SLAB_HEADS)
        slab_leave(slab);
    return head;
}

void cz_buffer_head_drop(struct cz_buffer *head)
{
    struct cz_buffer *first = head - head->slot;

    if (head->slot == ALONE)
        cz_free(head);
    else
        slab_drop(cz_container_of(first, struct slab, heads[0]), 1);
}
