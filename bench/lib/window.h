/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The counted part of a flow: after a warm-up, how many of something came by
 * within a given time.
 *
 * Thread: the one that counts.
 * Owns:   nothing.
 */
#ifndef BENCH_LIB_WINDOW_H
#define BENCH_LIB_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bench.h"

struct bench_window {
    uint64_t warm_ns;
    uint64_t count_ns;
    uint64_t first_ns;
    uint64_t start_ns;
    uint64_t start_total;
    uint64_t elapsed_ns;
    uint64_t counted; /* within elapsed_ns */
};

/* With the words `warm` and `seconds` of the command line. */
struct bench_window bench_window_of(const struct bench_args *args);

/* Takes note of the time, now that there were `total` in all. True when the
 * time is over; what comes then does not count. */
bool bench_window_step(struct bench_window *window, uint64_t total);

/* Per second. */
double bench_window_rate(const struct bench_window *window);

#endif
