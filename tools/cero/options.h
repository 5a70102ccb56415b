/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The command line of push, pull, pair and dealer, understood.
 *
 * Thread: the main thread.
 */
#ifndef CERO_OPTIONS_H
#define CERO_OPTIONS_H

#include "framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attachment {
    const char *endpoint;
    bool is_bind;
};

struct options {
    struct attachment *attachments; /* in the order of the command line */
    size_t attachment_count;
    char **files;
    size_t file_count;
    bool takes_files;
    const struct framing *framing;
    int separator; /* between the frames of a message; -1: none */
    bool has_count;
    uint64_t count;
    int hwm;        /* -1: the library's default */
    int linger_ms;  /* -1: for ever */
    int timeout_ms; /* -1: none */
    const char *id; /* NULL: none */
    bool is_quiet;
    bool is_verbose;
};

/* What the command does, hence which options it has. */
enum options_direction { OPTIONS_SEND = 1, OPTIONS_RECEIVE = 2 };

/* Reads the command line. Does not return if it asks for help or makes no
 * sense. `doc` is the command's description. 0 or -ENOMEM. */
int options_parse(struct options *options, int direction, const char *doc,
                  int argc, char **argv);
void options_fini(struct options *options);

/* A whole number in min..max; ends the program with a usage error that
 * names `what` if `text` is anything else. */
struct argp_state;
long long options_number(const struct argp_state *state, const char *what,
                         const char *text, long long min, long long max);

#endif
