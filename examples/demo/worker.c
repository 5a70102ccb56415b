/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The demo's middle station: takes pieces of text, counts what is in each,
 * passes the counts on.
 *
 *     worker NAME FROM TO
 *
 * Pulls from the ventilator at FROM, pushes to the sink at TO. SIGTERM
 * ends it. It runs on any libzmq.so.5, and says on which it did.
 */
#include "tally.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <zmq.h>

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
    (void)signal;
    stopped = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "worker: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

/* Only CeroMQ has cero_version. */
static void print_summary(const char *name, uint64_t count)
{
    bool is_ceromq = dlsym(RTLD_DEFAULT, "cero_version") != NULL;
    Dl_info library = {.dli_fname = "?"};
    int major, minor, patch;

    zmq_version(&major, &minor, &patch);
    dladdr(dlsym(RTLD_DEFAULT, "zmq_version"), &library);
    printf("worker %s: %" PRIu64 " pieces, on %s (zmq_version %d.%d.%d, "
           "%s cero_version, %s)\n",
           name, count, is_ceromq ? "CeroMQ" : "the system's libzmq", major,
           minor, patch, is_ceromq ? "has" : "no", library.dli_fname);
}

static void *connect_socket(void *ctx, int type, const char *endpoint)
{
    void *socket = zmq_socket(ctx, type);

    if (!socket || zmq_connect(socket, endpoint) != 0)
        die(endpoint);
    return socket;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    int wait_ms = 100; /* how often `stopped` is looked at when idle */
    int linger_ms = 0; /* when it is stopped, nobody waits for more */
    uint64_t count = 0;
    zmq_msg_t piece;
    void *ctx, *from, *to;

    if (argc != 4) {
        fputs("usage: worker NAME FROM TO\n", stderr);
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    ctx = zmq_ctx_new();
    if (!ctx)
        die("context");
    to = connect_socket(ctx, ZMQ_PUSH, argv[3]);
    from = connect_socket(ctx, ZMQ_PULL, argv[2]);
    zmq_setsockopt(to, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(from, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    zmq_msg_init(&piece);
    while (!stopped) {
        struct tally part;

        if (zmq_msg_recv(&piece, from, 0) < 0) {
            if (errno == EAGAIN || errno == EINTR)
                continue;
            die("receive");
        }
        part = tally_text(zmq_msg_data(&piece), zmq_msg_size(&piece));
        /* Both ends are on this machine: its own layout will do. */
        if (zmq_send(to, &part, sizeof part, 0) < 0 && errno != EINTR)
            die("send");
        count++;
    }
    zmq_msg_close(&piece);
    zmq_close(from);
    zmq_close(to);
    zmq_ctx_term(ctx);
    print_summary(argv[1], count);
    return 0;
}
