/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Contexts, sockets and endpoints of a measurement, through zmq.h only. Every
 * socket has a timeout, so that a lost message ends the run with an error and
 * never with a hang; all marks stay at their default of 1000 messages.
 *
 * Thread: the one that uses the socket.
 * Owns:   nothing; the caller closes what it opened.
 */
#ifndef BENCH_LIB_LINK_H
#define BENCH_LIB_LINK_H

#include <stddef.h>

#define BENCH_ENDPOINT_MAX 128

/* A context with `io_threads` I/O threads that allows many sockets. */
void *bench_context(int io_threads);

/* A socket whose calls give up after ten seconds. */
void *bench_socket(void *context, int type);

/* Binds a fresh endpoint of `transport` (inproc, tcp, ipc) and writes its
 * name, as a peer has to spell it. */
void bench_bind(void *socket, const char *transport,
                char endpoint[BENCH_ENDPOINT_MAX]);

/* The same for programs that bind more than one. */
void bench_bind_nth(void *socket, const char *transport, size_t number,
                    char endpoint[BENCH_ENDPOINT_MAX]);

void bench_connect(void *socket, const char *endpoint);

/* Closes the socket and ends its context; either may be NULL. */
void bench_end(void *socket, void *context);

#endif
