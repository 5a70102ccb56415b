/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Routing ids: what ROUTER and STREAM put before a message and want before
 * one. Ids that a test chooses are text; those that were given are bytes.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_COMMON_ID_H
#define TESTS_COMMON_ID_H

#include "common/suite.h"

#define ID_MAX 255
#define ID_GENERATED_SIZE 5

struct id {
    unsigned char bytes[ID_MAX];
    size_t size;
};

/* Sets ZMQ_ROUTING_ID, ZMQ_CONNECT_ROUTING_ID or another option of bytes. */
void set_text(void *socket, int option, const char *text);

/* The next part, which is an id with more to follow. */
struct id id_receive(void *socket);

/* The same, and the one part behind it is this text. */
struct id id_receive_text(void *socket, const char *text);

/* Sends the id as a part with more to follow. */
void id_send(void *socket, const struct id *id);

/* A whole message: the id and one part. */
void id_send_text(void *socket, const struct id *id, const char *text);

/* The form of an id that the library made up: five bytes, 0 first. */
bool id_is_generated(const struct id *id);
bool id_is_equal(const struct id *a, const struct id *b);

/* Sends to the id until it is refused: its owner is known to have gone.
 * For STREAM, and for ROUTER with ZMQ_ROUTER_MANDATORY. Nothing may wait to
 * be received. */
void wait_unknown(void *socket, const void *id, size_t size);

/* A whole message of two parts, where the first is a known text. */
void send_to(void *socket, const char *id, const char *text);
void expect_from(void *socket, const char *id, const char *text);

#endif
