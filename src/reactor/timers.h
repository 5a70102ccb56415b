/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers, in a heap. A timer is embedded in its owner and fires once. Nothing
 * here allocates, so setting a timer cannot fail: whatever goes wrong, there
 * is a time to try again.
 *
 * Thread: the owner of the set. Owns: nothing; the timers are their owners'.
 */
#ifndef CZ_REACTOR_TIMERS_H
#define CZ_REACTOR_TIMERS_H

#include "base/heap.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed before its first use, but for the handler. */
struct cz_timer {
    struct cz_heap_node node; /* the key is the due time */
    /* Called from cz_timers_run, with the timer no longer set. May set and
     * cancel any timer, its own too, and may free its own. */
    void (*on_expire)(struct cz_timer *timer);
};

struct cz_timers {
    struct cz_heap heap;
    /* No timer can be set to an earlier time: just after "now" while
     * cz_timers_run calls handlers, else 0. */
    uint64_t due_us_min;
};

void cz_timers_init(struct cz_timers *timers);

/* Sets the timer, or moves it, to `due_us` on cz_clock_us's clock.
 * CZ_CLOCK_NEVER never fires. */
void cz_timer_set(struct cz_timers *timers, struct cz_timer *timer,
                  uint64_t due_us);

/* Harmless for a timer that is not set. */
void cz_timer_cancel(struct cz_timers *timers, struct cz_timer *timer);

static inline bool cz_timer_is_set(const struct cz_timer *timer)
{
    return cz_heap_contains(&timer->node);
}

/* When the next timer is due, or CZ_CLOCK_NEVER. */
uint64_t cz_timers_next(const struct cz_timers *timers);

/* Fires the timers due at `now_us`, at most once each, by due time and then
 * in the order in which they were set. What a handler sets is due after
 * `now_us` at the earliest, so that it waits for a later call. Not from a
 * handler. */
void cz_timers_run(struct cz_timers *timers, uint64_t now_us);

#endif
