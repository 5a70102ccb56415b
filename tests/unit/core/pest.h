/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A thread that sends signals to the one that began it, until it is ended.
 *
 * Thread: the main thread of a test. Owns: the thread.
 */
#ifndef TESTS_UNIT_CORE_PEST_H
#define TESTS_UNIT_CORE_PEST_H

#include "os/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct pest {
    pthread_t victim;
    _Atomic bool is_over;
    struct cz_thread thread;
};

static inline void pest_on_signal(int number)
{
    (void)number;
}

static inline void pest_run(void *arg)
{
    struct pest *pest = arg;

    while (!atomic_load(&pest->is_over)) {
        pthread_kill(pest->victim, SIGUSR1);
        cz_thread_yield();
    }
}

static inline void pest_begin(struct pest *pest)
{
    struct sigaction action = {.sa_handler = pest_on_signal};

    *pest = (struct pest){.victim = pthread_self()};
    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(cz_thread_start(&pest->thread, NULL, pest_run, pest), 0);
}

static inline void pest_end(struct pest *pest)
{
    atomic_store(&pest->is_over, true);
    cz_thread_join(&pest->thread);
}

#endif
