/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Timers that run in the caller's thread: zmq_timers(3).
 *
 * A set keeps its timers twice: in a heap by due time (reactor/timers.h),
 * and in an array by id, which is sorted because ids only grow. A handler
 * may do anything with its set: add, change and cancel timers, its own too,
 * and even destroy the set, which then goes when the handlers are done.
 *
 * Thread: the caller's, one at a time. Owns: the timers and the array.
 */
#include "reactor/timers.h"
#include "base/alloc.h"
#include "os/clock.h"
#include "zmq.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { TIMERS_TAG = 0x7a6d7174, TIMERS_DEAD = 0x0deadcc7 };

struct timer_set {
    uint32_t tag;
    int last_id;
    bool is_running; /* in zmq_timers_execute */
    uint64_t now_us; /* when that began */
    struct cz_timers queue;
    struct timer **timers; /* by id */
    size_t count;
    size_t capacity;
};

struct timer {
    struct cz_timer base;
    struct timer_set *set;
    int id;
    uint64_t interval_us;
    zmq_timer_fn *handler;
    void *arg;
};

/* ---- the set -------------------------------------------------------- */

static struct timer_set *timers_find(void *handle)
{
    struct timer_set *set = handle;

    if (set && set->tag == TIMERS_TAG)
        return set;
    errno = EFAULT;
    return NULL;
}

/* Where the timer with this id is, or belongs. */
static size_t timers_place(const struct timer_set *set, int id)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->timers[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The timer with this id, or NULL with errno set. */
static struct timer *timers_get(struct timer_set *set, int id)
{
    size_t place = timers_place(set, id);

    if (place < set->count && set->timers[place]->id == id)
        return set->timers[place];
    errno = EINVAL;
    return NULL;
}

static int timers_grow(struct timer_set *set)
{
    size_t capacity = set->capacity ? set->capacity * 2 : 8;
    struct timer **timers;

    if (set->count < set->capacity)
        return 0;
    timers = cz_realloc(set->timers, capacity * sizeof *timers);
    if (!timers)
        return -ENOMEM;
    set->timers = timers;
    set->capacity = capacity;
    return 0;
}

static void timers_remove(struct timer_set *set, struct timer *timer)
{
    size_t place = timers_place(set, timer->id);

    set->count--;
    memmove(&set->timers[place], &set->timers[place + 1],
            (set->count - place) * sizeof(struct timer *));
    cz_timer_cancel(&set->queue, &timer->base);
    cz_free(timer);
}

static void timers_clear(struct timer_set *set)
{
    while (set->count > 0)
        timers_remove(set, set->timers[set->count - 1]);
}

static void timers_free(struct timer_set *set)
{
    cz_free(set->timers);
    cz_free(set);
}

void *zmq_timers_new(void)
{
    struct timer_set *set = cz_zalloc(sizeof *set);

    if (!set) {
        errno = ENOMEM;
        return NULL;
    }
    set->tag = TIMERS_TAG;
    cz_timers_init(&set->queue);
    return set;
}

int zmq_timers_destroy(void **handle)
{
    struct timer_set *set = timers_find(handle ? *handle : NULL);

    if (!set)
        return -1;
    *handle = NULL;
    set->tag = TIMERS_DEAD;
    timers_clear(set);
    /* Called by a handler: zmq_timers_execute still needs it. */
    if (!set->is_running)
        timers_free(set);
    return 0;
}

/* ---- a timer -------------------------------------------------------- */

/* The longest times end just before "never". */
static uint64_t timer_due_us(uint64_t now_us, uint64_t interval_us)
{
    uint64_t room_us = CZ_CLOCK_NEVER - 1 - now_us;

    return now_us + (interval_us < room_us ? interval_us : room_us);
}

static uint64_t timer_interval_us(size_t interval_ms)
{
    return interval_ms > UINT64_MAX / 1000 ? UINT64_MAX
                                           : (uint64_t)interval_ms * 1000;
}

static void timer_arm(struct timer *timer, uint64_t now_us)
{
    cz_timer_set(&timer->set->queue, &timer->base,
                 timer_due_us(now_us, timer->interval_us));
}

static void timer_on_expire(struct cz_timer *base)
{
    struct timer *timer = cz_container_of(base, struct timer, base);
    zmq_timer_fn *handler = timer->handler;
    void *arg = timer->arg;
    int id = timer->id;

    /* First, because the handler may free the timer. */
    timer_arm(timer, timer->set->now_us);
    handler(id, arg);
}

int zmq_timers_add(void *handle, size_t interval_ms, zmq_timer_fn *handler,
                   void *arg)
{
    struct timer_set *set = timers_find(handle);
    struct timer *timer = NULL;

    if (!set)
        return -1;
    if (!handler) {
        errno = EFAULT;
        return -1;
    }
    if (set->last_id == INT_MAX || timers_grow(set) < 0 ||
        !(timer = cz_zalloc(sizeof *timer))) {
        errno = ENOMEM;
        return -1;
    }
    timer->base.on_expire = timer_on_expire;
    timer->set = set;
    timer->interval_us = timer_interval_us(interval_ms);
    timer->handler = handler;
    timer->arg = arg;
    timer_arm(timer, cz_clock_us());
    timer->id = ++set->last_id;
    set->timers[set->count++] = timer;
    return timer->id;
}

int zmq_timers_cancel(void *handle, int id)
{
    struct timer_set *set = timers_find(handle);
    struct timer *timer = set ? timers_get(set, id) : NULL;

    if (!timer)
        return -1;
    timers_remove(set, timer);
    return 0;
}

int zmq_timers_set_interval(void *handle, int id, size_t interval_ms)
{
    struct timer_set *set = timers_find(handle);
    struct timer *timer = set ? timers_get(set, id) : NULL;

    if (!timer)
        return -1;
    timer->interval_us = timer_interval_us(interval_ms);
    timer_arm(timer, cz_clock_us());
    return 0;
}

int zmq_timers_reset(void *handle, int id)
{
    struct timer_set *set = timers_find(handle);
    struct timer *timer = set ? timers_get(set, id) : NULL;

    if (!timer)
        return -1;
    timer_arm(timer, cz_clock_us());
    return 0;
}

/* ---- running -------------------------------------------------------- */

/* Rounded up, so that after so long a poll something is due. */
long zmq_timers_timeout(void *handle)
{
    const struct timer_set *set = timers_find(handle);
    uint64_t due_us, now_us, wait_ms;

    if (!set)
        return -1;
    due_us = cz_timers_next(&set->queue);
    if (due_us == CZ_CLOCK_NEVER)
        return -1;
    now_us = cz_clock_us();
    if (due_us <= now_us)
        return 0;
    wait_ms = (due_us - now_us - 1) / 1000 + 1;
    return wait_ms > LONG_MAX ? LONG_MAX : (long)wait_ms;
}

int zmq_timers_execute(void *handle)
{
    struct timer_set *set = timers_find(handle);

    if (!set)
        return -1;
    /* Called by a handler: what is due is being run. */
    if (set->is_running)
        return 0;
    set->is_running = true;
    set->now_us = cz_clock_us();
    cz_timers_run(&set->queue, set->now_us);
    set->is_running = false;
    if (set->tag != TIMERS_TAG)
        timers_free(set);
    return 0;
}
