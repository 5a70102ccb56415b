/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The events of a socket, read one by one in the format of version 1.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_COMMON_MONITOR_H
#define TESTS_COMMON_MONITOR_H

#include "common/env.h"

struct monitor_event {
    int event;
    uint32_t value;
    char address[ENDPOINT_MAX];
};

/* Starts to monitor and gives the consumer, one of the env's sockets. */
void *monitor_open(struct env *env, void *socket, int events);

/* The next event within the time; false when there is none. */
bool monitor_next(void *monitor, struct monitor_event *event, int timeout_ms);

/* The next event is this one. */
struct monitor_event monitor_expect(void *monitor, int event);

/* Passes over other events until this one comes. */
struct monitor_event monitor_wait(void *monitor, int event);

/* No event comes for a while. */
void monitor_expect_nothing(void *monitor);

#endif
