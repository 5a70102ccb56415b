/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kqueue(2), where the system has it. Results are a count or -errno; a
 * timeout is in microseconds, -1 = for ever. A signal gives -EINTR.
 */
#ifndef CZ_OS_KQUEUE_H
#define CZ_OS_KQUEUE_H

#ifdef CZ_HAVE_KQUEUE

#include "base/compiler.h"

/* In this order: on some BSDs the last one does not stand alone. */
#include <sys/time.h>
#include <sys/types.h>

#include <sys/event.h>

#include <stdint.h>

CZ_MUST_CHECK int cz_os_kqueue_create(void);
/* The changes before one that fails have been made. */
CZ_MUST_CHECK int cz_os_kqueue_change(int queue, const struct kevent *changes,
                                      int count);
CZ_MUST_CHECK int cz_os_kqueue_wait(int queue, struct kevent *events,
                                    int events_max, int64_t timeout_us);
void cz_os_kqueue_close(int queue);

#endif

#endif
