/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the machine itself gives: frames over a bare descriptor, written and
 * read in batches, and a bare ring between two threads. No library can be
 * faster than this, and the distance to it is what a library costs.
 *
 *     raw what=stream transport=tcp size=64 place=split io=65536
 *         cc=reno     the congestion control of tcp; cc= leaves it alone. What
 *                     paces (BBR) is no measure of a machine within itself
 *     raw what=ring batch=64
 *         malloc=65536    each slot brings memory of that size from malloc in
 *                     one thread, for free in the other
 *
 * Thread: stream: one per process; ring: two.
 * Owns:   its buffers and descriptors.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bench.h"
#include "lib/peer.h"
#include "lib/ring.h"
#include "lib/window.h"
#include "lib/wire.h"

struct job {
    const char *transport;
    const char *place;
    const char *congestion;
    size_t malloc_size;
    size_t size;
    size_t io_size;
    size_t batch;
    struct bench_window window;
    struct ring *ring;
    atomic_bool must_stop;
};

struct flow {
    const struct job *job;
    struct bench_window window;
    uint64_t total;
};

static void flow_report(const struct flow *flow, uint64_t cpu_ns)
{
    printf("rate=%.6g cpu_us=%.6g messages=%llu seconds=%.4f\n",
           bench_window_rate(&flow->window),
           (double)cpu_ns / 1e3 / (double)flow->total,
           (unsigned long long)flow->window.counted,
           (double)flow->window.elapsed_ns / 1e9);
}

static void stream_write(const struct job *job, struct bench_peer *peer)
{
    size_t frame_size = wire_frame_size(job->size);
    size_t count = job->io_size > frame_size ? job->io_size / frame_size : 1;
    uint8_t *bytes = calloc(count, frame_size);
    char endpoint[BENCH_WORD_MAX];

    bench_check(bytes != NULL, "allocate frames");
    size_t size = wire_frames(bytes, count, job->size);
    signal(SIGPIPE, SIG_IGN);
    bench_peer_hear(peer, endpoint);
    int fd = wire_connect(endpoint);
    /* Fails on ipc. */
    if (job->congestion[0])
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, job->congestion,
                         (socklen_t)strlen(job->congestion));
    for (;;) {
        for (size_t done = 0; done < size;) {
            ssize_t more = write(fd, bytes + done, size - done);

            /* The reader has what it wants and is gone. */
            if (more < 0)
                goto done;
            done += (size_t)more;
        }
    }
done:
    bench_check(errno == EPIPE || errno == ECONNRESET, "write");
    bench_peer_hear(peer, endpoint);
    exit(0);
}

static void stream_read(struct flow *flow, int fd)
{
    size_t io_size = flow->job->io_size, have = 0, skip = 0, used;
    uint8_t *bytes = malloc(io_size);

    bench_check(bytes != NULL, "allocate a buffer");
    do {
        ssize_t more = read(fd, bytes + have, io_size - have);

        bench_check(more > 0, "read");
        have += (size_t)more;
        if (skip >= have) {
            skip -= have;
            have = 0;
            continue;
        }
        flow->total += wire_count_frames(bytes + skip, have - skip, &used);
        used += skip;
        skip = used > have ? used - have : 0;
        have = used < have ? have - used : 0;
        /* At most eight bytes, of a head that came in two pieces. */
        memmove(bytes, bytes + used, have);
    } while (!bench_window_step(&flow->window, flow->total));
    free(bytes);
}

static void run_stream(const struct job *job)
{
    struct bench_peer peer;
    struct flow flow = {.job = job, .window = job->window};
    char endpoint[BENCH_WORD_MAX];

    if (bench_peer_fork(&peer, job->place))
        stream_write(job, &peer);
    int listener = wire_listen(job->transport, endpoint, sizeof endpoint);
    bench_peer_tell(&peer, endpoint);
    int fd = wire_accept(listener);
    uint64_t cpu_ns = bench_cpu_ns(getpid()) + bench_cpu_ns(peer.process);
    stream_read(&flow, fd);
    cpu_ns = bench_cpu_ns(getpid()) + bench_cpu_ns(peer.process) - cpu_ns;
    close(fd);
    bench_peer_tell(&peer, "end");
    bench_peer_join(&peer);
    close(listener);
    flow_report(&flow, cpu_ns);
}

static void *ring_writer(void *argument)
{
    struct job *job = argument;
    struct ring_slot message = {{0}};
    uint64_t pending = 0;

    bench_pin(job->place, 1);
    while (!atomic_load_explicit(&job->must_stop, memory_order_relaxed)) {
        struct ring_slot *slot = ring_put(job->ring);

        if (!slot)
            continue;
        message.words[0]++;
        if (job->malloc_size) {
            char *memory = malloc(job->malloc_size);

            bench_check(memory != NULL, "allocate a body");
            memory[0] = 1;
            message.words[1] = (uintptr_t)memory;
        }
        *slot = message;
        if (++pending % job->batch == 0)
            ring_publish(job->ring);
    }
    return NULL;
}

static void ring_read(struct flow *flow)
{
    struct ring *ring = flow->job->ring;
    size_t batch = flow->job->batch;

    do {
        for (unsigned i = 0; i < 4096; i++) {
            struct ring_slot *slot;

            do {
                slot = ring_take(ring);
            } while (!slot);
            flow->total++;
            bench_check(slot->words[0] == flow->total, "read in order");
            if (slot->words[1]) {
                char *memory = (char *)(uintptr_t)slot->words[1];

                bench_check(memory[0] == 1, "read what was written");
                free(memory);
            }
            if (flow->total % batch == 0)
                ring_give_back(ring);
        }
    } while (!bench_window_step(&flow->window, flow->total));
}

static void run_ring(struct job *job)
{
    struct flow flow = {.job = job, .window = job->window};
    pthread_t writer;

    job->ring = bench_shared(sizeof *job->ring);
    bench_pin(job->place, 0);
    bench_check(pthread_create(&writer, NULL, ring_writer, job) == 0,
                "pthread_create");
    uint64_t cpu_ns = bench_cpu_ns(getpid());
    ring_read(&flow);
    cpu_ns = bench_cpu_ns(getpid()) - cpu_ns;
    atomic_store(&job->must_stop, true);
    pthread_join(writer, NULL);
    flow_report(&flow, cpu_ns);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .congestion = bench_text(&args, "cc", "reno"),
        .malloc_size = bench_size(&args, "malloc", 0),
        .size = bench_size(&args, "size", 64),
        .io_size = bench_size(&args, "io", 65536),
        .batch = bench_size(&args, "batch", 64),
        .window = bench_window_of(&args),
    };

    if (bench_is(&args, "what", "stream", "ring"))
        run_ring(&job);
    else
        run_stream(&job);
    return 0;
}
