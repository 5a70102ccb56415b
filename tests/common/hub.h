/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One socket with many endpoints of all kinds: half of them it is bound to,
 * half it is connected to, and tcp, ipc and inproc take turns. At the far end
 * of each is one peer.
 *
 * Thread: the main thread of a test; peers may be lent to another one.
 * Owns: the sockets are the env's.
 */
#ifndef TESTS_COMMON_HUB_H
#define TESTS_COMMON_HUB_H

#include "common/env.h"

#define HUB_BOUND 32
#define HUB_ENDPOINTS (2 * HUB_BOUND)

struct hub {
    void *socket;
    void *peers[HUB_ENDPOINTS];
    /* The first HUB_BOUND are the socket's own. */
    char endpoints[HUB_ENDPOINTS][ENDPOINT_MAX];
};

/* Opens all of them, in a context with so many I/O threads. `prepare`, if
 * not NULL, is called for each before it has an endpoint: with the number of
 * the peer, or -1 for the hub's socket. */
void hub_open(struct hub *hub, struct env *env, int io_threads, int type,
              int peer_type, void (*prepare)(void *socket, int number));

/* Unbinds or disconnects the endpoint. */
void hub_end(struct hub *hub, int number);

#endif
