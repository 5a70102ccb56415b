/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: sending, receiving and waiting, when it does not succeed at once.
 *
 * Thread: the socket's.
 */
#include "core/ctx.h"
#include "core/error.h"
#include "core/io_thread.h"
#include "core/socket.h"
#include "os/clock.h"
#include "os/thread.h"

#include <errno.h>

enum {
    SPIN_BACKOFF_MAX = 1023,
    /* Every so many spins it is asked whether they are any good, for which the
     * thread must have been aside for more than so long. */
    SPIN_CHECK_EVERY = 64,
    SPIN_ASIDE_US = 3,
    /* How long the network may take to go on before the sender does: for
     * CREDIT_BYTES (net/engine_out.c) that is half a GB a second. */
    STEP_US = 2000,
    /* How often a call that does not wait looks whether something has come. It
     * may always be what nobody wants. */
    LOOKS_MAX = 4,
};

int cz_socket_process(struct cz_socket *s)
{
    if (!cz_socket_is_ours(s))
        return -EINTR;
    cz_mailbox_run(s->mailbox);
    if (CZ_UNLIKELY(s->must_process) && !s->is_terminated)
        cz_socket_run_timers(s);
    return s->is_terminated ? -CZ_ETERM : 0;
}

/* ---- waiting -------------------------------------------------------- */

/* How long this wait may spin. Where the last spins were in vain, only every
 * n-th wait tries again, n doubling each time. */
static uint32_t spin_begin(struct cz_socket *s)
{
    bool has_sent = s->mailbox->sends != s->spin.sends;

    s->spin.sends = s->mailbox->sends;
    if (s->spin_us_max == 0 || !has_sent)
        return 0;
    if (s->spin.skip > 0) {
        s->spin.skip--;
        return 0;
    }
    if (cz_ctx_cpu_count(s->ctx) <= 1)
        return 0;
    s->spin.is_checked = s->spin.checks == 0;
    s->spin.checks = (s->spin.checks + 1) % SPIN_CHECK_EVERY;
    if (s->spin.is_checked)
        s->spin.used_us = cz_clock_thread_us();
    return s->spin_us_max;
}

/* Was the thread aside for much of the spin? */
static bool spin_was_aside(const struct cz_spin *spin, uint64_t spun_us)
{
    uint64_t used_us;

    if (!spin->is_checked)
        return false;
    used_us = cz_clock_thread_us() - spin->used_us;
    return spun_us > used_us + SPIN_ASIDE_US && spun_us - used_us > spun_us / 4;
}

/* at_once: what was waited for was there already, which says nothing. */
static void spin_end(struct cz_socket *s, uint32_t spin_us, uint64_t since_us,
                     bool at_once)
{
    struct cz_spin *spin = &s->spin;
    uint64_t spun_us;

    if (spin_us == 0)
        return;
    if (at_once) {
        if (spin->is_checked)
            spin->checks = 0; /* another one */
        return;
    }
    spun_us = cz_clock_us() - since_us;
    if (spun_us < spin_us && !spin_was_aside(spin, spun_us)) {
        spin->backoff = 0;
        return;
    }
    spin->backoff = spin->backoff * 2 + 1;
    if (spin->backoff > SPIN_BACKOFF_MAX)
        spin->backoff = SPIN_BACKOFF_MAX;
    spin->skip = spin->backoff;
    spin->checks = 0; /* the next one is looked at */
}

/* Nothing can come but from other threads of this process. */
static int wait_for_threads(struct cz_socket *s, uint64_t deadline_us,
                            uint32_t spin_us, uint64_t now_us, bool *at_once)
{
    uint64_t until_us = now_us + spin_us;

    cz_socket_flush_rest(s);
    cz_ctx_resume_io(s->ctx);
    *at_once = !cz_mailbox_is_empty(s->mailbox);
    while (spin_us && cz_mailbox_is_empty(s->mailbox)) {
        if (cz_clock_us() >= until_us)
            break;
        cz_cpu_relax();
    }
    return cz_mailbox_park(s->mailbox, deadline_us);
}

static int wait_for_command(struct cz_socket *s, uint64_t until_us,
                            uint32_t spin_us, uint64_t now_us, bool *at_once)
{
    /* What comes now is nothing to those with whom it was waited for. */
    if (cz_mailbox_bell(s->mailbox))
        cz_mailbox_hang_bell(s->mailbox, NULL);
    if (s->sole_io && s->may_drive && !s->has_fd &&
        cz_io_is_drivable(s->sole_io))
        return cz_io_drive(s->sole_io, s->mailbox, until_us, spin_us, at_once);
    return wait_for_threads(s, until_us, spin_us, now_us, at_once);
}

int cz_socket_wait(struct cz_socket *s, uint64_t deadline_us)
{
    uint64_t now_us = cz_clock_us();
    uint64_t due_us = cz_socket_due(s);
    uint64_t until_us = due_us < deadline_us ? due_us : deadline_us;
    uint32_t spin_us = spin_begin(s);
    bool at_once;
    int rc = wait_for_command(s, until_us, spin_us, now_us, &at_once);

    spin_end(s, spin_us, now_us, at_once);
    return rc == -ETIMEDOUT && due_us <= deadline_us ? 0 : rc;
}

/* Before waiting for room: the messages that fill the pipe may only be
 * waiting for somebody to write them. */
static void help_io(struct cz_socket *s)
{
    if (s->sole_io && s->may_drive)
        (void)cz_io_help(s->sole_io);
}

