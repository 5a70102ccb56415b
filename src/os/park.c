/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Parking is a private futex. FUTEX_WAIT_BITSET takes an absolute time on
 * the monotonic clock, so that a wait that is begun again after a spurious
 * wake-up does not drift. It is the kernel's own time, whatever the C library's
 * time_t is.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/park.h"

#include "base/assert.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

CZ_STATIC_ASSERT(sizeof(_Atomic uint32_t) == sizeof(uint32_t),
                 "the kernel reads the word as a plain 32-bit integer");

struct time64 {
    int64_t sec;
    int64_t nsec;
};

static long futex_wait(long call, _Atomic uint32_t *word, uint32_t expected,
                       const void *deadline)
{
    return syscall(call, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                   deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

#ifdef SYS_futex_time64

struct time32 {
    int32_t sec;
    int32_t nsec;
};

/* The only call that 32-bit systems had before Linux 5.1. Its time ends after
 * 68 years without a reboot. */
static long futex_wait_old(_Atomic uint32_t *word, uint32_t expected,
                           const struct time64 *deadline)
{
    struct time32 old = {
        .sec = deadline->sec < INT32_MAX ? (int32_t)deadline->sec : INT32_MAX,
        .nsec = (int32_t)deadline->nsec,
    };

    return futex_wait(SYS_futex, word, expected, &old);
}

static long futex_wait_until(_Atomic uint32_t *word, uint32_t expected,
                             const struct time64 *deadline)
{
    long rc = futex_wait(SYS_futex_time64, word, expected, deadline);

    if (rc == -1 && errno == ENOSYS)
        rc = futex_wait_old(word, expected, deadline);
    return rc;
}

#else

static long futex_wait_until(_Atomic uint32_t *word, uint32_t expected,
                             const struct time64 *deadline)
{
    return futex_wait(SYS_futex, word, expected, deadline);
}

#endif

int cz_park(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_us)
{
    struct time64 deadline = {
        .sec = (int64_t)(deadline_us / 1000000),
        .nsec = (int64_t)(deadline_us % 1000000) * 1000,
    };

    /* There is always a limit, if only CZ_CLOCK_NEVER, which is beyond all
     * time: without one the kernel begins the wait again after a handler with
     * SA_RESTART, as signal() installs them. */
    if (futex_wait_until(word, expected, &deadline) == 0)
        return 0;
    /* EAGAIN: the word had changed already, as good as a wake-up. */
    return errno == EAGAIN ? 0 : -errno;
}

void cz_unpark(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL,
            0);
}
