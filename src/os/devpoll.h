/* SPDX-License-Identifier: MPL-2.0 */
/*
 * /dev/poll (poll(7D) of Solaris and illumos), where the system has it.
 * Results are a count or -errno; a timeout is in microseconds, -1 = for
 * ever. A signal gives -EINTR.
 */
#ifndef CZ_OS_DEVPOLL_H
#define CZ_OS_DEVPOLL_H

#ifdef CZ_HAVE_DEVPOLL

#include "base/compiler.h"

#include <poll.h>
#include <stdint.h>

/* -ENOSYS: there is no such device. */
CZ_MUST_CHECK int cz_os_devpoll_open(void);
/* Each entry adds its bits to those of its descriptor, or with POLLREMOVE
 * forgets the descriptor. Blocks while another thread waits. 0 or -errno. */
CZ_MUST_CHECK int cz_os_devpoll_change(int device, const struct pollfd *entries,
                                       unsigned count);
/* The timeout is rounded up to milliseconds. */
CZ_MUST_CHECK int cz_os_devpoll_wait(int device, struct pollfd *ready,
                                     unsigned ready_max, int64_t timeout_us);
void cz_os_devpoll_close(int device);

#endif

#endif
