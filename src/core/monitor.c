/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket monitors.
 *
 * Thread: any, under the monitor's lock. Owns: one end of the pipe, and the
 * mailbox that it needs for being told of credit.
 */
#include "core/monitor.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/mailbox.h"
#include "core/pipe.h"

#include <errno.h>
#include <string.h>

enum {
    EVENTS_MAX = 1000,
    EVENT_FRAME_SIZE = 6,
};

struct cz_monitor {
    _Atomic uint32_t refs;
    /* What is wanted; read without the lock, so that a socket that nobody
     * monitors pays one load per event. */
    _Atomic uint32_t mask;
    struct cz_mutex lock;
    struct cz_ctx *ctx;
    struct cz_mailbox *mailbox;
    struct cz_pipe_end *end; /* NULL: nobody listens */
    struct cz_pipe_end *far_end;
    struct cz_registry_entry *entry; /* with far_end; ours to remove */
    struct cz_account account;
};

static void monitor_ignore(void *owner, struct cz_pipe_end *end)
{
    (void)owner;
    (void)end;
}

/* Gives the name back. True: nobody has connected, and nobody will, so the far
 * end is ours to close. */
static bool monitor_withdraw(struct cz_monitor *monitor)
{
    struct cz_registry *registry = &monitor->ctx->registry;
    bool is_unclaimed;

    cz_mutex_lock(&registry->lock);
    is_unclaimed = monitor->entry->kind == CZ_REGISTRY_OFFERED;
    cz_registry_remove(monitor->entry);
    cz_mutex_unlock(&registry->lock);
    return is_unclaimed;
}

static void monitor_drop_end(struct cz_monitor *monitor)
{
    bool is_unclaimed;

    atomic_store_explicit(&monitor->mask, 0, memory_order_relaxed);
    if (!monitor->end)
        return;
    is_unclaimed = monitor_withdraw(monitor);
    cz_pipe_close(monitor->end, 0);
    monitor->end = NULL;
    if (is_unclaimed)
        cz_pipe_close(monitor->far_end, 0);
}

static void monitor_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    (void)end;
    monitor_drop_end(owner);
}

static const struct cz_pipe_events monitor_events = {
    .on_attach = monitor_ignore,
    .on_readable = monitor_ignore,
    .on_writable = monitor_ignore,
    .on_peer_closed = monitor_on_peer_closed,
};

struct cz_monitor *cz_monitor_create(struct cz_ctx *ctx)
{
    struct cz_monitor *monitor = cz_zalloc(sizeof *monitor);

    if (!monitor)
        return NULL;
    atomic_init(&monitor->refs, 1);
    monitor->ctx = ctx;
    cz_mutex_init(&monitor->lock);
    cz_account_init(&monitor->account, ctx);
    return monitor;
}

struct cz_account *cz_monitor_account(struct cz_monitor *monitor)
{
    return &monitor->account;
}

struct cz_monitor *cz_monitor_ref(struct cz_monitor *monitor)
{
    /* Relaxed: who takes a reference already holds one. */
    atomic_fetch_add_explicit(&monitor->refs, 1, memory_order_relaxed);
    return monitor;
}

static void monitor_stop_locked(struct cz_monitor *monitor);

void cz_monitor_unref(struct cz_monitor *monitor)
{
    if (atomic_fetch_sub_explicit(&monitor->refs, 1, memory_order_acq_rel) > 1)
        return;
    monitor_stop_locked(monitor); /* nobody is left to lock out */
    if (monitor->mailbox) {
        cz_mailbox_close(monitor->mailbox);
        cz_mailbox_unref(monitor->mailbox);
    }
    cz_account_fini(&monitor->account);
    cz_mutex_fini(&monitor->lock);
    cz_free(monitor);
}

/* Sends one event; dropped if the consumer is too far behind. */
static void monitor_send(struct cz_monitor *monitor, enum cz_event event,
                         uint32_t value, const char *endpoint)
{
    uint8_t head[EVENT_FRAME_SIZE];
    uint16_t number = (uint16_t)event;
    struct cz_frame frames[2] = {
        {.data = head, .size = sizeof head, .flags = CZ_FRAME_MORE},
        {.data = (const uint8_t *)endpoint, .size = strlen(endpoint)},
    };

    cz_mailbox_run(monitor->mailbox);
    if (!monitor->end)
        return;
    memcpy(head, &number, sizeof number);
    memcpy(head + sizeof number, &value, sizeof value);
    if (cz_pipe_write(monitor->end, &frames[0]) == 0 &&
        cz_pipe_write(monitor->end, &frames[1]) != 0)
        cz_stream_rollback(monitor->end->out);
}

