/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A buffer handed to zmq_msg_init_data(), and how often it came back.
 *
 * Thread: freed_once() any thread; the rest the main thread of a test.
 * Owns: the buffers.
 */
#include "common/freed.h"

#include <errno.h>
#include <time.h>

void freed_open(struct freed *freed, size_t size)
{
    memset(freed, 0, sizeof(*freed));
    freed->size = size;
    freed->data = malloc(size + 1);
    assert_non_null(freed->data);
    for (size_t i = 0; i < size; i++)
        freed->data[i] = (char)(i * 31 + i / 256);
    assert_int_equal(sem_init(&freed->done, 0, 0), 0);
}

void freed_close(struct freed *freed)
{
    free(freed->data);
    sem_destroy(&freed->done);
}

void freed_message(struct freed *freed, zmq_msg_t *msg)
{
    assert_ok(
        zmq_msg_init_data(msg, freed->data, freed->size, freed_once, freed));
}

void freed_once(void *data, void *hint)
{
    struct freed *freed = hint;

    if (data != freed->data)
        atomic_fetch_add(&freed->wrong, 1);
    atomic_fetch_add(&freed->count, 1);
    sem_post(&freed->done);
}

int freed_count(struct freed *freed)
{
    return atomic_load(&freed->count);
}

void freed_wait(struct freed *freed)
{
    struct timespec until;
    int rc;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    do {
        rc = sem_timedwait(&freed->done, &until);
    } while (rc == -1 && errno == EINTR);
    assert_int_equal(rc, 0);
    assert_int_equal(atomic_load(&freed->count), 1);
    assert_int_equal(atomic_load(&freed->wrong), 0);
}
