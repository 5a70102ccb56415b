/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tickers.
 *
 * Thread, Owns: see net/ticker.h.
 */
#include "net/ticker.h"

#include "base/alloc.h"
#include "core/io_thread.h"
#include "core/pipe.h"
#include "core/prefixes.h"
#include "core/snapshot.h"
#include "core/socket.h"
#include "core/tenant.h"
#include "msg/buffer.h"

#include <errno.h>
#include <string.h>

static const char topic[] = "stats";

struct ticker {
    struct cz_io_object object; /* if it lives on an I/O thread; else: */
    struct cz_socket *socket;   /* on whose thread it lives */
    struct cz_ctx *ctx;
    struct cz_pipe_end *end; /* NULL: it has ended */
    struct cz_prefixes wants;
    struct cz_timer timer;
    uint64_t interval_us;
    uint64_t lost; /* snapshots */
    bool has_told;
};

static struct ticker *ticker_of(struct cz_io_object *object)
{
    return cz_container_of(object, struct ticker, object);
}

/* ---- telling -------------------------------------------------------- */

/* 0, -EAGAIN or -ENOMEM. */
static int ticker_write_body(struct ticker *t, const struct cz_json *json)
{
    struct cz_frame frame = {
        .data = (const uint8_t *)json->text,
        .size = json->size,
    };
    int rc;

    if (frame.size >= CZ_REF_MIN) {
        frame.buffer = cz_buffer_create(NULL, frame.size);
        if (!frame.buffer)
            return -ENOMEM;
        memcpy(frame.buffer->data, json->text, frame.size);
        frame.data = frame.buffer->data;
    }
    rc = cz_pipe_write(t->end, &frame);
    if (rc != 0 && frame.buffer)
        cz_buffer_unref(frame.buffer);
    return rc;
}

static int ticker_write(struct ticker *t)
{
    const struct cz_frame frame = {
        .data = (const uint8_t *)topic,
        .size = strlen(topic),
        .flags = CZ_FRAME_MORE,
    };
    struct cz_json json;
    int rc = -EAGAIN;

    cz_json_init(&json);
    if (cz_pipe_is_writable(t->end))
        rc = cz_snapshot_write(&json, t->ctx, t->lost);
    if (rc == 0)
        rc = cz_pipe_write(t->end, &frame);
    if (rc == 0)
        rc = ticker_write_body(t, &json);
    if (rc != 0)
        cz_pipe_rollback(t->end);
    cz_json_fini(&json);
    return rc;
}

static void ticker_tell(struct ticker *t)
{
    if (!cz_prefixes_match(&t->wants, topic))
        return;
    t->has_told = true;
    if (ticker_write(t) == 0)
        t->lost = 0;
    else
        t->lost++;
}

static void ticker_wind(struct ticker *t)
{
    if (t->socket)
        cz_socket_set_timer(t->socket, &t->timer, t->interval_us);
    else
        cz_io_set_timer(t->object.tenant->io, &t->timer, t->interval_us);
}

static void ticker_on_time(struct cz_timer *timer)
{
    struct ticker *t = cz_container_of(timer, struct ticker, timer);

    ticker_wind(t);
    ticker_tell(t);
}

/* ---- the pipe ------------------------------------------------------- */

static void ticker_ignore(void *owner, struct cz_pipe_end *end)
{
    (void)owner;
    (void)end;
}

/* Who has just subscribed need not wait for the first one. */
static void ticker_on_readable(void *owner, struct cz_pipe_end *end)
{
    struct ticker *t = owner;

    cz_prefixes_read(&t->wants, end);
    if (!t->has_told)
        ticker_tell(t);
}

static void ticker_free(struct ticker *t)
{
    cz_prefixes_fini(&t->wants);
    cz_free(t);
}

static void ticker_end(struct ticker *t)
{
    if (!t->end)
        return;
    cz_pipe_close(t->end, 0);
    t->end = NULL;
    if (t->socket) {
        cz_socket_cancel_timer(t->socket, &t->timer);
        ticker_free(t);
    } else {
        cz_io_cancel_timer(t->object.tenant->io, &t->timer);
        cz_io_object_end(&t->object);
    }
}

static void ticker_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    (void)end;
    ticker_end(owner);
}

static const struct cz_pipe_events ticker_events = {
    .on_attach = ticker_ignore,
    .on_readable = ticker_on_readable,
    .on_writable = ticker_ignore,
    .on_peer_closed = ticker_on_peer_closed,
};

/* ---- life ----------------------------------------------------------- */

static void ticker_start(struct cz_io_object *object)
{
    ticker_wind(ticker_of(object));
}

static void ticker_stop(struct cz_io_object *object, int linger_ms CZ_UNUSED)
{
    ticker_end(ticker_of(object));
}

static void ticker_destroy(struct cz_io_object *object)
{
    struct ticker *t = ticker_of(object);

    /* Its tenant was closing before it could start. */
    if (t->end)
        cz_pipe_close(t->end, 0);
    ticker_free(t);
}

static const struct cz_io_object_ops ticker_ops = {
    .start = ticker_start,
    .stop = ticker_stop,
    .destroy = ticker_destroy,
};

static struct ticker *ticker_create(struct cz_ctx *ctx, struct cz_pipe_end *end,
                                    struct cz_mailbox *home,
                                    uint64_t interval_us)
{
    struct ticker *t = cz_zalloc(sizeof *t);

    if (!t)
        return NULL;
    cz_prefixes_init(&t->wants);
    t->timer.on_expire = ticker_on_time;
    t->interval_us = interval_us;
    t->ctx = ctx;
    t->end = end;
    cz_pipe_own(end, home, &ticker_events, t);
    return t;
}

struct cz_io_object *cz_ticker_create(struct cz_tenant *tenant,
                                      struct cz_pipe_end *end,
                                      uint64_t interval_us)
{
    struct ticker *t =
        ticker_create(tenant->ctx, end, tenant->io->mailbox, interval_us);

    if (!t)
        return NULL;
    cz_io_object_init(&t->object, tenant, &ticker_ops, 2);
    return &t->object;
}

int cz_ticker_start_at(struct cz_socket *socket, struct cz_pipe_end *end,
                       uint64_t interval_us)
{
    struct ticker *t =
        ticker_create(socket->ctx, end, socket->mailbox, interval_us);

    if (!t)
        return -ENOMEM;
    t->socket = socket;
    /* What waits is limited by the socket's own mark, and one. */
    cz_pipe_set_marks(end, 1, 1);
    ticker_wind(t);
    return 0;
}
