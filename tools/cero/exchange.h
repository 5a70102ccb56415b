/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The work of the patterns: move records from the input to the socket,
 * messages from the socket to the output, both at once, or in turn.
 *
 * Thread: the main thread.
 */
#ifndef CERO_EXCHANGE_H
#define CERO_EXCHANGE_H

#include "options.h"

/* Runs to the end and answers with an exit code. */
int exchange_run(const struct options *options);

#endif
