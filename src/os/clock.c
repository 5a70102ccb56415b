/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The clocks. They are read without a system call (vdso), but for that of a
 * thread.
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

uint64_t cz_clock_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000;
}

uint64_t cz_clock_thread_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000U + (uint64_t)used.tv_nsec / 1000;
}
