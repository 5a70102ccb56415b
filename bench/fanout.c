/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One publisher, many subscribers that want everything: deliveries per second,
 * counted by the subscribers.
 *
 *     fanout transport=tcp subscribers=100 size=64 place=split
 *         server=zmq   PUB and zmq_send
 *                raw   every subscriber gets the same prepared bytes
 *         nodrop=1     XPUB with ZMQ_XPUB_NODROP: waits for the slowest
 *
 * Over tcp and ipc the subscribers are bare descriptors in a process of their
 * own, and counting begins when all of them have got something. Over inproc
 * they are SUB sockets, and one thread sends a hundred messages and has all of
 * them take those, in turn.
 *
 * Thread: one in each process, and the library's.
 * Owns:   its sockets and descriptors.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"
#include "lib/peer.h"
#include "lib/window.h"
#include "lib/wire.h"

#define EVENTS_MAX 256
#define READ_MAX 65536
#define BURST 100 /* messages over inproc before they are taken */

struct job {
    const char *transport;
    const char *place;
    size_t subscribers;
    size_t size;
    bool is_nodrop;
    struct bench_window window;
    struct bench_peer peer;
    void *context;
    char endpoint[BENCH_WORD_MAX];
};

/* ---- publishing ----------------------------------------------------- */

static void *open_publisher(struct job *job)
{
    void *socket =
        bench_socket(job->context, job->is_nodrop ? ZMQ_XPUB : ZMQ_PUB);
    int on = 1, backlog = 4096;

    if (job->is_nodrop)
        bench_check(zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &on, sizeof on) ==
                        0,
                    "zmq_setsockopt(ZMQ_XPUB_NODROP)");
    zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof backlog);
    bench_bind(socket, job->transport, job->endpoint);
    return socket;
}

/* Until the subscribers' process ends, and this one with it. */
static void run_publisher(struct job *job)
{
    char *body = calloc(1, job->size);

    bench_check(body != NULL, "allocate a body");
    job->context = bench_context(1);
    void *socket = open_publisher(job);
    bench_peer_tell(&job->peer, job->endpoint);
    for (;;)
        bench_check(zmq_send(socket, body, job->size, 0) == (int)job->size,
                    "zmq_send");
}

static void run_raw(struct job *job)
{
    size_t count = READ_MAX / wire_frame_size(job->size);
    uint8_t hello[WIRE_HELLO_MAX], answer[WIRE_HELLO_MAX];
    size_t hello_size = wire_hello(hello, "SUB"), answer_size, size;
    uint8_t *bytes = calloc(1, READ_MAX);
    int *fds = calloc(job->subscribers, sizeof *fds);
    int listener =
        wire_listen(job->transport, job->endpoint, sizeof job->endpoint);

    bench_check(bytes && fds, "allocate frames");
    size = wire_frames(bytes, count, job->size);
    answer_size = wire_hello(answer, "PUB");
    bench_peer_tell(&job->peer, job->endpoint);
    for (size_t i = 0; i < job->subscribers; i++) {
        fds[i] = wire_accept(listener);
        wire_read(fds[i], hello, hello_size);
        wire_write(fds[i], answer, answer_size);
    }
    for (;;) {
        for (size_t i = 0; i < job->subscribers; i++)
            wire_write(fds[i], bytes, size);
    }
}

/* ---- subscribers over a network ------------------------------------- */

struct subscriber {
    int fd;
    uint64_t bytes;
};

static void subscribe(struct job *job, int epoll_fd)
{
    /* A message, as in ZMTP 2.0 and 3.0, which everybody understands. */
    static const uint8_t all[] = {0, 1, 1};
    struct subscriber *all_of_them =
        calloc(job->subscribers, sizeof *all_of_them);

    bench_check(all_of_them != NULL, "allocate the subscribers");
    for (size_t i = 0; i < job->subscribers; i++) {
        struct epoll_event event = {.events = EPOLLIN,
                                    .data.ptr = &all_of_them[i]};

        all_of_them[i].fd = wire_greet(job->endpoint, "SUB");
        wire_write(all_of_them[i].fd, all, sizeof all);
        bench_check(
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, all_of_them[i].fd, &event) == 0,
            "epoll_ctl");
    }
}

