/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The log of a context: what happens in it, told to whoever has connected a
 * SUB socket to sys://log (docs/log.md). An event is a message of two frames,
 * the topic and a JSON object.
 *
 * Any thread may tell an event at any place where it holds no lock of the log
 * or of a mailbox: it is written into the pipes of the listeners, under a lock
 * that nobody holds for long. Who does not keep up loses events, and is told
 * how many. While nobody listens an event costs one load, so events are only
 * told where something slow happens anyway.
 *
 * Thread: any. Owns: its ends of the pipes.
 */
#ifndef CZ_CORE_LOG_H
#define CZ_CORE_LOG_H

#include "base/compiler.h"
#include "base/list.h"
#include "os/mutex.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_account;
struct cz_mailbox;
struct cz_pipe_end;
struct cz_publisher;

struct cz_log {
    _Atomic uint32_t is_heard; /* read without the lock */
    struct cz_mutex lock;
    bool is_closed;
    struct cz_list listeners;
    struct cz_mailbox *mailbox;     /* of the ends; NULL before the first */
    struct cz_publisher *publisher; /* or NULL */
};

/* What there is to tell; NULL and 0 are left out. */
struct cz_log_event {
    const char *topic;                /* "swap.full" */
    const char *scheme;               /* goes behind the topic: ".tcp" */
    const struct cz_account *account; /* of the socket that it happens to */
    const char *endpoint;
    const char *peer;
    const char *reason;
    int error;               /* an errno: told with its text */
    const char *number_name; /* "fd" */
    uint64_t number;
};

void cz_log_init(struct cz_log *log);
/* Nobody tells anything any more. */
void cz_log_fini(struct cz_log *log);

/* Tells that the context ends, and lets all listeners go. */
void cz_log_close(struct cz_log *log);

/* Whom to tell everything besides, until the end; NULL: nobody. */
void cz_log_set_publisher(struct cz_log *log, struct cz_publisher *publisher);

/* Takes the far end of a listener's pipe. 0, -ETERM or -ENOMEM. */
CZ_MUST_CHECK int cz_log_add(struct cz_log *log, struct cz_pipe_end *end);

void cz_log_tell_slow(struct cz_log *log, const struct cz_log_event *event);

/* May something be told that happens often? It was last told at *told_us (0 =
 * never); once a second is enough. True: then that is now. */
CZ_MUST_CHECK bool cz_log_may_tell(uint64_t *told_us);

/* Is it worth the trouble of describing an event? */
static inline bool cz_log_is_heard(const struct cz_log *log)
{
    /* Relaxed: at the moment of change it may be told or not. */
    return CZ_UNLIKELY(
        atomic_load_explicit(&log->is_heard, memory_order_relaxed) != 0);
}

static inline void cz_log_tell(struct cz_log *log,
                               const struct cz_log_event *event)
{
    if (cz_log_is_heard(log))
        cz_log_tell_slow(log, event);
}

/* The simplest of events: something has happened to a socket, at an endpoint
 * (NULL: at none). */
void cz_log_event(const struct cz_account *account, const char *topic,
                  const char *endpoint);

#endif
