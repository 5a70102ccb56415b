/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of the patterns.
 *
 * Thread: the main thread.
 * Owns: the options of the command that runs.
 */
#include "pattern.h"

#include "cero.h"
#include "exchange.h"
#include "options.h"

#include <err.h>
#include <string.h>

#include <zmq.h>

#define PATTERN_SEND_END "\vEnds when the input ends and peers have taken all."
#define PATTERN_RECEIVE_END                                                    \
    "\vEnds after --count messages, or when none comes for --timeout, or by "  \
    "Ctrl-C."
#define PATTERN_BOTH_END                                                       \
    "\vEnds when the input has ended and, if they are given, --count "         \
    "messages came or --timeout passed without one."

enum { PATTERN_BOTH = PATTERN_SENDS | PATTERN_RECEIVES };

/* A PUB socket cannot tell whether anybody listens, an XPUB socket can. To
 * subscribers they are the same, so that `pub` is one, too. */
static const struct pattern pattern_table[] = {
    {
        .name = "pub",
        .summary = "publish messages to all subscribers",
        .doc = "Send the lines of standard input, or whole files, each as a "
               "message to all peers that have subscribed to its beginning."
               "\vWaits for a first subscription (see --wait). Ends when the "
               "input ends and peers have taken all.",
        .type = ZMQ_PUB,
        .stand_in = ZMQ_XPUB,
        .switched_on = ZMQ_XPUB_VERBOSE,
        .traits = PATTERN_SENDS | PATTERN_HEARS | PATTERN_PUBLISHES,
    },
    {
        .name = "sub",
        .summary = "subscribe to messages and print them",
        .doc = "Print the published messages that begin with one of the "
               "topics of --subscribe; without any, all." PATTERN_RECEIVE_END,
        .type = ZMQ_SUB,
        .traits =
            PATTERN_RECEIVES | PATTERN_SUBSCRIBES | PATTERN_SUBSCRIBES_ALL,
    },
    {
        .name = "req",
        .summary = "ask, wait for the reply and print it",
        .doc = "Send each line of standard input, or whole files, as a "
               "request to one of the peers in turn, and print its reply "
               "before the next one."
               "\vEnds when the last reply is there, or after --count.",
        .type = ZMQ_REQ,
        .traits = PATTERN_BOTH | PATTERN_ASKS,
    },
    {
        .name = "rep",
        .summary = "print requests and reply to them",
        .doc = "Print each request and reply to it: with the next line of "
               "standard input or the next file, with the request itself, "
               "with a fixed text, or with what a command prints."
               "\vEnds after --count replies, when none is left, when no "
               "request comes for --timeout, or by Ctrl-C.",
        .type = ZMQ_REP,
        .traits = PATTERN_BOTH | PATTERN_ANSWERS,
    },
    {
        .name = "push",
        .summary = "send messages, each to one of the peers",
        .doc = "Send the lines of standard input, or whole files, each as a "
               "message to one of the connected PULL peers in "
               "turn." PATTERN_SEND_END,
        .type = ZMQ_PUSH,
        .traits = PATTERN_SENDS,
    },
    {
        .name = "pull",
        .summary = "receive messages and print them",
        .doc = "Print the messages that PUSH peers send." PATTERN_RECEIVE_END,
        .type = ZMQ_PULL,
        .traits = PATTERN_RECEIVES,
    },
    {
        .name = "pair",
        .summary = "talk to exactly one peer, both ways at once",
        .doc = "Send standard input, or files, to the one PAIR peer and print "
               "what it sends, both at once." PATTERN_BOTH_END,
        .type = ZMQ_PAIR,
        .traits = PATTERN_BOTH,
    },
    {
        .name = "dealer",
        .summary = "talk to many peers in turn, both ways at once",
        .doc = "Send standard input, or files, to the connected peers in turn "
               "and print what they send, both at once." PATTERN_BOTH_END
               " To ask a REP peer, send an empty frame first: --multipart "
               "'\\t' and lines that begin with a tab.",
        .type = ZMQ_DEALER,
        .traits = PATTERN_BOTH,
    },
    {
        .name = "router",
        .summary = "talk to peers by their identity",
        .doc = "Print what the peers send, and send standard input, or files, "
               "to the peer that each message names: its identity is the "
               "first part of every message. Parts are separated by tabs and "
               "written as with --format quoted, unless you say "
               "otherwise." PATTERN_BOTH_END,
        .type = ZMQ_ROUTER,
        .switched_on = ZMQ_ROUTER_MANDATORY,
        .traits = PATTERN_BOTH | PATTERN_ROUTES,
    },
    {
        .name = "stream",
        .summary = "talk to bare TCP peers by their identity",
        .doc = "As router, but to TCP peers that do not speak ZeroMQ. A peer "
               "that comes or goes shows as an identity and an empty part; "
               "sending the same closes its connection." PATTERN_BOTH_END,
        .type = ZMQ_STREAM,
        .traits = PATTERN_BOTH | PATTERN_ROUTES,
    },
    {
        .name = "xpub",
        .summary = "publish, and print who subscribes to what",
        .doc = "As pub, and print the subscriptions: a byte 1 (or 0, when one "
               "ends) and the topic." PATTERN_BOTH_END,
        .type = ZMQ_XPUB,
        .switched_on = ZMQ_XPUB_VERBOSE,
        .traits = PATTERN_BOTH | PATTERN_HEARS | PATTERN_PUBLISHES,
    },
    {
        .name = "xsub",
        .summary = "print messages, subscribing by messages",
        .doc = "As sub, and send standard input, or files, to the publishers: "
               "a message of a byte 1 (or 0) and a topic subscribes (or ends "
               "that). Nothing is subscribed to unless you say "
               "so." PATTERN_BOTH_END,
        .type = ZMQ_XSUB,
        .traits = PATTERN_BOTH | PATTERN_SUBSCRIBES,
    },
};

enum { PATTERN_COUNT = sizeof pattern_table / sizeof pattern_table[0] };

const struct pattern *pattern_at(size_t index)
{
    return index < PATTERN_COUNT ? &pattern_table[index] : NULL;
}

const struct pattern *pattern_find(const char *name)
{
    for (size_t i = 0; i < PATTERN_COUNT; i++) {
        if (strcmp(pattern_table[i].name, name) == 0)
            return &pattern_table[i];
    }
    return NULL;
}

int pattern_run(const struct pattern *pattern, int argc, char **argv)
{
    struct options options;
    int code;
    int rc = options_parse(&options, pattern, argc, argv);

    if (rc != 0) {
        warnx("%s", strerror(-rc));
        return CERO_ERROR;
    }
    code = exchange_run(&options);
    options_fini(&options);
    return code;
}
