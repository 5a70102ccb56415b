/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How a socket sends: a message now and then, many in a row, or answer after
 * answer. By that it is decided when the I/O side writes what wakes it.
 *
 *   - A message that comes after a pause, or after its socket had to wait for
 *     something to receive, is probably alone: it is written at once, by the
 *     sending thread if it can be. The hop to the I/O thread would cost more
 *     than all the rest.
 *   - In a burst the I/O thread writes, and may find a batch.
 *   - Where a burst goes on, and where a thread answers many before it waits
 *     again, what was sent rests for a moment, so that larger batches form. It
 *     goes out when its thread has nothing more to do, and if that does not
 *     come soon, after CZ_PACE_REST_US or CZ_PACE_SERVER_REST_US.
 *
 * Thread: the socket's. Owns: nothing.
 */
#ifndef CZ_CORE_PACE_H
#define CZ_CORE_PACE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CZ_PACE_REST_US = 100,
    /* Who answers many comes back by itself. To watch it more closely costs
     * more than it gives: on a virtual machine, 20 us for each look. */
    CZ_PACE_SERVER_REST_US = 1000,
};

enum cz_pace_step {
    CZ_PACE_NOW,
    CZ_PACE_SOON,
    CZ_PACE_REST,
};

struct cz_pace {
    uint64_t woke_at_us;    /* when the I/O side was last woken, */
    uint64_t busy_since_us; /* and since when that goes on without a pause */
    uint32_t wakes;         /* since the last wait */
    bool has_waited;        /* and woken nobody since */
    bool is_serving;        /* woke many between the last two waits */
    bool has_rest;          /* something may rest */
};

/* Something was sent that wakes the I/O side. */
enum cz_pace_step cz_pace_next(struct cz_pace *pace, uint64_t now_us);

/* How long what rests may do so. */
static inline uint32_t cz_pace_rest_us(const struct cz_pace *pace)
{
    return pace->is_serving ? CZ_PACE_SERVER_REST_US : CZ_PACE_REST_US;
}

/* The socket has nothing to receive and is going to wait. */
void cz_pace_wait(struct cz_pace *pace);

/* Having had to make or to wait for room is no pause. */
static inline void cz_pace_go_on(struct cz_pace *pace, uint64_t now_us)
{
    pace->woke_at_us = now_us;
}

#endif
