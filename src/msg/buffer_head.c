/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Slabs of buffers' heads.
 *
 * Thread: any. Owns: a slab belongs to those of its heads that are in use, and
 * to the thread that still cuts from it.
 */
#include "msg/buffer_head.h"

#include "base/alloc.h"
#include "os/thread.h"

enum {
    /* A head that is kept for long keeps 1.5 KiB. */
    SLAB_HEADS = 32,
    ALONE = UINT16_MAX, /* a head of its own */
};

struct slab {
    /* Heads in use, and those that were not cut yet. */
    _Atomic uint32_t left;
    uint32_t next; /* the thread's that cuts */
    struct cz_buffer heads[SLAB_HEADS];
};

static cz_thread_slot current;
static bool has_current;
static cz_once once = CZ_ONCE_INIT;

/* acq_rel: whoever frees it sees all uses by others before. */
static void slab_drop(struct slab *slab, uint32_t count)
{
    if (atomic_fetch_sub_explicit(&slab->left, count, memory_order_acq_rel) ==
        count)
        cz_free(slab);
}

static void slab_on_thread_end(void *value)
{
    struct slab *slab = value;

    slab_drop(slab, SLAB_HEADS - slab->next);
}

static void slab_once(void)
{
    has_current = cz_thread_slot_create(&current, slab_on_thread_end) == 0;
}

static struct slab *slab_create(void)
{
    struct slab *slab = cz_alloc(sizeof *slab);

    if (!slab)
        return NULL;
    atomic_init(&slab->left, SLAB_HEADS);
    slab->next = 0;
    if (cz_thread_slot_set(current, slab) == 0)
        return slab;
    cz_free(slab);
    return NULL;
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
    /* From now on it is gone with its last head. */
    if (slab->next == SLAB_HEADS)
        (void)!cz_thread_slot_set(current, NULL);
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
