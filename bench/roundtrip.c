/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One small message there and back, over and over: the time that half of the
 * round trips stay below.
 *
 *     roundtrip transport=tcp size=64 place=same seconds=0.5
 *         types=pair    PAIR to PAIR
 *               reqrep  REQ to REP
 *         count=1000    that many round trips instead of a time, which is how
 *                       system calls are counted from outside
 *         pause_us=1000 wait so long before each, for traffic that trickles
 *
 * Thread: over inproc two threads of one process, otherwise two processes.
 * Owns:   its buffers and sockets.
 */
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

#define SAMPLES_MAX 4000000

struct job {
    const char *transport;
    const char *place;
    size_t size;
    int ask_type;
    int echo_type;
    uint64_t warm_ns;
    uint64_t run_ns;
    size_t count; /* 0: as long as run_ns says */
    long pause_us;
    void *context; /* inproc: the one context of both sides */
    char endpoint[BENCH_ENDPOINT_MAX];
    struct bench_samples samples;
    uint64_t cpu_ns;
    uint64_t elapsed_ns;
};

/* Sends back what comes, up to and including a message that begins with 1. */
static void echo(const struct job *job, void *socket)
{
    char *body = malloc(job->size);

    bench_check(body != NULL, "allocate a body");
    do {
        bench_check(zmq_recv(socket, body, job->size, 0) == (int)job->size,
                    "zmq_recv in the echo");
        bench_check(zmq_send(socket, body, job->size, 0) == (int)job->size,
                    "zmq_send in the echo");
    } while (body[0] != 1);
    free(body);
}

static void trip(const struct job *job, void *socket, char *body)
{
    bench_check(zmq_send(socket, body, job->size, 0) == (int)job->size,
                "zmq_send");
    bench_check(zmq_recv(socket, body, job->size, 0) == (int)job->size,
                "zmq_recv");
}

static void pause_for(long pause_us)
{
    struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};

    if (pause_us > 0)
        nanosleep(&pause, NULL);
}

static bool is_over(const struct job *job, size_t trips, uint64_t spent_ns)
{
    return job->count ? trips >= job->count : spent_ns >= job->run_ns;
}

static void measure(struct job *job, void *socket, pid_t echo_process)
{
    char *body = calloc(1, job->size);
    uint64_t start_ns = bench_now_ns(), before_ns = start_ns, after_ns;

    bench_check(body != NULL, "allocate a body");
    do {
        trip(job, socket, body);
        pause_for(job->pause_us);
    } while (!job->count && bench_now_ns() < start_ns + job->warm_ns);
    job->cpu_ns = bench_cpu_ns(getpid()) +
                  (echo_process ? bench_cpu_ns(echo_process) : 0);
    start_ns = before_ns = bench_now_ns();
    for (size_t trips = 0; !is_over(job, trips, before_ns - start_ns);
         trips++) {
        if (job->pause_us) {
            pause_for(job->pause_us);
            before_ns = bench_now_ns();
        }
        trip(job, socket, body);
        after_ns = bench_now_ns();
        bench_samples_add(&job->samples, after_ns - before_ns);
        before_ns = after_ns;
    }
    job->elapsed_ns = before_ns - start_ns;
    job->cpu_ns = bench_cpu_ns(getpid()) +
                  (echo_process ? bench_cpu_ns(echo_process) : 0) - job->cpu_ns;
    body[0] = 1;
    trip(job, socket, body);
    free(body);
}

static void report(struct job *job)
{
    struct bench_samples *samples = &job->samples;
    double p50_ns = bench_quantile(samples->values, samples->count, 0.5);
    double p99_ns = bench_quantile(samples->values, samples->count, 0.99);

    printf("p50_us=%.4g p99_us=%.4g cpu_us=%.4g cpu_percent=%.4g trips=%zu\n",
           p50_ns / 1e3, p99_ns / 1e3,
           (double)job->cpu_ns / 1e3 / (double)samples->count,
           100.0 * (double)job->cpu_ns / (double)job->elapsed_ns,
           samples->count);
}

static void *inproc_echo(void *argument)
{
    struct job *job = argument;

    bench_pin(job->place, 1);
    void *socket = bench_socket(job->context, job->echo_type);
    bench_connect(socket, job->endpoint);
    echo(job, socket);
    bench_end(socket, NULL);
    return NULL;
}

static void run_inproc(struct job *job)
{
    pthread_t thread;

    bench_pin(job->place, 0);
    job->context = bench_context(1);
    void *socket = bench_socket(job->context, job->ask_type);
    bench_bind(socket, "inproc", job->endpoint);
    bench_check(pthread_create(&thread, NULL, inproc_echo, job) == 0,
                "pthread_create");
    measure(job, socket, 0);
    pthread_join(thread, NULL);
    bench_end(socket, job->context);
}

static void run_child(struct job *job, struct bench_peer *peer)
{
    char word[BENCH_WORD_MAX];

    bench_peer_hear(peer, word);
    void *context = bench_context(1);
    void *socket = bench_socket(context, job->echo_type);
    bench_connect(socket, word);
    echo(job, socket);
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
    void *socket = bench_socket(context, job->ask_type);
    bench_bind(socket, job->transport, job->endpoint);
    bench_peer_tell(&peer, job->endpoint);
    measure(job, socket, peer.process);
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
        .size = bench_size(&args, "size", 64),
        .warm_ns = (uint64_t)(bench_number(&args, "warm", 0.1) * 1e9),
        .run_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
        .count = bench_size(&args, "count", 0),
        .pause_us = (long)bench_size(&args, "pause_us", 0),
    };

    bench_check(job.size > 0, "size above zero");
    bool is_pair = bench_is(&args, "types", "pair", "pair");
    job.ask_type = is_pair ? ZMQ_PAIR : ZMQ_REQ;
    job.echo_type = is_pair ? ZMQ_PAIR : ZMQ_REP;
    bench_samples_init(&job.samples, SAMPLES_MAX);
    if (strcmp(job.transport, "inproc") == 0)
        run_inproc(&job);
    else
        run_network(&job);
    report(&job);
    return 0;
}
