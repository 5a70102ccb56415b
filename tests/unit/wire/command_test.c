/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Command bodies (wire.md 4 to 7), to the byte.
 */
#include "hex.h"

#include "base/compiler.h"
#include "wire/command.h"
#include "wire/socket_type.h"

static const struct {
    const char *body;
    enum cz_command_kind kind;
    const char *data;
} commands[] = {
    {"05 5245414459", CZ_COMMAND_READY, ""},
    {"05 5245414459 08'Identity' 00000000", CZ_COMMAND_READY,
     "08'Identity' 00000000"},
    {"05 4552524F52 03 343030", CZ_COMMAND_ERROR, "'400'"},
    {"05 4552524F52 00", CZ_COMMAND_ERROR, ""},
    {"05 4552524F52 02 'no' 'thing'", CZ_COMMAND_ERROR, "'no'"},
    {"04 50494E47 0000", CZ_COMMAND_PING, ""},
    {"04 50494E47 0064 'context'", CZ_COMMAND_PING, "'context'"},
    {"04 50494E47 0064 '0123456789abcdef'", CZ_COMMAND_PING,
     "'0123456789abcdef'"},
    {"04 50494E47 0064 '0123456789abcdefg'", CZ_COMMAND_PING,
     "'0123456789abcdef'"},
    {"04 504F4E47", CZ_COMMAND_PONG, ""},
    {"04 504F4E47 'context'", CZ_COMMAND_PONG, "'context'"},
    {"04 504F4E47 '0123456789abcdefg'", CZ_COMMAND_PONG, "'0123456789abcdef'"},
    {"09 535542534352494245", CZ_COMMAND_SUBSCRIBE, ""},
    {"09 535542534352494245 616263", CZ_COMMAND_SUBSCRIBE, "'abc'"},
    {"06 43414E43454C", CZ_COMMAND_CANCEL, ""},
    {"06 43414E43454C 00", CZ_COMMAND_CANCEL, "00"},
    {"04 4A4F494E 'group'", CZ_COMMAND_JOIN, "'group'"},
    {"05 4C45415645 'group'", CZ_COMMAND_LEAVE, "'group'"},
};

/* Parses a copy of just these bytes; the data is seen only as long as the
 * copy lives, so it is compared here. */
static struct cz_zmtp_command parse(const uint8_t *body, size_t size,
                                    const char *data)
{
    uint8_t *exact = hex_exact(body, size);
    struct cz_zmtp_command command;
    enum cz_command_kind kind = cz_command_parse(exact, size, &command);

    assert_int_equal(kind, command.kind);
    if (data != NULL)
        assert_span(command.data, data);
    free(exact);
    return command;
}

static struct cz_zmtp_command parse_text(const char *text, const char *data)
{
    struct hex body = hex(text);

    return parse(body.bytes, body.size, data);
}

static void commands_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(commands); i++) {
        struct cz_zmtp_command command =
            parse_text(commands[i].body, commands[i].data);

        assert_int_equal(command.kind, commands[i].kind);
        assert_false(command.is_malformed);
    }
}

static void ping_has_its_ttl_in_16_bits(void **state)
{
    (void)state;
    assert_int_equal(parse_text("04'PING' 0000", "").ttl_ds, 0);
    assert_int_equal(parse_text("04'PING' 0102", "").ttl_ds, 0x0102);
    assert_int_equal(parse_text("04'PING' FFFF", "").ttl_ds, 65535);
    assert_int_equal(parse_text("04'PONG' 0102", NULL).ttl_ds, 0);
}

static void short_pings_are_unknown(void **state)
{
    (void)state;
    assert_int_equal(parse_text("04'PING'", "").kind, CZ_COMMAND_UNKNOWN);
    assert_int_equal(parse_text("04'PING' 00", "").kind, CZ_COMMAND_UNKNOWN);
}

