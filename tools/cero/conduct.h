/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The state of an exchange, and what its pattern and the command line say
 * about it: whose turn it is, when it is done, what a silence means.
 *
 * Thread: the main thread.
 */
#ifndef CERO_CONDUCT_H
#define CERO_CONDUCT_H

#include "answer.h"
#include "link.h"
#include "meter.h"
#include "options.h"
#include "output.h"
#include "sender.h"
#include "stop.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange {
    const struct options *options;
    bool is_our_turn;    /* to send, of patterns that take turns */
    int64_t progress_ns; /* when a message last moved, or input came */
    struct link link;
    struct sender sender;
    struct answer answer;
    struct output output;
    struct meter meter;
};

/* Whether the pattern has any of these traits. */
static inline bool exchange_is(const struct exchange *x, unsigned traits)
{
    return x->options->pattern->traits & traits;
}

/* Whether the next message to send is to come from the input. */
bool exchange_wants_record(const struct exchange *x);

/* Whether the pending message may be sent now. */
bool exchange_may_send(const struct exchange *x);

bool exchange_may_receive(const struct exchange *x);

bool exchange_is_done(const struct exchange *x);

/* Somebody was there to whom something could be sent. */
bool exchange_had_peer(const struct exchange *x);

void exchange_on_subscription(struct exchange *x);

/* How long to wait at most; -1: for ever. */
int exchange_wait_ms(const struct exchange *x);

/* What is left of --timeout; -1: it is not running. */
int exchange_timeout_ms(const struct exchange *x);

/* The exit codes, told on stderr if they are not CERO_OK. */
int exchange_on_timeout(const struct exchange *x);
int exchange_on_done(const struct exchange *x);

/* How long to linger, with what has happened so far. */
int exchange_linger_ms(const struct exchange *x);

#endif
