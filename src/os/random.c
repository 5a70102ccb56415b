/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Randomness from the kernel, and a mixed clock where the kernel has none.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/random.h"

#include "os/clock.h"
#include "os/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* One step of SplitMix64: every bit of the input moves every bit of the
 * output. */
static uint64_t random_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* Good for jitter and identities only. A kernel that knows getrandom and
 * has been up for a second never sends us here. */
static void random_from_clock(uint8_t *to, size_t size)
{
    uint64_t state = cz_clock_ns() ^ ((uint64_t)cz_process_id() << 32) ^
                     (uint64_t)cz_thread_self();

    while (size > 0) {
        size_t part = size < sizeof state ? size : sizeof state;

        state = random_mix(state ^ cz_clock_ns());
        memcpy(to, &state, part);
        to += part;
        size -= part;
    }
}

void cz_random_bytes(void *to, size_t size)
{
    uint8_t *at = to;

    while (size > 0) {
        ssize_t got = getrandom(at, size, GRND_NONBLOCK);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            random_from_clock(at, size);
            return;
        }
        at += got;
        size -= (size_t)got;
    }
}

uint32_t cz_random_u32(void)
{
    uint32_t value;

    cz_random_bytes(&value, sizeof value);
    return value;
}

int cz_random_secret(void *to, size_t size)
{
    uint8_t *at = to;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno != EINTR)
            return -errno;
        if (got <= 0)
            continue;
        at += got;
        size -= (size_t)got;
    }
    return 0;
}
