/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The demo's first station: cuts standard input into pieces and deals them
 * out to the workers.
 *
 *     ventilator ENDPOINT WORKERS BYTES <text
 *
 * Binds a PUSH socket to ENDPOINT, which may have a wildcard, and writes
 * the address it got to standard output. Starts when WORKERS workers are
 * there. A piece has about BYTES bytes.
 */
#include "pieces.h"

#include <unistd.h>

#include <zmq.h>

static void die(const char *what)
{
    fprintf(stderr, "ventilator: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

/* A socket's monitor is a PAIR socket from which its events can be read:
 * two frames each, the number of the event and the endpoint. */
static void *watch_workers(void *ctx, void *push)
{
    void *events;

    if (zmq_socket_monitor(push, "inproc://events",
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0)
        die("monitor");
    events = zmq_socket(ctx, ZMQ_PAIR);
    if (!events || zmq_connect(events, "inproc://events") != 0)
        die("monitor");
    return events;
}

static void wait_for_workers(void *events, long count)
{
    char frame[256];

    while (count-- > 0) {
        for (int i = 0; i < 2; i++) {
            if (zmq_recv(events, frame, sizeof frame, 0) < 0)
                die("waiting for workers");
        }
    }
    zmq_close(events);
}

static void print_address(void *socket)
{
    char address[256];
    size_t size = sizeof address;

    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size) != 0)
        die("address");
    puts(address);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct pieces pieces = {0};
    const char *piece;
    size_t size, piece_size;
    long workers;
    void *ctx, *push, *events;

    if (argc != 4) {
        fputs("usage: ventilator ENDPOINT WORKERS BYTES <text\n", stderr);
        return 2;
    }
    workers = strtol(argv[2], NULL, 10);
    piece_size = strtoul(argv[3], NULL, 10);
    ctx = zmq_ctx_new();
    push = ctx ? zmq_socket(ctx, ZMQ_PUSH) : NULL;
    if (!push)
        die("socket");
    events = watch_workers(ctx, push);
    if (zmq_bind(push, argv[1]) != 0)
        die(argv[1]);
    print_address(push);
    wait_for_workers(events, workers);
    while (pieces_next(&pieces, piece_size, &piece, &size)) {
        if (zmq_send(push, piece, size, 0) < 0)
            die("send");
    }
    free(pieces.buffer);
    zmq_close(push);
    zmq_ctx_term(ctx); /* returns when the workers have taken the last one */
    return ferror(stdin) ? 1 : 0;
}
