/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Short forms of what tests do with a socket all the time; each fails the
 * test when the library refuses.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_COMMON_SOCKET_H
#define TESTS_COMMON_SOCKET_H

#include "common/suite.h"

void set_int(void *socket, int option, int value);
int get_int(void *socket, int option);
void last_endpoint(void *socket, char endpoint[256]);

/* One part. `flags` as for zmq_send(). */
void send_text(void *socket, const char *text, int flags);

/* The next part is exactly this text, and more parts follow or not. */
void expect_text(void *socket, const char *text);
void expect_part(void *socket, const char *text, bool has_more);

/* A number as a message of four bytes, and back. */
void send_number(void *socket, uint32_t number);
uint32_t receive_number(void *socket);

/* Nothing can be received now, or within GLANCE_MS. */
void expect_nothing(void *socket);
void expect_nothing_for_a_while(void *socket);

/* Waits until zmq_poll() reports the event, for PATIENCE_MS at most. */
void wait_for(void *socket, short event);

/* The event holds within `timeout_ms`. */
bool is_ready(void *socket, short event, int timeout_ms);

/* Sends numbers from 0 without blocking until none is taken any more, for
 * `timeout_ms` each; gives how many went. Fails above `limit`. */
uint32_t send_until_full(void *socket, uint32_t limit, int timeout_ms);

/* Before they are linked: small marks and small buffers of the kernel, so that
 * these numbers fill them soon, and never more than the limit. */
#define IN_BUFFERS_MAX 200000
void limit_buffers(void *sender, void *receiver);

#endif
