/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: timers where there is no I/O thread to run them.
 *
 * Thread: the socket's. Owns: the alarm behind ZMQ_FD.
 */
#include "base/alloc.h"
#include "core/ctx.h"
#include "core/socket.h"
#include "os/clock.h"
#include "wire/socket_type.h"

#include <errno.h>

void cz_socket_review(struct cz_socket *s)
{
    s->must_process =
        s->is_terminated || s->has_held || cz_socket_due(s) != CZ_CLOCK_NEVER;
}

static void timers_changed(struct cz_socket *s)
{
    cz_socket_review(s);
    if (s->alarm)
        cz_alarm_set(s->alarm, cz_socket_due(s));
}

void cz_socket_set_timer(struct cz_socket *s, struct cz_timer *timer,
                         uint64_t delay_us)
{
    cz_timer_set(&s->timers, timer, cz_clock_us() + delay_us);
    timers_changed(s);
}

void cz_socket_cancel_timer(struct cz_socket *s, struct cz_timer *timer)
{
    cz_timer_cancel(&s->timers, timer);
    timers_changed(s);
}

void cz_socket_run_timers(struct cz_socket *s)
{
    uint64_t now_us = cz_clock_us();

    if (cz_socket_due(s) <= now_us)
        cz_timers_run(&s->timers, now_us);
    /* What they have sent to the socket itself is to be seen at once. */
    cz_mailbox_run(s->mailbox);
}

/* ---- ZMQ_FD --------------------------------------------------------- */

/* Which sockets may have timers: those that may connect to sys://stats. */
static bool may_have_timers(const struct cz_socket *s)
{
    return !cz_ctx_has_io(s->ctx) &&
           (s->ops->type == CZ_SOCKET_SUB || s->ops->type == CZ_SOCKET_XSUB);
}

static int make_alarm(struct cz_socket *s, int fd)
{
    struct cz_alarm *alarm = cz_alloc(sizeof *alarm);
    int rc = alarm ? cz_alarm_init(alarm, fd) : -ENOMEM;

    if (rc != 0) {
        cz_free(alarm);
        return rc;
    }
    s->alarm = alarm;
    timers_changed(s);
    return 0;
}

int cz_socket_fd(struct cz_socket *s)
{
    int fd = cz_mailbox_fd(s->mailbox);
    int rc;

    if (fd < 0 || !may_have_timers(s))
        return fd;
    if (!s->alarm) {
        rc = make_alarm(s, fd);
        if (rc != 0)
            return rc;
    }
    return s->alarm->fd;
}

void cz_socket_close_fd(struct cz_socket *s)
{
    if (!s->alarm)
        return;
    cz_alarm_fini(s->alarm);
    cz_free(s->alarm);
    s->alarm = NULL;
}
