/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of socket types (wire.md 2.4, 5.2 and 5.3).
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/socket_type.h"

#include <errno.h>

#define BIT(type) (1u << CZ_SOCKET_##type)

struct socket_type {
    const char *name;
    uint32_t peers; /* a bit for each type it may talk to */
    bool sends_identity;
    bool takes_identity;
};

static const struct socket_type socket_types[CZ_SOCKET_TYPE_COUNT] = {
    [CZ_SOCKET_PAIR] = {"PAIR", BIT(PAIR), false, false},
    [CZ_SOCKET_PUB] = {"PUB", BIT(SUB) | BIT(XSUB), false, false},
    [CZ_SOCKET_SUB] = {"SUB", BIT(PUB) | BIT(XPUB), false, false},
    [CZ_SOCKET_REQ] = {"REQ", BIT(REP) | BIT(ROUTER), true, false},
    [CZ_SOCKET_REP] = {"REP", BIT(REQ) | BIT(DEALER), false, true},
    [CZ_SOCKET_DEALER] = {"DEALER", BIT(REP) | BIT(DEALER) | BIT(ROUTER), true,
                          false},
    [CZ_SOCKET_ROUTER] = {"ROUTER", BIT(REQ) | BIT(DEALER) | BIT(ROUTER), true,
                          true},
    [CZ_SOCKET_PULL] = {"PULL", BIT(PUSH), false, false},
    [CZ_SOCKET_PUSH] = {"PUSH", BIT(PULL), false, false},
    [CZ_SOCKET_XPUB] = {"XPUB", BIT(SUB) | BIT(XSUB), false, false},
    [CZ_SOCKET_XSUB] = {"XSUB", BIT(PUB) | BIT(XPUB), false, false},
    [CZ_SOCKET_STREAM] = {"STREAM", 0, false, false},
    [CZ_SOCKET_SERVER] = {"SERVER", BIT(CLIENT), false, false},
    [CZ_SOCKET_CLIENT] = {"CLIENT", BIT(SERVER), false, false},
    [CZ_SOCKET_RADIO] = {"RADIO", BIT(DISH), false, false},
    [CZ_SOCKET_DISH] = {"DISH", BIT(RADIO), false, false},
    [CZ_SOCKET_GATHER] = {"GATHER", BIT(SCATTER), false, false},
    [CZ_SOCKET_SCATTER] = {"SCATTER", BIT(GATHER), false, false},
    [CZ_SOCKET_DGRAM] = {"DGRAM", BIT(DGRAM), false, false},
    [CZ_SOCKET_PEER] = {"PEER", BIT(PEER), false, false},
    [CZ_SOCKET_CHANNEL] = {"CHANNEL", BIT(CHANNEL), false, false},
};

static bool socket_type_exists(int type)
{
    return type >= 0 && type < CZ_SOCKET_TYPE_COUNT;
}

const char *cz_socket_type_name(int type)
{
    return socket_type_exists(type) ? socket_types[type].name : NULL;
}

int cz_socket_type_number(struct cz_span name)
{
    for (int type = 0; type < CZ_SOCKET_TYPE_COUNT; type++) {
        if (cz_span_equals(name, cz_span_of_text(socket_types[type].name)))
            return type;
    }
    return -EINVAL;
}

bool cz_socket_types_match(int local, int peer)
{
    return socket_type_exists(local) && socket_type_exists(peer) &&
           (socket_types[local].peers >> peer & 1) != 0;
}

bool cz_socket_type_sends_identity(int type)
{
    return socket_type_exists(type) && socket_types[type].sends_identity;
}

bool cz_socket_type_takes_identity(int type)
{
    return socket_type_exists(type) && socket_types[type].takes_identity;
}
