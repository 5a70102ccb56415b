/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Statistics as text for a Prometheus scraper, and the little of HTTP that
 * such a one needs.
 *
 * Thread: the main thread.
 */
#ifndef CERO_PROMETHEUS_H
#define CERO_PROMETHEUS_H

#include "attach.h"

#include <stdio.h>

/* Writes all metrics of all contexts. */
void prometheus_print(struct attach *attach, FILE *out);

/* Answers every GET at host:port until a signal comes; an exit code. */
int prometheus_serve(struct attach *attach, const char *address);

#endif
