/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero monitor`: opens a socket as it is told and prints its events, one a
 * line. Messages that come are not read.
 *
 * Thread: the main thread.
 * Owns: the options, the link.
 */
#include "cero.h"
#include "link.h"
#include "options.h"
#include "stop.h"
#include "watch.h"

#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

struct monitor_options {
    struct options link;
    struct pattern pattern; /* of the named one, only the type */
};

static error_t monitor_parse(int key, char *arg, struct argp_state *state)
{
    struct monitor_options *options = state->input;
    const struct pattern *pattern;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->link;
        return 0;
    case ARGP_KEY_ARG:
        if (options->pattern.name)
            argp_error(state, "there is one type already: %s",
                       options->pattern.name);
        pattern = pattern_find(arg);
        if (!pattern)
            argp_error(state, "'%s' is no type of socket, as pull or sub is",
                       arg);
        else
            options->pattern = (struct pattern){
                .name = pattern->name,
                .type = pattern->type,
            };
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "say which type of socket, for example: pull");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void monitor_print(const struct watch_event *event)
{
    char text[400];

    watch_describe(event, text, sizeof text);
    printf("%s %s\n", event->kind->name, text);
}

/* Prints what has happened. True when it is enough. */
static bool monitor_drain(const struct options *options, void *watch,
                          uint64_t *count)
{
    struct watch_event event;

    while (!(options->has_count && *count >= options->count) &&
           watch_receive(watch, &event)) {
        monitor_print(&event);
        ++*count;
    }
    return options->has_count && *count >= options->count;
}

static int monitor_watch(const struct options *options, void *watch)
{
    zmq_pollitem_t items[] = {{.socket = watch, .events = ZMQ_POLLIN},
                              {.fd = stop_fd(), .events = ZMQ_POLLIN}};
    uint64_t count = 0;
    int rc;

    while (!monitor_drain(options, watch, &count)) {
        if (fflush(stdout) == EOF)
            return CERO_ERROR; /* main tells why */
        rc = zmq_poll(items, 2, options->timeout_ms);
        if (stop_signal())
            return CERO_SIGNAL + stop_signal();
        if (rc < 0 && errno != EINTR) {
            link_warn(errno, "cannot wait for events", NULL);
            return CERO_ERROR;
        }
        if (rc != 0)
            continue;
        if (!options->has_count && count > 0)
            return CERO_OK;
        warnx("%llu events came, and then none for %d ms",
              (unsigned long long)count, options->timeout_ms);
        return CERO_TIMEOUT;
    }
    return CERO_OK;
}

static int monitor_open_and_watch(const struct options *options)
{
    struct link link;
    int code = CERO_ERROR;

    if (stop_install() != 0 || link_open(&link, options) != 0)
        return code;
    if (link.watch)
        code = monitor_watch(options, link.watch);
    else
        warnx("this library cannot monitor sockets");
    link_close(&link, 0);
    return code;
}

int monitor_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&options_link, 0, NULL, 0},
                                                 {0}};
    static const struct argp argp = {
        .parser = monitor_parse,
        .args_doc = "TYPE",
        .doc = "Bind or connect a socket of that TYPE and print its events, "
               "one a line: what happened, at which endpoint, and a "
               "descriptor, an error or a time."
               "\vEnds after --count events, or when none comes for "
               "--timeout, or by Ctrl-C. Messages are not read.",
        .children = children,
    };
    struct monitor_options options = {0};
    int code = CERO_USAGE;
    int rc = options_init(&options.link, &options.pattern, argc);

    if (rc != 0) {
        warnx("%s", strerror(-rc));
        return CERO_ERROR;
    }
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) == 0)
        code = monitor_open_and_watch(&options.link);
    options_fini(&options.link);
    return code;
}
