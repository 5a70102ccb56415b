/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How many handshakes a bound socket accepts per second. The peers are bare
 * descriptors in a second process, `flight` of them at a time: connect, send
 * greeting and READY, wait for the other side's greeting and READY, reset.
 * And what CPU time one of them takes on the bound side, end included.
 *
 *     handshakes transport=tcp server=library flight=256
 *     handshakes server=raw      the same against accept(), read(), write()
 *
 * Thread: one per process, and the library's own.
 * Owns:   its descriptors and sockets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"
#include "lib/peer.h"
#include "lib/wire.h"

#define FLIGHT_MAX 1024
#define EVENTS_MAX 256

struct job {
    const char *transport;
    const char *place;
    size_t flight;
    uint64_t warm_ns;
    uint64_t run_ns;
};

/* One peer: connects and says all it has to say. */
static int call_begin(const char *endpoint)
{
    uint8_t hello[WIRE_HELLO_MAX];
    int fd = wire_connect(endpoint);

    wire_write(fd, hello, wire_hello(hello, "DEALER"));
    return fd;
}

/* Waits for the whole answer and goes without TIME_WAIT, as the ports would
 * run out. */
static void call_end(int fd)
{
    struct linger reset = {1, 0};
    uint8_t answer[1024];
    size_t have = 0, used;

    while (!wire_has_hello(answer, have, &used)) {
        ssize_t more = read(fd, answer + have, sizeof answer - have);

        bench_check(more > 0, "read the answer");
        have += (size_t)more;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

/* Always waits for the oldest call: that costs no epoll, and so the callers
 * need less time than the side that is measured. */
static double call_all(const struct job *job, const char *endpoint,
                       uint64_t *total)
{
    int fds[FLIGHT_MAX];
    uint64_t begin_ns = bench_now_ns(), now_ns = begin_ns, start_ns = 0;
    uint64_t done = 0, warm = 0;

    for (size_t i = 0; i < job->flight; i++)
        fds[i] = call_begin(endpoint);
    for (size_t i = 0; !start_ns || now_ns < start_ns + job->run_ns;
         i = (i + 1) % job->flight) {
        call_end(fds[i]);
        fds[i] = call_begin(endpoint);
        done++;
        now_ns = bench_now_ns();
        if (!start_ns && now_ns > begin_ns + job->warm_ns) {
            start_ns = now_ns;
            warm = done;
        }
    }
    for (size_t i = 0; i < job->flight; i++)
        call_end(fds[i]);
    *total = done + job->flight;
    return (double)(done - warm) * 1e9 / (double)(now_ns - start_ns);
}

static void run_child(const struct job *job, struct bench_peer *peer)
{
    char word[BENCH_WORD_MAX];
    uint64_t total;

    bench_peer_hear(peer, word);
    double rate = call_all(job, word, &total);
    snprintf(word, sizeof word, "%.6g %llu", rate, (unsigned long long)total);
    bench_peer_tell(peer, word);
    bench_peer_hear(peer, word);
    exit(0);
}

/* The bound side waits as an application would: on its socket. */
static void serve_library(const struct job *job, struct bench_peer *peer)
{
    char endpoint[BENCH_ENDPOINT_MAX];
    int backlog = 4096;
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_DEALER);
    zmq_pollitem_t items[2] = {{socket, 0, ZMQ_POLLIN, 0},
                               {NULL, peer->read_fd, ZMQ_POLLIN, 0}};

    zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof backlog);
    bench_bind(socket, job->transport, endpoint);
    bench_peer_tell(peer, endpoint);
    do {
        bench_check(zmq_poll(items, 2, 10000) > 0, "zmq_poll");
    } while (!items[1].revents);
    bench_end(socket, context);
}

static void answer_raw(int poller, int fd)
{
    uint8_t bytes[1024], hello[WIRE_HELLO_MAX];
    ssize_t have = read(fd, bytes, sizeof bytes);

    if (have > 0 && write(fd, hello, wire_hello(hello, "DEALER")) > 0)
        return;
    epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
    close(fd);
}

static void serve_raw(const struct job *job, struct bench_peer *peer)
{
    struct epoll_event events[EVENTS_MAX], event = {.events = EPOLLIN};
    char endpoint[BENCH_ENDPOINT_MAX];
    int listener = wire_listen(job->transport, endpoint, sizeof endpoint);
    int poller = epoll_create1(0);

    event.data.fd = listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = peer->read_fd;
    epoll_ctl(poller, EPOLL_CTL_ADD, peer->read_fd, &event);
    bench_peer_tell(peer, endpoint);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == peer->read_fd)
                return;
            if (fd != listener) {
                answer_raw(poller, fd);
                continue;
            }
            event.data.fd = wire_accept(listener);
            epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
        }
    }
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .flight = bench_size(&args, "flight", 256),
        .warm_ns = (uint64_t)(bench_number(&args, "warm", 0.1) * 1e9),
        .run_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
    };
    struct bench_peer peer;
    char word[BENCH_WORD_MAX], *rest;

    bench_check(job.flight > 0 && job.flight <= FLIGHT_MAX, "check flight");
    bench_raise_descriptor_limit();
    if (bench_peer_fork(&peer, job.place))
        run_child(&job, &peer);
    if (bench_is(&args, "server", "library", "raw"))
        serve_raw(&job, &peer);
    else
        serve_library(&job, &peer);
    uint64_t cpu_ns = bench_cpu_ns(getpid());
    bench_peer_hear(&peer, word);
    double rate = strtod(word, &rest), total = strtod(rest, NULL);
    printf("rate=%.6g cpu_us=%.4g\n", rate, (double)cpu_ns / 1e3 / total);
    bench_peer_tell(&peer, "end");
    bench_peer_join(&peer);
    return 0;
}
