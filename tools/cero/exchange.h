/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The work of push, pull, pair and dealer: move records from the input to
 * the socket, messages from the socket to the output, or both at once.
 *
 * Thread: the main thread.
 */
#ifndef CERO_EXCHANGE_H
#define CERO_EXCHANGE_H

#include "options.h"

/* Runs to the end and answers with an exit code. `direction` is of enum
 * options_direction, `type` a socket type of zmq.h. */
int exchange_run(const struct options *options, int type, int direction);

#endif
