/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PUSH to PULL as fast as it goes: the rate at the receiver, and the CPU time
 * of both sides per message.
 *
 *     throughput transport=tcp size=64 place=split seconds=0.5
 *         api=copy     zmq_send and zmq_recv with the caller's buffers
 *             sized    zmq_msg_init_size for each message, zmq_msg_recv
 *             filled   the same, and the whole body is written
 *             owned    zmq_msg_init_data around fresh memory from malloc
 *             lent     zmq_msg_init_data around the same memory every time
 *         frames=10    multipart messages of that many frames
 *         threads=4 connections=8
 *                      tcp and ipc: so many I/O threads on each side, and so
 *                      many connections between the two sockets
 *
 * The receiver lets the flow warm up, counts for the given time, then asks
 * the sender to stop and drains up to the last message, whose first byte is 1,
 * and to what other connections have brought later: the two counts must agree.
 *
 * Thread: over inproc two threads of one process, otherwise two processes.
 * Owns:   its buffers and sockets.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"
#include "lib/peer.h"

/* What the two sides share, in memory that survives the fork. */
struct shared {
    _Alignas(64) atomic_bool must_stop;
    _Alignas(64) atomic_ullong sent;
};

enum api { API_COPY, API_SIZED, API_FILLED, API_OWNED, API_LENT };

struct job {
    struct shared *shared;
    const char *transport;
    const char *place;
    size_t size;
    size_t frames;
    enum api api;
    uint64_t warm_ns;
    uint64_t count_ns;
    int threads;
    size_t connections;
    void *context; /* inproc: the one context of both sides */
    char endpoint[BENCH_ENDPOINT_MAX];
};

struct result {
    uint64_t messages; /* in the counted time */
    uint64_t elapsed_ns;
    uint64_t total; /* from the first message to the last */
    uint64_t cpu_ns;
};

static void drop_lent(void *data, void *hint)
{
    (void)data;
    (void)hint;
}

static void drop_owned(void *data, void *hint)
{
    (void)hint;
    free(data);
}

/* A message with the first byte of `body`; the rest is nobody's business, as
 * filling it would only measure memset. Unless that is asked for: who writes
 * what he sends does not run ahead of his connection, through memory that was
 * never touched. */
static void build(const struct job *job, zmq_msg_t *message, char *body)
{
    char *memory = body;

    if (job->api == API_SIZED || job->api == API_FILLED) {
        bench_check(zmq_msg_init_size(message, job->size) == 0,
                    "zmq_msg_init_size");
        if (job->api == API_FILLED)
            memset(zmq_msg_data(message), 'x', job->size);
        *(char *)zmq_msg_data(message) = body[0];
        return;
    }
    if (job->api == API_OWNED) {
        memory = malloc(job->size);
        bench_check(memory != NULL, "allocate a body");
        memory[0] = body[0];
    }
    bench_check(zmq_msg_init_data(
                    message, memory, job->size,
                    job->api == API_OWNED ? drop_owned : drop_lent, NULL) == 0,
                "zmq_msg_init_data");
}

static void send_frame(const struct job *job, void *socket, char *body,
                       int flags)
{
    zmq_msg_t message;

    if (job->api == API_COPY) {
        bench_check(zmq_send(socket, body, job->size, flags) == (int)job->size,
                    "zmq_send");
        return;
    }
    build(job, &message, body);
    bench_check(zmq_msg_send(&message, socket, flags) == (int)job->size,
                "zmq_msg_send");
}

static void send_message(const struct job *job, void *socket, char *body)
{
    for (size_t i = 1; i < job->frames; i++)
        send_frame(job, socket, body, ZMQ_SNDMORE);
    send_frame(job, socket, body, 0);
}

static void send_all(const struct job *job, void *socket)
{
    char *body = malloc(2 * job->size);
    char *last = body + job->size;
    uint64_t sent = 0;

    bench_check(body != NULL, "allocate a body");
    memset(body, 0, 2 * job->size);
    last[0] = 1;
    while (
        !atomic_load_explicit(&job->shared->must_stop, memory_order_relaxed)) {
        send_message(job, socket, body);
        sent++;
    }
    /* Before the last message, so that the receiver of it sees the count. */
    atomic_store(&job->shared->sent, sent + 1);
    send_message(job, socket, last);
}

/* Receives one frame and returns its first byte. */
static char receive_frame(const struct job *job, void *socket, char *buffer,
                          zmq_msg_t *message)
{
    if (job->api != API_COPY) {
        bench_check(zmq_msg_recv(message, socket, 0) == (int)job->size,
                    "zmq_msg_recv");
        return *(char *)zmq_msg_data(message);
    }
    bench_check(zmq_recv(socket, buffer, job->size, 0) == (int)job->size,
                "zmq_recv");
    return buffer[0];
}

