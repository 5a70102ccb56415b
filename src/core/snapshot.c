/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Snapshots: from records to JSON.
 *
 * Thread: any.
 */
#include "core/snapshot.h"

#include "base/alloc.h"
#include "core/ctx.h"
#include "core/stats.h"
#include "os/clock.h"

#include <errno.h>
#include <string.h>

/* Which kinds of records have a field. */
enum {
    ON_CONTEXT = 1 << CERO_STATS_CONTEXT,
    ON_SOCKET = 1 << CERO_STATS_SOCKET,
    ON_PIPE = 1 << CERO_STATS_PIPE,
    ON_BOTH = ON_CONTEXT | ON_SOCKET,
    ON_ALL = ON_BOTH | ON_PIPE,
};

struct field {
    const char *name;
    size_t offset;
    unsigned kinds;
};

#define FIELD(kinds, name)                                                     \
    {                                                                          \
#name, offsetof(cero_stats_t, name), kinds                             \
    }

static const struct field fields[] = {
    FIELD(ON_SOCKET | ON_PIPE, id),
    FIELD(ON_ALL, messages_in),
    FIELD(ON_ALL, messages_out),
    FIELD(ON_ALL, bytes_in),
    FIELD(ON_ALL, bytes_out),
    FIELD(ON_ALL, queued_in),
    FIELD(ON_ALL, queued_out),
    FIELD(ON_PIPE, queued_in_max),
    FIELD(ON_PIPE, queued_out_max),
    FIELD(ON_PIPE, hwm_in),
    FIELD(ON_PIPE, hwm_out),
    FIELD(ON_ALL, full_in),
    FIELD(ON_ALL, full_out),
    FIELD(ON_ALL, dropped_hwm),
    FIELD(ON_BOTH, dropped_no_route),
    FIELD(ON_ALL, dropped_conflated),
    FIELD(ON_ALL, dropped_memory),
    FIELD(ON_BOTH, connects),
    FIELD(ON_BOTH, accepts),
    FIELD(ON_BOTH, disconnects),
    FIELD(ON_BOTH, reconnects),
    FIELD(ON_BOTH, handshakes),
    FIELD(ON_BOTH, handshake_failures),
    FIELD(ON_BOTH, accept_failures),
    FIELD(ON_BOTH, bind_failures),
    FIELD(ON_CONTEXT, memory),
    FIELD(ON_BOTH, sockets),
    FIELD(ON_ALL, lingering),
};

static void snapshot_fields(struct cz_json *json, const cero_stats_t *record)
{
    for (size_t i = 0; i < CZ_COUNT_OF(fields); i++) {
        uint64_t value;

        if (!(fields[i].kinds & 1U << record->kind))
            continue;
        memcpy(&value, (const char *)record + fields[i].offset, sizeof value);
        cz_json_number(json, fields[i].name, value);
    }
}

static void snapshot_pipe(struct cz_json *json, const cero_stats_t *pipe)
{
    cz_json_open(json, NULL, '{');
    cz_json_text(json, "endpoint", pipe->endpoint);
    cz_json_text(json, "peer", pipe->peer);
    snapshot_fields(json, pipe);
    cz_json_close(json, '}');
}

/* A socket and the pipes behind it; returns how many records that was. */
static size_t snapshot_socket(struct cz_json *json, const cero_stats_t *records,
                              size_t count)
{
    size_t used = 1;

    cz_json_open(json, NULL, '{');
    cz_json_text(json, "type", records->type);
    snapshot_fields(json, records);
    cz_json_open(json, "pipes", '[');
    for (; used < count && records[used].kind == CERO_STATS_PIPE; used++)
        snapshot_pipe(json, &records[used]);
    cz_json_close(json, ']');
    cz_json_close(json, '}');
    return used;
}

int cz_snapshot_write(struct cz_json *json, struct cz_ctx *ctx, uint64_t lost)
{
    cero_stats_t *records;
    size_t count;
    int rc = cz_stats_collect(ctx, &records, &count);

    if (rc != 0)
        return rc;
    cz_json_open(json, NULL, '{');
    cz_json_seconds(json, "time", cz_clock_wall_us());
    if (lost > 0)
        cz_json_number(json, "lost", lost);
    cz_json_open(json, "context", '{');
    snapshot_fields(json, records);
    cz_json_close(json, '}');
    cz_json_open(json, "sockets", '[');
    for (size_t i = 1; i < count;)
        i += snapshot_socket(json, &records[i], count - i);
    cz_json_close(json, ']');
    cz_json_close(json, '}');
    cz_free(records);
    return json->has_failed ? -ENOMEM : 0;
}
