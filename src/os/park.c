/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Parking is a private futex. FUTEX_WAIT_BITSET takes an absolute time on
 * the monotonic clock, so that a wait that is begun again after a spurious
 * wake-up does not drift.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/park.h"

#include "base/assert.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

CZ_STATIC_ASSERT(sizeof(_Atomic uint32_t) == sizeof(uint32_t),
                 "the kernel reads the word as a plain 32-bit integer");

int cz_park(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_us)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_us / 1000000),
        .tv_nsec = (long)(deadline_us % 1000000) * 1000,
    };

    /* There is always a limit, if only CZ_CLOCK_NEVER, which is beyond all
     * time: without one the kernel begins the wait again after a handler with
     * SA_RESTART, as signal() installs them. */
    if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                expected, &deadline, NULL, FUTEX_BITSET_MATCH_ANY) == 0)
        return 0;
    /* EAGAIN: the word had changed already, as good as a wake-up. */
    return errno == EAGAIN ? 0 : -errno;
}

void cz_unpark(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL,
            0);
}
