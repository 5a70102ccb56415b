/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A buffer handed to zmq_msg_init_data(), and how often it came back. The
 * free function may run in any thread, and must run exactly once.
 *
 * Thread: freed_once() any thread; the rest the main thread of a test.
 * Owns: the buffers; freed_close() releases them.
 */
#ifndef TESTS_COMMON_FREED_H
#define TESTS_COMMON_FREED_H

#include "common/suite.h"

#include <semaphore.h>
#include <stdatomic.h>

struct freed {
    char *data;
    size_t size;
    _Atomic int count;
    _Atomic int wrong; /* Came back with another pointer. */
    sem_t done;
};

void freed_open(struct freed *freed, size_t size);
void freed_close(struct freed *freed);

/* Makes the message own the buffer, with freed_once() as free function. */
void freed_message(struct freed *freed, zmq_msg_t *msg);

/* The free function: `hint` is the struct freed. */
void freed_once(void *data, void *hint);

int freed_count(struct freed *freed);

/* Waits until the buffer has come back, and checks that it came once and
 * with its own pointer. */
void freed_wait(struct freed *freed);

#endif
