/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Warming up and counting.
 *
 * Thread: the one that counts.
 * Owns:   nothing.
 */
#include "lib/window.h"

struct bench_window bench_window_of(const struct bench_args *args)
{
    return (struct bench_window){
        .warm_ns = (uint64_t)(bench_number(args, "warm", 0.15) * 1e9),
        .count_ns = (uint64_t)(bench_number(args, "seconds", 0.5) * 1e9),
    };
}

bool bench_window_step(struct bench_window *window, uint64_t total)
{
    uint64_t now_ns = bench_now_ns();

    if (window->elapsed_ns >= window->count_ns)
        return true;
    if (!window->first_ns)
        window->first_ns = now_ns;
    if (now_ns < window->first_ns + window->warm_ns)
        return false;
    if (!window->start_ns) {
        window->start_ns = now_ns;
        window->start_total = total;
    }
    window->elapsed_ns = now_ns - window->start_ns;
    window->counted = total - window->start_total;
    return window->elapsed_ns >= window->count_ns;
}

double bench_window_rate(const struct bench_window *window)
{
    return (double)window->counted * 1e9 / (double)window->elapsed_ns;
}
