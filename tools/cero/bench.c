/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero bench`: a quick look at throughput and latency between two threads
 * of this process. For figures to compare with others, pinned and
 * repeated, there is `make bench`.
 *
 * Thread: the main thread receives (throughput) or asks (latency); a
 * second one, bench_far_end, sends or answers with the far end's socket,
 * which is the main thread's again when it has ended.
 * Owns: the context, both sockets.
 */
#include "cero.h"
#include "link.h"
#include "meter.h"
#include "options.h"
#include "stop.h"

#include <argp.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

struct bench_options {
    bool wants_throughput;
    bool wants_latency;
    const char *endpoint;
    size_t size;
    uint64_t count; /* 0: what suits the measurement */
};

struct bench {
    const struct bench_options *options;
    const char *name;
    uint64_t count;
    void *ctx;
    void *near_end;
    void *far_end;
    int (*run_far_end)(struct bench *bench);
};

enum {
    BENCH_THROUGHPUT_BYTES = 1 << 30, /* as much as is sent at most... */
    BENCH_THROUGHPUT_COUNT = 2000000, /* ...and so many messages */
    BENCH_LATENCY_COUNT = 20000,
    BENCH_LATENCY_WARM_UP = 500
};

static int bench_send(struct bench *bench)
{
    void *body = calloc(1, bench->options->size + 1);
    int rc = 0;

    if (!body)
        return -ENOMEM;
    /* One more than is counted: the first one starts the clock. */
    for (uint64_t i = 0; i <= bench->count && rc == 0; i++) {
        if (zmq_send(bench->far_end, body, bench->options->size, 0) < 0)
            rc = -errno;
    }
    free(body);
    return rc;
}

static int bench_answer(struct bench *bench)
{
    uint64_t count = bench->count + BENCH_LATENCY_WARM_UP;
    zmq_msg_t message;
    int rc = 0;

    zmq_msg_init(&message);
    for (uint64_t i = 0; i < count && rc == 0; i++) {
        if (zmq_msg_recv(&message, bench->far_end, 0) < 0 ||
            zmq_msg_send(&message, bench->far_end, 0) < 0)
            rc = -errno;
    }
    zmq_msg_close(&message);
    return rc;
}

static void *bench_far_end(void *arg)
{
    struct bench *bench = arg;
    int rc = bench->run_far_end(bench);

    if (rc != 0 && rc != -ETERM)
        link_warn(-rc, "the far end failed", NULL);
    if (rc != 0)
        zmq_ctx_shutdown(bench->ctx); /* so that the near end stops, too */
    return NULL;
}

static int bench_measure_throughput(struct bench *bench)
{
    zmq_msg_t message;
    int64_t start_ns = 0;
    double seconds;
    char rate[32];
    char bytes[32];
    int rc = 0;

    zmq_msg_init(&message);
    for (uint64_t i = 0; i <= bench->count && rc == 0; i++) {
        if (zmq_msg_recv(&message, bench->near_end, 0) < 0)
            rc = -errno;
        else if (stop_signal())
            rc = -EINTR;
        if (i == 0)
            start_ns = meter_now_ns();
    }
    zmq_msg_close(&message);
    if (rc != 0)
        return rc;
    seconds = (double)(meter_now_ns() - start_ns) / 1e9;
    printf("%s msg/s, %s/s; %llu messages in %.3f s\n",
           meter_human(rate, (double)bench->count / seconds),
           meter_human_bytes(bytes, (double)bench->count *
                                        (double)bench->options->size / seconds),
           (unsigned long long)bench->count, seconds);
    return 0;
}

static int bench_compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* `percent` of all round trips were at most this long. */
static double bench_percentile_us(const int64_t *sorted_ns, uint64_t count,
                                  unsigned percent)
{
    uint64_t index = count * percent / 100;

    return (double)sorted_ns[index < count ? index : count - 1] / 1e3;
}

static void bench_print_latency(int64_t *round_trips_ns, uint64_t count)
{
    qsort(round_trips_ns, count, sizeof *round_trips_ns, bench_compare);
    printf("round trip p50 %.1f us, p90 %.1f us, p99 %.1f us, max %.1f us; "
           "%llu of them\n",
           bench_percentile_us(round_trips_ns, count, 50),
           bench_percentile_us(round_trips_ns, count, 90),
           bench_percentile_us(round_trips_ns, count, 99),
           bench_percentile_us(round_trips_ns, count, 100),
           (unsigned long long)count);
}

static int bench_measure_latency(struct bench *bench)
{
    uint64_t count = bench->count + BENCH_LATENCY_WARM_UP;
    int64_t *round_trips_ns = calloc(count, sizeof *round_trips_ns);
    void *body = calloc(1, bench->options->size + 1);
    size_t size = bench->options->size;
    int rc = round_trips_ns && body ? 0 : -ENOMEM;

    for (uint64_t i = 0; i < count && rc == 0; i++) {
        int64_t start_ns = meter_now_ns();

        if (zmq_send(bench->near_end, body, size, 0) < 0 ||
            zmq_recv(bench->near_end, body, size, 0) < 0)
            rc = -errno;
        else if (stop_signal())
            rc = -EINTR;
        round_trips_ns[i] = meter_now_ns() - start_ns;
    }
    if (rc == 0)
        bench_print_latency(round_trips_ns + BENCH_LATENCY_WARM_UP,
                            bench->count);
    free(body);
    free(round_trips_ns);
    return rc;
}

/* Both ends exist before the far thread starts, so that only running it
 * can fail there. */
static int bench_open(struct bench *bench, int near_type, int far_type)
{
    const char *endpoint = bench->options->endpoint;
    int linger_ms = 0; /* only a broken run leaves something behind */
    char bound[1024];
    size_t size = sizeof bound;

    bench->ctx = zmq_ctx_new();
    if (!bench->ctx)
        return -errno;
    bench->near_end = zmq_socket(bench->ctx, near_type);
    bench->far_end = zmq_socket(bench->ctx, far_type);
    if (!bench->near_end || !bench->far_end)
        return -errno;
    zmq_setsockopt(bench->near_end, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(bench->far_end, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (zmq_bind(bench->near_end, endpoint) != 0 ||
        zmq_getsockopt(bench->near_end, ZMQ_LAST_ENDPOINT, bound, &size) != 0 ||
        zmq_connect(bench->far_end, bound) != 0)
        return -errno;
    return 0;
}

/* Signals are for the main thread, whose blocking calls they interrupt. */
static int bench_start_far_end(struct bench *bench, pthread_t *thread)
{
    sigset_t all;
    sigset_t before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(thread, NULL, bench_far_end, bench);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

/* The far end goes on until it is done or the context is shut down. */
static int bench_measure(struct bench *bench,
                         int (*measure)(struct bench *bench))
{
    pthread_t thread;
    int rc;

    printf("%-10s  %s  %zu B  ", bench->name, bench->options->endpoint,
           bench->options->size);
    fflush(stdout);
    rc = bench_start_far_end(bench, &thread);
    if (rc != 0)
        return rc;
    rc = measure(bench);
    if (rc != 0) {
        putchar('\n');
        zmq_ctx_shutdown(bench->ctx);
    }
    pthread_join(thread, NULL);
    return rc;
}

static void bench_close(struct bench *bench)
{
    void *sockets[] = {bench->near_end, bench->far_end};

    for (int i = 0; i < 2; i++) {
        if (sockets[i])
            zmq_close(sockets[i]);
    }
    while (bench->ctx && zmq_ctx_term(bench->ctx) != 0 && errno == EINTR)
        continue;
}

static int bench_run_one(struct bench *bench, int near_type, int far_type,
                         int (*measure)(struct bench *bench))
{
    int rc = bench_open(bench, near_type, far_type);

    if (rc != 0) {
        link_warn(-rc, "cannot use", bench->options->endpoint);
    } else {
        rc = bench_measure(bench, measure);
        if (rc != 0 && !stop_signal())
            link_warn(-rc, bench->name, NULL);
    }
    bench_close(bench);
    return rc;
}

static int bench_throughput(const struct bench_options *options)
{
    uint64_t fitting = BENCH_THROUGHPUT_BYTES / (options->size + 1);
    struct bench bench = {
        .options = options,
        .name = "throughput",
        .count = options->count,
        .run_far_end = bench_send,
    };

    if (bench.count == 0) {
        bench.count = fitting < BENCH_THROUGHPUT_COUNT ? fitting + 1
                                                       : BENCH_THROUGHPUT_COUNT;
    }
    return bench_run_one(&bench, ZMQ_PULL, ZMQ_PUSH, bench_measure_throughput);
}

static int bench_latency(const struct bench_options *options)
{
    struct bench bench = {
        .options = options,
        .name = "latency",
        .count = options->count ? options->count : BENCH_LATENCY_COUNT,
        .run_far_end = bench_answer,
    };

    return bench_run_one(&bench, ZMQ_PAIR, ZMQ_PAIR, bench_measure_latency);
}

static error_t bench_parse(int key, char *arg, struct argp_state *state)
{
    static const struct {
        const char *name;
        const char *endpoint;
    } transports[] = {{"inproc", "inproc://bench"},
                      {"ipc", "ipc://*"},
                      {"tcp", "tcp://127.0.0.1:*"}};
    struct bench_options *options = state->input;

    switch (key) {
    case 'n':
        options->count =
            (uint64_t)options_number(state, "--count", arg, 1, 1000000000);
        return 0;
    case 's':
        options->size =
            (size_t)options_number(state, "--size", arg, 0, INT_MAX);
        return 0;
    case 'e':
        options->endpoint = arg;
        return 0;
    case 't':
        for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
            if (strcmp(arg, transports[i].name) == 0) {
                options->endpoint = transports[i].endpoint;
                return 0;
            }
        }
        argp_error(state, "--transport is inproc, ipc or tcp, not '%s'", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (strcmp(arg, "throughput") == 0)
            options->wants_throughput = true;
        else if (strcmp(arg, "latency") == 0)
            options->wants_latency = true;
        else
            argp_error(state, "'%s' is neither throughput nor latency", arg);
        return 0;
    case ARGP_KEY_NO_ARGS:
        options->wants_throughput = options->wants_latency = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int bench_run(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"transport", 't', "NAME", 0, "inproc, ipc or tcp (default)", 0},
        {"endpoint", 'e', "ENDPOINT", 0, "An endpoint of your own", 0},
        {"size", 's', "BYTES", 0, "Of each message (64)", 0},
        {"count", 'n', "N", 0, "Messages, or round trips", 0},
        {0}};
    static const struct argp argp = {
        .options = table,
        .parser = bench_parse,
        .args_doc = "[throughput] [latency]",
        .doc = "Measure how fast messages move between two threads of this "
               "process, and how long a round trip takes.",
    };
    struct bench_options options = {
        .endpoint = "tcp://127.0.0.1:*",
        .size = 64,
    };
    int rc;

    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return CERO_USAGE;
    rc = stop_install();
    if (rc == 0 && options.wants_throughput)
        rc = bench_throughput(&options);
    if (rc == 0 && options.wants_latency)
        rc = bench_latency(&options);
    if (stop_signal())
        return CERO_SIGNAL + stop_signal();
    return rc == 0 ? CERO_OK : CERO_ERROR;
}
