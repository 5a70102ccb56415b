/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Random numbers that can be had again: of each test that uses them the seed is
 * printed, and CZ_SEED in the environment repeats a run.
 *
 * Thread: any, each with a state of its own. Owns: nothing.
 */
#ifndef TESTS_COMMON_RANDOM_H
#define TESTS_COMMON_RANDOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* From CZ_SEED, or from the clock; never 0. */
static inline uint64_t random_seed(void)
{
    const char *text = getenv("CZ_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed: CZ_SEED=%llu\n", (unsigned long long)seed);
    return seed * 2 + 1;
}

/* Below the limit. Xorshift, of which the upper bits are the better ones. */
static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 33) % limit;
}

#endif
