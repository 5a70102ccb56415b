/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The bell: one thread waits for the mailboxes of many sockets at once.
 *
 * A mailbox points to the bell that its socket was last waited for with, and
 * stays with it between two waits, so that waiting again for the same sockets
 * stores nothing in them:
 *
 *     who posts                            who waits
 *     push the command                     hang the bell on each mailbox
 *     if the mailbox was empty:            loop:
 *         look at its bell,                    say that it waits
 *         and ring it if somebody              look into every mailbox
 *         waits there                          sleep, if all are empty
 *
 * All of that is sequentially consistent: either the command is seen or the
 * bell is rung (modelled in tests/unit/model). Which thread waits does not
 * matter, nor does a bell that rings for nothing: who wakes looks again.
 *
 * Lifetime. Who posts may ring late, and a bell that its mailbox has left
 * meanwhile. So bells are kept by the contexts whose sockets they were hung
 * on until those end (core/ctx.h), and used again.
 *
 * Thread: ring by any, everything else by the one that took it. Owns: its
 * descriptor.
 */
#ifndef CZ_CORE_BELL_H
#define CZ_CORE_BELL_H

#include "base/compiler.h"
#include "os/waker.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum cz_bell_state {
    CZ_BELL_SILENT = 0,  /* nobody waits */
    CZ_BELL_PARKED = 1,  /* somebody sleeps on the word itself */
    CZ_BELL_POLLING = 2, /* somebody polls the descriptor */
};

struct cz_bell {
    _Atomic uint32_t state;
    _Atomic uint32_t is_taken;
    _Atomic uint32_t refs;
    struct cz_waker waker;
};

/* One reference, and taken; NULL = no memory. */
struct cz_bell *cz_bell_create(void);
void cz_bell_ref(struct cz_bell *bell);
void cz_bell_unref(struct cz_bell *bell);

/* For one thread at a time. False: it is another's. */
CZ_MUST_CHECK bool cz_bell_try_take(struct cz_bell *bell);
void cz_bell_leave(struct cz_bell *bell);

/* The caller is going to wait, unless it finds something in a mailbox now;
 * and it does not, or not any more. */
void cz_bell_listen(struct cz_bell *bell, enum cz_bell_state state);
void cz_bell_ignore(struct cz_bell *bell);

/* Sleeps until it is rung, having said CZ_BELL_PARKED: 0, -ETIMEDOUT or
 * -EINTR. */
CZ_MUST_CHECK int cz_bell_park(struct cz_bell *bell, uint64_t deadline_us);

/* The descriptor that becomes readable when it is rung during
 * CZ_BELL_POLLING; made at the first call. The descriptor or -errno. */
CZ_MUST_CHECK int cz_bell_fd(struct cz_bell *bell);
/* Makes it unreadable again. */
void cz_bell_clear(struct cz_bell *bell);

void cz_bell_wake(struct cz_bell *bell);

static inline void cz_bell_ring(struct cz_bell *bell)
{
    /* seq_cst: pairs with cz_bell_listen, see above. */
    if (atomic_load(&bell->state) != CZ_BELL_SILENT)
        cz_bell_wake(bell);
}

#endif
