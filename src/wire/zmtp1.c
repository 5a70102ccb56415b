/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMTP 1.0 frame headers (wire.md 3.1).
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/zmtp1.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <errno.h>

enum { ZMTP1_LONG = 0xff, ZMTP1_MORE = 0x01, ZMTP1_SHORT_HEADER = 2 };

size_t cz_zmtp1_header(uint8_t to[CZ_ZMTP1_HEADER_MAX], uint64_t body_size,
                       bool has_more)
{
    uint8_t flags = has_more ? ZMTP1_MORE : 0;

    CZ_ASSERT(body_size <= INT64_MAX);
    if (body_size <= CZ_ZMTP1_SHORT_BODY_MAX) {
        to[0] = (uint8_t)(body_size + 1);
        to[1] = flags;
        return ZMTP1_SHORT_HEADER;
    }
    to[0] = ZMTP1_LONG;
    cz_put_be64(to + 1, body_size + 1);
    to[9] = flags;
    return CZ_ZMTP1_HEADER_MAX;
}

int cz_zmtp1_parse(const uint8_t *bytes, size_t size, size_t *header_size,
                   uint64_t *body_size, bool *has_more)
{
    size_t flags_at = 1;
    uint64_t length;

    if (size == 0)
        return 0;
    length = bytes[0];
    if (length == ZMTP1_LONG) {
        flags_at = 9;
        if (size < flags_at)
            return 0;
        length = cz_get_be64(bytes + 1);
    }
    /* RFC 13 would have a length of 0 discarded; there is no flags octet to
     * go on from, and libzmq closes as well. Beyond 2^63 no memory will do,
     * and sums of sizes stay safe. Told before the flags have come. */
    if (length == 0 || length - 1 > INT64_MAX)
        return -EPROTO;
    if (size <= flags_at)
        return 0;
    *header_size = flags_at + 1;
    *body_size = length - 1;
    *has_more = (bytes[flags_at] & ZMTP1_MORE) != 0;
    return 1;
}