static void socket_flush(struct cz_socket *s)
{
    for (int i = 0; s->tenants && i < s->ctx->io_count; i++) {
        if (s->tenants[i])
            cz_io_flush(s->ctx->io[i]);
    }
}

void cz_socket_end_batch(struct cz_socket *s)
{
    s->mailbox->is_in_batch = false;
    socket_flush(s);
}

void cz_socket_flush_rest(struct cz_socket *s)
{
    if (s->mailbox->pace.has_rest)
        socket_flush(s);
    s->mailbox->pace.has_rest = false;
}

/* Before saying that there is nothing: if nobody reads the descriptors just
 * now, do it. True: something has come. */
static bool look_around(struct cz_socket *s)
{
    cz_socket_flush_rest(s);
    if (s->sole_io)
        cz_io_look(s->sole_io);
    return !cz_mailbox_is_empty(s->mailbox);
}

void cz_socket_wait_elsewhere(struct cz_socket *s)
{
    cz_ctx_resume_io(s->ctx);
}

static uint64_t deadline_after(int timeout_ms)
{
    if (timeout_ms < 0)
        return CZ_CLOCK_NEVER;
    return cz_clock_us() + (uint64_t)timeout_ms * 1000;
}

/* Commands can come without end; the clock is looked at all the same. */
static bool is_too_late(uint64_t deadline_us)
{
    return deadline_us != CZ_CLOCK_NEVER && cz_clock_us() >= deadline_us;
}

/* ---- sending and receiving ------------------------------------------ */

void cz_socket_keep_step(struct cz_socket *s, int flags)
{
    int limit_ms = s->options.sndtimeo_ms;
    uint64_t step_us = STEP_US;
    uint64_t now_us;
    bool at_once;

    if (flags & CZ_DONTWAIT || limit_ms == 0 ||
        !cz_mailbox_is_empty(s->mailbox))
        return;
    if (limit_ms > 0 && (uint64_t)limit_ms * 1000 < step_us)
        step_us = (uint64_t)limit_ms * 1000;
    now_us = cz_clock_us();
    /* The message has been sent. Whatever ends the wait, a signal or the end of
     * the context too, is for the next call. */
    (void)!wait_for_command(s, now_us + step_us, 0, now_us, &at_once);
    cz_pace_go_on(&s->mailbox->pace, cz_clock_us());
}

/* The receiver may wait for this very processor. Then it finds all that is in
 * the pipe, and need not wake us: one change of threads in place of several. */
static bool let_receiver_run(struct cz_socket *s)
{
    if (s->tenant_count > 0)
        return false;
    cz_thread_yield();
    return true;
}

int cz_socket_send_slow(struct cz_socket *s, struct cz_frame *frame, int flags)
{
    bool may_wait = !(flags & CZ_DONTWAIT) && s->options.sndtimeo_ms != 0;
    uint64_t deadline_us = 0;
    int rc;

    for (;;) {
        rc = cz_socket_process(s);
        if (rc == 0)
            rc = s->ops->send(s, frame);
        if (rc == CZ_PIPE_SENT_AHEAD) {
            cz_socket_keep_step(s, flags);
            return 0;
        }
        if (rc != -EAGAIN || !may_wait)
            return rc;
        if (deadline_us == 0) {
            deadline_us = deadline_after(s->options.sndtimeo_ms);
            if (let_receiver_run(s))
                continue;
        } else if (is_too_late(deadline_us)) {
            return rc;
        }
        help_io(s);
        if (!cz_mailbox_is_empty(s->mailbox))
            continue;
        rc = cz_socket_wait(s, deadline_us);
        if (rc != 0)
            return rc == -ETIMEDOUT ? -EAGAIN : rc;
        /* Having to wait for room is no pause in a burst. */
        cz_pace_go_on(&s->mailbox->pace, cz_clock_us());
    }
}

static int socket_take(struct cz_socket *s, struct cz_frame *frame)
{
    if (CZ_LIKELY(!s->has_held))
        return s->ops->recv(s, frame);
    cz_socket_take_held(s, frame);
    return 0;
}

int cz_socket_recv_slow(struct cz_socket *s, struct cz_frame *frame, int flags)
{
    bool may_wait = !(flags & CZ_DONTWAIT) && s->options.rcvtimeo_ms != 0;
    uint64_t deadline_us = 0;
    int looks = 0;
    int rc;

    for (;;) {
        rc = cz_socket_process(s);
        if (rc == 0)
            rc = socket_take(s, frame);
        if (rc == 0) {
            s->has_more = frame->flags & CZ_FRAME_MORE;
            return 0;
        }
        if (rc != -EAGAIN)
            return rc;
        if (!may_wait && (looks++ == LOOKS_MAX || !look_around(s)))
            return rc;
        if (!may_wait)
            continue;
        if (deadline_us == 0)
            deadline_us = deadline_after(s->options.rcvtimeo_ms);
        else if (is_too_late(deadline_us))
            return rc;
        cz_pace_wait(&s->mailbox->pace);
        rc = cz_socket_wait(s, deadline_us);
        if (rc != 0)
            return rc == -ETIMEDOUT ? -EAGAIN : rc;
    }
}

int cz_socket_events(struct cz_socket *s)
{
    int events = cz_socket_glance(s);

    if (events >= 0 && !(events & CZ_POLLED_IN) && look_around(s))
        events = cz_socket_glance(s);
    return events;
}
