/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A swap on the disk: how fast messages go there while nobody reads, what that
 * takes of the memory, and how fast they come when somebody does.
 *
 *     swap size=1024 megabytes=512 mark=100     through ZMQ_SWAP
 *     swap what=append io=frames size=1024 ...  the same bytes, without it:
 *          io=frames   header and body of each message into a buffer of
 *                      256 KiB, which write (2) appends when it is full
 *          io=stdio    the same with fwrite (3)
 *          io=block    such a buffer again and again, of whatever is in it
 *     durable=1 sync_ms=-1|0|N                  as CERO_SWAP_DURABLE and
 *          CERO_SWAP_SYNC; append writes each message by itself, and syncs as
 *          often
 *
 * `rate` and `drain` are messages each second, to the disk and back, `bytes` is
 * by how much the resident memory has grown when all of them wait. Both sides
 * have a high-water mark of `mark`, or with budget=BYTES of so many bytes
 * together. The file is in the current directory's file system.
 *
 * Thread: one, and the library's; or one that syncs.
 * Owns:   its sockets, its file.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "ceromq.h"
#include "lib/bench.h"
#include "lib/link.h"

#define BLOCK 262144
#define READ_BLOCK 131072
#define HEADER_MAX 9

struct job {
    size_t size;
    uint64_t count;
    int mark;
    bool is_durable;
    int sync_ms;
    const char *io;
};

static double per_second(uint64_t count, uint64_t start_ns)
{
    return (double)count * 1e9 / (double)(bench_now_ns() - start_ns);
}

/* ---- the bare machine ------------------------------------------------- */

static int open_file(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    bench_check(fd >= 0, "open a file");
    return fd;
}

/* A frame as ZMTP has it, in front of its body. */
static size_t put_header(char *to, size_t size)
{
    if (size < 256) {
        to[0] = 0;
        to[1] = (char)size;
        return 2;
    }
    to[0] = 2;
    for (int i = 8; i > 0; i--, size >>= 8)
        to[i] = (char)size;
    return HEADER_MAX;
}

static void write_all(int fd, const char *data, size_t size)
{
    bench_check(write(fd, data, size) == (ssize_t)size, "write");
}

static void append_frames(int fd, const struct job *job, const char *body,
                          char *buffer)
{
    size_t used = 0;

    for (uint64_t i = 0; i < job->count; i++) {
        if (used + HEADER_MAX + job->size > BLOCK) {
            write_all(fd, buffer, used);
            used = 0;
        }
        used += put_header(buffer + used, job->size);
        memcpy(buffer + used, body, job->size);
        used += job->size;
    }
    write_all(fd, buffer, used);
}

static void append_stdio(int fd, const struct job *job, const char *body,
                         char *buffer)
{
    FILE *file = fdopen(dup(fd), "w");
    char header[HEADER_MAX];

    bench_check(file && setvbuf(file, buffer, _IOFBF, BLOCK) == 0, "fdopen");
    for (uint64_t i = 0; i < job->count; i++) {
        size_t size = put_header(header, job->size);

        fwrite(header, 1, size, file);
        fwrite(body, 1, job->size, file);
    }
    bench_check(fclose(file) == 0, "fclose");
}

static void append_blocks(int fd, const struct job *job, char *buffer)
{
    char header[HEADER_MAX];
    uint64_t left = job->count * (put_header(header, job->size) + job->size);

    while (left > 0) {
        size_t part = left < BLOCK ? (size_t)left : BLOCK;

        write_all(fd, buffer, part);
        left -= part;
    }
}

struct syncer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool is_over;
    int fd;
    int sync_ms;
};

static void *sync_now_and_then(void *arg)
{
    struct syncer *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->is_over) {
        struct timespec due;

        clock_gettime(CLOCK_REALTIME, &due);
        due.tv_nsec += (long)s->sync_ms % 1000 * 1000000;
        due.tv_sec += s->sync_ms / 1000 + due.tv_nsec / 1000000000;
        due.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&s->end, &s->lock, &due) == ETIMEDOUT)
            fdatasync(s->fd);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void append_durably(int fd, const struct job *job, const char *body,
                           char *buffer)
{
    struct syncer s = {.fd = fd, .sync_ms = job->sync_ms};

    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.end, NULL);
    if (job->sync_ms > 0)
        bench_check(pthread_create(&s.thread, NULL, sync_now_and_then, &s) == 0,
                    "pthread_create");
    for (uint64_t i = 0; i < job->count; i++) {
        size_t used = put_header(buffer, job->size);

        memcpy(buffer + used, body, job->size);
        write_all(fd, buffer, used + job->size);
        bench_check(job->sync_ms != 0 || fdatasync(fd) == 0, "fdatasync");
    }
    if (job->sync_ms <= 0)
        return;
    pthread_mutex_lock(&s.lock);
    s.is_over = true;
    pthread_cond_signal(&s.end);
    pthread_mutex_unlock(&s.lock);
    pthread_join(s.thread, NULL);
}

