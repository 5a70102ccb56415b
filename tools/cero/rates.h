/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How fast messages pass through pipes: two snapshots, compared.
 *
 * Thread: one owner.
 */
#ifndef CERO_RATES_H
#define CERO_RATES_H

#include "attach.h"

/* A pipe. */
struct rate {
    uint64_t pid;
    uint64_t started_us; /* with the pid: which context */
    uint64_t taken_us;
    cero_stats_t record;
    double messages_out; /* per second, since the snapshot before */
    double messages_in;
    double bytes; /* both ways */
    uint64_t dropped;
};

struct rates {
    struct rate *rows; /* the busiest first */
    size_t count;
    uint64_t contexts;
    uint64_t sockets;
    uint64_t memory;
    double messages_out; /* of all */
    double messages_in;
};

/* Takes in the latest snapshots. Begins with zeros. 0 or -ENOMEM. */
int rates_update(struct rates *rates, const struct attach *attach);
void rates_fini(struct rates *rates);

#endif
