/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Many subscriptions of one SUB at one XPUB, over inproc and in one thread,
 * so that only the sets of prefixes count:
 *
 *     subscriptions count=1000000 size=16 seconds=0.5
 *
 * rate       subscriptions per second, from zmq_setsockopt to the publisher
 * bytes      resident memory of both sides for each of them
 * match_ns   what zmq_send costs for a message that one of them matches, and
 *            that is then dropped, because the subscriber reads nothing
 *
 * Thread: the main thread.
 * Owns:   its sockets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"

/* Subscriptions after which the publisher looks at what has come. */
#define TURN 500
#define TOPICS 65536

struct job {
    size_t count;
    size_t size;
    uint64_t run_ns;
    void *xpub;
    void *sub;
};

/* The topic of this number: digits of a number that looks random, as long as
 * it is to be. */
static void make_topic(const struct job *job, uint64_t number, char *topic)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < job->size; i++) {
        if (i % 16 == 0) {
            number = (number + 1) * 0x9e3779b97f4a7c15;
            number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
            number ^= number >> 31;
        }
        topic[i] = digits[number >> 4 * (i % 16) & 15];
    }
}

static void set_mark(void *socket, int option, int mark)
{
    bench_check(zmq_setsockopt(socket, option, &mark, sizeof mark) == 0,
                "set a high-water mark");
}

/* Lets the publisher take in what has come. */
static void take_in(const struct job *job)
{
    char event[1024];

    while (zmq_recv(job->xpub, event, sizeof event, ZMQ_DONTWAIT) >= 0)
        continue;
}

static double subscribe(const struct job *job)
{
    char topic[1024];
    uint64_t start_ns = bench_now_ns();

    for (size_t i = 0; i < job->count; i++) {
        make_topic(job, i, topic);
        bench_check(zmq_setsockopt(job->sub, ZMQ_SUBSCRIBE, topic, job->size) ==
                        0,
                    "subscribe");
        if (i % TURN == TURN - 1)
            take_in(job);
    }
    take_in(job);
    return (double)job->count * 1e9 / (double)(bench_now_ns() - start_ns);
}

/* Topics in another order than they were subscribed to. */
static char *make_topics(const struct job *job)
{
    char *topics = malloc(TOPICS * job->size);

    bench_check(topics != NULL, "allocate the topics");
    for (size_t i = 0; i < TOPICS; i++)
        make_topic(job, i * 40503 % job->count, topics + i * job->size);
    return topics;
}

static double match(const struct job *job)
{
    char *topics = make_topics(job);
    uint64_t start_ns = 0, now_ns;
    size_t sent = 0;

    do {
        /* The first round fills the pipe. */
        if (sent == TOPICS)
            start_ns = bench_now_ns();
        for (size_t i = 0; i < TOPICS; i++)
            zmq_send(job->xpub, topics + i * job->size, job->size, 0);
        sent += TOPICS;
        now_ns = bench_now_ns();
    } while (start_ns == 0 || now_ns < start_ns + job->run_ns);
    free(topics);
    return (double)(now_ns - start_ns) / (double)(sent - TOPICS);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .count = bench_size(&args, "count", 1000000),
        .size = bench_size(&args, "size", 16),
        .run_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
    };
    char endpoint[BENCH_ENDPOINT_MAX];
    void *context = zmq_ctx_new();
    size_t before;
    double rate, bytes;

    bench_check(job.size >= 1 && job.size <= 1024, "use size=1 to 1024");
    bench_pin("same", 0);
    job.xpub = bench_socket(context, ZMQ_XPUB);
    job.sub = bench_socket(context, ZMQ_SUB);
    set_mark(job.xpub, ZMQ_RCVHWM, 0);
    set_mark(job.xpub, ZMQ_SNDHWM, 1);
    set_mark(job.sub, ZMQ_RCVHWM, 1);
    set_mark(job.sub, ZMQ_SNDHWM, 0);
    bench_bind_nth(job.xpub, "inproc", 0, endpoint);
    bench_connect(job.sub, endpoint);
    before = bench_resident_bytes();
    rate = subscribe(&job);
    bytes = (double)(bench_resident_bytes() - before) / (double)job.count;
    printf("rate=%.6g bytes=%.4g match_ns=%.4g\n", rate, bytes, match(&job));
    fflush(stdout);
    _Exit(0); /* a million cancels are not what is measured */
}
