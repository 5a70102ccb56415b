/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Statistics: who counts what, and how somebody else gets to see it.
 *
 * Traffic is counted by the streams themselves (cz_stream_tally). Here is
 * what happens to a socket besides: events, drops. A context lists its
 * sockets' accounts, and each of those the ends of pipes that its socket has,
 * so that a thread that owns nothing of all that can walk through. An account
 * is part of its socket's monitor, and lives as long: until the last
 * connection that lingers has gone.
 *
 * Thread: counting by whoever has something to count, without locks; the lists
 * under the lock, which is held for a few instructions by who comes and goes,
 * and for a walk by who looks. Owns: nothing but numbers.
 */
#ifndef CZ_CORE_STATS_H
#define CZ_CORE_STATS_H

#include "base/compiler.h"
#include "base/count.h"
#include "base/list.h"
#include "ceromq.h"
#include "os/mutex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_ctx;
struct cz_metadata;
struct cz_pipe_end;
struct cz_stream_tally;

enum { CZ_STATS_EVENTS = 21 }; /* bits of enum cz_event (core/monitor.h) */

enum cz_drop {
    CZ_DROP_HWM,      /* the pipe was full */
    CZ_DROP_MEMORY,   /* no memory for it */
    CZ_DROP_NO_ROUTE, /* nobody is called that, or not any more */
    CZ_DROPS,
};

/* What has passed through pipes that are closed. Under the lock. */
struct cz_traffic {
    uint64_t messages_in, messages_out;
    uint64_t bytes_in, bytes_out;
    uint64_t full_in, full_out;
    uint64_t conflated;
};

/* What a socket has left behind, and zmq_ctx_term may have to wait for: the far
 * end of a pipe, to which `endpoint` belongs. Lives in whoever sends the rest.
 */
struct cz_leftover {
    struct cz_list link; /* of an account's */
    struct cz_pipe_end *end;
    const char *endpoint;
    uint64_t id;
};

/* Of one socket. */
struct cz_account {
    struct cz_list link;      /* of the context's */
    struct cz_list pipes;     /* struct cz_pipe_end.account_link */
    struct cz_list leftovers; /* struct cz_leftover.link */
    struct cz_ctx *ctx;
    const char *type; /* set once */
    bool is_open;     /* under the lock */
    uint64_t id;
    struct cz_traffic gone;
    cz_count events[CZ_STATS_EVENTS]; /* by the number of the bit */
    cz_count drops[CZ_DROPS];
    /* The socket's thread: when the log was last told of drops, and how many
     * there were by then. */
    uint64_t told_us[CZ_DROPS];
    uint64_t told[CZ_DROPS];
};

struct cz_stats {
    struct cz_mutex lock;
    struct cz_list accounts;
    uint64_t last_id;
    uint32_t open_sockets;
    struct cz_traffic gone;
    uint64_t gone_events[CZ_STATS_EVENTS];
    uint64_t gone_drops[CZ_DROPS];
};

/* What has passed through a pipe, whose two streams were tallied. */
void cz_traffic_of(struct cz_traffic *traffic, const struct cz_stream_tally *in,
                   const struct cz_stream_tally *out);

void cz_stats_init(struct cz_stats *stats);
void cz_stats_fini(struct cz_stats *stats);

/* An account is entered with its context; it is a socket's from open to
 * close, and leaves the books with its monitor. */
void cz_account_init(struct cz_account *account, struct cz_ctx *ctx);
void cz_account_open(struct cz_account *account, const char *type);
void cz_account_close(struct cz_account *account);
void cz_account_fini(struct cz_account *account);

/* An end of a pipe that the socket has: from when it is attached until it is
 * closed. `add` gives it the account. */
void cz_account_add_pipe(struct cz_account *account, struct cz_pipe_end *end);
void cz_account_remove_pipe(struct cz_pipe_end *end);

/* Its peer is another one now. Somebody may be looking at the name that it
 * had: afterwards nobody is. */
void cz_account_rename_pipe(struct cz_pipe_end *end,
                            struct cz_metadata *metadata);

/* What waits in the pipe is still being sent, though the socket has closed its
 * end: from the first of these, which may come again, to the second, which may
 * come without. `leftover` is all zeros before. */
void cz_account_add_leftover(struct cz_account *account,
                             struct cz_leftover *leftover,
                             struct cz_pipe_end *end, const char *endpoint);
void cz_account_remove_leftover(struct cz_account *account,
                                struct cz_leftover *leftover);

/* Counts an event; `bit` is one bit of enum cz_event. Any thread. */
static inline void cz_account_event(struct cz_account *account, uint32_t bit)
{
    cz_count_add_shared(&account->events[__builtin_ctz(bit)], 1);
}

/* Counts a message that is thrown away instead of being sent, to whatever
 * endpoint (or NULL), and tells the log, of many together once a second. The
 * socket's thread. */
void cz_account_drop(struct cz_account *account, enum cz_drop reason,
                     const char *endpoint);

/* Writes down all records: of the context, and of each socket, followed by
 * those of its pipes. The caller frees them with cz_free. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_stats_collect(struct cz_ctx *ctx, cero_stats_t **records,
                                   size_t *count);

#endif