static uint64_t cpu_of_both(const struct bench_peer *peer)
{
    return bench_cpu_ns(getpid()) + (peer ? bench_cpu_ns(peer->process) : 0);
}

static struct result receive_all(const struct job *job, void *socket,
                                 const struct bench_peer *peer)
{
    struct result result = {0};
    uint64_t stride = job->size * job->frames < 8192 ? 64 : 4;
    uint64_t first_ns = 0, start_ns = 0, start_count = 0;
    char *buffer = malloc(job->size);
    bool is_marked = false;
    zmq_msg_t message;

    bench_check(buffer && zmq_msg_init(&message) == 0, "allocate a buffer");
    memset(buffer, 0, job->size);
    while (!is_marked || result.total < atomic_load(&job->shared->sent)) {
        for (size_t i = 0; i < job->frames; i++)
            is_marked |= receive_frame(job, socket, buffer, &message) == 1;
        if (result.total++ % stride != 0 || result.elapsed_ns)
            continue;
        uint64_t now_ns = bench_now_ns();
        if (!first_ns) {
            first_ns = now_ns;
            result.cpu_ns = cpu_of_both(peer);
        } else if (!start_ns && now_ns >= first_ns + job->warm_ns) {
            start_ns = now_ns;
            start_count = result.total;
        } else if (start_ns && now_ns >= start_ns + job->count_ns) {
            result.elapsed_ns = now_ns - start_ns;
            result.messages = result.total - start_count;
            atomic_store(&job->shared->must_stop, true);
        }
    }
    result.cpu_ns = cpu_of_both(peer) - result.cpu_ns;
    zmq_msg_close(&message);
    free(buffer);
    return result;
}

static void report(const struct job *job, const struct result *result)
{
    bench_check(result->total == atomic_load(&job->shared->sent),
                "count the messages: not as many received as sent");
    printf("rate=%.6g cpu_us=%.6g messages=%llu seconds=%.4f total=%llu\n",
           (double)result->messages * 1e9 / (double)result->elapsed_ns,
           (double)result->cpu_ns / 1e3 / (double)result->total,
           (unsigned long long)result->messages,
           (double)result->elapsed_ns / 1e9, (unsigned long long)result->total);
}

static void *inproc_sender(void *argument)
{
    struct job *job = argument;

    bench_pin(job->place, 1);
    void *socket = bench_socket(job->context, ZMQ_PUSH);
    bench_connect(socket, job->endpoint);
    send_all(job, socket);
    /* What is sent must arrive, whatever linger is: the receiver closes. */
    int linger_ms = -1;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
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
    struct result result = receive_all(job, socket, NULL);
    pthread_join(sender, NULL);
    bench_end(socket, job->context);
    report(job, &result);
}

static void run_child(struct job *job, struct bench_peer *peer)
{
    char word[BENCH_WORD_MAX];

    bench_peer_hear(peer, word);
    void *context = bench_context(job->threads);
    void *socket = bench_socket(context, ZMQ_PUSH);
    for (size_t i = 0; i < job->connections; i++)
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
    void *context = bench_context(job->threads);
    void *socket = bench_socket(context, ZMQ_PULL);
    bench_bind(socket, job->transport, job->endpoint);
    bench_peer_tell(&peer, job->endpoint);
    struct result result = receive_all(job, socket, &peer);
    bench_peer_tell(&peer, "end");
    bench_peer_join(&peer);
    bench_end(socket, context);
    report(job, &result);
}

static enum api api_of(const char *name)
{
    static const char *const names[] = {"copy", "sized", "filled", "owned",
                                        "lent"};

    for (int i = 0; i < 5; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum api)i;
    }
    bench_die("api is copy, sized, filled, owned or lent");
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .shared = bench_shared(sizeof(struct shared)),
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .size = bench_size(&args, "size", 64),
        .frames = bench_size(&args, "frames", 1),
        .threads = (int)bench_size(&args, "threads", 1),
        .connections = bench_size(&args, "connections", 1),
        .api = api_of(bench_text(&args, "api", "copy")),
        .warm_ns = (uint64_t)(bench_number(&args, "warm", 0.15) * 1e9),
        .count_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
    };

    bench_check(job.size > 0 && job.frames > 0, "size and frames above zero");
    if (strcmp(job.transport, "inproc") == 0)
        run_inproc(&job);
    else
        run_network(&job);
    return 0;
}
