/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The greeting (wire.md 2): what is sent when, what is decided when, and
 * that neither depends on how the peer's bytes are cut.
 */
#include "hex.h"

#include "base/compiler.h"
#include "wire/greeting.h"
#include "wire/protocol_error.h"
#include "wire/socket_type.h"

#include <errno.h>
#include <stdio.h>

#define SIGNATURE "FF 0000000000000001 7F"
#define ZEROS_16 "00000000000000000000000000000000"
#define FILLER ZEROS_16 "000000000000000000000000000000"
#define NULL_20 "'NULL'" ZEROS_16
#define PLAIN_20 "'PLAIN' 000000000000000000000000000000"
#define CURVE_20 "'CURVE' 000000000000000000000000000000"
#define GREETING_3_1 SIGNATURE "03 01" NULL_20 "00" FILLER
#define GREETING_3_0 SIGNATURE "03 00" NULL_20 "00" FILLER

static struct cz_greeting null_greeting(void)
{
    struct cz_greeting greeting;

    cz_greeting_init(&greeting, "NULL", CZ_SOCKET_PUSH, 0, false);
    return greeting;
}

static struct cz_greeting refusing_greeting(void)
{
    struct cz_greeting greeting;

    cz_greeting_init(&greeting, "NULL", CZ_SOCKET_PUSH, 0, true);
    return greeting;
}

/* Feeds all of the text, which must all be consumed. */
static int feed(struct cz_greeting *greeting, const char *text)
{
    struct hex input = hex(text);
    uint8_t *exact = hex_exact(input.bytes, input.size);
    size_t consumed;
    int rc = cz_greeting_feed(greeting, exact, input.size, &consumed);

    free(exact);
    assert_int_equal(consumed, input.size);
    return rc;
}

/* What is due is exactly this; takes it for sent. */
static void expect_output(struct cz_greeting *greeting, const char *text)
{
    size_t size;
    const uint8_t *bytes = cz_greeting_output(greeting, &size);

    assert_bytes(bytes, size, text);
    cz_greeting_sent(greeting, size);
}

static void signature_is_due_at_once(void **state)
{
    struct cz_greeting greeting = null_greeting();

    (void)state;
    expect_output(&greeting, "FF 0000000000000001 7F");
    expect_output(&greeting, "");
}

static void signature_counts_the_routing_id(void **state)
{
    struct cz_greeting greeting;

    (void)state;
    cz_greeting_init(&greeting, "NULL", CZ_SOCKET_DEALER, 5, false);
    expect_output(&greeting, "FF 0000000000000006 7F");
    cz_greeting_init(&greeting, "NULL", CZ_SOCKET_DEALER, 255, false);
    expect_output(&greeting, "FF 0000000000000100 7F");
}

static void revision_is_due_after_ten_bytes(void **state)
{
    struct cz_greeting greeting = null_greeting();

    (void)state;
    expect_output(&greeting, SIGNATURE);
    assert_int_equal(feed(&greeting, "FF 0000000000000001"), CZ_GREETING_MORE);
    expect_output(&greeting, "");
    assert_int_equal(feed(&greeting, "7F"), CZ_GREETING_MORE);
    expect_output(&greeting, "03");
}

static void rest_is_due_after_a_new_revision(void **state)
{
    struct cz_greeting greeting = null_greeting();

    (void)state;
    assert_int_equal(feed(&greeting, SIGNATURE), CZ_GREETING_MORE);
    expect_output(&greeting, SIGNATURE "03");
    assert_int_equal(feed(&greeting, "03"), CZ_GREETING_MORE);
    expect_output(&greeting, "01" NULL_20 "00" FILLER);
    assert_int_equal(feed(&greeting, "01" NULL_20 "00"), CZ_GREETING_MORE);
    expect_output(&greeting, "");
    assert_int_equal(feed(&greeting, FILLER), CZ_GREETING_DONE);
    expect_output(&greeting, "");
    assert_int_equal(greeting.version, CZ_ZMTP_3_1);
}

static void stages_merge_when_the_peer_is_ahead(void **state)
{
    struct cz_greeting greeting = null_greeting();

    (void)state;
    assert_int_equal(feed(&greeting, GREETING_3_1), CZ_GREETING_DONE);
    expect_output(&greeting, GREETING_3_1);
}

