/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Alarms: a timerfd, beside a descriptor of the caller's in an epoll.
 *
 * Thread: see os/alarm.h. Owns: what is listed there.
 */
#include "os/alarm.h"

#include "os/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int alarm_watch(struct cz_alarm *alarm, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(alarm->fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int cz_alarm_init(struct cz_alarm *alarm, int over_fd)
{
    int rc;

    alarm->fd = epoll_create1(EPOLL_CLOEXEC);
    if (alarm->fd < 0)
        return -errno;
    alarm->timer_fd =
        timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    rc = alarm->timer_fd < 0 ? -errno : alarm_watch(alarm, alarm->timer_fd);
    if (rc == 0)
        rc = alarm_watch(alarm, over_fd);
    if (rc != 0)
        cz_alarm_fini(alarm);
    return rc;
}

void cz_alarm_fini(struct cz_alarm *alarm)
{
    if (alarm->timer_fd >= 0)
        close(alarm->timer_fd);
    close(alarm->fd);
}

void cz_alarm_set(struct cz_alarm *alarm, uint64_t due_us)
{
    struct itimerspec when = {.it_value.tv_sec = 0};

    /* Zero would be never; and the clock never was at zero. */
    if (due_us != CZ_CLOCK_NEVER) {
        when.it_value.tv_sec = (time_t)(due_us / 1000000);
        when.it_value.tv_nsec = (long)(due_us % 1000000) * 1000;
    }
    /* Fails for nothing but a time that is none. */
    (void)timerfd_settime(alarm->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}
