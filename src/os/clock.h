/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Time. Monotonic: a change of the system's date fires no timer.
 *
 * Thread: any.
 */
#ifndef CZ_OS_CLOCK_H
#define CZ_OS_CLOCK_H

#include <stdint.h>

uint64_t cz_clock_ns(void);

/* The date, in microseconds since 1970: to be shown, not to be waited for. */
uint64_t cz_clock_wall_us(void);

/* How much of a processor's time this thread has used. */
uint64_t cz_clock_thread_us(void);

static inline uint64_t cz_clock_us(void)
{
    return cz_clock_ns() / 1000;
}

/* "Never" for deadlines in microseconds. */
#define CZ_CLOCK_NEVER UINT64_MAX

#endif
