/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whether waking sleepers slows those who have nothing to do with it. Eight
 * threads on CPU 0 each sleep on an inproc pipe of their own, and one more
 * wakes them in turn, message by message, as fast as it goes; a thread of the
 * same process computes on CPU 1. Its speed beside them, as a part of its
 * speed alone, is the result.
 *
 *     quiet threads=8 seconds=0.5
 *
 * Thread: threads + 2.
 * Owns:   its sockets.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"

#define THREADS_MAX 64
#define STEPS 20000

struct job {
    void *context;
    atomic_bool must_stop;
    atomic_ullong steps; /* of the thread that computes */
};

struct sleeper {
    struct job *job;
    int index;
    void *near; /* the waking side */
    pthread_t thread;
};

static void *compute(void *argument)
{
    struct job *job = argument;
    volatile uint64_t state = 88172645463325252u;

    bench_pin("split", 1);
    while (!atomic_load_explicit(&job->must_stop, memory_order_relaxed)) {
        uint64_t x = state;

        for (int i = 0; i < STEPS; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        state = x;
        atomic_fetch_add_explicit(&job->steps, 1, memory_order_relaxed);
    }
    return NULL;
}

static void *sleep_and_answer(void *argument)
{
    struct sleeper *sleeper = argument;
    char endpoint[BENCH_ENDPOINT_MAX], body = 0;
    void *socket = bench_socket(sleeper->job->context, ZMQ_PAIR);

    snprintf(endpoint, sizeof endpoint, "inproc://quiet-%d", sleeper->index);
    bench_connect(socket, endpoint);
    do {
        bench_check(zmq_recv(socket, &body, 1, 0) == 1, "zmq_recv");
        bench_check(zmq_send(socket, &body, 1, 0) == 1, "zmq_send");
    } while (body == 0);
    bench_end(socket, NULL);
    return NULL;
}

static void wake(struct sleeper *sleeper, char body)
{
    bench_check(zmq_send(sleeper->near, &body, 1, 0) == 1, "zmq_send");
    bench_check(zmq_recv(sleeper->near, &body, 1, 0) == 1, "zmq_recv");
}

static void sleeper_start(struct sleeper *sleeper, struct job *job, int index)
{
    char endpoint[BENCH_ENDPOINT_MAX];

    sleeper->job = job;
    sleeper->index = index;
    sleeper->near = bench_socket(job->context, ZMQ_PAIR);
    snprintf(endpoint, sizeof endpoint, "inproc://quiet-%d", index);
    bench_check(zmq_bind(sleeper->near, endpoint) == 0, "zmq_bind");
    bench_check(
        pthread_create(&sleeper->thread, NULL, sleep_and_answer, sleeper) == 0,
        "pthread_create");
    wake(sleeper, 0);
}

/* Steps per second of the computing thread while the sleepers, if any, are
 * woken in turn. */
static double speed(struct job *job, struct sleeper *sleepers, int count,
                    uint64_t run_ns, uint64_t *wakes)
{
    struct timespec nap = {(time_t)(run_ns / 1000000000u),
                           (long)(run_ns % 1000000000u)};
    uint64_t start_ns = bench_now_ns();
    uint64_t start = atomic_load(&job->steps);

    if (count == 0)
        nanosleep(&nap, NULL);
    while (bench_now_ns() < start_ns + run_ns) {
        for (int i = 0; i < count; i++, ++*wakes)
            wake(&sleepers[i], 0);
    }
    return (double)(atomic_load(&job->steps) - start) * 1e9 /
           (double)(bench_now_ns() - start_ns);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    double seconds = bench_number(&args, "seconds", 0.5);
    int count = (int)bench_size(&args, "threads", 8);
    uint64_t run_ns = (uint64_t)(seconds * 1e9), wakes = 0;
    struct sleeper sleepers[THREADS_MAX];
    struct job job = {0};
    pthread_t computer;

    bench_check(count > 0 && count <= THREADS_MAX, "check the threads");
    bench_pin("split", 0);
    job.context = bench_context(1);
    bench_check(pthread_create(&computer, NULL, compute, &job) == 0,
                "pthread_create");
    for (int i = 0; i < count; i++)
        sleeper_start(&sleepers[i], &job, i);
    double alone = speed(&job, NULL, 0, run_ns / 2, &wakes);
    double beside = speed(&job, sleepers, count, run_ns, &wakes);
    alone = (alone + speed(&job, NULL, 0, run_ns / 2, &wakes)) / 2;
    for (int i = 0; i < count; i++) {
        wake(&sleepers[i], 1);
        pthread_join(sleepers[i].thread, NULL);
        bench_end(sleepers[i].near, NULL);
    }
    atomic_store(&job.must_stop, true);
    pthread_join(computer, NULL);
    bench_end(NULL, job.context);
    printf("speed=%.4f wakes_per_s=%.4g\n", beside / alone,
           (double)wakes / seconds);
    return 0;
}
