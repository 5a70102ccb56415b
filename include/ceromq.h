/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What CeroMQ offers beyond zmq.h. A program that may run on another
 * libzmq.so.5 looks these names up with dlsym instead of linking to them.
 *
 * The settings of a context take effect for what comes after them; where an
 * environment variable sets the same thing, a call overrides it. All calls
 * are thread-safe. Those that return int give 0, or -1 with errno set.
 */
#ifndef CEROMQ_H_INCLUDED
#define CEROMQ_H_INCLUDED

#include "zmq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CeroMQ's own version; zmq_version tells the level of ZeroMQ's interface
 * instead. */
#define CERO_VERSION_MAJOR 0
#define CERO_VERSION_MINOR 1
#define CERO_VERSION_PATCH 0
#define CERO_VERSION                                                           \
    ZMQ_MAKE_VERSION(CERO_VERSION_MAJOR, CERO_VERSION_MINOR, CERO_VERSION_PATCH)

/* Context options of CeroMQ have numbers from here on, out of the way of
 * what ZeroMQ may still add. zmq_ctx_set and zmq_ctx_get take those that
 * are numbers; zmq_ctx_set_ext and zmq_ctx_get_ext take all. */
#define CERO_CTX_OPTION_FIRST 1000
/* Text: as cero_ctx_set_reactor. */
#define CERO_REACTOR 1000
/* int: as cero_ctx_set_spin. */
#define CERO_SPIN_US 1001
/* int: as cero_ctx_set_baton. */
#define CERO_BATON 1002
/* int: how often sys://stats tells, in milliseconds, what connects to it
 * afterwards. At least 1. */
#define CERO_STATS_IVL 1003

/* Socket options of CeroMQ, for zmq_setsockopt and zmq_getsockopt, and the one
 * that ZeroMQ had up to 2.x. docs/swap.md tells what those about swap do. They
 * count for what is bound or connected after they are set. */
#define CERO_SOCKET_OPTION_FIRST 1100
/* int64_t, 0 if not set: for each peer that the socket writes to, so many bytes
 * of messages over the high-water mark wait in a file instead of blocking or
 * being dropped. 0 = none. Errors: EINVAL (negative). zmq_bind and zmq_connect
 * fail with the error of open(2) if there can be no file. */
#ifndef ZMQ_SWAP
#define ZMQ_SWAP 3
#endif
/* Text: the directory of these files; if not set, or empty, $TMPDIR or else
 * /tmp. */
#define CERO_SWAP_DIR 1100
/* int, 0 if not set: 1 = everything that is sent to an endpoint that the socket
 * connects to goes through a file in CERO_SWAP_DIR, which must be set, and what
 * has not been handed over when the process ends, in whatever way, is sent by
 * the next socket of the same type, endpoint and ZMQ_ROUTING_ID that connects.
 * Errors of zmq_connect: EINVAL (no swap, no directory), EBUSY (somebody has
 * the file), EBADMSG (it is not such a file), ENOTSUP (XSUB, STREAM,
 * ZMQ_ROUTER_RAW, ZMQ_IMMEDIATE); zmq_bind: ENOTSUP. */
#define CERO_SWAP_DURABLE 1101
/* int: what of that survives a loss of power as well. 0, if not set: each
 * message, before zmq_send returns; N: what is older than N milliseconds;
 * -1: nothing is promised. */
#define CERO_SWAP_SYNC 1102

/* int64_t, -1 (no limit) if not set: the parts of one message that comes over a
 * connection may have so many bytes, all together, before the last one is
 * there. ZMQ_MAXMSGSIZE limits each part, ZMQ_RCVHWM counts whole messages; so
 * without this a message that never ends takes all the memory. A peer that
 * sends more is disconnected. It is a limit of memory, and not exact: up to 128
 * KiB more may pass. */
#define CERO_MAXPARTSSIZE 1103

/* An event of socket monitors, which a socket without a swap never has: a
 * swap is full (the value is EAGAIN), or its file cannot be written or read
 * (another errno); EBADMSG: a durable one ended with something that was no
 * message. Once, until it is better. */
#define CERO_EVENT_SWAP 0x8000

#define CERO_SPIN_US_DFLT 50
#define CERO_BATON_DFLT 1
#define CERO_STATS_IVL_DFLT 1000

/* Stores CeroMQ's version. No pointer may be NULL. Cannot fail. */
ZMQ_EXPORT void cero_version(int *major, int *minor, int *patch);

/* The names of the reactors in this build, the best first: "epoll",
 * "kqueue", "devpoll", "poll", "select", "io_uring". They live for ever.
 * NULL: there are no more. */
ZMQ_EXPORT const char *cero_reactor(int number);

/* Chooses how I/O threads learn which descriptors are ready: by the reactor
 * of this name, or NULL for the best one that works here. Instead of one
 * that the kernel refuses the best of the others is taken. Only before the
 * first socket. In the environment: CERO_REACTOR, where an empty or unknown
 * name counts as not set. Errors: EFAULT (no context), EINVAL (unknown, ""
 * included, not built in, or too late). */
ZMQ_EXPORT int cero_ctx_set_reactor(void *context, const char *name);

/* The name of the one that is in use, or will be; it lives for ever. NULL:
 * EFAULT. */
ZMQ_EXPORT const char *cero_ctx_reactor(void *context);

