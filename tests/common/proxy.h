/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A proxy under test: the two or more sockets that it gets, and their other
 * ends, which the test holds.
 *
 * Thread: the proxy runs in a thread of its own, and owns its sockets until
 * it returns; the rest is the main thread.
 */
#ifndef TESTS_COMMON_PROXY_H
#define TESTS_COMMON_PROXY_H

#include "common/call.h"
#include "common/env.h"

struct proxy {
    struct env *env;
    void *frontend;
    void *backend;
    void *capture;
    void *control;
    /* The other ends. */
    void *front;
    void *back;
    void *captured;
    void *controller;
    struct call call;
};

/* The proxy's own sockets, with their ends on the main thread. */
struct proxy proxy_open(struct env *env, int frontend, int front, int backend,
                        int back);

/* zmq_proxy, or, with a control socket, zmq_proxy_steerable. */
void proxy_start(struct proxy *proxy);

/* Opens a control socket and its end, and starts. */
void proxy_start_steerable(struct proxy *proxy, int control, int controller);

/* Waits until the proxy sleeps. libzmq 4.3.4 spins when the only thing it
 * could do is to pass on what has no receiver; there it does not wait. */
void proxy_wait_idle(struct proxy *proxy);

/* Ends the context, which ends the proxy. */
void proxy_end(struct proxy *proxy);

#endif
