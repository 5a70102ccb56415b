/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EMULATION, for tests on systems without kqueue: as much of the interface
 * of <sys/event.h> as a reactor needs, on top of poll(2), with the meaning
 * that FreeBSD's kqueue(2) gives it. Written from the manual page.
 *
 * - A knote is known by {ident, filter}; EV_ADD of one that is there changes
 *   it. EV_DELETE, EV_ENABLE and EV_DISABLE of one that is not are ENOENT; a
 *   closed ident is EBADF; a pipe without its other end is EPIPE for
 *   EVFILT_WRITE.
 * - Level-triggered (no EV_CLEAR), one event per filter; what is told goes
 *   to the end of the queue.
 * - Changes take effect in a wait that is under way.
 * - Closing a descriptor deletes its knotes (found out by its inode, so not
 *   for anonymous ones like an eventfd).
 * - `data`, which is how much there is to read or room to write, is always 1.
 * - `fflags` of a failed socket is always ECONNRESET: on Linux asking for
 *   the error would take it away.
 */
#ifndef TESTS_EMULATION_SYS_EVENT_H
#define TESTS_EMULATION_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
};

#define EV_SET(kev, id, filt, act, notes, value, user)                         \
    (*(kev) = (struct kevent){.ident = (id),                                   \
                              .filter = (filt),                                \
                              .flags = (act),                                  \
                              .fflags = (notes),                               \
                              .data = (value),                                 \
                              .udata = (user)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int change_count,
           struct kevent *events, int event_max,
           const struct timespec *timeout);

#endif
