/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Rates of pipes.
 *
 * Thread: one owner. Owns: the rows.
 */
#include "rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rate *find(const struct rates *rates,
                               const struct rate *like)
{
    for (size_t i = 0; i < rates->count; i++) {
        const struct rate *row = &rates->rows[i];

        if (row->pid == like->pid && row->started_us == like->started_us &&
            row->record.id == like->record.id)
            return row;
    }
    return NULL;
}

static double per_second(uint64_t before, uint64_t after, uint64_t us)
{
    return us ? (double)(after - before) * 1e6 / (double)us : 0;
}

/* What has passed since the row before; nothing new has been published if it
 * is of the same time. */
static void rate_compare(struct rate *row, const struct rate *before)
{
    const cero_stats_t *now = &row->record;
    const cero_stats_t *then = &before->record;
    uint64_t us = row->taken_us - before->taken_us;

    if (us == 0) {
        row->messages_out = before->messages_out;
        row->messages_in = before->messages_in;
        row->bytes = before->bytes;
        return;
    }
    row->messages_out = per_second(then->messages_out, now->messages_out, us);
    row->messages_in = per_second(then->messages_in, now->messages_in, us);
    row->bytes = per_second(then->bytes_out + then->bytes_in,
                            now->bytes_out + now->bytes_in, us);
}

static int rates_add(struct rates *to, const struct rates *before,
                     const struct attached *a,
                     const struct attach_snapshot *snapshot)
{
    struct rate *rows = realloc(
        to->rows, (to->count + snapshot->head.count + 1) * sizeof *rows);

    if (!rows)
        return -ENOMEM;
    to->rows = rows;
    for (uint32_t i = 0; i < snapshot->head.count; i++) {
        const cero_stats_t *r = &snapshot->records[i];
        struct rate *row = &rows[to->count];
        const struct rate *last;

        if (r->kind == CERO_STATS_CONTEXT) {
            to->contexts++;
            to->sockets += r->sockets;
            to->memory += r->memory;
        }
        if (r->kind != CERO_STATS_PIPE)
            continue;
        *row = (struct rate){
            .pid = a->header.pid,
            .started_us = a->header.started_us,
            .taken_us = snapshot->head.taken_us,
            .record = *r,
            .dropped =
                r->dropped_hwm + r->dropped_memory + r->dropped_conflated,
        };
        last = find(before, row);
        if (last)
            rate_compare(row, last);
        to->messages_out += row->messages_out;
        to->messages_in += row->messages_in;
        to->count++;
    }
    return 0;
}

static int by_rate(const void *a, const void *b)
{
    const struct rate *left = a, *right = b;
    double l = left->messages_out + left->messages_in;
    double r = right->messages_out + right->messages_in;

    if (l != r)
        return l < r ? 1 : -1;
    if (left->record.id != right->record.id)
        return left->record.id < right->record.id ? -1 : 1;
    return 0;
}

int rates_update(struct rates *rates, const struct attach *attach)
{
    struct rates now = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < attach->count; i++) {
        struct attach_snapshot snapshot;

        if (attach_read(&attach->items[i], &snapshot) != 0)
            continue;
        rc = rates_add(&now, rates, &attach->items[i], &snapshot);
        free(snapshot.records);
    }
    if (rc != 0) {
        rates_fini(&now);
        return rc;
    }
    if (now.count > 0)
        qsort(now.rows, now.count, sizeof *now.rows, by_rate);
    rates_fini(rates);
    *rates = now;
    return 0;
}

void rates_fini(struct rates *rates)
{
    free(rates->rows);
    memset(rates, 0, sizeof *rates);
}
