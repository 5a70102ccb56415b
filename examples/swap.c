/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Readings of a meter reach the collector, whoever of the two is away, and
 * however it went (docs/swap.md).
 *
 *     swap meter ENDPOINT DIRECTORY FIRST LAST
 *     swap collector ENDPOINT LAST
 *
 * The meter sends the numbers FIRST to LAST and ends at once, without waiting
 * for anybody: what the collector has not got waits in DIRECTORY, and the next
 * meter sends it first. The collector prints each number once, until it has
 * had LAST: what comes a second time, because a meter was killed, it knows by
 * the number.
 */
#include <ceromq.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *what, int rc)
{
    if (rc != -1)
        return;
    fprintf(stderr, "swap: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void meter(void *push, char **argv)
{
    int64_t bytes = 1 << 30;
    int on = 1, off = 0;
    long last = strtol(argv[5], NULL, 10);

    check("swap", zmq_setsockopt(push, ZMQ_SWAP, &bytes, sizeof bytes));
    check("directory",
          zmq_setsockopt(push, CERO_SWAP_DIR, argv[3], strlen(argv[3])));
    check("durable", zmq_setsockopt(push, CERO_SWAP_DURABLE, &on, sizeof on));
    check("linger", zmq_setsockopt(push, ZMQ_LINGER, &off, sizeof off));
    check("connect", zmq_connect(push, argv[2]));
    for (long number = strtol(argv[4], NULL, 10); number <= last; number++) {
        char text[32];
        int size = snprintf(text, sizeof text, "%ld", number);

        check("send", zmq_send(push, text, (size_t)size, 0));
    }
}

static void collector(void *pull, char **argv)
{
    long last = strtol(argv[3], NULL, 10);
    long had = 0;

    check("bind", zmq_bind(pull, argv[2]));
    while (had < last) {
        char text[32] = "";
        long number;

        check("receive", zmq_recv(pull, text, sizeof text - 1, 0));
        number = strtol(text, NULL, 10);
        if (number <= had)
            continue;
        had = number;
        printf("%ld\n", number);
    }
}

int main(int argc, char **argv)
{
    void *ctx = zmq_ctx_new();
    void *socket;

    if (argc == 6 && strcmp(argv[1], "meter") == 0) {
        socket = zmq_socket(ctx, ZMQ_PUSH);
        meter(socket, argv);
    } else if (argc == 4 && strcmp(argv[1], "collector") == 0) {
        socket = zmq_socket(ctx, ZMQ_PULL);
        collector(socket, argv);
    } else {
        fprintf(stderr, "usage: swap meter ENDPOINT DIRECTORY FIRST LAST\n"
                        "       swap collector ENDPOINT LAST\n");
        return 2;
    }
    zmq_close(socket);
    zmq_ctx_term(ctx);
    return 0;
}
