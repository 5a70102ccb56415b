/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long it takes to begin and to end, in one thread.
 *
 *     lifecycle what=socket                 create and close a socket
 *     lifecycle what=context                context, first socket, close, term
 *     lifecycle what=connect transport=tcp  zmq_connect to the first message
 *                                           received; the socket exists before
 *
 * Thread: one, and the library's own, all on one CPU.
 * Owns:   its contexts and sockets.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"

#define SAMPLES_MAX 1000000
#define SIZE 64

/* Where another thread buries closed sockets, the limit on them may be hit:
 * letting that thread run is part of the cost, which is why the result is the
 * mean and not the median. */
static void once_socket(void *context, struct bench_samples *samples)
{
    uint64_t before_ns = bench_now_ns();
    void *socket;

    do {
        socket = zmq_socket(context, ZMQ_DEALER);
        if (!socket && zmq_errno() == EMFILE)
            sched_yield();
    } while (!socket && zmq_errno() == EMFILE);
    bench_check(socket != NULL, "zmq_socket");
    bench_check(zmq_close(socket) == 0, "zmq_close");
    bench_samples_add(samples, bench_now_ns() - before_ns);
}

static void once_context(struct bench_samples *samples)
{
    uint64_t before_ns = bench_now_ns();
    void *context = zmq_ctx_new();

    bench_check(context != NULL, "zmq_ctx_new");
    void *socket = zmq_socket(context, ZMQ_DEALER);
    bench_check(socket != NULL, "zmq_socket");
    bench_check(zmq_close(socket) == 0, "zmq_close");
    bench_check(zmq_ctx_term(context) == 0, "zmq_ctx_term");
    bench_samples_add(samples, bench_now_ns() - before_ns);
}

static void once_connect(void *context, void *pull, const char *endpoint,
                         struct bench_samples *samples)
{
    char body[SIZE] = {0};
    void *push = bench_socket(context, ZMQ_PUSH);

    uint64_t before_ns = bench_now_ns();
    bench_connect(push, endpoint);
    bench_check(zmq_send(push, body, SIZE, 0) == SIZE, "zmq_send");
    bench_check(zmq_recv(pull, body, SIZE, 0) == SIZE, "zmq_recv");
    bench_samples_add(samples, bench_now_ns() - before_ns);
    bench_end(push, NULL);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    uint64_t run_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9);
    struct bench_samples samples;
    char endpoint[BENCH_ENDPOINT_MAX];
    void *context, *pull = NULL;

    bench_samples_init(&samples, SAMPLES_MAX);
    bench_pin(bench_text(&args, "place", "same"), 0);
    context = bench_context(1);
    bool is_connect = bench_is(&args, "what", "socket", "connect");
    if (is_connect) {
        pull = bench_socket(context, ZMQ_PULL);
        bench_bind(pull, bench_text(&args, "transport", "tcp"), endpoint);
    }
    uint64_t start_ns = bench_now_ns(), now_ns = start_ns;
    for (; now_ns < start_ns + run_ns; now_ns = bench_now_ns()) {
        if (is_connect)
            once_connect(context, pull, endpoint, &samples);
        else if (bench_is(&args, "what", "socket", "context"))
            once_context(&samples);
        else
            once_socket(context, &samples);
    }
    bench_end(pull, context);
    printf("mean_us=%.4g p50_us=%.4g p99_us=%.4g times=%zu\n",
           (double)(now_ns - start_ns) / 1e3 / (double)samples.count,
           bench_quantile(samples.values, samples.count, 0.5) / 1e3,
           bench_quantile(samples.values, samples.count, 0.99) / 1e3,
           samples.count);
    return 0;
}
