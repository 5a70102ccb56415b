/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A call that is made in another thread, and what came of it. Nothing may
 * be checked in there: the call returns a result, and the test checks that.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_COMMON_CALL_H
#define TESTS_COMMON_CALL_H

#include "common/suite.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct call {
    pthread_t thread;
    int (*run)(void *arg);
    void *arg;
    sem_t done;
    _Atomic int tid;
    int result;
    int error; /* errno after `run`. */
};

void call_start(struct call *call, int (*run)(void *arg), void *arg);

/* Waits until the call sleeps in the kernel, or has returned. */
void call_wait_blocked(struct call *call);

/* True when the call returns within the time. */
bool call_returns_within(struct call *call, int timeout_ms);

/* Sends signals that are handled, until the call returns. */
void call_interrupt(struct call *call);

/* Waits for the call to return; gives its result, with errno. */
int call_join(struct call *call);

#endif
