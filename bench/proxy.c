/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Messages through zmq_proxy, which has one process and one CPU, while those
 * who send and receive have another:
 *
 *     proxy what=stream transport=tcp size=64 place=split
 *         PUSH to PULL, proxy, PUSH to PULL: messages per second at the end
 *     proxy what=trips transport=tcp size=64 inflight=100
 *         DEALER to ROUTER, proxy, DEALER to DEALER, which answers: round
 *         trips per second with so many under way
 *
 * The last message of a stream begins with 1; as many must have come as were
 * sent.
 *
 * Thread: two in each process.
 * Owns:   its sockets.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/clients.h"
#include "lib/link.h"
#include "lib/peer.h"
#include "lib/window.h"

/* The longest part that the worker takes. */
#define PART_MAX 65536

struct job {
    const char *transport;
    size_t size;
    struct bench_clients clients;
    int types[2]; /* of the proxy's sockets */
    struct bench_window window;
    char names[2][BENCH_ENDPOINT_MAX];
    void *context;
    struct bench_peer peer;
    atomic_bool must_stop;
    atomic_ullong sent;
};

/* ---- the proxy ------------------------------------------------------ */

/* Ends the proxy when the other process says so. */
static void *wait_for_end(void *argument)
{
    struct job *job = argument;
    char word[BENCH_WORD_MAX];

    bench_peer_hear(&job->peer, word);
    zmq_ctx_shutdown(job->context);
    return NULL;
}

static void run_child(struct job *job)
{
    void *sockets[2];
    pthread_t waiter;
    char word[BENCH_WORD_MAX];

    job->context = bench_context(1);
    for (size_t i = 0; i < 2; i++) {
        sockets[i] = bench_socket(job->context, job->types[i]);
        bench_bind_nth(sockets[i], job->transport, i, job->names[i]);
    }
    snprintf(word, sizeof word, "%s %s", job->names[0], job->names[1]);
    bench_peer_tell(&job->peer, word);
    bench_check(pthread_create(&waiter, NULL, wait_for_end, job) == 0,
                "pthread_create");
    bench_check(zmq_proxy(sockets[0], sockets[1], NULL) == -1 &&
                    zmq_errno() == ETERM,
                "zmq_proxy");
    pthread_join(waiter, NULL);
    bench_end(sockets[0], NULL);
    bench_end(sockets[1], job->context);
    exit(0);
}

/* ---- one way -------------------------------------------------------- */

static void *feed(void *argument)
{
    struct job *job = argument;
    char *body = calloc(1, job->size);
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_PUSH);
    int linger_ms = -1;
    uint64_t sent = 0;

    bench_check(body != NULL, "allocate a body");
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    bench_connect(socket, job->names[0]);
    while (body[0] == 0) {
        if (atomic_load_explicit(&job->must_stop, memory_order_relaxed)) {
            body[0] = 1;
            atomic_store(&job->sent, sent + 1);
        }
        bench_check(zmq_send(socket, body, job->size, 0) == (int)job->size,
                    "zmq_send");
        sent++;
    }
    bench_end(socket, context);
    free(body);
    return NULL;
}

static void measure_stream(struct job *job)
{
    char *body = calloc(1, job->size);
    void *socket = bench_socket(job->context, ZMQ_PULL);
    uint64_t total = 0;
    pthread_t feeder;

    bench_check(body != NULL, "allocate a body");
    bench_connect(socket, job->names[1]);
    bench_check(pthread_create(&feeder, NULL, feed, job) == 0,
                "pthread_create");
    while (body[0] == 0) {
        bench_check(zmq_recv(socket, body, job->size, 0) == (int)job->size,
                    "zmq_recv");
        if (++total % 64 == 0 && bench_window_step(&job->window, total))
            atomic_store(&job->must_stop, true);
    }
    pthread_join(feeder, NULL);
    bench_check(total == atomic_load(&job->sent),
                "count the messages: not as many received as sent");
    bench_end(socket, NULL);
    free(body);
}

/* ---- round trips ---------------------------------------------------- */

static void measure_trips(struct job *job)
{
    bench_clients_open(&job->clients, job->names[0]);
    bench_clients_add_echo(&job->clients, job->names[1]);
    bench_clients_start(&job->clients);
    do
        bench_clients_turn(&job->clients);
    while (!bench_window_step(&job->window, job->clients.replies));
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    bool is_stream = bench_is(&args, "what", "stream", "stream");
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .size = bench_size(&args, "size", 64),
        .clients = {.count = bench_size(&args, "clients", 100),
                    .in_flight = bench_size(&args, "inflight", 32),
                    .size = bench_size(&args, "size", 64)},
        .types = {is_stream ? ZMQ_PULL : ZMQ_ROUTER,
                  is_stream ? ZMQ_PUSH : ZMQ_DEALER},
        .window = bench_window_of(&args),
    };
    char word[BENCH_WORD_MAX];

    bench_check(job.size > 0 && job.size <= PART_MAX, "take this size");
    if (bench_is(&args, "front", "router", "dealer"))
        job.types[0] = ZMQ_DEALER;
    if (bench_peer_fork(&job.peer, bench_text(&args, "place", "split")))
        run_child(&job);
    bench_peer_hear(&job.peer, word);
    bench_check(sscanf(word, "%127s %127s", job.names[0], job.names[1]) == 2,
                "hear two names");
    job.context = bench_context(1);
    if (is_stream)
        measure_stream(&job);
    else
        measure_trips(&job);
    bench_peer_tell(&job.peer, "end");
    bench_peer_join(&job.peer);
    bench_end(NULL, job.context);
    printf("rate=%.6g messages=%llu seconds=%.4f\n",
           bench_window_rate(&job.window),
           (unsigned long long)job.window.counted,
           (double)job.window.elapsed_ns / 1e9);
    return 0;
}
