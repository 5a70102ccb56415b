/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reads the command line of a pattern: picks the groups of options that it
 * has, and sees to it that what they say goes together.
 *
 * Thread: the main thread.
 * Owns: the arrays in struct options; the strings stay argv's.
 */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A pattern with any of the traits has the group; with 0, all have it. */
static const struct {
    const struct argp *group;
    unsigned traits;
} options_groups[] = {
    {&options_link, 0},
    {&options_routes, PATTERN_ROUTES},
    {&options_subscribe, PATTERN_SUBSCRIBES},
    {&options_topic, PATTERN_PUBLISHES},
    {&options_answers, PATTERN_ANSWERS},
    {&options_format, 0},
    {&options_input, PATTERN_SENDS},
};

enum { OPTIONS_GROUPS = sizeof options_groups / sizeof options_groups[0] };

/* Fills in the groups of a pattern; how many. */
static int options_select(const struct pattern *pattern,
                          const struct argp *groups[OPTIONS_GROUPS])
{
    int count = 0;

    for (int i = 0; i < OPTIONS_GROUPS; i++) {
        unsigned traits = options_groups[i].traits;

        if (traits == 0 || pattern->traits & traits)
            groups[count++] = options_groups[i].group;
    }
    return count;
}

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

int options_int(const struct argp_state *state, const char *what,
                const char *text)
{
    return (int)options_number(state, what, text, 0, INT_MAX);
}

void options_check_endpoint(const struct argp_state *state,
                            const char *endpoint)
{
    if (strncmp(endpoint, "inproc:", 7) == 0)
        argp_error(state,
                   "'%s': inproc joins sockets of one process only; "
                   "use ipc or tcp",
                   endpoint);
}

static void options_check(const struct argp_state *state,
                          const struct options *options)
{
    if (options->separator >= 0 &&
        options->format->is_reserved(options->separator))
        argp_error(state, "'%c' cannot be a separator with --format %s",
                   options->separator, options->format->name);
    if (options->pattern->traits & PATTERN_ROUTES && options->separator < 0)
        argp_error(state, "the identity needs a separator behind it: "
                          "--multipart SEP");
    if (options->peer_id &&
        (options->attachment_count != 1 || options->attachments[0].is_bind))
        argp_error(state, "--peer-id goes with exactly one --connect");
    if (options->answer != OPTIONS_ANSWER_INPUT && options->file_count > 0)
        argp_error(state, "replies come either from files or from --echo, "
                          "--reply or --exec");
}

/* The parent of the groups hands each of them the result to fill. */
static error_t options_parse_all(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    const struct argp *groups[OPTIONS_GROUPS];

    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        for (int i = options_select(options->pattern, groups); i > 0; i--)
            state->child_inputs[i - 1] = options;
        return 0;
    case ARGP_KEY_SUCCESS:
        options_check(state, options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int options_init(struct options *options, const struct pattern *pattern,
                 int argc)
{
    size_t room = (size_t)argc + 1;
    bool routes = pattern->traits & PATTERN_ROUTES;

    *options = (struct options){
        .pattern = pattern,
        .attachments = calloc(room, sizeof *options->attachments),
        .files = calloc(room, sizeof *options->files),
        .topics = calloc(room, sizeof *options->topics),
        .framing = &framing_lines,
        .format = routes ? &format_quoted : &format_raw,
        .separator = routes ? '\t' : -1,
        .wait_count = pattern->traits & PATTERN_HEARS ? 1 : 0,
        .hwm = -1,
        .linger_ms = -1,
        .timeout_ms = -1,
    };
    if (options->attachments && options->files && options->topics)
        return 0;
    options_fini(options);
    return -ENOMEM;
}

int options_parse(struct options *options, const struct pattern *pattern,
                  int argc, char **argv)
{
    struct argp_child children[OPTIONS_GROUPS + 1] = {0};
    const struct argp argp = {
        .parser = options_parse_all,
        .args_doc = pattern->traits & PATTERN_SENDS ? "[FILE...]" : NULL,
        .doc = pattern->doc,
        .children = children,
    };
    const struct argp *groups[OPTIONS_GROUPS];
    int rc = options_init(options, pattern, argc);

    if (rc != 0)
        return rc;
    for (int i = options_select(pattern, groups); i > 0; i--)
        children[i - 1].argp = groups[i - 1];
    rc = -argp_parse(&argp, argc, argv, 0, NULL, options);
    if (rc == 0 && options->topic_count == 0 &&
        pattern->traits & PATTERN_SUBSCRIBES_ALL)
        options->topics[options->topic_count++] = "";
    return rc;
}

void options_fini(struct options *options)
{
    free(options->attachments);
    free(options->files);
    free(options->topics);
}
