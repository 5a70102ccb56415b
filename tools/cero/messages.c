/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The commands that move messages: push, pull, pair, dealer. They differ
 * in the socket type and in the direction; exchange.c does the rest.
 *
 * Thread: the main thread.
 * Owns: the options.
 */
#include "cero.h"
#include "exchange.h"

#include <err.h>
#include <string.h>

#include <zmq.h>

static int messages_run(int type, int direction, const char *doc, int argc,
                        char **argv)
{
    struct options options;
    int code;
    int rc = options_parse(&options, direction, doc, argc, argv);

    if (rc != 0) {
        warnx("%s", strerror(-rc));
        return CERO_ERROR;
    }
    code = exchange_run(&options, type, direction);
    options_fini(&options);
    return code;
}

int push_run(int argc, char **argv)
{
    static const char doc[] =
        "Send the lines of standard input, or whole files, each as a message "
        "to one of the connected PULL peers in turn."
        "\vEnds when the input ends and peers have taken everything.";

    return messages_run(ZMQ_PUSH, OPTIONS_SEND, doc, argc, argv);
}

int pull_run(int argc, char **argv)
{
    static const char doc[] =
        "Print the messages that PUSH peers send."
        "\vEnds after --count messages, or when none comes for --timeout, or "
        "by Ctrl-C.";

    return messages_run(ZMQ_PULL, OPTIONS_RECEIVE, doc, argc, argv);
}

int pair_run(int argc, char **argv)
{
    static const char doc[] =
        "Send standard input, or files, to the one PAIR peer and print what "
        "it sends, both at once."
        "\vEnds when the input has ended and, if they are given, --count "
        "messages came or --timeout passed without one.";

    return messages_run(ZMQ_PAIR, OPTIONS_SEND | OPTIONS_RECEIVE, doc, argc,
                        argv);
}

int dealer_run(int argc, char **argv)
{
    static const char doc[] =
        "Send standard input, or files, to the connected peers in turn and "
        "print what they send, both at once."
        "\vEnds when the input has ended and, if they are given, --count "
        "messages came or --timeout passed without one. To ask a REP peer, "
        "send an empty frame first: --multipart '\\t' and lines that begin "
        "with a tab.";

    return messages_run(ZMQ_DEALER, OPTIONS_SEND | OPTIONS_RECEIVE, doc, argc,
                        argv);
}
