/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The monotonic clock. It is read without a system call (vdso).
 *
 * Thread: any. Owns: nothing.
 */
#include "os/clock.h"

#include <time.h>

uint64_t cz_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
