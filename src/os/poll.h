/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The system calls that wait for descriptors. Results are the count of
 * ready descriptors or -errno; a timeout is in microseconds, -1 = for
 * ever. A signal gives -EINTR.
 */
#ifndef CZ_OS_POLL_H
#define CZ_OS_POLL_H

#include "base/compiler.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>

CZ_MUST_CHECK int cz_os_poll(struct pollfd *fds, unsigned count,
                             int64_t timeout_us);
/* The same with this signal mask while it waits; NULL = as it is. */
CZ_MUST_CHECK int cz_os_ppoll(struct pollfd *fds, unsigned count,
                              int64_t timeout_us, const sigset_t *mask);
CZ_MUST_CHECK int cz_os_select(int fd_limit, fd_set *in, fd_set *out,
                               fd_set *err, int64_t timeout_us);

/* The simulation has no epoll: there create gives -ENOSYS. */
CZ_MUST_CHECK int cz_os_epoll_create(void);
CZ_MUST_CHECK int cz_os_epoll_ctl(int epoll_fd, int op, int fd,
                                  struct epoll_event *event);
CZ_MUST_CHECK int cz_os_epoll_wait(int epoll_fd, struct epoll_event *events,
                                   int events_max, int64_t timeout_us);
void cz_os_epoll_close(int epoll_fd);

#endif
