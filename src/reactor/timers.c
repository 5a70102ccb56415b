/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers: the heap by due time, and the one loop that fires them.
 *
 * Thread: the owner of the set. Owns: nothing.
 */
#include "reactor/timers.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "os/clock.h"

void cz_timers_init(struct cz_timers *timers)
{
    cz_heap_init(&timers->heap);
    timers->due_us_min = 0;
}

void cz_timer_set(struct cz_timers *timers, struct cz_timer *timer,
                  uint64_t due_us)
{
    if (due_us < timers->due_us_min)
        due_us = timers->due_us_min;
    cz_heap_set(&timers->heap, &timer->node, due_us);
}

void cz_timer_cancel(struct cz_timers *timers, struct cz_timer *timer)
{
    cz_heap_remove(&timers->heap, &timer->node);
}

uint64_t cz_timers_next(const struct cz_timers *timers)
{
    const struct cz_heap_node *top = cz_heap_top(&timers->heap);

    return top ? top->key : CZ_CLOCK_NEVER;
}

void cz_timers_run(struct cz_timers *timers, uint64_t now_us)
{
    struct cz_heap_node *top;

    CZ_ASSERT(timers->due_us_min == 0);
    CZ_ASSERT(now_us < CZ_CLOCK_NEVER);
    /* Handlers cannot add to what is due now, so that the loop ends, and so
     * that a timer which is always due again starves nobody. */
    timers->due_us_min = now_us + 1;
    while ((top = cz_heap_top(&timers->heap)) && top->key <= now_us) {
        struct cz_timer *timer = cz_container_of(top, struct cz_timer, node);

        cz_heap_remove(&timers->heap, top);
        timer->on_expire(timer);
    }
    timers->due_us_min = 0;
}
