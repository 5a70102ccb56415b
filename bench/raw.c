/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the machine itself gives: frames over a bare descriptor, written and
 * read in batches, and a bare ring between two threads. No library can be
 * faster than this, and the distance to it is what a library costs.
 *
 *     raw what=stream transport=tcp size=64 place=split io=65536
 *     raw what=ring batch=64
 *
 * Thread: stream: one per process; ring: two.
 * Owns:   its buffers and descriptors.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bench.h"
#include "lib/peer.h"
#include "lib/ring.h"
#include "lib/wire.h"

struct job {
    const char *transport;
    const char *place;
    size_t size;
    size_t io_size;
    size_t batch;
    uint64_t warm_ns;
    uint64_t count_ns;
    struct ring *ring;
    atomic_bool must_stop;
};

/* The counted part of a flow of messages, as in throughput.c. */
struct window {
    const struct job *job;
    uint64_t first_ns;
    uint64_t start_ns;
    uint64_t start_count;
    uint64_t total;
    uint64_t elapsed_ns;
};

/* Takes note of the time after more messages; true when it is over. */
static bool window_step(struct window *window)
{
    uint64_t now_ns = bench_now_ns();

    if (!window->first_ns)
        window->first_ns = now_ns;
    if (now_ns < window->first_ns + window->job->warm_ns)
        return false;
    if (!window->start_ns) {
        window->start_ns = now_ns;
        window->start_count = window->total;
    }
    window->elapsed_ns = now_ns - window->start_ns;
    return window->elapsed_ns >= window->job->count_ns;
}

static void window_report(const struct window *window, uint64_t cpu_ns)
{
    uint64_t messages = window->total - window->start_count;

    printf("rate=%.6g cpu_us=%.6g messages=%llu seconds=%.4f\n",
           (double)messages * 1e9 / (double)window->elapsed_ns,
           (double)cpu_ns / 1e3 / (double)window->total,
           (unsigned long long)messages, (double)window->elapsed_ns / 1e9);
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

static void stream_read(struct window *window, int fd)
{
    size_t io_size = window->job->io_size, have = 0, skip = 0, used;
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
        window->total += wire_count_frames(bytes + skip, have - skip, &used);
        used += skip;
        skip = used > have ? used - have : 0;
        have = used < have ? have - used : 0;
        /* At most eight bytes, of a head that came in two pieces. */
        memmove(bytes, bytes + used, have);
    } while (!window_step(window));
    free(bytes);
}

static void run_stream(const struct job *job)
{
    struct bench_peer peer;
    struct window window = {.job = job};
    char endpoint[BENCH_WORD_MAX];

    if (bench_peer_fork(&peer, job->place))
        stream_write(job, &peer);
    int listener = wire_listen(job->transport, endpoint, sizeof endpoint);
    bench_peer_tell(&peer, endpoint);
    int fd = wire_accept(listener);
    uint64_t cpu_ns = bench_cpu_ns(getpid()) + bench_cpu_ns(peer.process);
    stream_read(&window, fd);
    cpu_ns = bench_cpu_ns(getpid()) + bench_cpu_ns(peer.process) - cpu_ns;
    close(fd);
    bench_peer_tell(&peer, "end");
    bench_peer_join(&peer);
    close(listener);
    window_report(&window, cpu_ns);
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
        *slot = message;
        if (++pending % job->batch == 0)
            ring_publish(job->ring);
    }
    return NULL;
}

static void ring_read(struct window *window)
{
    struct ring *ring = window->job->ring;
    size_t batch = window->job->batch;

    do {
        for (unsigned i = 0; i < 4096; i++) {
            struct ring_slot *slot;

            do {
                slot = ring_take(ring);
            } while (!slot);
            window->total++;
            bench_check(slot->words[0] == window->total, "read in order");
            if (window->total % batch == 0)
                ring_give_back(ring);
        }
    } while (!window_step(window));
}

static void run_ring(struct job *job)
{
    struct window window = {.job = job};
    pthread_t writer;

    job->ring = bench_shared(sizeof *job->ring);
    bench_pin(job->place, 0);
    bench_check(pthread_create(&writer, NULL, ring_writer, job) == 0,
                "pthread_create");
    uint64_t cpu_ns = bench_cpu_ns(getpid());
    ring_read(&window);
    cpu_ns = bench_cpu_ns(getpid()) - cpu_ns;
    atomic_store(&job->must_stop, true);
    pthread_join(writer, NULL);
    window_report(&window, cpu_ns);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .size = bench_size(&args, "size", 64),
        .io_size = bench_size(&args, "io", 65536),
        .batch = bench_size(&args, "batch", 64),
        .warm_ns = (uint64_t)(bench_number(&args, "warm", 0.15) * 1e9),
        .count_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
    };

    if (bench_is(&args, "what", "stream", "ring"))
        run_ring(&job);
    else
        run_stream(&job);
    return 0;
}
