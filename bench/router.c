/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A ROUTER that sends back what many asynchronous clients send it: replies
 * per second, counted by the clients.
 *
 *     router clients=100 inflight=32 size=64 transport=tcp place=split
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

struct job {
    const char *transport;
    struct bench_clients clients;
    struct bench_window window;
    struct bench_peer peer;
};

/* ---- the server ----------------------------------------------------- */

static void serve(struct job *job)
{
    char endpoint[BENCH_ENDPOINT_MAX], id[256], body[PART_MAX];
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_ROUTER);

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
    for (size_t i = 0; i < job->clients.count; i++) {
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

static void measure(struct job *job)
{
    char endpoint[BENCH_WORD_MAX];

    bench_peer_hear(&job->peer, endpoint);
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
        .window = bench_window_of(&args),
    };

    bench_check(job.clients.size > 0 && job.clients.size <= PART_MAX,
                "take this size");
    /* The server is the child: it ends with the parent. */
    if (!bench_peer_fork(&job.peer, bench_text(&args, "place", "split")))
        measure(&job);
    else if (bench_is(&args, "server", "zmq", "zmq"))
        serve(&job);
    else
        serve_raw(&job);
    return 0;
}
