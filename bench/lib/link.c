/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The few zmq.h calls that every measurement shares, each checked.
 *
 * Thread: the one that uses the socket.
 * Owns:   nothing.
 */
#include "lib/link.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/bench.h"

#define PATIENCE_MS 10000
#define SOCKETS_MAX 8192

void *bench_context(int io_threads)
{
    void *context = zmq_ctx_new();

    bench_check(context != NULL, "zmq_ctx_new");
    bench_check(zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads) == 0 &&
                    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, SOCKETS_MAX) == 0,
                "zmq_ctx_set");
    return context;
}

void *bench_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    int patience_ms = PATIENCE_MS, linger_ms = 0;

    bench_check(socket != NULL, "zmq_socket");
    bench_check(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms,
                               sizeof patience_ms) == 0 &&
                    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms,
                                   sizeof patience_ms) == 0 &&
                    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms,
                                   sizeof linger_ms) == 0,
                "zmq_setsockopt");
    return socket;
}

void bench_bind(void *socket, const char *transport,
                char endpoint[BENCH_ENDPOINT_MAX])
{
    bench_bind_nth(socket, transport, 0, endpoint);
}

void bench_bind_nth(void *socket, const char *transport, size_t number,
                    char endpoint[BENCH_ENDPOINT_MAX])
{
    size_t length = BENCH_ENDPOINT_MAX;

    if (strcmp(transport, "tcp") == 0)
        snprintf(endpoint, BENCH_ENDPOINT_MAX, "tcp://127.0.0.1:*");
    else if (strcmp(transport, "ipc") == 0)
        snprintf(endpoint, BENCH_ENDPOINT_MAX, "ipc://@cero-bench-%ld-%zu",
                 (long)getpid(), number);
    else
        snprintf(endpoint, BENCH_ENDPOINT_MAX, "inproc://bench-%zu", number);
    bench_check(zmq_bind(socket, endpoint) == 0, "zmq_bind");
    if (strcmp(transport, "tcp") == 0)
        bench_check(
            zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0,
            "zmq_getsockopt(ZMQ_LAST_ENDPOINT)");
}

void bench_connect(void *socket, const char *endpoint)
{
    bench_check(zmq_connect(socket, endpoint) == 0, "zmq_connect");
}

void bench_end(void *socket, void *context)
{
    if (socket)
        bench_check(zmq_close(socket) == 0, "zmq_close");
    if (context)
        bench_check(zmq_ctx_term(context) == 0, "zmq_ctx_term");
}
