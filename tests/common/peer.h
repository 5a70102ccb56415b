/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Another process with another libzmq.so.5 in it: tests/interop/zmq_peer.c,
 * which says what it understands. A command may be asked for at once, or
 * posted now and its answer taken later, so that both sides work at the
 * same time.
 *
 * Thread: the main thread of a test.
 * Owns: the process and the two pipes to it.
 */
#ifndef TESTS_COMMON_PEER_H
#define TESTS_COMMON_PEER_H

#include "common/env.h"

#include <sys/types.h>

#define PEER_LINE_MAX 1024

struct peer {
    pid_t pid;
    FILE *commands;
    FILE *answers;
};

/* False, with a message, when there is no such program: the system has no
 * libzmq. */
bool peer_is_available(void);

/* Starts the process on the system's library, and checks that it is. */
void peer_start(struct peer *peer);

void peer_post(struct peer *peer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The answer to the oldest command must be ok; gives what follows. */
void peer_expect_ok(struct peer *peer, char rest[PEER_LINE_MAX]);

/* Both, when what follows does not matter. */
void peer_do(struct peer *peer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Starts it, and has it make a socket. */
void peer_open(struct peer *peer, int type);

/* Links its socket with one of ours: we bind and it connects, or the other way
 * round. `endpoint` is where. */
void peer_link(struct peer *peer, struct env *env, void *socket, bool is_bound,
               char endpoint[ENDPOINT_MAX]);

/* Ends the process by a signal, in whatever it does. Harmless twice. */
void peer_kill(struct peer *peer);

#endif
