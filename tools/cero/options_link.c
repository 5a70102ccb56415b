/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The options that every command with a socket has: where to, how much, how
 * long, how loud.
 *
 * Thread: the main thread.
 * Owns: nothing.
 */
#include "options.h"

#include <argp.h>
#include <limits.h>
#include <string.h>

enum options_link_key { OPTIONS_HWM = 0x100, OPTIONS_LINGER, OPTIONS_PEER_ID };

static const struct argp_option options_link_table[] = {
    {"bind", 'b', "ENDPOINT", 0,
     "Listen at ENDPOINT, such as tcp://*:5555 or ipc:///tmp/jobs", 1},
    {"connect", 'c', "ENDPOINT", 0,
     "Connect to ENDPOINT, such as tcp://example.org:5555. Both may be "
     "repeated and mixed; at least one is needed",
     1},
    {"id", 'i', "NAME", 0, "The name that a ROUTER peer knows this end by", 2},
    {"hwm", OPTIONS_HWM, "N", 0,
     "Messages that may wait for each peer, 0 for any number (1000)", 2},
    {"count", 'n', "N", 0, "Stop after N messages", 3},
    {"timeout", 't', "MS", 0,
     "Give up after MS milliseconds without a message or a peer", 3},
    {"linger", OPTIONS_LINGER, "MS", 0,
     "At the end, wait up to MS milliseconds until peers have taken what "
     "was sent (--timeout if given, else for ever)",
     3},
    {"quiet", 'q', NULL, 0, "No progress, even on a terminal", 4},
    {"verbose", 'v', NULL, 0,
     "Tell on stderr about endpoints, peers and totals", 4},
    {0}};

static const struct argp_option options_routes_table[] = {
    {"peer-id", OPTIONS_PEER_ID, "NAME", 0,
     "The identity that the peer at --connect gets here", 2},
    {0}};

static void options_attach(struct options *options,
                           const struct argp_state *state, const char *arg,
                           bool is_bind)
{
    options_check_endpoint(state, arg);
    options->attachments[options->attachment_count++] =
        (struct attachment){.endpoint = arg, .is_bind = is_bind};
}

static const char *options_name(const struct argp_state *state,
                                const char *what, const char *text)
{
    size_t size = strlen(text);

    if (size == 0 || size > 255)
        argp_error(state, "%s wants 1 to 255 characters", what);
    return text;
}

static error_t options_parse_link(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'b':
    case 'c':
        options_attach(options, state, arg, key == 'b');
        return 0;
    case 'i':
        options->id = options_name(state, "--id", arg);
        return 0;
    case 'n':
        options->count =
            (uint64_t)options_number(state, "--count", arg, 0, LLONG_MAX);
        options->has_count = true;
        return 0;
    case 't':
        options->timeout_ms = options_int(state, "--timeout", arg);
        return 0;
    case OPTIONS_HWM:
        options->hwm = options_int(state, "--hwm", arg);
        return 0;
    case OPTIONS_LINGER:
        options->linger_ms = options_int(state, "--linger", arg);
        return 0;
    case 'q':
        options->is_quiet = true;
        return 0;
    case 'v':
        options->is_verbose = true;
        return 0;
    case ARGP_KEY_END:
        if (options->attachment_count == 0)
            argp_error(state, "say where to: --bind ENDPOINT or --connect "
                              "ENDPOINT, for example --bind 'tcp://*:5555'");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t options_parse_routes(int key, char *arg,
                                    struct argp_state *state)
{
    struct options *options = state->input;

    if (key != OPTIONS_PEER_ID)
        return ARGP_ERR_UNKNOWN;
    options->peer_id = options_name(state, "--peer-id", arg);
    return 0;
}

const struct argp options_link = {
    .options = options_link_table,
    .parser = options_parse_link,
};

const struct argp options_routes = {
    .options = options_routes_table,
    .parser = options_parse_routes,
};