static void measure_network(struct job *job)
{
    static uint8_t bytes[READ_MAX];
    struct epoll_event events[EVENTS_MAX];
    int epoll_fd = epoll_create1(0);
    size_t silent = job->subscribers;
    uint64_t total = 0;

    bench_peer_hear(&job->peer, job->endpoint);
    subscribe(job, epoll_fd);
    do {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, 10000);

        bench_check(count > 0, "wait for messages");
        for (int i = 0; i < count; i++) {
            struct subscriber *one = events[i].data.ptr;
            ssize_t more = read(one->fd, bytes, sizeof bytes);

            bench_check(more > 0, "read messages");
            silent -= one->bytes == 0;
            one->bytes += (uint64_t)more;
            total += (uint64_t)more;
        }
    } while (
        silent > 0 ||
        !bench_window_step(&job->window, total / wire_frame_size(job->size)));
}

/* ---- subscribers over inproc ---------------------------------------- */

static void **open_subscribers(struct job *job)
{
    void **sockets = calloc(job->subscribers, sizeof *sockets);

    bench_check(sockets != NULL, "allocate the subscribers");
    for (size_t i = 0; i < job->subscribers; i++) {
        sockets[i] = bench_socket(job->context, ZMQ_SUB);
        bench_check(zmq_setsockopt(sockets[i], ZMQ_SUBSCRIBE, "", 0) == 0,
                    "zmq_setsockopt(ZMQ_SUBSCRIBE)");
        bench_connect(sockets[i], job->endpoint);
    }
    return sockets;
}

/* Sends until the last one has heard of it, and lets all take what came. */
static void settle(struct job *job, void *publisher, void **subscribers,
                   char *body)
{
    bool has_come = false;

    while (!has_come) {
        bench_check(zmq_send(publisher, body, job->size, 0) >= 0, "zmq_send");
        usleep(1000);
        has_come = true;
        for (size_t n = 0; n < job->subscribers; n++) {
            bool is_silent = true;

            while (zmq_recv(subscribers[n], body, job->size, ZMQ_DONTWAIT) >= 0)
                is_silent = false;
            has_come &= !is_silent;
        }
    }
}

/* A burst for everybody, and everybody takes it. Before, the publisher learns
 * what they took: libzmq does not look every time that it sends. */
static uint64_t exchange(struct job *job, void *publisher, void **subscribers,
                         char *body)
{
    int size = (int)job->size, events;
    size_t events_size = sizeof events;

    bench_check(zmq_getsockopt(publisher, ZMQ_EVENTS, &events, &events_size) ==
                    0,
                "zmq_getsockopt(ZMQ_EVENTS)");
    for (int i = 0; i < BURST; i++)
        bench_check(zmq_send(publisher, body, job->size, 0) == size,
                    "zmq_send");
    for (size_t n = 0; n < job->subscribers; n++) {
        for (int i = 0; i < BURST; i++)
            bench_check(zmq_recv(subscribers[n], body, job->size, 0) == size,
                        "zmq_recv");
    }
    return BURST * job->subscribers;
}

static void measure_inproc(struct job *job)
{
    char *body = calloc(1, job->size);
    uint64_t total = 0;

    bench_check(body != NULL, "allocate a body");
    bench_pin(job->place, 0);
    job->context = bench_context(1);
    void *publisher = open_publisher(job);
    void **subscribers = open_subscribers(job);
    settle(job, publisher, subscribers, body);
    do
        total += exchange(job, publisher, subscribers, body);
    while (!bench_window_step(&job->window, total));
    for (size_t i = 0; i < job->subscribers; i++)
        bench_end(subscribers[i], NULL);
    bench_end(publisher, job->context);
    free(subscribers);
    free(body);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .subscribers = bench_size(&args, "subscribers", 10),
        .size = bench_size(&args, "size", 64),
        .is_nodrop = bench_number(&args, "nodrop", 0) != 0,
        .window = bench_window_of(&args),
    };

    bench_check(job.size > 0 && job.size < READ_MAX / 2, "take this size");
    bench_raise_descriptor_limit();
    if (strcmp(job.transport, "inproc") == 0)
        measure_inproc(&job);
    else if (!bench_peer_fork(&job.peer, job.place))
        measure_network(&job);
    else if (bench_is(&args, "server", "zmq", "zmq"))
        run_publisher(&job);
    else
        run_raw(&job);
    printf("rate=%.6g messages=%llu seconds=%.4f\n",
           bench_window_rate(&job.window),
           (unsigned long long)job.window.counted,
           (double)job.window.elapsed_ns / 1e9);
    return 0;
}
