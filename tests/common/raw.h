/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A peer that speaks bytes: it connects or listens on tcp or ipc by itself,
 * and says what a test wants it to say. Reading gives up after PATIENCE_MS.
 *
 * Thread: the main thread of a test.
 * Owns: the descriptors are the caller's, to be closed with close().
 */
#ifndef TESTS_COMMON_RAW_H
#define TESTS_COMMON_RAW_H

#include "common/suite.h"

#define RAW_GREETING_SIZE 64

/* `endpoint` is tcp://a.b.c.d:port or ipc://path (@name: abstract). */
int raw_connect(const char *endpoint);

/* The two halves of raw_connect: a descriptor, and its connection. */
int raw_socket(const char *endpoint);
void raw_dial(int fd, const char *endpoint);
int raw_listen(const char *endpoint);
int raw_accept(int listener);

void raw_write(int fd, const void *bytes, size_t size);

/* As much as goes before the peer has hung up; true when all went. */
bool raw_try_write(int fd, const void *bytes, size_t size);

void raw_read(int fd, void *bytes, size_t size);

/* Reads and forgets until the peer hangs up; false when it does not. */
bool raw_is_hung_up(int fd, int timeout_ms);

/* The 64 octets of ZMTP 3.1 with NULL. */
void raw_greeting(unsigned char greeting[RAW_GREETING_SIZE]);

/* The whole of the NULL handshake as a socket of the type named; the
 * peer's own READY is read and dropped. */
void raw_handshake(int fd, const char *socket_type);

/* One frame of ZMTP 2.0 framing. Bodies up to 255 bytes have the short
 * form. `flags`: 0, 1 for more, 4 for a command. */
void raw_write_frame(int fd, int flags, const void *body, size_t size);

/* Reads one frame into `body` and gives its size; fails above `max`. */
size_t raw_read_frame(int fd, int *flags, void *body, size_t max);

#endif
