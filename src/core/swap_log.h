/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file of a durable swap: what makes a run of records (core/swap_record.h)
 * outlive its process.
 *
 *     0     "CeroSwp1", key size(4), check(4), key
 *     2048  sequence(8) base(8) acknowledged(8) check(4)
 *     3072  likewise
 *     4096  records, from the position `base` on
 *
 * The key is the type, the endpoint and the routing id of the socket; the
 * file's name is a hash of it, and a file with another key is not touched. Of
 * the two marks the one with the higher sequence counts, and the other one is
 * written next, so that one is always whole. Positions never go back, so what
 * an earlier use of a place left there does not pass the check of a record.
 *
 * When it is opened, the records behind the acknowledged position are read to
 * the last whole message, and what follows is cut off: it was being written
 * when the process ended.
 *
 * Thread: with the lock of the swap; its own thread syncs every so many
 * milliseconds, if that is wanted. Owns: that thread; its name and its lock on
 * the file.
 */
#ifndef CZ_CORE_SWAP_LOG_H
#define CZ_CORE_SWAP_LOG_H

#include "base/compiler.h"
#include "core/options.h"
#include "core/swap_file.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_pool;

/* What was in it when it was opened. */
struct cz_swap_log_found {
    uint64_t written; /* up to here there are whole messages */
    uint32_t messages;
    bool was_torn; /* something was cut off */
};

struct cz_swap_log {
    struct cz_swap_file *file;
    struct cz_swap_log_found found;
    char *path;
    uint64_t acknowledged;
    uint64_t sequence;
    int sync_ms; /* 0 = with each message, -1 = never */
    struct cz_thread syncer;
    _Atomic uint32_t is_dirty; /* something was written since the last sync */
    _Atomic uint32_t is_closing;
    _Atomic int sync_error; /* of its thread, the last time: 0 or -errno */
};

/* Opens the log of a socket and an endpoint in a directory, made if need be;
 * `file` is to outlive it. 0; -EBUSY: somebody else has it; -EBADMSG: the
 * file is none, or another's; or -errno. */
CZ_MUST_CHECK int cz_swap_log_open(const struct cz_options *options,
                                   const char *endpoint, const char *directory,
                                   struct cz_pool *pool,
                                   struct cz_swap_file *file,
                                   struct cz_swap_log **log);

/* Removes the file if everything up to `written` is acknowledged. */
void cz_swap_log_close(struct cz_swap_log *log, uint64_t written);

/* What is before this position has been handed over; everything that was
 * written ends at `written`. 0 or -errno; then it may be handed over again. */
CZ_MUST_CHECK int cz_swap_log_acknowledge(struct cz_swap_log *log,
                                          uint64_t position, uint64_t written);

/* Something was written: syncs if that is due now, or has it done. Needs no
 * lock. 0 or -errno of syncing, or of when it was done last. */
CZ_MUST_CHECK int cz_swap_log_sync(struct cz_swap_log *log);

#endif
