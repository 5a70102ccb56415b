/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a connection costs in memory: the resident set (VmRSS) of the process
 * that holds the bound DEALER, after `connections` peers have shaken hands
 * minus before the first, divided by their number; then the same after
 * `messages` messages of `size` bytes each way on every connection, all of
 * them received and both directions drained.
 *
 *     connections connections=10000 messages=0 transport=tcp
 *     connections connections=1000 messages=600 size=64
 *
 * The peers are bare descriptors in a second process, so that nothing but the
 * bound side is measured and the limit on descriptors is not shared.
 *
 * Thread: one per process, and the library's own.
 * Owns:   its descriptors and sockets.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"
#include "lib/link.h"
#include "lib/peer.h"
#include "lib/wire.h"

#define BURST 30 /* messages on a connection before the other way's turn */

struct job {
    const char *transport;
    size_t connections;
    size_t messages;
    size_t size;
};

/* Reads `wanted` bytes in all, from whichever descriptor has some. */
static void drain(const int *fds, size_t count, size_t wanted)
{
    static const struct timespec breath = {0, 1000000};
    uint8_t bytes[16384];
    size_t have = 0;

    while (have < wanted) {
        size_t before = have;

        for (size_t i = 0; i < count; i++) {
            ssize_t more = recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);

            bench_check(more > 0 || (more < 0 && errno == EAGAIN), "recv");
            have += more > 0 ? (size_t)more : 0;
        }
        if (have == before)
            nanosleep(&breath, NULL);
    }
}

static void run_child(const struct job *job, struct bench_peer *peer)
{
    size_t burst_size = BURST * wire_frame_size(job->size);
    int *fds = calloc(job->connections, sizeof *fds);
    uint8_t *burst = calloc(1, burst_size);
    char word[BENCH_WORD_MAX];

    bench_check(fds && burst, "allocate the connections");
    wire_frames(burst, BURST, job->size);
    bench_peer_hear(peer, word);
    for (size_t i = 0; i < job->connections; i++)
        fds[i] = wire_greet(word, "DEALER");
    bench_peer_tell(peer, "connected");
    for (size_t sent = 0; sent < job->messages; sent += BURST) {
        for (size_t i = 0; i < job->connections; i++)
            wire_write(fds[i], burst, burst_size);
        drain(fds, job->connections, job->connections * burst_size);
    }
    bench_peer_tell(peer, "drained");
    bench_peer_hear(peer, word);
    exit(0);
}

static void exchange(const struct job *job, void *socket)
{
    char *body = calloc(1, job->size);
    size_t burst = job->connections * BURST;

    bench_check(body != NULL, "allocate a body");
    for (size_t done = 0; done < job->messages; done += BURST) {
        for (size_t i = 0; i < burst; i++)
            bench_check(zmq_recv(socket, body, job->size, 0) == (int)job->size,
                        "zmq_recv");
        for (size_t i = 0; i < burst; i++)
            bench_check(zmq_send(socket, body, job->size, 0) == (int)job->size,
                        "zmq_send");
    }
    free(body);
}

/* Lets the I/O thread finish, and the socket take in what it is told. */
static void settle(void *socket)
{
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};

    zmq_poll(&item, 1, 300);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .connections = bench_size(&args, "connections", 1000),
        .messages = bench_size(&args, "messages", 0),
        .size = bench_size(&args, "size", 64),
    };
    struct bench_peer peer;
    char endpoint[BENCH_ENDPOINT_MAX], word[BENCH_WORD_MAX];
    int backlog = 4096;

    bench_check(job.messages % BURST == 0, "messages in bursts of 30");
    bench_raise_descriptor_limit();
    if (bench_peer_fork(&peer, bench_text(&args, "place", "split")))
        run_child(&job, &peer);
    void *context = bench_context(1);
    void *socket = bench_socket(context, ZMQ_DEALER);
    zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof backlog);
    bench_bind(socket, job.transport, endpoint);
    settle(socket);
    size_t before = bench_resident_bytes();
    size_t heap_before = mallinfo2().uordblks;
    bench_peer_tell(&peer, endpoint);
    bench_peer_hear(&peer, word);
    exchange(&job, socket);
    bench_peer_hear(&peer, word);
    settle(socket);
    double per = (double)job.connections;
    printf("bytes=%.6g heap_bytes=%.6g\n",
           (double)(bench_resident_bytes() - before) / per,
           (double)(mallinfo2().uordblks - heap_before) / per);
    bench_peer_tell(&peer, "end");
    bench_peer_join(&peer);
    bench_end(socket, context);
    return 0;
}