/* In blocks, from each of which the bodies are copied. */
static double read_back(int fd, const struct job *job, char *body, char *buffer)
{
    size_t whole = put_header(buffer, job->size) + job->size;
    uint64_t start_ns = bench_now_ns();
    off_t offset = 0;

    for (uint64_t left = job->count; left > 0;) {
        ssize_t size = pread(fd, buffer, READ_BLOCK, offset);

        bench_check(size >= (ssize_t)whole, "read");
        for (size_t at = 0; at + whole <= (size_t)size && left > 0; left--) {
            memcpy(body, buffer + at + whole - job->size, job->size);
            at += whole;
            offset += (off_t)whole;
        }
    }
    return per_second(job->count, start_ns);
}

/* A virtual machine may have to ask its host for memory that it has not used
 * before. So the page cache gets all of it once. */
static void warm_up(const struct job *job)
{
    char *buffer = calloc(1, BLOCK);
    int fd = open_file();

    bench_check(buffer != NULL, "memory");
    append_blocks(fd, job, buffer);
    close(fd);
    free(buffer);
}

static void append(const struct job *job)
{
    char *buffer = calloc(1, BLOCK);
    char *body = calloc(1, job->size);
    int fd = open_file();
    uint64_t start_ns = bench_now_ns();
    double rate, drain;

    bench_check(buffer && body && job->size + HEADER_MAX <= READ_BLOCK,
                "memory");
    if (job->is_durable)
        append_durably(fd, job, body, buffer);
    else if (strcmp(job->io, "stdio") == 0)
        append_stdio(fd, job, body, buffer);
    else if (strcmp(job->io, "block") == 0)
        append_blocks(fd, job, buffer);
    else
        append_frames(fd, job, body, buffer);
    rate = per_second(job->count, start_ns);
    drain = read_back(fd, job, body, buffer);
    printf("rate=%.0f drain=%.0f drain_s=%.4g\n", rate, drain,
           (double)job->count / drain);
    close(fd);
    free(body);
    free(buffer);
}

/* ---- the library ------------------------------------------------------ */

static void set(void *socket, int option, int value)
{
    bench_check(zmq_setsockopt(socket, option, &value, sizeof value) == 0,
                "zmq_setsockopt");
}

/* A durable one belongs to who connects. */
static void open_pair(const struct job *job, void *push, void *pull)
{
    int64_t limit = (int64_t)((job->count + 2) * (job->size + 16));
    char endpoint[BENCH_ENDPOINT_MAX];
    pid_t self = getpid();

    /* So that it does not find what a run that was ended has left. */
    bench_check(zmq_setsockopt(push, ZMQ_ROUTING_ID, &self, sizeof self) == 0,
                "ZMQ_ROUTING_ID");
    bench_check(zmq_setsockopt(push, ZMQ_SWAP, &limit, sizeof limit) == 0,
                "ZMQ_SWAP");
    bench_check(zmq_setsockopt(push, CERO_SWAP_DIR, ".", 1) == 0,
                "CERO_SWAP_DIR");
    if (job->is_durable) {
        set(push, CERO_SWAP_DURABLE, 1);
        set(push, CERO_SWAP_SYNC, job->sync_ms);
    }
    set(push, ZMQ_SNDHWM, job->mark);
    set(pull, ZMQ_RCVHWM, job->mark);
    bench_bind(pull, "inproc", endpoint);
    bench_connect(push, endpoint);
}

static void swap(const struct job *job)
{
    void *context = bench_context(1);
    void *push = bench_socket(context, ZMQ_PUSH);
    void *pull = bench_socket(context, ZMQ_PULL);
    char *body = calloc(1, job->size);
    int size = (int)job->size;
    size_t resident;
    uint64_t start_ns;
    double rate;

    bench_check(body != NULL, "memory");
    open_pair(job, push, pull);
    /* One that arrives, so that all is connected. */
    bench_check(zmq_send(push, body, job->size, 0) == size, "zmq_send");
    bench_check(zmq_recv(pull, body, job->size, 0) == size, "zmq_recv");
    resident = bench_resident_bytes();
    start_ns = bench_now_ns();
    for (uint64_t i = 0; i < job->count; i++)
        bench_check(zmq_send(push, body, job->size, ZMQ_DONTWAIT) == size,
                    "zmq_send");
    rate = per_second(job->count, start_ns);
    resident = bench_resident_bytes() - resident;
    start_ns = bench_now_ns();
    for (uint64_t i = 0; i < job->count; i++)
        bench_check(zmq_recv(pull, body, job->size, 0) == size, "zmq_recv");
    printf("rate=%.0f drain=%.0f drain_s=%.4g bytes=%zu\n", rate,
           per_second(job->count, start_ns),
           (double)(bench_now_ns() - start_ns) / 1e9, resident);
    free(body);
    bench_end(push, NULL);
    bench_end(pull, context);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    size_t size = bench_size(&args, "size", 1024);
    size_t budget = bench_size(&args, "budget", 0);
    struct job job = {
        .size = size,
        .count = (uint64_t)(bench_number(&args, "megabytes", 256) * 1e6) / size,
        .mark = budget ? (int)(budget / size / 2)
                       : (int)bench_number(&args, "mark", 100),
        .is_durable = bench_number(&args, "durable", 0) != 0,
        .sync_ms = (int)bench_number(&args, "sync_ms", -1),
        .io = bench_text(&args, "io", "frames"),
    };

    warm_up(&job);
    if (bench_is(&args, "what", "swap", "append"))
        append(&job);
    else
        swap(&job);
    return 0;
}