static void reasons_that_run_past_the_end_are_malformed(void **state)
{
    const char *bodies[] = {
        "05'ERROR'",
        "05'ERROR' 01",
        "05'ERROR' 03 '40'",
        "05'ERROR' FF '400'",
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(bodies); i++) {
        struct cz_zmtp_command command = parse_text(bodies[i], "");

        assert_int_equal(command.kind, CZ_COMMAND_ERROR);
        assert_true(command.is_malformed);
    }
}

static void names_are_compared_exactly(void **state)
{
    const char *bodies[] = {
        "",
        "00",
        "05",
        "04",
        "04'PIN'",
        "04'PInG' 0000",
        "04'ping' 0000",
        "05'PING' 0000",
        "03'PING' 0000",
        "05'PINGS' 0000",
        "'PING' 0000",
        "0A'SUBSCRIBE' 00",
        "05'HELLO' 00 00",
        "07'WELCOME'",
        "08'INITIATE'",
        "07'MESSAGE' 0000000000000001",
        "FF'SUBSCRIBE'",
        "07'UNKNOWN'",
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(bodies); i++)
        assert_int_equal(parse_text(bodies[i], "").kind, CZ_COMMAND_UNKNOWN);
}

static void bodies_shorter_than_their_name_are_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(commands); i++) {
        struct hex body = hex(commands[i].body);
        size_t name_size = body.bytes[0];

        for (size_t size = 0; size < 1 + name_size; size++)
            assert_int_equal(parse(body.bytes, size, "").kind,
                             CZ_COMMAND_UNKNOWN);
    }
}

static void truncation_at_every_byte_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(commands); i++) {
        struct hex body = hex(commands[i].body);

        for (size_t size = 0; size < body.size; size++) {
            enum cz_command_kind kind = parse(body.bytes, size, NULL).kind;

            assert_true(kind == CZ_COMMAND_UNKNOWN || kind == commands[i].kind);
        }
    }
}

static const struct cz_span none = {NULL, 0};

/* Builds into exactly the room needed, and finds one byte less too little. */
static void expect_ready(int type, struct cz_span routing_id,
                         struct cz_span properties, const char *text)
{
    struct cz_ready ready = {type, routing_id, properties};
    size_t size = cz_command_ready_size(&ready);
    uint8_t *to = hex_exact(NULL, 0);

    assert_int_equal(cz_command_build_ready(to, size - 1, &ready), 0);
    free(to);
    to = malloc(size);
    assert_non_null(to);
    assert_int_equal(cz_command_build_ready(to, size, &ready), size);
    assert_bytes(to, size, text);
    free(to);
}

static void ready_is_as_in_the_examples(void **state)
{
    struct cz_ready ready = {CZ_SOCKET_DEALER, none, none};

    (void)state;
    expect_ready(CZ_SOCKET_DEALER, none, none,
                 "05'READY' 0B'Socket-Type' 00000006'DEALER'"
                 "08'Identity' 00000000");
    expect_ready(CZ_SOCKET_PULL, none, none,
                 "05'READY' 0B'Socket-Type' 00000004'PULL'");
    /* The lengths in the frame headers of wire.md 5.2. */
    assert_int_equal(cz_command_ready_size(&ready), 0x29);
    ready.socket_type = CZ_SOCKET_PULL;
    assert_int_equal(cz_command_ready_size(&ready), 0x1a);
}

static void ready_has_identity_then_application_properties(void **state)
{
    struct hex extra = hex("03'X-A' 00000001'1' 03'X-B' 00000000");
    struct cz_span id = cz_span_of_text("me");

    (void)state;
    expect_ready(CZ_SOCKET_ROUTER, id, hex_span(&extra),
                 "05'READY' 0B'Socket-Type' 00000006'ROUTER'"
                 "08'Identity' 00000002'me'"
                 "03'X-A' 00000001'1' 03'X-B' 00000000");
    expect_ready(CZ_SOCKET_REQ, id, none,
                 "05'READY' 0B'Socket-Type' 00000003'REQ'"
                 "08'Identity' 00000002'me'");
    /* A REP has a routing id, too, but does not tell. */
    expect_ready(CZ_SOCKET_REP, id, hex_span(&extra),
                 "05'READY' 0B'Socket-Type' 00000003'REP'"
                 "03'X-A' 00000001'1' 03'X-B' 00000000");
}

