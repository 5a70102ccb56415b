/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How a socket sends.
 *
 * Thread: the socket's. Owns: nothing.
 */
#include "core/pace.h"

enum {
    /* Who has not woken the I/O side for this long has paused. */
    PAUSE_US = 50,
    /* The same of who serves many: between two rounds of answers it reads and
     * writes for all of them, which is no pause. */
    SERVER_PAUSE_US = 2000,
    /* A burst that has lasted this long is taken to go on. */
    BURST_LONG_US = 200,
    /* Who wakes so many between two waits serves many. */
    SERVES_MIN = 4,
    /* Further answers do not rest: what rests takes memory, in each pipe. */
    SERVES_MAX = 256,
};

enum cz_pace_step cz_pace_next(struct cz_pace *pace, uint64_t now_us)
{
    uint64_t pause_us = pace->is_serving ? SERVER_PAUSE_US : PAUSE_US;
    bool has_paused = now_us - pace->woke_at_us > pause_us;
    bool has_waited = pace->has_waited;

    pace->woke_at_us = now_us;
    pace->has_waited = false;
    pace->wakes++;
    if (has_paused || (has_waited && !pace->is_serving)) {
        pace->busy_since_us = now_us;
        return CZ_PACE_NOW;
    }
    if (pace->is_serving ? pace->wakes > SERVES_MAX
                         : now_us - pace->busy_since_us <= BURST_LONG_US)
        return CZ_PACE_SOON;
    pace->has_rest = true;
    return CZ_PACE_REST;
}

void cz_pace_wait(struct cz_pace *pace)
{
    pace->is_serving = pace->wakes >= SERVES_MIN;
    pace->wakes = 0;
    pace->has_waited = true;
}
