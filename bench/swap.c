/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A swap on the disk: how fast messages go there while nobody reads, what that
 * takes of the memory, and how fast they come when somebody does.
 *
 *     swap size=1024 megabytes=512              through ZMQ_SWAP
 *     swap what=append size=1024 megabytes=512  write (2) at 64 KiB, alone
 *
 * `rate` and `drain` are messages each second, `bytes` is by how much the
 * resident memory has grown when all of them wait. The file is in the current
 * directory's file system for both (CERO_SWAP_DIR).
 *
 * Thread: one, and the library's.
 * Owns:   its sockets.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "ceromq.h"
#include "lib/bench.h"
#include "lib/link.h"

#define BLOCK 65536

static double seconds_since(uint64_t start_ns)
{
    return (double)(bench_now_ns() - start_ns) / 1e9;
}

/* The same bytes, as a program would write a log of them. */
static void append(size_t size, uint64_t count)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    static char block[BLOCK];
    uint64_t left = count * size;

    bench_check(fd >= 0, "open a file");
    uint64_t start_ns = bench_now_ns();
    while (left > 0) {
        size_t part = left < BLOCK ? (size_t)left : BLOCK;

        bench_check(write(fd, block, part) == (ssize_t)part, "write");
        left -= part;
    }
    printf("rate=%.0f\n", (double)count / seconds_since(start_ns));
    close(fd);
}

static void set_swap(void *push, uint64_t bytes)
{
    int64_t limit = (int64_t)bytes;
    int mark = 1000;

    bench_check(zmq_setsockopt(push, ZMQ_SWAP, &limit, sizeof limit) == 0,
                "ZMQ_SWAP");
    bench_check(zmq_setsockopt(push, CERO_SWAP_DIR, ".", 1) == 0,
                "CERO_SWAP_DIR");
    zmq_setsockopt(push, ZMQ_SNDHWM, &mark, sizeof mark);
}

static void swap(const char *transport, size_t size, uint64_t count)
{
    void *context = bench_context(1);
    void *push = bench_socket(context, ZMQ_PUSH);
    void *pull = bench_socket(context, ZMQ_PULL);
    char endpoint[BENCH_ENDPOINT_MAX];
    char *body = calloc(1, size);

    bench_check(body != NULL, "memory");
    set_swap(push, count * (size + 16));
    bench_bind(push, transport, endpoint);
    bench_connect(pull, endpoint);
    /* One that arrives, so that all is connected. */
    bench_check(zmq_send(push, body, size, 0) == (int)size, "zmq_send");
    bench_check(zmq_recv(pull, body, size, 0) == (int)size, "zmq_recv");
    size_t resident = bench_resident_bytes();
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < count; i++)
        bench_check(zmq_send(push, body, size, ZMQ_DONTWAIT) == (int)size,
                    "zmq_send");
    double filling = seconds_since(start_ns);
    size_t grown = bench_resident_bytes() - resident;
    start_ns = bench_now_ns();
    for (uint64_t i = 0; i < count; i++)
        bench_check(zmq_recv(pull, body, size, 0) == (int)size, "zmq_recv");
    printf("rate=%.0f drain=%.0f drain_s=%.4g bytes=%zu\n",
           (double)count / filling, (double)count / seconds_since(start_ns),
           seconds_since(start_ns), grown);
    free(body);
    bench_end(push, NULL);
    bench_end(pull, context);
}

int main(int argc, char **argv)
{
    struct bench_args args = {argc, argv};
    size_t size = bench_size(&args, "size", 1024);
    uint64_t count =
        (uint64_t)(bench_number(&args, "megabytes", 256) * 1e6) / size;

    if (bench_is(&args, "what", "swap", "append"))
        append(size, count);
    else
        swap(bench_text(&args, "transport", "inproc"), size, count);
    return 0;
}
