/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The log: listeners, what they want, and telling them.
 *
 * A listener's subscriptions come through its pipe, as any publisher gets
 * them. They are read when there is something to tell, so that nobody needs to
 * be woken for them.
 *
 * Thread: any, under the log's lock. Owns: see core/log.h.
 */
#include "core/log.h"

#include "base/alloc.h"
#include "base/json.h"
#include "core/ctx.h"
#include "core/error.h"
#include "core/pipe.h"
#include "core/prefixes.h"
#include "core/publish.h"
#include "core/stats.h"
#include "os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TOPIC_MAX = 64, OFTEN_US = 1000000 };

struct listener {
    struct cz_list link;
    struct cz_log *log;
    struct cz_pipe_end *end;
    struct cz_prefixes wants;
    uint64_t lost; /* events, since it was last told */
};

/* ---- listeners ------------------------------------------------------ */

static void log_consider_ears(struct cz_log *log)
{
    bool is_heard = !cz_list_is_empty(&log->listeners) || log->publisher;

    atomic_store_explicit(&log->is_heard, is_heard, memory_order_relaxed);
}

void cz_log_set_publisher(struct cz_log *log, struct cz_publisher *publisher)
{
    cz_mutex_lock(&log->lock);
    log->publisher = publisher;
    log_consider_ears(log);
    cz_mutex_unlock(&log->lock);
}

static void listener_destroy(struct listener *l)
{
    cz_list_remove(&l->link);
    cz_pipe_close(l->end, 0);
    cz_prefixes_fini(&l->wants);
    cz_free(l);
}

static void listener_ignore(void *owner, struct cz_pipe_end *end)
{
    (void)owner;
    (void)end;
}

static void listener_on_readable(void *owner, struct cz_pipe_end *end)
{
    struct listener *l = owner;

    cz_prefixes_read(&l->wants, end);
}

static void listener_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    struct listener *l = owner;
    struct cz_log *log = l->log;

    (void)end;
    listener_destroy(l);
    log_consider_ears(log);
}

static const struct cz_pipe_events listener_events = {
    .on_attach = listener_ignore,
    .on_readable = listener_on_readable,
    .on_writable = listener_ignore,
    .on_peer_closed = listener_on_peer_closed,
};

void cz_log_init(struct cz_log *log)
{
    cz_mutex_init(&log->lock);
    cz_list_init(&log->listeners);
}

void cz_log_fini(struct cz_log *log)
{
    if (log->mailbox) {
        cz_mailbox_close(log->mailbox);
        cz_mailbox_unref(log->mailbox);
    }
    cz_mutex_fini(&log->lock);
}

static int log_add_locked(struct cz_log *log, struct cz_pipe_end *end)
{
    struct listener *l;

    if (log->is_closed)
        return -CZ_ETERM;
    if (!log->mailbox)
        log->mailbox = cz_mailbox_create(NULL);
    l = log->mailbox ? cz_zalloc(sizeof *l) : NULL;
    if (!l)
        return -ENOMEM;
    l->log = log;
    l->end = end;
    cz_prefixes_init(&l->wants);
    cz_list_push_back(&log->listeners, &l->link);
    cz_pipe_own(end, log->mailbox, &listener_events, l);
    /* What waits is limited by the listener's own mark, and one. */
    cz_pipe_set_marks(end, 1, 1);
    log_consider_ears(log);
    return 0;
}

int cz_log_add(struct cz_log *log, struct cz_pipe_end *end)
{
    int rc;

    cz_mutex_lock(&log->lock);
    rc = log_add_locked(log, end);
    cz_mutex_unlock(&log->lock);
    return rc;
}

/* ---- telling -------------------------------------------------------- */

/* 0, -EAGAIN or -ENOMEM. */
static int listener_write(struct listener *l, const char *topic,
                          const struct cz_json *body)
{
    const struct cz_frame frames[2] = {
        {.data = (const uint8_t *)topic,
         .size = strlen(topic),
         .flags = CZ_FRAME_MORE},
        {.data = (const uint8_t *)body->text, .size = body->size},
    };
    int rc = cz_pipe_write(l->end, &frames[0]);

    if (rc == 0)
        rc = cz_pipe_write(l->end, &frames[1]);
    if (rc != 0)
        cz_pipe_rollback(l->end);
    return rc;
}