static void greeting_names_the_mechanism(void **state)
{
    struct cz_greeting greeting;

    (void)state;
    cz_greeting_init(&greeting, "PLAIN", CZ_SOCKET_PUSH, 0, true);
    assert_int_equal(feed(&greeting, SIGNATURE "03"), CZ_GREETING_MORE);
    expect_output(&greeting, SIGNATURE "03 01" PLAIN_20 "00" FILLER);
    cz_greeting_init(&greeting, "CURVE", CZ_SOCKET_PUSH, 0, true);
    assert_int_equal(feed(&greeting, SIGNATURE "03"), CZ_GREETING_MORE);
    expect_output(&greeting, SIGNATURE "03 01" CURVE_20 "00" FILLER);
    cz_greeting_init(&greeting, "TWENTY-LETTER-METHOD", CZ_SOCKET_PUSH, 0,
                     true);
    assert_int_equal(feed(&greeting, SIGNATURE "03"), CZ_GREETING_MORE);
    expect_output(&greeting,
                  SIGNATURE "03 01 'TWENTY-LETTER-METHOD' 00" FILLER);
}

static void output_may_be_sent_in_pieces(void **state)
{
    struct hex whole = hex(GREETING_3_1);
    struct cz_greeting greeting = null_greeting();

    (void)state;
    assert_int_equal(feed(&greeting, GREETING_3_1), CZ_GREETING_DONE);
    for (size_t at = 0; at < whole.size; at++) {
        size_t size;
        const uint8_t *bytes = cz_greeting_output(&greeting, &size);

        assert_int_equal(size, whole.size - at);
        assert_memory_equal(bytes, whole.bytes + at, size);
        cz_greeting_sent(&greeting, 1);
    }
    expect_output(&greeting, "");
}

static void socket_type_is_due_after_an_old_revision(void **state)
{
    (void)state;
    for (int type = 0; type < CZ_SOCKET_TYPE_COUNT; type++) {
        for (int revision = 0; revision <= 1; revision++) {
            struct cz_greeting greeting;
            char expected[80];
            char input[80];

            cz_greeting_init(&greeting, "NULL", (uint8_t)type, 0, false);
            snprintf(input, sizeof input, SIGNATURE "%02X", revision);
            snprintf(expected, sizeof expected, SIGNATURE "03 %02X", type);
            assert_int_equal(feed(&greeting, input), CZ_GREETING_MORE);
            expect_output(&greeting, expected);
            assert_int_equal(feed(&greeting, "EE"), CZ_GREETING_DONE);
            expect_output(&greeting, "");
            assert_int_equal(greeting.version,
                             revision == 0 ? CZ_ZMTP_1_0_REV0 : CZ_ZMTP_2_0);
        }
    }
}

static enum cz_zmtp_version version_for(int revision, int minor)
{
    if (revision == 0)
        return CZ_ZMTP_1_0_REV0;
    if (revision == 1)
        return CZ_ZMTP_2_0;
    return revision == 3 && minor == 0 ? CZ_ZMTP_3_0 : CZ_ZMTP_3_1;
}

static void every_revision_leads_to_a_version(void **state)
{
    struct hex input = hex(GREETING_3_1);

    (void)state;
    for (int revision = 0; revision <= 255; revision++) {
        for (int minor = 0; minor <= 255; minor++) {
            struct cz_greeting greeting = null_greeting();
            size_t consumed;

            input.bytes[10] = (uint8_t)revision;
            input.bytes[11] = (uint8_t)minor;
            assert_int_equal(
                cz_greeting_feed(&greeting, input.bytes, input.size, &consumed),
                CZ_GREETING_DONE);
            assert_int_equal(consumed, revision <= 1 ? 12 : 64);
            assert_int_equal(greeting.version, version_for(revision, minor));
        }
    }
}

static void first_byte_tells_an_unversioned_peer(void **state)
{
    (void)state;
    for (int first = 0; first < 255; first++) {
        struct cz_greeting greeting = null_greeting();
        uint8_t input[3] = {(uint8_t)first, 0, 0};
        size_t consumed;

        assert_int_equal(cz_greeting_feed(&greeting, input, 3, &consumed),
                         CZ_GREETING_DONE);
        assert_int_equal(consumed, 1);
        assert_int_equal(greeting.version, CZ_ZMTP_1_0_UNVERSIONED);
        assert_int_equal(greeting.in_size, 1);
        assert_int_equal(greeting.in[0], first);
        expect_output(&greeting, SIGNATURE);
    }
}

static void tenth_byte_tells_an_unversioned_peer(void **state)
{
    (void)state;
    for (int flags = 0; flags <= 255; flags++) {
        struct cz_greeting greeting = null_greeting();
        char input[80];
        int rc;

        snprintf(input, sizeof input, "FF 0000000000000006 %02X", flags);
        rc = feed(&greeting, input);
        if (flags & 1) {
            assert_int_equal(rc, CZ_GREETING_MORE);
            expect_output(&greeting, SIGNATURE "03");
        } else {
            assert_int_equal(rc, CZ_GREETING_DONE);
            assert_int_equal(greeting.version, CZ_ZMTP_1_0_UNVERSIONED);
            assert_bytes(greeting.in, greeting.in_size, input);
            expect_output(&greeting, SIGNATURE);
        }
    }
}