void cz_monitor_tell(struct cz_monitor *monitor, enum cz_event event,
                     uint32_t value, const char *endpoint, const char *peer)
{
    cz_account_event(&monitor->account, event);
    if (cz_log_is_heard(&monitor->ctx->log))
        cz_log_tell_event(&monitor->account, event, value, endpoint, peer);
    /* Relaxed: an event at the moment of change may be told or not. */
    if (CZ_LIKELY(!(atomic_load_explicit(&monitor->mask, memory_order_relaxed) &
                    event)))
        return;
    cz_mutex_lock(&monitor->lock);
    if (monitor->end)
        monitor_send(monitor, event, value, endpoint);
    cz_mutex_unlock(&monitor->lock);
}

static void monitor_stop_locked(struct cz_monitor *monitor)
{
    if (monitor->end &&
        atomic_load_explicit(&monitor->mask, memory_order_relaxed) &
            CZ_EVENT_MONITOR_STOPPED)
        monitor_send(monitor, CZ_EVENT_MONITOR_STOPPED, 0, "");
    monitor_drop_end(monitor);
}

void cz_monitor_stop(struct cz_monitor *monitor)
{
    cz_mutex_lock(&monitor->lock);
    monitor_stop_locked(monitor);
    cz_mutex_unlock(&monitor->lock);
}

/* Puts the far end of a new pipe up under the name. With the registry. */
static int monitor_offer(struct cz_monitor *monitor, const char *name)
{
    const uint32_t hwm[2] = {EVENTS_MAX, 1};
    struct cz_pipe *pipe = cz_pipe_create(hwm, NULL);

    if (!pipe)
        return -ENOMEM;
    monitor->entry =
        cz_registry_add(&monitor->ctx->registry, CZ_REGISTRY_OFFERED, name,
                        NULL, &pipe->ends[1]);
    if (!monitor->entry) {
        cz_pipe_close(&pipe->ends[1], 0);
        cz_pipe_close(&pipe->ends[0], 0);
        return -ENOMEM;
    }
    monitor->end = &pipe->ends[0];
    monitor->far_end = &pipe->ends[1];
    cz_pipe_own(monitor->end, monitor->mailbox, &monitor_events, monitor);
    return 0;
}

/* The consumer came first, and waits under the name. With the registry. */
static void monitor_take(struct cz_monitor *monitor,
                         struct cz_registry_entry *waiting)
{
    monitor->end = waiting->end;
    monitor->far_end = waiting->end->peer;
    monitor->entry = waiting;
    waiting->kind = CZ_REGISTRY_TAKEN;
    cz_registry_disown(waiting);
    waiting->end = monitor->far_end;
    cz_pipe_adopt(monitor->end, monitor->mailbox, &monitor_events, monitor);
    cz_pipe_set_marks(monitor->end, EVENTS_MAX, 1);
}

static int monitor_open(struct cz_monitor *monitor, const char *name)
{
    struct cz_registry *registry = &monitor->ctx->registry;
    struct cz_registry_entry *waiting;
    int rc = 0;

    cz_mutex_lock(&registry->lock);
    if (!cz_registry_is_free(registry, name))
        rc = -EADDRINUSE;
    else if ((waiting = cz_registry_find(registry, CZ_REGISTRY_WAITING, name)))
        monitor_take(monitor, waiting);
    else
        rc = monitor_offer(monitor, name);
    cz_mutex_unlock(&registry->lock);
    return rc;
}

int cz_monitor_start(struct cz_monitor *monitor, const char *name,
                     uint32_t mask)
{
    int rc = -ENOMEM;

    cz_mutex_lock(&monitor->lock);
    monitor_stop_locked(monitor);
    if (!monitor->mailbox)
        monitor->mailbox = cz_mailbox_create(NULL);
    if (monitor->mailbox)
        rc = monitor_open(monitor, name);
    if (rc == 0)
        atomic_store_explicit(&monitor->mask, mask, memory_order_relaxed);
    cz_mutex_unlock(&monitor->lock);
    return rc;
}
