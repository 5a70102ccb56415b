/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket types as the wire knows them: numbers (ZMTP 2.0 greeting), names
 * (Socket-Type property), and who may talk to whom (wire.md 5.3).
 *
 * Thread: any. Owns: nothing.
 */
#ifndef CZ_WIRE_SOCKET_TYPE_H
#define CZ_WIRE_SOCKET_TYPE_H

#include "wire/span.h"

#include <stdbool.h>

/* The values of ZMQ_PAIR and so on. */
enum cz_socket_type {
    CZ_SOCKET_PAIR = 0,
    CZ_SOCKET_PUB = 1,
    CZ_SOCKET_SUB = 2,
    CZ_SOCKET_REQ = 3,
    CZ_SOCKET_REP = 4,
    CZ_SOCKET_DEALER = 5,
    CZ_SOCKET_ROUTER = 6,
    CZ_SOCKET_PULL = 7,
    CZ_SOCKET_PUSH = 8,
    CZ_SOCKET_XPUB = 9,
    CZ_SOCKET_XSUB = 10,
    CZ_SOCKET_STREAM = 11, /* does not speak ZMTP: compatible with nobody */
    CZ_SOCKET_SERVER = 12,
    CZ_SOCKET_CLIENT = 13,
    CZ_SOCKET_RADIO = 14,
    CZ_SOCKET_DISH = 15,
    CZ_SOCKET_GATHER = 16,
    CZ_SOCKET_SCATTER = 17,
    CZ_SOCKET_DGRAM = 18,
    CZ_SOCKET_PEER = 19,
    CZ_SOCKET_CHANNEL = 20,
    CZ_SOCKET_TYPE_COUNT = 21,
};

/* "PAIR" and so on; NULL for a number that is no socket type. */
const char *cz_socket_type_name(int type);

/* The type with exactly this upper-case name, or -EINVAL. */
int cz_socket_type_number(struct cz_span name);

/* May a socket of type `local` talk to a peer of type `peer`? False for
 * numbers that are no socket types. */
bool cz_socket_types_match(int local, int peer);

/* Does this type send its routing id as the Identity property (5.2)? */
bool cz_socket_type_sends_identity(int type);

/* Does this type make use of the peer's routing id? */
bool cz_socket_type_takes_identity(int type);

#endif
