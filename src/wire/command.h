/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Commands: the bodies of command frames (wire.md 4 to 7).
 *
 *     name-size(1) name data
 *
 * Thread: any. Owns: nothing; parsed spans point into the body.
 */
#ifndef CZ_WIRE_COMMAND_H
#define CZ_WIRE_COMMAND_H

#include "wire/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CZ_PING_CONTEXT_MAX = 16,
    CZ_PING_SIZE_MAX = 7 + CZ_PING_CONTEXT_MAX,
    CZ_PONG_SIZE_MAX = 5 + CZ_PING_CONTEXT_MAX,
    CZ_SUBSCRIBE_PREFIX_SIZE = 10, /* what stands before the topic */
    CZ_CANCEL_PREFIX_SIZE = 7,
    CZ_JOIN_PREFIX_SIZE = 5, /* what stands before the group */
    CZ_LEAVE_PREFIX_SIZE = 6,
};

enum cz_command_kind {
    CZ_COMMAND_UNKNOWN, /* or too short: to be dropped in traffic */
    CZ_COMMAND_READY,
    CZ_COMMAND_ERROR,
    CZ_COMMAND_PING,
    CZ_COMMAND_PONG,
    CZ_COMMAND_SUBSCRIBE,
    CZ_COMMAND_CANCEL,
    CZ_COMMAND_JOIN,
    CZ_COMMAND_LEAVE,
};

struct cz_zmtp_command {
    enum cz_command_kind kind;
    /* ERROR only: the reason runs past the end; `data` is empty. */
    bool is_malformed;
    /* PING only: how long the sender may be silent, in tenths of a second;
     * 0 = for ever. Convert in 32 bits. */
    uint16_t ttl_ds;
    /* READY: properties, unchecked. ERROR: the reason. PING, PONG: the
     * context, cut to 16 bytes. SUBSCRIBE, CANCEL: the topic. JOIN, LEAVE:
     * the group, of any length. UNKNOWN: empty. */
    struct cz_span data;
};

/* Recognises a command body; any bytes will do. Returns command->kind. */
enum cz_command_kind cz_command_parse(const uint8_t *body, size_t size,
                                      struct cz_zmtp_command *command);

/* What READY tells the peer. */
struct cz_ready {
    int socket_type;
    struct cz_span routing_id; /* sent only if the type sends it (5.2) */
    struct cz_span properties; /* the application's, already encoded */
};

/* The builders write a command's body and return its size; 0, with nothing
 * written, if it exceeds `capacity`. */

size_t cz_command_ready_size(const struct cz_ready *ready);
size_t cz_command_build_ready(uint8_t *to, size_t capacity,
                              const struct cz_ready *ready);

/* `reason` of at most 255 bytes, else 0. */
size_t cz_command_build_error(uint8_t *to, size_t capacity,
                              struct cz_span reason);

/* `context` beyond 16 bytes is cut off. */
size_t cz_command_build_ping(uint8_t *to, size_t capacity, uint16_t ttl_ds,
                             struct cz_span context);
size_t cz_command_build_pong(uint8_t *to, size_t capacity,
                             struct cz_span context);

/* The name part of SUBSCRIBE, CANCEL, JOIN or LEAVE; the topic or group
 * follows it. 0 for other kinds. */
size_t cz_command_build_prefix(uint8_t *to, size_t capacity,
                               enum cz_command_kind kind);

#endif
