/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The demo's last station: adds up what the workers counted.
 *
 *     sink ENDPOINT BYTES
 *
 * Binds a PULL socket to ENDPOINT and is done when BYTES bytes of text
 * have been counted. Progress and rate go to stderr, the result to
 * standard output.
 */
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

enum { SILENCE_MS_MAX = 20000 };

static void die(const char *what)
{
    fprintf(stderr, "\nsink: %s: %s\n", what,
            errno == EAGAIN ? "nothing came any more"
                            : zmq_strerror(zmq_errno()));
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A bar on a terminal, once every tenth of a second. */
static void show_progress(uint64_t bytes, uint64_t total, double seconds)
{
    static const char bar[] = "########################################";
    int width = total ? (int)((double)bytes / (double)total * 40) : 40;

    if (width > 40)
        width = 40;
    fprintf(stderr, "\r  [%-40.*s] %3.0f %%  %6.1f MB/s ", width, bar,
            total ? 100.0 * (double)bytes / (double)total : 100.0,
            (double)bytes / 1e6 / seconds);
}

int main(int argc, char **argv)
{
    bool is_terminal = isatty(STDERR_FILENO);
    int wait_ms = SILENCE_MS_MAX;
    struct tally sum = {0};
    struct tally part;
    uint64_t total, count = 0;
    double start = 0, shown = 0, seconds;
    void *ctx, *pull;

    if (argc != 3) {
        fputs("usage: sink ENDPOINT BYTES\n", stderr);
        return 2;
    }
    total = strtoull(argv[2], NULL, 10);
    ctx = zmq_ctx_new();
    pull = ctx ? zmq_socket(ctx, ZMQ_PULL) : NULL;
    if (!pull || zmq_bind(pull, argv[1]) != 0)
        die(argv[1]);
    zmq_setsockopt(pull, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    for (; sum.bytes < total; count++) {
        if (zmq_recv(pull, &part, sizeof part, 0) != (int)sizeof part)
            die("receive");
        tally_add(&sum, &part);
        if (count == 0)
            start = now();
        if (is_terminal && now() - shown > 0.1) {
            shown = now();
            show_progress(sum.bytes, total, shown - start + 1e-6);
        }
    }
    seconds = now() - start + 1e-6;
    if (is_terminal) {
        show_progress(sum.bytes, total, seconds);
        fputc('\n', stderr);
    }
    fprintf(stderr,
            "sink: %" PRIu64 " pieces, %.1f MB in %.2f s: "
            "%.0f MB/s, %.0f messages/s on each of the two hops\n",
            count, (double)sum.bytes / 1e6, seconds,
            (double)sum.bytes / 1e6 / seconds, (double)count / seconds);
    tally_print(&sum);
    zmq_close(pull);
    zmq_ctx_term(ctx);
    return 0;
}
