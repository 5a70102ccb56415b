/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What waiting costs: the CPU that a process uses, in percent of one core,
 * while its only thread waits in zmq_recv for messages that come rarely
 * (`rate` per second, evenly spaced) or not at all (rate=0). A burst goes
 * before, so that whatever adapts to traffic has seen some.
 *
 *     trickle transport=tcp rate=1000 seconds=2 place=split
 *
 * Thread: two processes; over inproc two threads, and then the CPU is that of
 *         both.
 * Owns:   its sockets.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"
#include "lib/peer.h"

#define BURST 20000
#define SIZE 64

struct job {
    const char *transport;
    const char *place;
    double rate;
    double seconds;
    void *context; /* inproc: the one context of both sides */
    char endpoint[BENCH_ENDPOINT_MAX];
};

static void sleep_until(uint64_t time_ns)
{
    struct timespec at = {(time_t)(time_ns / 1000000000u),
                          (long)(time_ns % 1000000000u)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void send_mark(void *socket, char mark)
{
    char body[SIZE] = {mark};

    bench_check(zmq_send(socket, body, SIZE, 0) == SIZE, "zmq_send");
}

/* The burst, a mark 1, the trickle, a mark 2. */
static void send_all(const struct job *job, void *socket)
{
    uint64_t count = (uint64_t)(job->rate * job->seconds);

    for (int i = 0; i < BURST; i++)
        send_mark(socket, 0);
    send_mark(socket, 1);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 1; i <= count; i++) {
        sleep_until(start_ns + (uint64_t)((double)i * 1e9 / job->rate));
        send_mark(socket, 0);
    }
    sleep_until(start_ns + (uint64_t)(job->seconds * 1e9));
    send_mark(socket, 2);
}

static uint64_t receive_until(void *socket, char mark)
{
    char body[SIZE];
    uint64_t count = 0;

    do {
        bench_check(zmq_recv(socket, body, SIZE, 0) == SIZE, "zmq_recv");
        count++;
    } while (body[0] != mark);
    return count;
}

static void receive_all(const struct job *job, void *socket)
{
    receive_until(socket, 1);
    uint64_t start_ns = bench_now_ns(), cpu_ns = bench_cpu_ns(getpid());
    uint64_t count = receive_until(socket, 2);
    cpu_ns = bench_cpu_ns(getpid()) - cpu_ns;
    double elapsed_ns = (double)(bench_now_ns() - start_ns);
    bench_check(count == (uint64_t)(job->rate * job->seconds) + 1,
                "count the messages");
    printf("cpu_percent=%.4g messages=%llu seconds=%.4g\n",
           100.0 * (double)cpu_ns / elapsed_ns, (unsigned long long)count,
           elapsed_ns / 1e9);
}

static void *inproc_sender(void *argument)
{
    struct job *job = argument;

    bench_pin(job->place, 1);
    void *socket = bench_socket(job->context, ZMQ_PUSH);
    bench_connect(socket, job->endpoint);
    send_all(job, socket);
    bench_end(socket, NULL);
    return NULL;
}

static void run_inproc(struct job *job)
{
    pthread_t sender;

    bench_pin(job->place, 0);
    job->context = bench_context(1);
    void *socket = bench_socket(job->context, ZMQ_PULL);
    bench_bind(socket, "inproc", job->endpoint);
    bench_check(pthread_create(&sender, NULL, inproc_sender, job) == 0,
                "pthread_create");
    receive_all(job, socket);
    pthread_join(sender, NULL);
    bench_end(socket, job->context);
}

static void run_child(const struct job *job, struct bench_peer *peer)
{
    char word[BENCH_WORD_MAX];

    bench_peer_hear(peer, word);
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_PUSH);
    bench_connect(socket, word);
    send_all(job, socket);
    bench_peer_hear(peer, word);
    bench_end(socket, context);
    exit(0);
}

static void run_network(struct job *job)
{
    struct bench_peer peer;

    if (bench_peer_fork(&peer, job->place))
        run_child(job, &peer);
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_PULL);
    bench_bind(socket, job->transport, job->endpoint);
    bench_peer_tell(&peer, job->endpoint);
    receive_all(job, socket);
    bench_peer_tell(&peer, "end");
    bench_peer_join(&peer);
    bench_end(socket, context);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .rate = bench_number(&args, "rate", 1000),
        .seconds = bench_number(&args, "seconds", 2),
    };

    if (strcmp(job.transport, "inproc") == 0)
        run_inproc(&job);
    else
        run_network(&job);
    return 0;
}