static void error_is_built(void **state)
{
    uint8_t long_reason[256] = {0};
    uint8_t to[512];

    (void)state;
    assert_bytes(to, cz_command_build_error(to, 10, cz_span_of_text("400")),
                 "05 4552524F52 03 343030");
    assert_int_equal(cz_command_build_error(to, 9, cz_span_of_text("400")), 0);
    assert_int_equal(
        cz_command_build_error(to, sizeof to, cz_span(long_reason, 255)), 262);
    assert_int_equal(
        cz_command_build_error(to, sizeof to, cz_span(long_reason, 256)), 0);
}

static void ping_is_built(void **state)
{
    uint8_t to[CZ_PING_SIZE_MAX];

    (void)state;
    assert_bytes(to, cz_command_build_ping(to, 7, 0, none), "04 50494E47 0000");
    assert_bytes(to, cz_command_build_ping(to, sizeof to, 0x1234, none),
                 "04'PING' 1234");
    assert_bytes(to,
                 cz_command_build_ping(to, sizeof to, 65535,
                                       cz_span_of_text("0123456789abcdefg")),
                 "04'PING' FFFF '0123456789abcdef'");
    assert_int_equal(cz_command_build_ping(to, 6, 0, none), 0);
}

static void pong_is_built(void **state)
{
    uint8_t to[CZ_PONG_SIZE_MAX];

    (void)state;
    assert_bytes(to, cz_command_build_pong(to, 5, none), "04 504F4E47");
    assert_bytes(to,
                 cz_command_build_pong(to, sizeof to,
                                       cz_span_of_text("0123456789abcdefg")),
                 "04'PONG' '0123456789abcdef'");
    assert_int_equal(cz_command_build_pong(to, 4, none), 0);
}

static void prefixes_are_built(void **state)
{
    static const struct {
        enum cz_command_kind kind;
        size_t size;
        const char *text;
    } prefixes[] = {
        {CZ_COMMAND_SUBSCRIBE, CZ_SUBSCRIBE_PREFIX_SIZE,
         "09 535542534352494245"},
        {CZ_COMMAND_CANCEL, CZ_CANCEL_PREFIX_SIZE, "06 43414E43454C"},
        {CZ_COMMAND_JOIN, CZ_JOIN_PREFIX_SIZE, "04 4A4F494E"},
        {CZ_COMMAND_LEAVE, CZ_LEAVE_PREFIX_SIZE, "05 4C45415645"},
    };
    uint8_t to[16];

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(prefixes); i++) {
        assert_bytes(
            to, cz_command_build_prefix(to, prefixes[i].size, prefixes[i].kind),
            prefixes[i].text);
        assert_int_equal(
            cz_command_build_prefix(to, prefixes[i].size - 1, prefixes[i].kind),
            0);
    }
    assert_int_equal(cz_command_build_prefix(to, sizeof to, CZ_COMMAND_UNKNOWN),
                     0);
    assert_int_equal(cz_command_build_prefix(to, sizeof to, CZ_COMMAND_READY),
                     0);
    assert_int_equal(cz_command_build_prefix(to, sizeof to, CZ_COMMAND_PING),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_recognised),
        cmocka_unit_test(ping_has_its_ttl_in_16_bits),
        cmocka_unit_test(short_pings_are_unknown),
        cmocka_unit_test(reasons_that_run_past_the_end_are_malformed),
        cmocka_unit_test(names_are_compared_exactly),
        cmocka_unit_test(bodies_shorter_than_their_name_are_unknown),
        cmocka_unit_test(truncation_at_every_byte_is_survived),
        cmocka_unit_test(ready_is_as_in_the_examples),
        cmocka_unit_test(ready_has_identity_then_application_properties),
        cmocka_unit_test(error_is_built),
        cmocka_unit_test(ping_is_built),
        cmocka_unit_test(pong_is_built),
        cmocka_unit_test(prefixes_are_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
