/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the reactor's events and the bits of poll(2), which several
 * back-ends share.
 */
#ifndef CZ_REACTOR_POLLER_BITS_H
#define CZ_REACTOR_POLLER_BITS_H

#include "reactor/poller.h"

#include <poll.h>

/* Elsewhere POLLIN says that the far end has gone, too. */
#ifdef POLLRDHUP
#define CZ_POLLRDHUP POLLRDHUP
#else
#define CZ_POLLRDHUP 0
#endif

static inline short cz_poll_bits(unsigned interest)
{
    short bits = 0;

    if (interest & CZ_POLL_IN)
        bits |= POLLIN | CZ_POLLRDHUP;
    if (interest & CZ_POLL_OUT)
        bits |= POLLOUT;
    return bits;
}

/* POLLNVAL: removed and closed by another thread since prepare, and then
 * dispatch drops it, or closed before its removal, and then reading tells
 * the handler so. */
static inline unsigned cz_poll_events(int bits)
{
    unsigned events = 0;

    if (bits & (POLLIN | CZ_POLLRDHUP | POLLHUP | POLLERR | POLLNVAL))
        events |= CZ_POLL_IN;
    if (bits & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
        events |= CZ_POLL_OUT;
    if (bits & (POLLERR | POLLNVAL))
        events |= CZ_POLL_ERR;
    return events;
}

#endif
