/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a socket's monitor tells, and peers that speak ZMTP by hand.
 *
 * Thread: simulated ones. Owns: nothing; monitors are closed as sockets.
 */
#ifndef CZ_SIM_TALK_EVENTS_H
#define CZ_SIM_TALK_EVENTS_H

#include <stdint.h>

/* Monitors everything. `name` is unique in the context. */
void *talk_monitor(void *ctx, void *socket, const char *name);

struct talk_event {
    int event; /* 0 = none came */
    uint32_t value;
};

struct talk_event talk_next_event(void *monitor, int timeout_ms);

/* Passes over others until this one comes, and gives its value; it must
 * come within this virtual time. */
uint32_t talk_await_event(void *monitor, int event, int timeout_ms);

/* Greeting and READY of a peer of this type ("PUSH"), and the far end's,
 * which is PUSH or PULL without a routing id. */
void talk_raw_open(int fd, const char *type);

/* The port of "tcp://127.0.0.1:port". */
uint16_t talk_port(const char *endpoint);

#endif
