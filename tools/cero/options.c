/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The options that push, pull, pair and dealer share, in three groups:
 * where to, how records lie in input and output, what to send.
 *
 * Thread: the main thread.
 * Owns: the two arrays in struct options; the strings stay argv's.
 */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum options_key {
    OPTIONS_HWM = 0x100,
    OPTIONS_LINGER,
    OPTIONS_LINES,
};

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

static const struct argp_option options_format_table[] = {
    {NULL, 0, NULL, 0, "Where one message ends and the next begins:", 5},
    {"lines", OPTIONS_LINES, NULL, 0, "Each line is a message (default)", 5},
    {"length-prefixed", 'l', NULL, 0,
     "Four bytes, big-endian, give the length of each message", 5},
    {"raw", 'r', NULL, 0,
     "Nothing stands between: all input is one message, and output is "
     "written as it comes",
     5},
    {"multipart", 'm', "SEP", 0,
     "The character SEP stands between the frames of a message; \\t and \\0 "
     "are understood",
     6},
    {0}};

static const struct argp_option options_input_table[] = {
    {"file", 'f', "FILE", 0,
     "Send the whole of FILE as one message instead of standard input; may "
     "be repeated. - is standard input",
     7},
    {0}};

long long options_number(const struct argp_state *state, const char *what,
                         const char *text, long long min, long long max)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < min ||
        number > max)
        argp_error(state, "%s wants a whole number from %lld to %lld, not '%s'",
                   what, min, max, text);
    return number;
}

static int options_int(const struct argp_state *state, const char *what,
                       const char *text)
{
    return (int)options_number(state, what, text, 0, INT_MAX);
}

static int options_separator(const struct argp_state *state, const char *text)
{
    if (strcmp(text, "\\t") == 0)
        return '\t';
    if (strcmp(text, "\\0") == 0)
        return '\0';
    if (strlen(text) != 1)
        argp_error(state,
                   "--multipart wants one character, \\t or \\0, not '%s'",
                   text);
    return (unsigned char)text[0];
}

static void options_attach(struct options *options,
                           const struct argp_state *state, const char *arg,
                           bool is_bind)
{
    if (strncmp(arg, "inproc:", 7) == 0)
        argp_error(state,
                   "'%s': inproc joins sockets of one process only; "
                   "use ipc or tcp",
                   arg);
    options->attachments[options->attachment_count++] =
        (struct attachment){.endpoint = arg, .is_bind = is_bind};
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
        if (strlen(arg) == 0 || strlen(arg) > 255)
            argp_error(state, "--id wants 1 to 255 characters");
        options->id = arg;
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

static error_t options_parse_format(int key, char *arg,
                                    struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case OPTIONS_LINES:
        options->framing = &framing_lines;
        return 0;
    case 'l':
        options->framing = &framing_length_prefixed;
        return 0;
    case 'r':
        options->framing = &framing_raw;
        return 0;
    case 'm':
        options->separator = options_separator(state, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t options_parse_input(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'f':
    case ARGP_KEY_ARG:
        options->files[options->file_count++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp options_link = {
    .options = options_link_table,
    .parser = options_parse_link,
};

static const struct argp options_format = {
    .options = options_format_table,
    .parser = options_parse_format,
};

static const struct argp options_input = {
    .options = options_input_table,
    .parser = options_parse_input,
};

/* The parent of the groups only hands each of them the result to fill. */
static error_t options_parse_all(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    (void)arg;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    for (int i = 0; i < (options->takes_files ? 3 : 2); i++)
        state->child_inputs[i] = options;
    return 0;
}

int options_parse(struct options *options, int direction, const char *doc,
                  int argc, char **argv)
{
    static const struct argp_child sender[] = {{&options_link, 0, NULL, 0},
                                               {&options_format, 0, NULL, 0},
                                               {&options_input, 0, NULL, 0},
                                               {0}};
    static const struct argp_child receiver[] = {
        {&options_link, 0, NULL, 0}, {&options_format, 0, NULL, 0}, {0}};
    bool sends = direction & OPTIONS_SEND;
    const struct argp argp = {
        .parser = options_parse_all,
        .args_doc = sends ? "[FILE...]" : NULL,
        .doc = doc,
        .children = sends ? sender : receiver,
    };

    *options = (struct options){
        .attachments = calloc((size_t)argc, sizeof *options->attachments),
        .files = calloc((size_t)argc, sizeof *options->files),
        .takes_files = sends,
        .framing = &framing_lines,
        .separator = -1,
        .hwm = -1,
        .linger_ms = -1,
        .timeout_ms = -1,
    };
    if (!options->attachments || !options->files) {
        options_fini(options);
        return -ENOMEM;
    }
    return -argp_parse(&argp, argc, argv, 0, NULL, options);
}

void options_fini(struct options *options)
{
    free(options->attachments);
    free(options->files);
}
