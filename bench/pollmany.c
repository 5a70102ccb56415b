/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_poll over many sockets, each with a peer, of which one is ready:
 *
 *     pollmany sockets=1000 transport=inproc seconds=0.5
 *         what=ready   one message waits at the last socket: the time of a
 *                      call that finds it
 *              wake    none waits: the time from sending one, in another
 *                      thread, until zmq_poll returns, there and back
 *
 * Thread: the main thread polls, a second one answers what=wake.
 * Owns:   its sockets.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"

#define BATCH 20
#define SAMPLES_MAX 1000000

struct job {
    size_t sockets;
    const char *transport;
    const char *place;
    uint64_t run_ns;
    void *context;
    void *push;     /* a peer of every polled socket */
    void *question; /* what=wake: to the second thread, */
    void *answerer; /* and its own */
    zmq_pollitem_t *items;
    struct bench_samples samples;
};

static void poll_once(const struct job *job)
{
    bench_check(zmq_poll(job->items, (int)job->sockets, 10000) == 1,
                "zmq_poll");
}

/* Connects `push` to every socket, the last one first, so that the first
 * message goes there. */
static void open_sockets(struct job *job)
{
    job->items = calloc(job->sockets, sizeof *job->items);
    bench_check(job->items != NULL, "allocate the items");
    job->push = bench_socket(job->context, ZMQ_PUSH);
    for (size_t i = job->sockets; i-- > 0;) {
        char endpoint[BENCH_ENDPOINT_MAX];
        void *pull = bench_socket(job->context, ZMQ_PULL);

        bench_bind_nth(pull, job->transport, i, endpoint);
        bench_connect(job->push, endpoint);
        job->items[i].socket = pull;
        job->items[i].events = ZMQ_POLLIN;
    }
}

static void measure_ready(struct job *job)
{
    uint64_t start_ns = bench_now_ns(), before_ns = start_ns, after_ns;

    bench_check(zmq_send(job->push, "x", 1, 0) == 1, "zmq_send");
    poll_once(job);
    bench_check(job->items[job->sockets - 1].revents == ZMQ_POLLIN,
                "find the last socket ready");
    do {
        for (int i = 0; i < BATCH; i++)
            poll_once(job);
        after_ns = bench_now_ns();
        bench_samples_add(&job->samples, (after_ns - before_ns) / BATCH);
        before_ns = after_ns;
    } while (before_ns < start_ns + job->run_ns);
}

/* Sends a message to the polled sockets for each that it is sent. */
static void *answer(void *argument)
{
    struct job *job = argument;
    char byte = 0;

    bench_pin(job->place, 1);
    while (byte == 0) {
        bench_check(zmq_recv(job->answerer, &byte, 1, 0) == 1, "zmq_recv");
        bench_check(zmq_send(job->push, &byte, 1, 0) == 1, "zmq_send");
    }
    return NULL;
}

/* Polls, takes the message, wherever it is, and returns its byte. */
static char take_one(struct job *job)
{
    char byte = 0;

    poll_once(job);
    for (size_t i = 0; i < job->sockets; i++) {
        if (job->items[i].revents)
            bench_check(zmq_recv(job->items[i].socket, &byte, 1, 0) == 1,
                        "zmq_recv");
    }
    return byte;
}

static void measure_wake(struct job *job)
{
    uint64_t start_ns = bench_now_ns(), before_ns, after_ns;
    char endpoint[BENCH_ENDPOINT_MAX];
    pthread_t thread;

    job->answerer = bench_socket(job->context, ZMQ_PAIR);
    job->question = bench_socket(job->context, ZMQ_PAIR);
    bench_bind_nth(job->answerer, "inproc", job->sockets, endpoint);
    bench_connect(job->question, endpoint);
    bench_check(pthread_create(&thread, NULL, answer, job) == 0,
                "pthread_create");
    do {
        before_ns = bench_now_ns();
        bench_check(zmq_send(job->question, "\0", 1, 0) == 1, "zmq_send");
        take_one(job);
        after_ns = bench_now_ns();
        bench_samples_add(&job->samples, after_ns - before_ns);
    } while (after_ns < start_ns + job->run_ns);
    bench_check(zmq_send(job->question, "\1", 1, 0) == 1, "zmq_send");
    bench_check(take_one(job) == 1, "receive the last message");
    pthread_join(thread, NULL);
    bench_end(job->question, NULL);
    bench_end(job->answerer, NULL);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .sockets = bench_size(&args, "sockets", 1000),
        .transport = bench_text(&args, "transport", "inproc"),
        .place = bench_text(&args, "place", "split"),
        .run_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
    };

    bench_check(job.sockets > 0, "sockets above zero");
    bench_raise_descriptor_limit();
    bench_samples_init(&job.samples, SAMPLES_MAX);
    bench_pin(job.place, 0);
    job.context = bench_context(1);
    open_sockets(&job);
    if (bench_is(&args, "what", "ready", "ready"))
        measure_ready(&job);
    else
        measure_wake(&job);
    printf("p50_us=%.4g\n",
           bench_quantile(job.samples.values, job.samples.count, 0.5) / 1e3);
    for (size_t i = 0; i < job.sockets; i++)
        bench_end(job.items[i].socket, NULL);
    bench_end(job.push, job.context);
    free(job.items);
    return 0;
}
