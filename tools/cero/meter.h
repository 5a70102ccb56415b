/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Counts messages, and shows on a terminal how fast they go: one line on
 * stderr, renewed once a second, with the totals at the end.
 *
 * Thread: one owner.
 */
#ifndef CERO_METER_H
#define CERO_METER_H

#include <stdbool.h>
#include <stdint.h>

struct tally {
    uint64_t messages;
    uint64_t bytes;
};

struct meter {
    bool shows_progress;
    bool shows_total;
    bool is_dirty; /* a progress line stands on the terminal */
    int64_t start_ns;
    int64_t shown_ns;
    struct tally sent; /* counted by the owner */
    struct tally received;
    uint64_t shown_messages;
};

void meter_init(struct meter *meter, bool is_quiet, bool is_verbose);

/* Renews the line if its second is over. */
void meter_update(struct meter *meter);

/* How long the owner may sleep until the line is due; -1: any time. */
int meter_wait_ms(const struct meter *meter);

/* Takes the line away, so that something else can be written. */
void meter_clear(struct meter *meter);

/* The totals. */
void meter_finish(struct meter *meter);

/* Monotonic time. */
int64_t meter_now_ns(void);

/* 1234567 as "1.23 M", or as "1.23 MB"; `buffer` is returned. */
const char *meter_human(char buffer[32], double value);
const char *meter_human_bytes(char buffer[32], double value);

#endif
