/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The options about messages: how they are written, what is sent and when,
 * topics, replies.
 *
 * Thread: the main thread.
 * Owns: nothing.
 */
#include "options.h"

#include <argp.h>
#include <limits.h>
#include <string.h>

enum options_message_key {
    OPTIONS_LINES = 0x200,
    OPTIONS_FORMAT,
    OPTIONS_INTERVAL,
    OPTIONS_WAIT,
    OPTIONS_TOPIC,
    OPTIONS_ECHO,
    OPTIONS_REPLY,
    OPTIONS_EXEC
};

static const struct argp_option options_format_table[] = {
    {NULL, 0, NULL, 0, "Where one message ends and the next begins:", 5},
    {"lines", OPTIONS_LINES, NULL, 0, "Each line is a message (default)", 5},
    {"length-prefixed", 'l', NULL, 0,
     "Four bytes, big-endian, give the length of each message", 5},
    {"raw", 'r', NULL, 0,
     "Nothing stands between: all input is one message, and output is "
     "written as it comes",
     5},
    {NULL, 0, NULL, 0, "How a message is written:", 6},
    {"multipart", 'm', "SEP", 0,
     "The character SEP stands between the parts of a message; \\t and \\0 "
     "are understood",
     6},
    {"format", OPTIONS_FORMAT, "NAME", 0,
     "raw: as it is; quoted: with \\n, \\t, \\xNN and \\\\; hex: two digits "
     "for each byte",
     6},
    {0}};

static const struct argp_option options_input_table[] = {
    {NULL, 0, NULL, 0, "What to send, and when:", 7},
    {"file", 'f', "FILE", 0,
     "Send the whole of FILE as one message instead of standard input; may "
     "be repeated. - is standard input",
     7},
    {"interval", OPTIONS_INTERVAL, "MS", 0,
     "Let MS milliseconds pass between two messages", 7},
    {"wait", OPTIONS_WAIT, "N", 0,
     "Send nothing before N peers are there, or with pub and xpub, before N "
     "subscriptions (pub, xpub: 1; others: 0)",
     7},
    {0}};

static const struct argp_option options_topic_table[] = {
    {"topic", OPTIONS_TOPIC, "TEXT", 0,
     "Put a part with TEXT before each message", 2},
    {0}};

static const struct argp_option options_subscribe_table[] = {
    {"subscribe", 's', "TOPIC", 0,
     "Subscribe to messages that begin with TOPIC; may be repeated", 2},
    {0}};

static const struct argp_option options_answers_table[] = {
    {"echo", OPTIONS_ECHO, NULL, 0, "Reply with the request", 2},
    {"reply", OPTIONS_REPLY, "TEXT", 0, "Reply with TEXT", 2},
    {"exec", OPTIONS_EXEC, "COMMAND", 0,
     "Run COMMAND in a shell, with the request as its input, and reply with "
     "what it prints",
     2},
    {0}};

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
    case OPTIONS_FORMAT:
        options->format = format_find(arg);
        if (!options->format)
            argp_error(state, "--format is raw, quoted or hex, not '%s'", arg);
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
    case OPTIONS_INTERVAL:
        options->interval_ms = options_int(state, "--interval", arg);
        return 0;
    case OPTIONS_WAIT:
        options->wait_count =
            (uint64_t)options_number(state, "--wait", arg, 0, INT_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t options_parse_topic(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    if (key != OPTIONS_TOPIC)
        return ARGP_ERR_UNKNOWN;
    options->topic = arg;
    return 0;
}

static error_t options_parse_subscribe(int key, char *arg,
                                       struct argp_state *state)
{
    struct options *options = state->input;

    if (key != 's')
        return ARGP_ERR_UNKNOWN;
    options->topics[options->topic_count++] = arg;
    return 0;
}

static error_t options_parse_answers(int key, char *arg,
                                     struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case OPTIONS_ECHO:
        options->answer = OPTIONS_ANSWER_ECHO;
        return 0;
    case OPTIONS_REPLY:
        options->answer = OPTIONS_ANSWER_TEXT;
        options->answer_text = arg;
        return 0;
    case OPTIONS_EXEC:
        options->answer = OPTIONS_ANSWER_COMMAND;
        options->answer_text = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp options_format = {
    .options = options_format_table,
    .parser = options_parse_format,
};

const struct argp options_input = {
    .options = options_input_table,
    .parser = options_parse_input,
};

const struct argp options_topic = {
    .options = options_topic_table,
    .parser = options_parse_topic,
};

const struct argp options_subscribe = {
    .options = options_subscribe_table,
    .parser = options_parse_subscribe,
};

const struct argp options_answers = {
    .options = options_answers_table,
    .parser = options_parse_answers,
};