static void json_begin(struct cz_json *body)
{
    cz_json_init(body);
    cz_json_open(body, NULL, '{');
    cz_json_seconds(body, "time", cz_clock_wall_us());
}

/* There is room again: first of all, what was missed. */
static void listener_confess(struct listener *l)
{
    static const char topic[] = "log.lost";
    struct cz_json body;

    json_begin(&body);
    cz_json_number(&body, "lost", l->lost);
    cz_json_close(&body, '}');
    if (!body.has_failed && (!cz_prefixes_match(&l->wants, topic) ||
                             listener_write(l, topic, &body) == 0))
        l->lost = 0;
    cz_json_fini(&body);
}

static void listener_tell(struct listener *l, const char *topic,
                          const struct cz_json *body)
{
    if (!cz_prefixes_match(&l->wants, topic))
        return;
    if (l->lost > 0 && cz_pipe_is_writable(l->end))
        listener_confess(l);
    if (l->lost > 0 || body->has_failed || listener_write(l, topic, body) != 0)
        l->lost++;
}

static void json_describe(struct cz_json *body, const struct cz_log_event *e)
{
    json_begin(body);
    if (e->account) {
        cz_json_number(body, "socket", e->account->id);
        cz_json_text(body, "type", e->account->type);
    }
    if (e->endpoint)
        cz_json_text(body, "endpoint", e->endpoint);
    if (e->peer)
        cz_json_text(body, "peer", e->peer);
    if (e->reason)
        cz_json_text(body, "reason", e->reason);
    if (e->error) {
        cz_json_number(body, "errno", (uint64_t)e->error);
        cz_json_text(body, "error", strerror(e->error));
    }
    if (e->number_name)
        cz_json_number(body, e->number_name, e->number);
    cz_json_close(body, '}');
}

void cz_log_tell_slow(struct cz_log *log, const struct cz_log_event *event)
{
    char topic[TOPIC_MAX];
    struct cz_json body;

    snprintf(topic, sizeof topic, "%s%s%s", event->topic,
             event->scheme ? "." : "", event->scheme ? event->scheme : "");
    json_describe(&body, event);
    cz_mutex_lock(&log->lock);
    if (log->mailbox)
        cz_mailbox_run(log->mailbox);
    cz_list_for_each (node, &log->listeners)
        listener_tell(cz_container_of(node, struct listener, link), topic,
                      &body);
    if (log->publisher && !body.has_failed)
        cz_publisher_event(log->publisher, topic, &body);
    cz_mutex_unlock(&log->lock);
    cz_json_fini(&body);
}

bool cz_log_may_tell(uint64_t *told_us)
{
    uint64_t now_us = cz_clock_us();

    if (*told_us != 0 && now_us - *told_us < OFTEN_US)
        return false;
    *told_us = now_us;
    return true;
}

void cz_log_event(const struct cz_account *account, const char *topic,
                  const char *endpoint)
{
    const struct cz_log_event event = {
        .topic = topic,
        .account = account,
        .endpoint = endpoint,
    };

    cz_log_tell(&account->ctx->log, &event);
}

void cz_log_close(struct cz_log *log)
{
    const struct cz_log_event event = {.topic = "ctx.term"};
    bool was_closed;

    cz_mutex_lock(&log->lock);
    was_closed = log->is_closed;
    cz_mutex_unlock(&log->lock);
    if (was_closed)
        return;
    cz_log_tell(log, &event);
    cz_mutex_lock(&log->lock);
    log->is_closed = true;
    if (log->mailbox)
        cz_mailbox_run(log->mailbox);
    cz_list_for_each (node, &log->listeners)
        listener_destroy(cz_container_of(node, struct listener, link));
    log_consider_ears(log);
    cz_mutex_unlock(&log->lock);
}
