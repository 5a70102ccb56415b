/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The greeting: whatever the peer sends, all at once and byte by byte give
 * the same, and nothing beyond the greeting is consumed.
 *
 * Input: a byte of choices, then what the peer sends.
 */
#include "fuzz/check.h"

#include "wire/greeting.h"
#include "wire/protocol_error.h"

#include <errno.h>

static struct cz_greeting fresh(uint8_t choices)
{
    static const char *const mechanisms[] = {"NULL", "PLAIN", "CURVE",
                                             "GSSAPI"};
    struct cz_greeting greeting;

    cz_greeting_init(&greeting, mechanisms[choices & 3], choices >> 3, choices,
                     (choices & 4) != 0);
    return greeting;
}

static void check_result(const struct cz_greeting *greeting, int rc,
                         uint8_t choices)
{
    size_t due;

    cz_greeting_output(greeting, &due);
    CHECK(due == 10 || due == 11 || due == 12 || due == 64);
    if (rc == -EPROTO) {
        CHECK(greeting->error == CZ_PROTOCOL_ERROR_NONE ||
              greeting->error == CZ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        CHECK(greeting->error != 0 || (choices & 4) != 0);
        return;
    }
    CHECK(rc == CZ_GREETING_MORE || rc == CZ_GREETING_DONE);
    if (rc == CZ_GREETING_MORE)
        return;
    CHECK(greeting->in_size == 64 || !cz_zmtp_has_mechanism(greeting->version));
    CHECK(cz_zmtp_has_mechanism(greeting->version) || (choices & 4) == 0);
    CHECK(due == 64 || !cz_zmtp_has_mechanism(greeting->version));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cz_greeting whole, bytewise;
    size_t consumed, taken = 0;
    uint8_t choices;
    int rc, rc_bytewise = CZ_GREETING_MORE;

    if (size == 0)
        return 0;
    choices = *bytes++;
    size--;
    whole = fresh(choices);
    rc = cz_greeting_feed(&whole, bytes, size, &consumed);
    CHECK(consumed <= size && consumed <= CZ_GREETING_SIZE);
    CHECK(consumed == whole.in_size);
    CHECK(consumed == size || rc != CZ_GREETING_MORE);
    CHECK(memcmp(whole.in, bytes, consumed) == 0);
    check_result(&whole, rc, choices);

    bytewise = fresh(choices);
    for (size_t at = 0; at < size && rc_bytewise == CZ_GREETING_MORE; at++) {
        size_t one;

        rc_bytewise = cz_greeting_feed(&bytewise, bytes + at, 1, &one);
        CHECK(one == 1);
        taken++;
    }
    CHECK(rc_bytewise == rc && taken == consumed);
    CHECK(memcmp(&bytewise, &whole, sizeof whole) == 0);
    return 0;
}
