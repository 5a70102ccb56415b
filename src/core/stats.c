/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Statistics: the books.
 *
 * Thread: see core/stats.h.
 */
#include "core/stats.h"

#include "core/ctx.h"
#include "core/pipe.h"
#include "msg/stream_tally.h"

void cz_stats_init(struct cz_stats *stats)
{
    cz_mutex_init(&stats->lock);
    cz_list_init(&stats->accounts);
}

void cz_stats_fini(struct cz_stats *stats)
{
    cz_mutex_fini(&stats->lock);
}

/* ---- accounts ------------------------------------------------------- */

void cz_account_init(struct cz_account *account, struct cz_ctx *ctx)
{
    struct cz_stats *stats = &ctx->stats;

    account->ctx = ctx;
    cz_list_init(&account->pipes);
    cz_list_init(&account->leftovers);
    cz_mutex_lock(&stats->lock);
    account->id = ++stats->last_id;
    cz_list_push_back(&stats->accounts, &account->link);
    cz_mutex_unlock(&stats->lock);
}

void cz_account_open(struct cz_account *account, const char *type)
{
    struct cz_stats *stats = &account->ctx->stats;

    cz_mutex_lock(&stats->lock);
    account->type = type;
    account->is_open = true;
    stats->open_sockets++;
    cz_mutex_unlock(&stats->lock);
}

void cz_account_close(struct cz_account *account)
{
    struct cz_stats *stats = &account->ctx->stats;

    cz_mutex_lock(&stats->lock);
    account->is_open = false;
    stats->open_sockets--;
    cz_mutex_unlock(&stats->lock);
}

static void traffic_add(struct cz_traffic *to, const struct cz_traffic *more)
{
    to->messages_in += more->messages_in;
    to->messages_out += more->messages_out;
    to->bytes_in += more->bytes_in;
    to->bytes_out += more->bytes_out;
    to->full_in += more->full_in;
    to->full_out += more->full_out;
    to->conflated += more->conflated;
}

void cz_account_fini(struct cz_account *account)
{
    struct cz_stats *stats = &account->ctx->stats;

    cz_mutex_lock(&stats->lock);
    cz_list_remove(&account->link);
    traffic_add(&stats->gone, &account->gone);
    for (int i = 0; i < CZ_STATS_EVENTS; i++)
        stats->gone_events[i] += cz_count_get(&account->events[i]);
    for (int i = 0; i < CZ_DROPS; i++)
        stats->gone_drops[i] += cz_count_get(&account->drops[i]);
    cz_mutex_unlock(&stats->lock);
}

/* ---- pipes ---------------------------------------------------------- */

void cz_traffic_of(struct cz_traffic *traffic, const struct cz_stream_tally *in,
                   const struct cz_stream_tally *out)
{
    *traffic = (struct cz_traffic){
        .messages_in = in->messages,
        .messages_out = out->messages,
        .bytes_in = in->bytes,
        .bytes_out = out->bytes,
        .full_in = in->full,
        .full_out = out->full,
        .conflated = out->conflated,
    };
}

void cz_account_add_pipe(struct cz_account *account, struct cz_pipe_end *end)
{
    struct cz_stats *stats = &account->ctx->stats;

    end->account = account;
    cz_mutex_lock(&stats->lock);
    end->id = ++stats->last_id;
    cz_list_push_back(&account->pipes, &end->account_link);
    cz_mutex_unlock(&stats->lock);
}

void cz_account_remove_pipe(struct cz_pipe_end *end)
{
    struct cz_stats *stats = &end->account->ctx->stats;
    struct cz_stream_tally in, out;
    struct cz_traffic traffic;

    cz_mutex_lock(&stats->lock);
    cz_list_remove(&end->account_link);
    cz_stream_tally(end->in, &in);
    cz_stream_tally(end->out, &out);
    cz_traffic_of(&traffic, &in, &out);
    traffic_add(&end->account->gone, &traffic);
    cz_mutex_unlock(&stats->lock);
}

void cz_account_rename_pipe(struct cz_pipe_end *end,
                            struct cz_metadata *metadata)
{
    struct cz_stats *stats = &end->account->ctx->stats;

    cz_mutex_lock(&stats->lock);
    end->metadata = metadata;
    cz_mutex_unlock(&stats->lock);
}

void cz_account_add_leftover(struct cz_account *account,
                             struct cz_leftover *leftover,
                             struct cz_pipe_end *end, const char *endpoint)
{
    struct cz_stats *stats = &account->ctx->stats;

    if (leftover->id != 0)
        return;
    leftover->end = end;
    leftover->endpoint = endpoint;
    cz_mutex_lock(&stats->lock);
    leftover->id = ++stats->last_id;
    cz_list_push_back(&account->leftovers, &leftover->link);
    cz_mutex_unlock(&stats->lock);
}

void cz_account_remove_leftover(struct cz_account *account,
                                struct cz_leftover *leftover)
{
    struct cz_stats *stats = &account->ctx->stats;

    if (leftover->id == 0)
        return;
    cz_mutex_lock(&stats->lock);
    cz_list_remove(&leftover->link);
    cz_mutex_unlock(&stats->lock);
}

/* ---- drops ---------------------------------------------------------- */

static void account_tell_drops(struct cz_account *account, enum cz_drop reason,
                               const char *endpoint)
{
    static const char *const reasons[] = {
        [CZ_DROP_HWM] = "hwm",
        [CZ_DROP_MEMORY] = "memory",
        [CZ_DROP_NO_ROUTE] = "no route",
    };
    uint64_t count = cz_count_get(&account->drops[reason]);
    const struct cz_log_event event = {
        .topic = "drop",
        .account = account,
        .endpoint = endpoint,
        .reason = reasons[reason],
        .number_name = "messages",
        .number = count - account->told[reason],
    };

    if (!cz_log_may_tell(&account->told_us[reason]))
        return;
    account->told[reason] = count;
    cz_log_tell(&account->ctx->log, &event);
}

void cz_account_drop(struct cz_account *account, enum cz_drop reason,
                     const char *endpoint)
{
    cz_count_add(&account->drops[reason], 1);
    if (cz_log_is_heard(&account->ctx->log))
        account_tell_drops(account, reason, endpoint);
}
