/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket monitors (zmq_socket_monitor(3)): what happens to a socket's
 * connections, told to a PAIR socket of the application.
 *
 * A monitor is one end of a pipe whose other end waits under the monitor's
 * inproc name until somebody connects to it, unless somebody has done so
 * already. So events are kept from the first on, up to EVENTS_MAX; more are
 * dropped, and no event ever blocks the thread that reports it. When the
 * consumer has gone, the monitor ends with the next event.
 *
 * Thread: any, under the monitor's own lock. Owns: its end of the pipe.
 */
#ifndef CZ_CORE_MONITOR_H
#define CZ_CORE_MONITOR_H

#include "base/compiler.h"

#include <stdint.h>

struct cz_account;
struct cz_ctx;
struct cz_monitor;

/* The values of ZMQ_EVENT_... */
enum cz_event {
    CZ_EVENT_CONNECTED = 0x0001,
    CZ_EVENT_CONNECT_DELAYED = 0x0002,
    CZ_EVENT_CONNECT_RETRIED = 0x0004,
    CZ_EVENT_LISTENING = 0x0008,
    CZ_EVENT_BIND_FAILED = 0x0010,
    CZ_EVENT_ACCEPTED = 0x0020,
    CZ_EVENT_ACCEPT_FAILED = 0x0040,
    CZ_EVENT_CLOSED = 0x0080,
    CZ_EVENT_CLOSE_FAILED = 0x0100,
    CZ_EVENT_DISCONNECTED = 0x0200,
    CZ_EVENT_MONITOR_STOPPED = 0x0400,
    CZ_EVENT_HANDSHAKE_FAILED_NO_DETAIL = 0x0800,
    CZ_EVENT_HANDSHAKE_SUCCEEDED = 0x1000,
    CZ_EVENT_HANDSHAKE_FAILED_PROTOCOL = 0x2000,
    CZ_EVENT_HANDSHAKE_FAILED_AUTH = 0x4000,
    CZ_EVENT_SWAP = 0x8000, /* CERO_EVENT_SWAP */
    /* Not for monitors: a handshake that ended in none of these ways, since
     * the peer is of the wrong type, or has hung up. */
    CZ_EVENT_HANDSHAKE_BROKEN_OFF = 0x100000,
};

/* One per socket, silent at first. NULL = no memory. */
struct cz_monitor *cz_monitor_create(struct cz_ctx *ctx);
/* The statistics of the socket. */
struct cz_account *cz_monitor_account(struct cz_monitor *monitor);
struct cz_monitor *cz_monitor_ref(struct cz_monitor *monitor);
void cz_monitor_unref(struct cz_monitor *monitor);

/* Tells the events in `mask` to whoever connects to the inproc endpoint; an
 * earlier monitor is stopped first. 0, -EADDRINUSE, -ENOMEM. */
CZ_MUST_CHECK int cz_monitor_start(struct cz_monitor *monitor,
                                   const char *endpoint, uint32_t mask);

/* Sends MONITOR_STOPPED and ends; harmless if there is none. */
void cz_monitor_stop(struct cz_monitor *monitor);

/* Counts an event, and tells it, if somebody wants it: to the monitor, and to
 * the log, which also takes the peer's address, if that is known. */
void cz_monitor_tell(struct cz_monitor *monitor, enum cz_event event,
                     uint32_t value, const char *endpoint, const char *peer);

/* The log's part of that (core/log_event.c). */
void cz_log_tell_event(const struct cz_account *account, enum cz_event event,
                       uint32_t value, const char *endpoint, const char *peer);

#endif
