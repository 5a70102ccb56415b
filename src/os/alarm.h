/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A descriptor that is readable while another one is, or once a time has come,
 * for who waits for one descriptor only (an epoll over that and a timerfd).
 *
 * Thread: one at a time. Owns: its two descriptors, not the one it is over.
 */
#ifndef CZ_OS_ALARM_H
#define CZ_OS_ALARM_H

#include "base/compiler.h"

#include <stdint.h>

struct cz_alarm {
    int fd;
    int timer_fd;
};

/* 0 or -errno (EMFILE, ENFILE, ENOMEM). */
CZ_MUST_CHECK int cz_alarm_init(struct cz_alarm *alarm, int over_fd);
void cz_alarm_fini(struct cz_alarm *alarm);

/* When it is to become readable, on cz_clock_us's clock, in the place of what
 * was set before; CZ_CLOCK_NEVER: never. */
void cz_alarm_set(struct cz_alarm *alarm, uint64_t due_us);

#endif
