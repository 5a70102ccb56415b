/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The seed's random numbers, for the simulation and as cz_random_*.
 *
 * Thread: the one whose turn it is. Owns: nothing.
 */
#include "os/random.h"
#include "sim/os/world.h"

#include <string.h>

/* SplitMix64. */
static uint64_t dice_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

void sim_dice_init(uint64_t seed)
{
    size_t i;

    for (i = 0; i < sizeof sim.dice / sizeof sim.dice[0]; i++)
        sim.dice[i] = dice_mix(seed * 4 + i + 1);
}

uint64_t sim_roll(enum sim_dice dice)
{
    sim.dice[dice] += 0x9e3779b97f4a7c15U;
    return dice_mix(sim.dice[dice]);
}

uint64_t sim_below(enum sim_dice dice, uint64_t limit)
{
    return limit > 1 ? sim_roll(dice) % limit : 0;
}

bool sim_fault(unsigned chance)
{
    return chance > 0 && sim_below(SIM_DICE_FAULTS, 1000) < chance;
}

uint64_t sim_random(uint64_t limit)
{
    return sim_below(SIM_DICE_TEST, limit);
}

void cz_random_bytes(void *to, size_t size)
{
    uint8_t *at = to;

    while (size > 0) {
        uint64_t value = sim_roll(SIM_DICE_BYTES);
        size_t part = size < sizeof value ? size : sizeof value;

        memcpy(at, &value, part);
        at += part;
        size -= part;
    }
}

uint32_t cz_random_u32(void)
{
    return (uint32_t)sim_roll(SIM_DICE_BYTES);
}

int cz_random_secret(void *to, size_t size)
{
    cz_random_bytes(to, size);
    return 0;
}
