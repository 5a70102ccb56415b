/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The command line of the patterns, understood.
 *
 * Thread: the main thread.
 */
#ifndef CERO_OPTIONS_H
#define CERO_OPTIONS_H

#include "format.h"
#include "framing.h"
#include "pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attachment {
    const char *endpoint;
    bool is_bind;
};

/* Where replies come from. */
enum options_answer {
    OPTIONS_ANSWER_INPUT,
    OPTIONS_ANSWER_ECHO,
    OPTIONS_ANSWER_TEXT,
    OPTIONS_ANSWER_COMMAND
};

struct options {
    const struct pattern *pattern;
    struct attachment *attachments; /* in the order of the command line */
    size_t attachment_count;
    char **files;
    size_t file_count;
    const char **topics; /* to subscribe to */
    size_t topic_count;
    const char *topic; /* to publish under; NULL: none */
    const struct framing *framing;
    const struct format *format;
    int separator; /* between the frames of a message; -1: none */
    bool has_count;
    uint64_t count;
    uint64_t wait_count; /* how many peers must be there before it sends */
    int hwm;             /* -1: the library's default */
    int interval_ms;     /* between two messages that are sent */
    int linger_ms;       /* -1: for ever */
    int timeout_ms;      /* -1: none */
    const char *id;      /* NULL: none */
    const char *peer_id; /* NULL: the library chooses */
    enum options_answer answer;
    const char *answer_text; /* to reply with, or a command that knows */
    bool is_quiet;
    bool is_verbose;
};

/* Reads the command line of a pattern. Does not return if it asks for help
 * or makes no sense. 0 or -ENOMEM. */
int options_parse(struct options *options, const struct pattern *pattern,
                  int argc, char **argv);

/* For commands that are no patterns and have the link's group only. Room
 * for what `argc` arguments can say. 0 or -ENOMEM. */
int options_init(struct options *options, const struct pattern *pattern,
                 int argc);
void options_fini(struct options *options);

/* The groups of options. The input of each is a struct options. */
struct argp;
extern const struct argp options_link;      /* endpoints, limits, noise */
extern const struct argp options_format;    /* how messages are written */
extern const struct argp options_input;     /* what to send, and when */
extern const struct argp options_topic;     /* of patterns that publish */
extern const struct argp options_subscribe; /* of those that subscribe */
extern const struct argp options_routes;    /* of those with identities */
extern const struct argp options_answers;   /* of those that reply */

/* A whole number in min..max; ends the program with a usage error that
 * names `what` if `text` is anything else. */
struct argp_state;
long long options_number(const struct argp_state *state, const char *what,
                         const char *text, long long min, long long max);

/* The same, from 0 to INT_MAX. */
int options_int(const struct argp_state *state, const char *what,
                const char *text);

/* Ends the program with a usage error if no other process can be at that
 * endpoint. */
void options_check_endpoint(const struct argp_state *state,
                            const char *endpoint);

#endif