static void length_as_server_and_filler_are_ignored(void **state)
{
    struct hex input = hex(GREETING_3_1);

    (void)state;
    for (size_t at = 1; at < input.size; at++) {
        struct cz_greeting greeting = null_greeting();
        struct hex changed = input;
        size_t consumed;

        if (at >= 9 && at < 32)
            continue;
        changed.bytes[at] ^= 0xff;
        assert_int_equal(
            cz_greeting_feed(&greeting, changed.bytes, 64, &consumed),
            CZ_GREETING_DONE);
        assert_int_equal(greeting.version, CZ_ZMTP_3_1);
    }
}

static void every_byte_of_the_mechanism_counts(void **state)
{
    struct hex input = hex(GREETING_3_1);

    (void)state;
    for (size_t at = 12; at < 32; at++) {
        struct cz_greeting greeting = null_greeting();
        struct hex changed = input;
        size_t consumed;

        changed.bytes[at] ^= 0x20;
        assert_int_equal(
            cz_greeting_feed(&greeting, changed.bytes, 64, &consumed), -EPROTO);
        assert_int_equal(greeting.error,
                         CZ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        /* RFC 37 wants all of our greeting out before the close. */
        expect_output(&greeting, GREETING_3_1);
    }
}

static void old_peers_are_refused_without_an_event(void **state)
{
    const char *peers[] = {"00",           "01",
                           "48",           "FF 0000000000000001 00",
                           SIGNATURE "00", SIGNATURE "01"};

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(peers); i++) {
        struct cz_greeting greeting = refusing_greeting();

        assert_int_equal(feed(&greeting, peers[i]), -EPROTO);
        assert_int_equal(greeting.error, CZ_PROTOCOL_ERROR_NONE);
    }
}

static void new_peers_are_not_refused(void **state)
{
    struct cz_greeting greeting = refusing_greeting();

    (void)state;
    assert_int_equal(feed(&greeting, GREETING_3_0), CZ_GREETING_DONE);
    assert_int_equal(greeting.version, CZ_ZMTP_3_0);
}

/* One of each outcome, with how many bytes it takes. */
static const struct {
    const char *input;
    size_t size;
    int rc;
    enum cz_zmtp_version version;
} outcomes[] = {
    {"01 00 05 00 'hello'", 1, CZ_GREETING_DONE, CZ_ZMTP_1_0_UNVERSIONED},
    {"'HTTP/1.1 400 Bad Request'", 1, CZ_GREETING_DONE,
     CZ_ZMTP_1_0_UNVERSIONED},
    {"FF 0000000000000101 00 'a long identity'", 10, CZ_GREETING_DONE,
     CZ_ZMTP_1_0_UNVERSIONED},
    {SIGNATURE "00 05 01 00", 12, CZ_GREETING_DONE, CZ_ZMTP_1_0_REV0},
    {SIGNATURE "01 07 00 00", 12, CZ_GREETING_DONE, CZ_ZMTP_2_0},
    {GREETING_3_0 "04 26 05'READY'", 64, CZ_GREETING_DONE, CZ_ZMTP_3_0},
    {GREETING_3_1 "04 26 05'READY'", 64, CZ_GREETING_DONE, CZ_ZMTP_3_1},
    {SIGNATURE "03 01" PLAIN_20 "00" FILLER "04", 64, -EPROTO, 0},
};

static void check_outcome(const struct cz_greeting *greeting, size_t i, int rc)
{
    assert_int_equal(rc, outcomes[i].rc);
    if (rc == CZ_GREETING_DONE)
        assert_int_equal(greeting->version, outcomes[i].version);
    assert_int_equal(greeting->in_size, outcomes[i].size);
}

static void no_byte_beyond_the_greeting_is_consumed(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(outcomes); i++) {
        struct hex input = hex(outcomes[i].input);
        struct cz_greeting greeting = null_greeting();
        size_t consumed;
        int rc =
            cz_greeting_feed(&greeting, input.bytes, input.size, &consumed);

        check_outcome(&greeting, i, rc);
        assert_int_equal(consumed, outcomes[i].size);
        assert_memory_equal(greeting.in, input.bytes, consumed);
        /* The outcome is final. */
        assert_int_equal(
            cz_greeting_feed(&greeting, input.bytes, input.size, &consumed),
            rc);
        assert_int_equal(consumed, 0);
    }
}

