/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The greeting, byte by byte (wire.md 2). It is at most 64 bytes, once per
 * connection, so that the plain way of taking each byte by itself is also
 * the fast enough one, and makes the split of the input irrelevant.
 *
 * Thread: the connection's. Owns: nothing.
 */
#include "wire/greeting.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/protocol_error.h"

#include <errno.h>
#include <string.h>

/* Offsets in the greeting, wire.md 2.1. The old peers' 12-byte greeting has
 * the socket type where the new one has the minor version. */
enum {
    AT_LENGTH = 1,
    AT_FLAGS = 9,
    AT_MAJOR = 10,
    AT_MINOR = 11,
    AT_SOCKET_TYPE = 11,
    AT_MECHANISM = 12,
    OLD_GREETING_SIZE = 12,
};

void cz_greeting_init(struct cz_greeting *greeting, const char *mechanism,
                      uint8_t socket_type, size_t routing_id_size,
                      bool refuses_old_peers)
{
    size_t mechanism_size = strlen(mechanism);

    CZ_ASSERT(mechanism_size <= CZ_GREETING_MECHANISM_MAX);
    memset(greeting, 0, sizeof *greeting);
    greeting->refuses_old_peers = refuses_old_peers;
    greeting->status = CZ_GREETING_MORE;
    greeting->socket_type = socket_type;
    greeting->out[0] = 0xff;
    /* To a 1.0 peer this is the header of our identity frame. */
    cz_put_be64(greeting->out + AT_LENGTH, (uint64_t)routing_id_size + 1);
    greeting->out[AT_FLAGS] = 0x7f;
    greeting->out[AT_MAJOR] = 3;
    greeting->out[AT_MINOR] = 1;
    memcpy(greeting->out + AT_MECHANISM, mechanism, mechanism_size);
    greeting->out_size = CZ_GREETING_SIGNATURE_SIZE;
}

static void greeting_fail(struct cz_greeting *greeting, uint32_t error)
{
    greeting->status = -EPROTO;
    greeting->error = error;
}

static void greeting_finish(struct cz_greeting *greeting,
                            enum cz_zmtp_version version)
{
    greeting->status = CZ_GREETING_DONE;
    greeting->version = version;
}

static void greeting_finish_old(struct cz_greeting *greeting,
                                enum cz_zmtp_version version)
{
    /* Such a peer cannot be authenticated, 2.6. */
    if (greeting->refuses_old_peers)
        greeting_fail(greeting, CZ_PROTOCOL_ERROR_NONE);
    else
        greeting_finish(greeting, version);
}

static void greeting_on_revision(struct cz_greeting *greeting)
{
    if (greeting->in[AT_MAJOR] >= 2) {
        greeting->out_size = CZ_GREETING_SIZE;
    } else if (greeting->refuses_old_peers) {
        greeting_fail(greeting, CZ_PROTOCOL_ERROR_NONE);
    } else {
        greeting->out[AT_SOCKET_TYPE] = greeting->socket_type;
        greeting->out_size = OLD_GREETING_SIZE;
    }
}

static void greeting_on_all(struct cz_greeting *greeting)
{
    /* All 20 bytes, padding included, 2.7. */
    if (memcmp(greeting->in + AT_MECHANISM, greeting->out + AT_MECHANISM,
               CZ_GREETING_MECHANISM_MAX) != 0)
        greeting_fail(greeting, CZ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    else if (greeting->in[AT_MAJOR] == 3 && greeting->in[AT_MINOR] == 0)
        greeting_finish(greeting, CZ_ZMTP_3_0);
    else
        greeting_finish(greeting, CZ_ZMTP_3_1);
}

/* The decision tree of 2.3, at the bytes where it branches. */
static void greeting_on_byte(struct cz_greeting *greeting)
{
    const uint8_t *in = greeting->in;

    switch (greeting->in_size) {
    case 1:
        if (in[0] != 0xff)
            greeting_finish_old(greeting, CZ_ZMTP_1_0_UNVERSIONED);
        break;
    case CZ_GREETING_SIGNATURE_SIZE:
        if (in[AT_FLAGS] & 1)
            greeting->out_size = AT_MAJOR + 1;
        else
            greeting_finish_old(greeting, CZ_ZMTP_1_0_UNVERSIONED);
        break;
    case AT_MAJOR + 1:
        greeting_on_revision(greeting);
        break;
    case OLD_GREETING_SIZE:
        if (in[AT_MAJOR] == 0)
            greeting_finish(greeting, CZ_ZMTP_1_0_REV0);
        else if (in[AT_MAJOR] == 1)
            greeting_finish(greeting, CZ_ZMTP_2_0);
        break;
    case CZ_GREETING_SIZE:
        greeting_on_all(greeting);
        break;
    default:
        break;
    }
}

int cz_greeting_feed(struct cz_greeting *greeting, const uint8_t *bytes,
                     size_t size, size_t *consumed)
{
    size_t taken = 0;

    while (greeting->status == CZ_GREETING_MORE && taken < size) {
        greeting->in[greeting->in_size++] = bytes[taken++];
        greeting_on_byte(greeting);
    }
    *consumed = taken;
    return greeting->status;
}

const uint8_t *cz_greeting_output(const struct cz_greeting *greeting,
                                  size_t *size)
{
    *size = (size_t)(greeting->out_size - greeting->out_sent);
    return greeting->out + greeting->out_sent;
}

void cz_greeting_sent(struct cz_greeting *greeting, size_t size)
{
    CZ_ASSERT(size <= (size_t)(greeting->out_size - greeting->out_sent));
    greeting->out_sent = (uint8_t)(greeting->out_sent + size);
}
