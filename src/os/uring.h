/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A ring (io_uring) that asks the kernel about descriptors and tells what
 * it has answered. Requests are only written down; they reach the kernel
 * with the next wait, all in one system call.
 *
 * The ring belongs to the first thread that calls cz_uring_enable: only it
 * may ask, wait and take. What the kernel still has to do for the ring is
 * done inside that thread's waits, and never interrupts it elsewhere.
 *
 * Owns: the ring, its memory and its descriptor.
 */
#ifndef CZ_OS_URING_H
#define CZ_OS_URING_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_uring;

/* What came of a request. */
struct cz_uring_answer {
    uint64_t data;  /* the request's */
    int32_t result; /* bits of poll(2), or -errno */
    bool has_more;  /* the request goes on */
};

/* Any thread. 0, -ENOSYS (no ring that can do what is needed here), -EPERM
 * (forbidden), -ENOMEM, -EMFILE... */
CZ_MUST_CHECK int cz_uring_create(struct cz_uring **ring);
/* Any thread, nobody waits. */
void cz_uring_destroy(struct cz_uring *ring);

/* From now on the ring is the calling thread's. 0 or -errno. */
CZ_MUST_CHECK int cz_uring_enable(struct cz_uring *ring);

/* Asks to be told once, or each time that something happens, when one of
 * these bits of poll(2) holds: now or later. POLLERR, POLLHUP and POLLRDHUP
 * come unasked. The kernel keeps the file open until it has answered. 0 or
 * -errno: then nothing was asked. */
CZ_MUST_CHECK int cz_uring_poll(struct cz_uring *ring, int fd, unsigned bits,
                                bool is_lasting, uint64_t data);

/* Has the request `data` look for other bits, beginning with now. Answers,
 * as `reply`, only if there is no such request. 0 or -errno. */
CZ_MUST_CHECK int cz_uring_change(struct cz_uring *ring, uint64_t data,
                                  unsigned bits, uint64_t reply);

/* Ends the request `data`, if there is one: it answers -ECANCELED. 0 or
 * -errno. */
CZ_MUST_CHECK int cz_uring_cancel(struct cz_uring *ring, uint64_t data);

/* Hands over what was asked and waits for an answer, or until `timeout_us`
 * has passed (-1 = for ever, 0 = only look). 0 or -errno; -EINTR after a
 * signal. */
CZ_MUST_CHECK int cz_uring_wait(struct cz_uring *ring, int64_t timeout_us);

/* Takes answers, the oldest first; how many. */
unsigned cz_uring_take(struct cz_uring *ring, struct cz_uring_answer *answers,
                       unsigned count_max);

#endif