static void every_split_gives_the_same_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(outcomes); i++) {
        struct hex input = hex(outcomes[i].input);

        for (size_t cut = 0; cut < outcomes[i].size; cut++) {
            struct cz_greeting greeting = null_greeting();
            uint8_t *head = hex_exact(input.bytes, cut);
            size_t consumed;
            int rc = cz_greeting_feed(&greeting, head, cut, &consumed);

            free(head);
            assert_int_equal(rc, CZ_GREETING_MORE);
            assert_int_equal(consumed, cut);
            rc = cz_greeting_feed(&greeting, input.bytes + cut,
                                  input.size - cut, &consumed);
            check_outcome(&greeting, i, rc);
            assert_int_equal(consumed, outcomes[i].size - cut);
        }
    }
}

static void single_bytes_give_the_same_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(outcomes); i++) {
        struct hex input = hex(outcomes[i].input);
        struct cz_greeting whole = null_greeting();
        struct cz_greeting greeting = null_greeting();
        size_t consumed;
        int rc = CZ_GREETING_MORE;

        for (size_t at = 0; rc == CZ_GREETING_MORE; at++) {
            assert_true(at < outcomes[i].size);
            rc = cz_greeting_feed(&greeting, input.bytes + at, 1, &consumed);
            assert_int_equal(consumed, 1);
        }
        check_outcome(&greeting, i, rc);
        assert_int_equal(
            cz_greeting_feed(&whole, input.bytes, input.size, &consumed), rc);
        assert_int_equal(greeting.out_size, whole.out_size);
        assert_memory_equal(greeting.out, whole.out, whole.out_size);
    }
}

static void two_of_us_agree_on_3_1(void **state)
{
    struct cz_greeting a = null_greeting();
    struct cz_greeting b = null_greeting();
    int rc_a = CZ_GREETING_MORE;
    int rc_b = CZ_GREETING_MORE;

    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        size_t size, consumed;
        const uint8_t *bytes = cz_greeting_output(&a, &size);

        rc_b = cz_greeting_feed(&b, bytes, size, &consumed);
        cz_greeting_sent(&a, consumed);
        bytes = cz_greeting_output(&b, &size);
        rc_a = cz_greeting_feed(&a, bytes, size, &consumed);
        cz_greeting_sent(&b, consumed);
    }
    assert_int_equal(rc_a, CZ_GREETING_DONE);
    assert_int_equal(rc_b, CZ_GREETING_DONE);
    assert_int_equal(a.version, CZ_ZMTP_3_1);
    assert_int_equal(b.version, CZ_ZMTP_3_1);
}

static void versions_tell_framing_and_handshake(void **state)
{
    (void)state;
    assert_true(cz_zmtp_has_old_frames(CZ_ZMTP_1_0_UNVERSIONED));
    assert_true(cz_zmtp_has_old_frames(CZ_ZMTP_1_0_REV0));
    assert_false(cz_zmtp_has_old_frames(CZ_ZMTP_2_0));
    assert_false(cz_zmtp_has_old_frames(CZ_ZMTP_3_0));
    assert_false(cz_zmtp_has_mechanism(CZ_ZMTP_1_0_REV0));
    assert_false(cz_zmtp_has_mechanism(CZ_ZMTP_2_0));
    assert_true(cz_zmtp_has_mechanism(CZ_ZMTP_3_0));
    assert_true(cz_zmtp_has_mechanism(CZ_ZMTP_3_1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_is_due_at_once),
        cmocka_unit_test(signature_counts_the_routing_id),
        cmocka_unit_test(revision_is_due_after_ten_bytes),
        cmocka_unit_test(rest_is_due_after_a_new_revision),
        cmocka_unit_test(stages_merge_when_the_peer_is_ahead),
        cmocka_unit_test(greeting_names_the_mechanism),
        cmocka_unit_test(output_may_be_sent_in_pieces),
        cmocka_unit_test(socket_type_is_due_after_an_old_revision),
        cmocka_unit_test(every_revision_leads_to_a_version),
        cmocka_unit_test(first_byte_tells_an_unversioned_peer),
        cmocka_unit_test(tenth_byte_tells_an_unversioned_peer),
        cmocka_unit_test(length_as_server_and_filler_are_ignored),
        cmocka_unit_test(every_byte_of_the_mechanism_counts),
        cmocka_unit_test(old_peers_are_refused_without_an_event),
        cmocka_unit_test(new_peers_are_not_refused),
        cmocka_unit_test(no_byte_beyond_the_greeting_is_consumed),
        cmocka_unit_test(every_split_gives_the_same_outcome),
        cmocka_unit_test(single_bytes_give_the_same_outcome),
        cmocka_unit_test(two_of_us_agree_on_3_1),
        cmocka_unit_test(versions_tell_framing_and_handshake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
