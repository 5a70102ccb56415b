/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The machine's own round trip: 64 bytes there and back over a bare
 * descriptor, parked in read() or polling it without pause, or through one
 * cache line each way; and the time from connect() to the first bytes.
 *
 *     rawtrip what=trip transport=tcp place=split wait=park|busy
 *     rawtrip what=trip transport=inproc
 *     rawtrip what=connect transport=tcp
 *         count=1000  that many round trips over descriptors, not a time
 *
 * Thread: two processes, or two threads for inproc, or one for connect.
 * Owns:   its descriptors.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bench.h"
#include "lib/peer.h"
#include "lib/wire.h"

#define SAMPLES_MAX 8000000
#define SIZE_MAX_BYTES 65536

struct job {
    const char *transport;
    const char *place;
    size_t size;
    bool is_busy;
    uint64_t run_ns;
    size_t count; /* 0: as long as run_ns says */
    struct bench_samples samples;
};

/* Two cache lines, one for each direction. */
struct lines {
    _Alignas(64) _Atomic uint64_t there;
    _Alignas(64) _Atomic uint64_t back;
};

static bool receive(const struct job *job, int fd, char *body)
{
    for (size_t have = 0; have < job->size;) {
        ssize_t more = recv(fd, body + have, job->size - have,
                            job->is_busy ? MSG_DONTWAIT : 0);

        if (more == 0)
            return false;
        bench_check(more > 0 || errno == EAGAIN, "recv");
        have += more > 0 ? (size_t)more : 0;
    }
    return true;
}

static void run_child(const struct job *job, struct bench_peer *peer)
{
    char word[BENCH_WORD_MAX], body[SIZE_MAX_BYTES];

    bench_peer_hear(peer, word);
    int fd = wire_connect(word);
    while (receive(job, fd, body))
        wire_write(fd, body, job->size);
    exit(0);
}

static void run_descriptors(struct job *job)
{
    struct bench_peer peer;
    char endpoint[BENCH_WORD_MAX], body[SIZE_MAX_BYTES] = {0};

    if (bench_peer_fork(&peer, job->place))
        run_child(job, &peer);
    int listener = wire_listen(job->transport, endpoint, sizeof endpoint);
    bench_peer_tell(&peer, endpoint);
    int fd = wire_accept(listener);
    uint64_t start_ns = bench_now_ns(), before_ns = start_ns;
    while (job->count ? job->samples.count < job->count
                      : before_ns < start_ns + job->run_ns) {
        wire_write(fd, body, job->size);
        bench_check(receive(job, fd, body), "the echo's end");
        uint64_t now_ns = bench_now_ns();
        bench_samples_add(&job->samples, now_ns - before_ns);
        before_ns = now_ns;
    }
    close(fd);
    close(listener);
    bench_peer_join(&peer);
}

static void *lines_echo(void *argument)
{
    struct lines *lines = argument;
    uint64_t seen = 0, now;

    bench_pin("split", 1);
    do {
        now = atomic_load_explicit(&lines->there, memory_order_acquire);
        if (now != seen)
            atomic_store_explicit(&lines->back, now, memory_order_release);
        seen = now;
    } while (now != UINT64_MAX);
    return NULL;
}

static void run_lines(struct job *job)
{
    struct lines lines = {0};
    pthread_t thread;

    bench_pin("split", 0);
    bench_check(pthread_create(&thread, NULL, lines_echo, &lines) == 0,
                "pthread_create");
    uint64_t start_ns = bench_now_ns(), before_ns = start_ns;
    for (uint64_t trip = 1; before_ns < start_ns + job->run_ns; trip++) {
        atomic_store_explicit(&lines.there, trip, memory_order_release);
        while (atomic_load_explicit(&lines.back, memory_order_acquire) != trip)
            ;
        uint64_t now_ns = bench_now_ns();
        bench_samples_add(&job->samples, now_ns - before_ns);
        before_ns = now_ns;
    }
    atomic_store(&lines.there, UINT64_MAX);
    pthread_join(thread, NULL);
}

static void run_connect(struct job *job)
{
    char endpoint[BENCH_WORD_MAX], body[SIZE_MAX_BYTES] = {0};
    struct linger reset = {1, 0};

    bench_pin(job->place, 0);
    int listener = wire_listen(job->transport, endpoint, sizeof endpoint);
    uint64_t end_ns = bench_now_ns() + job->run_ns;
    while (bench_now_ns() < end_ns) {
        uint64_t before_ns = bench_now_ns();
        int near = wire_connect(endpoint);
        wire_write(near, body, job->size);
        int far = wire_accept(listener);
        wire_read(far, body, job->size);
        bench_samples_add(&job->samples, bench_now_ns() - before_ns);
        /* No TIME_WAIT, or the ports would run out. */
        setsockopt(near, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(near);
        close(far);
    }
    close(listener);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    struct job job = {
        .transport = bench_text(&args, "transport", "tcp"),
        .place = bench_text(&args, "place", "split"),
        .size = bench_size(&args, "size", 64),
        .is_busy = bench_is(&args, "wait", "park", "busy"),
        .count = bench_size(&args, "count", 0),
        .run_ns = (uint64_t)(bench_number(&args, "seconds", 0.5) * 1e9),
    };

    bench_check(job.size > 0 && job.size <= SIZE_MAX_BYTES, "check the size");
    bench_samples_init(&job.samples, SAMPLES_MAX);
    if (bench_is(&args, "what", "trip", "connect"))
        run_connect(&job);
    else if (strcmp(job.transport, "inproc") == 0)
        run_lines(&job);
    else
        run_descriptors(&job);
    printf("p50_us=%.4g p99_us=%.4g trips=%zu\n",
           bench_quantile(job.samples.values, job.samples.count, 0.5) / 1e3,
           bench_quantile(job.samples.values, job.samples.count, 0.99) / 1e3,
           job.samples.count);
    return 0;
}
