/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of the simulated system share.
 *
 * Thread: simulated ones; run_exactly on none. Owns: nothing.
 */
#ifndef CZ_SIM_OS_SELF_H
#define CZ_SIM_OS_SELF_H

#include "os/poll.h"
#include "sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline short poll_now(int fd, short events)
{
    struct pollfd at = {.fd = fd, .events = events};

    (void)!cz_os_poll(&at, 1, 0);
    return at.revents;
}

static inline short poll_until(int fd, short events)
{
    struct pollfd at = {.fd = fd, .events = events};

    SIM_CHECK(cz_os_poll(&at, 1, -1) == 1);
    return at.revents;
}

/* For what is counted over the runs: never more or fewer than `count`. */
static inline void run_exactly(unsigned count, const struct sim_config *config,
                               void (*main_fn)(void *arg), void *arg)
{
    uint64_t seed;

    for (seed = 1; seed <= count; seed++)
        assert_int_equal(sim_run(seed, config, main_fn, arg).fds_open, 0);
}

#endif
