/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A ROUTER that sends back what many asynchronous clients send it: replies
 * per second, counted by the clients.
 *
 *     router clients=100 inflight=32 size=64 transport=tcp place=split
 *         idle=10000   that many more connections, on which nothing comes
 *         server=zmq   ROUTER, zmq_recv and zmq_send
 *                raw   an epoll loop over bare descriptors, for comparison
 *
 * The clients are bare descriptors in a process of their own.
 *
 * Thread: one in each process, and the library's.
 * Owns:   its sockets and descriptors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/clients.h"
#include "lib/link.h"
#include "lib/peer.h"
#include "lib/window.h"
#include "lib/wire.h"

#define PART_MAX 65536
#define EVENTS_MAX 256
#define BATCH 64

struct job {
    const char *transport;
    struct bench_clients clients;
    size_t idle;
    struct bench_window window;
    struct bench_peer peer;
};

/* ---- the server ----------------------------------------------------- */

static void serve(struct job *job)
{
    char endpoint[BENCH_ENDPOINT_MAX], id[256], body[PART_MAX];
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_ROUTER);

    if (job->idle > 0) {
        /* Until the first message comes; some reactors take their time. */
        int patience_ms = 50000;

        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    }
    bench_bind(socket, job->transport, endpoint);
    bench_peer_tell(&job->peer, endpoint);
    for (;;) {
        int id_size = zmq_recv(socket, id, sizeof id, 0);
        int size = zmq_recv(socket, body, sizeof body, 0);

        bench_check(id_size > 0 && size >= 0, "zmq_recv");
        bench_check(zmq_send(socket, id, (size_t)id_size, ZMQ_SNDMORE) ==
                            id_size &&
                        zmq_send(socket, body, (size_t)size, 0) == size,
                    "zmq_send");
    }
}

static void serve_raw_turn(int epoll_fd)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

    for (int i = 0; i < count; i++) {
        uint8_t bytes[PART_MAX];
        ssize_t size = read(events[i].data.fd, bytes, sizeof bytes);

        if (size <= 0)
            exit(0); /* the clients have what they want */
        wire_write(events[i].data.fd, bytes, (size_t)size);
    }
}

static void serve_raw(struct job *job)
{
    char endpoint[BENCH_WORD_MAX];
    int listener = wire_listen(job->transport, endpoint, sizeof endpoint);
    uint8_t hello[WIRE_HELLO_MAX], answer[WIRE_HELLO_MAX];
    size_t size = wire_hello(hello, "DEALER"), answer_size;
    int epoll_fd = epoll_create1(0);

    bench_peer_tell(&job->peer, endpoint);
    answer_size = wire_hello(answer, "ROUTER");
    for (size_t i = 0; i < job->idle + job->clients.count; i++) {
        struct epoll_event event = {.events = EPOLLIN};

        event.data.fd = wire_accept(listener);
        wire_read(event.data.fd, hello, size);
        wire_write(event.data.fd, answer, answer_size);
        bench_check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) ==
                        0,
                    "epoll_ctl");
    }
    for (;;)
        serve_raw_turn(epoll_fd);
}

/* ---- the clients ---------------------------------------------------- */

/* Connections that stay open until the end, a batch at a time: where a turn
 * of the server costs what is connected, one by one would take minutes. */
static void open_idle(const char *endpoint, size_t count)
{
    uint8_t hello[WIRE_HELLO_MAX], answer[WIRE_HELLO_MAX];
    size_t hello_size = wire_hello(hello, "DEALER"), answer_size;
    int fds[BATCH];

    while (count > 0) {
        size_t batch = count < BATCH ? count : BATCH;

        for (size_t i = 0; i < batch; i++) {
            fds[i] = wire_connect(endpoint);
            wire_write(fds[i], hello, hello_size);
        }
        for (size_t i = 0; i < batch; i++) {
            size_t have = 0;

            do {
                wire_read(fds[i], answer + have++, 1);
                bench_check(have < sizeof answer, "read the answer");
            } while (!wire_has_hello(answer, have, &answer_size));
        }
        count -= batch;
    }
}

static void measure(struct job *job)
{
    char endpoint[BENCH_WORD_MAX];

    bench_peer_hear(&job->peer, endpoint);
    open_idle(endpoint, job->idle);
    bench_clients_open(&job->clients, endpoint);
    bench_clients_start(&job->clients);
    do
        bench_clients_turn(&job->clients);
    while (!bench_window_step(&job->window, job->clients.replies));
    printf("rate=%.6g messages=%llu seconds=%.4f\n",
           bench_window_rate(&job->window),
           (unsigned long long)job->window.counted,
           (double)job->window.elapsed_ns / 1e9);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .clients = {.count = bench_size(&args, "clients", 100),
                    .in_flight = bench_size(&args, "inflight", 32),
                    .size = bench_size(&args, "size", 64)},
        .idle = bench_size(&args, "idle", 0),
        .window = bench_window_of(&args),
    };

    bench_check(job.clients.size > 0 && job.clients.size <= PART_MAX,
                "take this size");
    bench_raise_descriptor_limit();
    /* The server is the child: it ends with the parent. */
    if (!bench_peer_fork(&job.peer, bench_text(&args, "place", "split")))
        measure(&job);
    else if (bench_is(&args, "server", "zmq", "zmq"))
        serve(&job);
    else
        serve_raw(&job);
    return 0;
}
