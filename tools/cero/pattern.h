/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The commands that move messages, one row each: pub, sub, req and the
 * others. They differ in what a row says; exchange.c does the work.
 *
 * Thread: the main thread.
 */
#ifndef CERO_PATTERN_H
#define CERO_PATTERN_H

#include <stddef.h>

enum pattern_trait {
    PATTERN_SENDS = 1,           /* records of the input */
    PATTERN_RECEIVES = 2,        /* messages, which are printed */
    PATTERN_HEARS = 4,           /* subscriptions, which show who is there */
    PATTERN_SUBSCRIBES = 8,      /* to topics */
    PATTERN_PUBLISHES = 16,      /* under a topic */
    PATTERN_ASKS = 32,           /* receives only after it has sent */
    PATTERN_ANSWERS = 64,        /* sends only after it has received */
    PATTERN_ROUTES = 128,        /* the first part is the peer's identity */
    PATTERN_SUBSCRIBES_ALL = 256 /* if no topic is given */
};

struct pattern {
    const char *name;
    const char *summary; /* for the list of commands */
    const char *doc;     /* for its own --help: text, \v, how it ends */
    int type;            /* of zmq.h */
    int stand_in;        /* a type that serves better here, or 0 */
    int switched_on;     /* a socket option to be set to 1, or 0 */
    unsigned traits;     /* of enum pattern_trait */
};

/* The pattern of that name, or NULL. */
const struct pattern *pattern_find(const char *name);

/* The row `index`, or NULL behind the last one. */
const struct pattern *pattern_at(size_t index);

/* Runs the command and answers with an exit code. */
int pattern_run(const struct pattern *pattern, int argc, char **argv);

#endif
