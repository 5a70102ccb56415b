/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers, in a heap. A timer is embedded in its owner and fires once.
 *
 * Thread: the owner of the set.
 */
#ifndef CZ_REACTOR_TIMERS_H
#define CZ_REACTOR_TIMERS_H

#include "base/compiler.h"
#include "base/heap.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_timer {
    struct cz_heap_node node; /* the key is the due time */
    /* Called from cz_timers_run, with the timer no longer set. May set and
     * cancel any timer, its own too. */
    void (*on_expire)(struct cz_timer *timer);
};

struct cz_timers {
    struct cz_heap heap;
};

void cz_timers_init(struct cz_timers *timers);
void cz_timers_fini(struct cz_timers *timers);

/* Sets the timer, or moves it, to `due_us` on cz_clock_us's clock. 0 or
 * -ENOMEM; moving a timer that is set never fails. */
CZ_MUST_CHECK int cz_timer_set(struct cz_timers *timers, struct cz_timer *timer,
                               uint64_t due_us);

/* Harmless for a timer that is not set. */
void cz_timer_cancel(struct cz_timers *timers, struct cz_timer *timer);

static inline bool cz_timer_is_set(const struct cz_timer *timer)
{
    return cz_heap_contains(&timer->node);
}

/* When the next timer is due, or CZ_CLOCK_NEVER. */
uint64_t cz_timers_next(const struct cz_timers *timers);

/* Fires, in order, the timers due at `now_us`, at most once each: a timer
 * that is set again by a handler waits for the next call. */
void cz_timers_run(struct cz_timers *timers, uint64_t now_us);

#endif
