/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A descriptor that one thread makes readable to wake another that waits
 * in a poller (an eventfd).
 */
#ifndef CZ_OS_WAKER_H
#define CZ_OS_WAKER_H

#include "base/compiler.h"

struct cz_waker {
    int fd; /* -1 = not open */
};

/* 0 or -errno (EMFILE, ENFILE, ENOMEM). */
CZ_MUST_CHECK int cz_waker_init(struct cz_waker *waker);
void cz_waker_fini(struct cz_waker *waker);

/* Makes the descriptor readable. Any thread. */
void cz_waker_signal(struct cz_waker *waker);

/* Makes it unreadable again. */
void cz_waker_clear(struct cz_waker *waker);

#endif
