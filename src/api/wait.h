/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Waiting for several sockets at once: until a command has come for one of
 * them, for without one nothing changes about what they can do. What that is,
 * zmq_poll and the proxy find out for themselves.
 *
 * No descriptor takes part, and what was set up for a wait stays for the next
 * one (core/bell.h).
 *
 * Thread: that of all the sockets. Owns: the bell, from the first wait to
 * cz_wait_end.
 */
#ifndef CZ_API_WAIT_H
#define CZ_API_WAIT_H

#include "base/compiler.h"
#include "core/bell.h"
#include "zmq.h"

#include <stdint.h>

struct cz_wait {
    /* Begins as {items, count}; those without a socket do not count. */
    const zmq_pollitem_t *items;
    int count;
    struct cz_bell *bell;
};

/* Sleeps until a command may have come, or a socket's timer is due. 0,
 * -ETIMEDOUT, -EINTR, -ENOMEM. */
CZ_MUST_CHECK int cz_wait_sleep(struct cz_wait *wait, uint64_t deadline_us);

/* The same in steps for who sleeps in poll(2), until wait_due at the latest:
 * then the descriptor is one
 * of those to be polled, and cz_wait_finish follows in any case, except after
 * an error. 1: nothing has come, sleep; 0: look again; -ENOMEM, -EMFILE. */
CZ_MUST_CHECK int cz_wait_begin(struct cz_wait *wait, int *fd);
uint64_t cz_wait_due(const struct cz_wait *wait);
void cz_wait_finish(struct cz_wait *wait, bool is_readable);

void cz_wait_end(struct cz_wait *wait);

#endif
