/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Statistics: reading the books.
 *
 * Thread: see core/stats.h.
 */
#include "core/stats.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/monitor.h"
#include "core/pipe.h"
#include "core/socket.h"
#include "msg/metadata.h"
#include "msg/stream_tally.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- records -------------------------------------------------------- */

static void record_traffic(cero_stats_t *r, const struct cz_traffic *traffic)
{
    r->messages_in += traffic->messages_in;
    r->messages_out += traffic->messages_out;
    r->bytes_in += traffic->bytes_in;
    r->bytes_out += traffic->bytes_out;
    r->full_in += traffic->full_in;
    r->full_out += traffic->full_out;
    r->dropped_conflated += traffic->conflated;
}

static uint64_t event_count(const uint64_t *events, uint32_t bit)
{
    return events[__builtin_ctz(bit)];
}

static void record_events(cero_stats_t *r, const uint64_t *events)
{
    r->connects += event_count(events, CZ_EVENT_CONNECTED);
    r->accepts += event_count(events, CZ_EVENT_ACCEPTED);
    r->disconnects += event_count(events, CZ_EVENT_DISCONNECTED);
    r->reconnects += event_count(events, CZ_EVENT_CONNECT_RETRIED);
    r->handshakes += event_count(events, CZ_EVENT_HANDSHAKE_SUCCEEDED);
    r->handshake_failures +=
        event_count(events, CZ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) +
        event_count(events, CZ_EVENT_HANDSHAKE_FAILED_PROTOCOL) +
        event_count(events, CZ_EVENT_HANDSHAKE_FAILED_AUTH) +
        event_count(events, CZ_EVENT_HANDSHAKE_BROKEN_OFF);
    r->accept_failures += event_count(events, CZ_EVENT_ACCEPT_FAILED);
    r->bind_failures += event_count(events, CZ_EVENT_BIND_FAILED);
}

static void record_drops(cero_stats_t *r, const uint64_t *drops)
{
    r->dropped_hwm += drops[CZ_DROP_HWM];
    r->dropped_memory += drops[CZ_DROP_MEMORY];
    r->dropped_no_route += drops[CZ_DROP_NO_ROUTE];
}

static void record_account(cero_stats_t *r, const struct cz_account *account)
{
    uint64_t events[CZ_STATS_EVENTS];
    uint64_t drops[CZ_DROPS];

    for (int i = 0; i < CZ_STATS_EVENTS; i++)
        events[i] = cz_count_get(&account->events[i]);
    for (int i = 0; i < CZ_DROPS; i++)
        drops[i] = cz_count_get(&account->drops[i]);
    record_events(r, events);
    record_drops(r, drops);
    record_traffic(r, &account->gone);
}

static void record_begin(cero_stats_t *r, uint32_t kind)
{
    memset(r, 0, sizeof *r);
    r->size = sizeof *r;
    r->kind = kind;
}

static void record_text(char *to, size_t size, const char *text)
{
    if (text)
        snprintf(to, size, "%s", text);
}

/* Of a pipe, with the lock: whoever changes what it is called takes it, too. */
static void record_names(cero_stats_t *r, const struct cz_pipe_end *end)
{
    record_text(r->type, sizeof r->type, end->account->type);
    record_text(r->endpoint, sizeof r->endpoint, cz_socket_end_name(end));
    if (end->metadata)
        record_text(r->peer, sizeof r->peer,
                    cz_metadata_get(end->metadata, "Peer-Address"));
}

static void record_pipe(cero_stats_t *r, struct cz_pipe_end *end)
{
    struct cz_stream_tally in, out;
    struct cz_traffic traffic;

    record_begin(r, CERO_STATS_PIPE);
    r->id = end->id;
    r->owner = end->account->id;
    record_names(r, end);
    cz_stream_tally(end->in, &in);
    cz_stream_tally(end->out, &out);
    cz_traffic_of(&traffic, &in, &out);
    record_traffic(r, &traffic);
    r->queued_in = in.queued;
    r->queued_out = out.queued;
    r->queued_in_max = in.queued_max;
    r->queued_out_max = out.queued_max;
    r->hwm_in = in.hwm;
    r->hwm_out = out.hwm;
    r->dropped_hwm = cz_count_get(&end->drops[CZ_DROP_HWM]);
    r->dropped_memory = cz_count_get(&end->drops[CZ_DROP_MEMORY]);
    r->pipes = 1;
}