/* How long a blocking call may busy-wait before it sleeps, in microseconds:
 * 50 if not set, 0 = never. It does so only as long as that keeps paying,
 * and never where there is one processor. In the environment: CERO_SPIN_US.
 * Errors: EFAULT, EINVAL (negative). */
ZMQ_EXPORT int cero_ctx_set_spin(void *context, int max_us);

/* Whether application threads may read and write descriptors themselves
 * instead of handing all I/O to an I/O thread, which saves a change of
 * threads in small round trips: 1 if not set, or 0. In the environment:
 * CERO_BATON. Errors: EFAULT, EINVAL (neither 0 nor 1). */
ZMQ_EXPORT int cero_ctx_set_baton(void *context, int on);

/* ---- statistics ------------------------------------------------------ */

/* What a record is about. */
#define CERO_STATS_CONTEXT 1
#define CERO_STATS_SOCKET 2
#define CERO_STATS_PIPE 3

/* The numbers of one context, socket or pipe; docs/stats.md tells what each of
 * them means. Numbers that a kind does not have are 0. Messages and bytes of a
 * context include those of sockets, and of a socket those of pipes, that are
 * closed by now; what is queued does so only of those that linger. Later
 * versions of the library add fields at the end only. */
typedef struct cero_stats_t {
    uint32_t size;  /* of this struct, as the library has it */
    uint32_t kind;  /* CERO_STATS_... */
    uint64_t id;    /* of the socket or pipe; never used again in its context */
    uint64_t owner; /* of a pipe: the id of its socket */

    char type[16];      /* "PUSH", ...; of a pipe: that of its socket */
    char endpoint[128]; /* of a pipe: bound or connected to, cut if longer */
    char peer[64];      /* of a pipe: the address of the far end, if known */

    uint64_t messages_in, messages_out;
    uint64_t bytes_in, bytes_out; /* as frames, with their headers */
    uint64_t queued_in, queued_out;
    uint64_t queued_in_max, queued_out_max; /* of a pipe */
    uint64_t hwm_in, hwm_out;               /* of a pipe; 0 = no limit */
    uint64_t full_in, full_out;             /* how often a mark was reached */

    uint64_t dropped_hwm;       /* the pipe was full */
    uint64_t dropped_no_route;  /* nobody has that routing id */
    uint64_t dropped_conflated; /* a later one took its place */
    uint64_t dropped_memory;    /* there was no memory */

    uint64_t connects, accepts, disconnects;
    uint64_t reconnects; /* attempts that were put off, to be made again */
    uint64_t handshakes, handshake_failures;
    uint64_t accept_failures, bind_failures;

    uint64_t memory;         /* of a context: bytes that messages take up */
    uint64_t sockets, pipes; /* open now */
    /* Of a pipe: 1 if its socket has closed or disconnected it, and what is
     * queued is still being sent; of all others: how many such. */
    uint64_t lingering;
} cero_stats_t;

/* Takes a record; another value than 0 ends the call. */
typedef int(cero_stats_fn)(const cero_stats_t *stats, void *arg);

/* Gives `fn` the numbers of the context, then those of each socket, each
 * followed by its pipes. Any thread, also while sockets are used, opened and
 * closed by others, of which nobody is held up; `fn` may call the library. 0,
 * what `fn` returned if that is not 0, or -1 with EFAULT (no context, or no
 * function) or ENOMEM. */
ZMQ_EXPORT int cero_stats(void *context, cero_stats_fn *fn, void *arg);

/* ---- the file in CERO_STATS_DIR ------------------------------------- */

/* With the environment variable CERO_STATS_DIR set to a directory, each context
 * keeps a file there from its first socket on, cero-<pid>-<n>.stats, for other
 * processes to read (docs/stats.md), and removes it in the end. The file of a
 * process that died stays, but nobody holds a write lock on it any more (fcntl,
 * F_GETLK). All numbers are in the machine's own byte order. It begins with
 * this struct, which never changes: */

#define CERO_STATS_FILE_MAGIC "CEROSTAT"
#define CERO_STATS_FILE_VERSION 1

typedef struct cero_stats_file_t {
    char magic[8];
    uint32_t version;
    uint32_t header_size; /* of this struct */
    uint64_t pid;
    uint64_t started_us; /* date, in microseconds since 1970 */
    char program[64];
    uint64_t snapshot_offset; /* a cero_stats_snapshot_t is there, */
    uint64_t records_offset;  /* the records of the snapshot here, */
    uint32_t record_size;     /* each so large, */
    uint32_t record_max;      /* and no more than that; */
    uint64_t events_offset;   /* here cero_stats_event_t, */
    uint32_t event_size;      /* each so large, */
    uint32_t event_max;       /* so many: number n is in place n modulo that */
} cero_stats_file_t;

/* `sequence` is odd while it is written. Read it, then the rest and the
 * records, then it again: if it was even and is the same, what was read is
 * whole, else read anew. */
typedef struct cero_stats_snapshot_t {
    uint64_t sequence;
    uint64_t taken_us; /* date */
    uint32_t count;    /* records, as cero_stats gives them */
    uint32_t left_out; /* for which there was no place */
    uint32_t interval_ms;
    uint32_t reserved;
} cero_stats_snapshot_t;

/* `number` counts from 1 and is 0 while it is written; read it before and
 * after the rest. Both texts end in a NUL; they are as sys://log has them. */
typedef struct cero_stats_event_t {
    uint64_t number;
    char topic[56];
    char body[960];
} cero_stats_event_t;

#ifdef __cplusplus
}
#endif

#endif
