/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Threads, sleeping and stop-watches, for programs that want these without
 * asking their system: zmq_threadstart, zmq_sleep, zmq_stopwatch_*.
 *
 * Thread: any. Owns: a thread's handle until zmq_threadclose, a stop-watch
 * until zmq_stopwatch_stop.
 */
#include "os/thread.h"
#include "base/alloc.h"
#include "os/clock.h"
#include "os/park.h"
#include "zmq.h"

#include <errno.h>

/* ---- threads -------------------------------------------------------- */

/* As in libzmq, its signals are blocked: the program's other threads get
 * them. */
void *zmq_threadstart(zmq_thread_fn *function, void *arg)
{
    struct cz_thread *thread;
    int rc;

    if (!function) {
        errno = EFAULT;
        return NULL;
    }
    thread = cz_zalloc(sizeof *thread);
    if (!thread) {
        errno = ENOMEM;
        return NULL;
    }
    rc = cz_thread_start(thread, NULL, function, arg);
    if (rc < 0) {
        cz_free(thread);
        errno = -rc;
        return NULL;
    }
    return thread;
}

void zmq_threadclose(void *handle)
{
    struct cz_thread *thread = handle;

    if (!thread)
        return;
    cz_thread_join(thread);
    cz_free(thread);
}

/* ---- sleeping ------------------------------------------------------- */

void zmq_sleep(int seconds)
{
    _Atomic uint32_t nobody_wakes_me;
    uint64_t deadline_us;

    if (seconds <= 0)
        return;
    atomic_init(&nobody_wakes_me, 0);
    deadline_us = cz_clock_us() + (uint64_t)seconds * 1000000;
    /* A signal ends it early, as it ends sleep(3): programs look at a flag
     * that their handler sets. */
    while (cz_park(&nobody_wakes_me, 0, deadline_us) == 0)
        continue;
}

/* ---- stop-watches --------------------------------------------------- */

void *zmq_stopwatch_start(void)
{
    uint64_t *start_us = cz_alloc(sizeof *start_us);

    if (!start_us) {
        errno = ENOMEM;
        return NULL;
    }
    *start_us = cz_clock_us();
    return start_us;
}

unsigned long zmq_stopwatch_intermediate(void *watch)
{
    const uint64_t *start_us = watch;

    return start_us ? (unsigned long)(cz_clock_us() - *start_us) : 0;
}

unsigned long zmq_stopwatch_stop(void *watch)
{
    unsigned long elapsed_us = zmq_stopwatch_intermediate(watch);

    cz_free(watch);
    return elapsed_us;
}