/* What has passed through it is in the books of what is gone. */
static void record_leftover(cero_stats_t *r, const struct cz_account *account,
                            const struct cz_leftover *leftover)
{
    struct cz_stream_tally out;

    record_begin(r, CERO_STATS_PIPE);
    r->id = leftover->id;
    r->owner = account->id;
    record_text(r->type, sizeof r->type, account->type);
    record_text(r->endpoint, sizeof r->endpoint, leftover->endpoint);
    cz_stream_tally(leftover->end->in, &out);
    r->queued_out = out.queued;
    r->queued_out_max = out.queued_max;
    r->hwm_out = out.hwm;
    r->lingering = 1;
}

/* Adds up what a pipe and its socket, or a socket and its context, have in
 * common. The account has counted the drops of its pipes already. */
static void record_add(cero_stats_t *to, const cero_stats_t *pipe)
{
    to->messages_in += pipe->messages_in;
    to->messages_out += pipe->messages_out;
    to->bytes_in += pipe->bytes_in;
    to->bytes_out += pipe->bytes_out;
    to->queued_in += pipe->queued_in;
    to->queued_out += pipe->queued_out;
    to->full_in += pipe->full_in;
    to->full_out += pipe->full_out;
    to->dropped_conflated += pipe->dropped_conflated;
    to->pipes += pipe->pipes;
    to->lingering += pipe->lingering;
}

/* ---- all of it ------------------------------------------------------ */

/* A walk through the books; only counts records where there is no room. */
struct walk {
    cero_stats_t *records;
    size_t room;
    size_t count;
};

static cero_stats_t *walk_next(struct walk *w, cero_stats_t *spare)
{
    size_t index = w->count++;

    return index < w->room ? &w->records[index] : spare;
}

static void walk_account(struct walk *w, cero_stats_t *context,
                         struct cz_account *account)
{
    cero_stats_t spare[2];
    cero_stats_t *socket;

    record_account(context, account);
    if (!account->is_open && cz_list_is_empty(&account->leftovers))
        return;
    socket = walk_next(w, &spare[0]);
    record_begin(socket, CERO_STATS_SOCKET);
    socket->id = account->id;
    socket->sockets = account->is_open;
    record_text(socket->type, sizeof socket->type, account->type);
    cz_list_for_each (node, &account->pipes) {
        struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, account_link);
        cero_stats_t *pipe = walk_next(w, &spare[1]);

        record_pipe(pipe, end);
        record_add(socket, pipe);
    }
    cz_list_for_each (node, &account->leftovers) {
        cero_stats_t *pipe = walk_next(w, &spare[1]);

        record_leftover(pipe, account,
                        cz_container_of(node, struct cz_leftover, link));
        record_add(socket, pipe);
    }
    record_add(context, socket);
    record_account(socket, account);
}

static void walk_all(struct walk *w, struct cz_ctx *ctx)
{
    struct cz_stats *stats = &ctx->stats;
    cero_stats_t spare;
    cero_stats_t *context = walk_next(w, &spare);

    record_begin(context, CERO_STATS_CONTEXT);
    cz_mutex_lock(&stats->lock);
    record_traffic(context, &stats->gone);
    record_events(context, stats->gone_events);
    record_drops(context, stats->gone_drops);
    cz_list_for_each (node, &stats->accounts)
        walk_account(w, context,
                     cz_container_of(node, struct cz_account, link));
    context->sockets = stats->open_sockets;
    cz_mutex_unlock(&stats->lock);
    context->memory = cz_ctx_memory(ctx);
}

int cz_stats_collect(struct cz_ctx *ctx, cero_stats_t **records, size_t *count)
{
    struct walk w = {0};

    for (;;) {
        cero_stats_t *more;

        w.count = 0;
        walk_all(&w, ctx);
        if (w.room > 0 && w.count <= w.room)
            break;
        /* Some may come until the next walk. */
        w.room = w.count + w.count / 8 + 8;
        more = cz_realloc(w.records, w.room * sizeof *more);
        if (!more) {
            cz_free(w.records);
            return -ENOMEM;
        }
        w.records = more;
    }
    *records = w.records;
    *count = w.count;
    return 0;
}
