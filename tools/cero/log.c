/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero log`: prints the events of running processes, one a line.
 *
 * Thread: the main thread.
 * Owns: the attached files.
 */
#include "attach.h"
#include "cero.h"
#include "options.h"
#include "stop.h"

#include <argp.h>
#include <err.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOK_EVERY_MS = 20, LOG_TOPIC = 0x100, LOG_ONCE };

struct log_options {
    struct attach attach;
    const char *topic;
    unsigned long long count; /* 0 = any number */
    int timeout_ms;           /* -1 = for ever */
    bool is_once;
};

static const struct argp_option log_table[] = {
    {"topic", LOG_TOPIC, "PREFIX", 0, "Only events that begin with PREFIX", 2},
    {"count", 'n', "N", 0, "Stop after N events", 3},
    {"timeout", 't', "MS", 0, "Give up after MS milliseconds without an event",
     3},
    {"once", LOG_ONCE, NULL, 0, "Only what has happened so far", 3},
    {0}};

static error_t log_parse(int key, char *arg, struct argp_state *state)
{
    struct log_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->attach;
        return 0;
    case LOG_TOPIC:
        options->topic = arg;
        return 0;
    case LOG_ONCE:
        options->is_once = true;
        return 0;
    case 'n':
        options->count = (unsigned long long)options_number(state, "--count",
                                                            arg, 1, LLONG_MAX);
        return 0;
    case 't':
        options->timeout_ms = options_int(state, "--timeout", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Prints what there is of one context. */
static void log_drain(const struct log_options *options, struct attached *a,
                      unsigned long long *count)
{
    cero_stats_event_t event;

    while ((options->count == 0 || *count < options->count) &&
           attach_next(a, &event)) {
        if (strncmp(event.topic, options->topic, strlen(options->topic)) != 0)
            continue;
        printf("%llu %s %s\n", (unsigned long long)a->header.pid, event.topic,
               event.body);
        ++*count;
    }
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Everything up to now; false when there is nobody left to hear from. */
static bool log_look(struct log_options *options, unsigned long long *count)
{
    bool is_anybody_there = false;

    for (size_t i = 0; i < options->attach.count; i++) {
        /* Asked before: what it said last is to be read, too. */
        is_anybody_there |= attach_is_alive(&options->attach.items[i]);
        log_drain(options, &options->attach.items[i], count);
    }
    return is_anybody_there;
}

static int log_follow(struct log_options *options)
{
    unsigned long long count = 0;
    long long heard_ms = now_ms();

    for (;;) {
        struct pollfd stop = {.fd = stop_fd(), .events = POLLIN};
        unsigned long long before = count;
        bool is_alive = log_look(options, &count);

        if (fflush(stdout) == EOF)
            return CERO_ERROR; /* main tells why */
        if (count != before)
            heard_ms = now_ms();
        if ((options->count > 0 && count >= options->count) ||
            options->is_once || !is_alive)
            return CERO_OK;
        if (options->timeout_ms >= 0 &&
            now_ms() - heard_ms >= options->timeout_ms) {
            warnx("%llu events came, and then none for %d ms", count,
                  options->timeout_ms);
            return CERO_TIMEOUT;
        }
        (void)poll(&stop, 1, LOOK_EVERY_MS);
        if (stop_signal())
            return CERO_SIGNAL + stop_signal();
    }
}

int log_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&attach_options, 0, NULL, 0},
                                                 {0}};
    static const struct argp argp = {
        .options = log_table,
        .parser = log_parse,
        .doc = "Print the events of running processes, one a line: process, "
               "topic, and a JSON object."
               "\vThe processes must have been started with CERO_STATS_DIR "
               "set. Begins with the latest events that are kept (up to 512 "
               "of each context), and ends with the last process, or by "
               "Ctrl-C.",
        .children = children,
    };
    struct log_options options = {.topic = "", .timeout_ms = -1};
    int code = CERO_ERROR;

    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return CERO_USAGE;
    if (stop_install() == 0 && attach_open(&options.attach) == 0)
        code = log_follow(&options);
    attach_close(&options.attach);
    return code;
}
