/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The NULL mechanism (wire.md 5.1, 5.4 and rows 11 to 15 of section 8), and
 * the checks on a peer's properties that all mechanisms share (5.2).
 */
#include "hex.h"

#include "base/compiler.h"
#include "wire/null_handshake.h"
#include "wire/protocol_error.h"
#include "wire/socket_type.h"

#include <errno.h>

#define READY_PUSH "05'READY' 0B'Socket-Type' 00000004'PUSH'"
#define READY_PULL "05'READY' 0B'Socket-Type' 00000004'PULL'"

struct fixture {
    struct cz_peer_sink sink;
    struct cz_null_handshake null;
    struct cz_mechanism_config config;
    /* What on_peer got, and what it shall answer. */
    int calls;
    int answer;
    struct hex routing_id;
    struct hex properties;
};

static struct hex copied(struct cz_span from)
{
    struct hex copy = {.size = from.size};

    assert_true(from.size <= HEX_MAX);
    cz_span_copy(copy.bytes, from);
    return copy;
}

static int on_peer(struct cz_peer_sink *sink, struct cz_span routing_id,
                   struct cz_span properties)
{
    struct fixture *f = cz_container_of(sink, struct fixture, sink);

    f->calls++;
    f->routing_id = copied(routing_id);
    f->properties = copied(properties);
    return f->answer;
}

static struct fixture *fixture_for(int socket_type)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->sink.on_peer = on_peer;
    f->config.socket_type = socket_type;
    f->config.peer = &f->sink;
    assert_int_equal(cz_null_mechanism_ops.init(&f->null.base, &f->config), 0);
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_GOING);
    return f;
}

static void done(struct fixture *f)
{
    f->null.base.ops->fini(&f->null.base);
    free(f);
}

/* The next command is exactly this; takes it for sent. */
static void expect_output(struct fixture *f, const char *text)
{
    struct cz_mechanism *mechanism = &f->null.base;
    size_t size = mechanism->ops->output_size(mechanism);
    uint8_t *to = malloc(size > 0 ? size : 1);

    assert_non_null(to);
    if (size > 0)
        mechanism->ops->output(mechanism, to);
    assert_bytes(to, size, text);
    free(to);
}

static void feed_bytes(struct fixture *f, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = hex_exact(bytes, size);

    f->null.base.ops->feed(&f->null.base, cz_span(exact, size));
    free(exact);
}

static void feed(struct fixture *f, const char *text)
{
    struct hex body = hex(text);

    feed_bytes(f, body.bytes, body.size);
}

static void expect_failure(const struct fixture *f,
                           enum cz_handshake_event event, uint32_t value)
{
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_FAILED);
    assert_int_equal(f->null.base.failure_event, event);
    assert_int_equal(f->null.base.failure_value, value);
}

static void it_is_called_null(void **state)
{
    (void)state;
    assert_string_equal(cz_null_mechanism_ops.name, "NULL");
    assert_int_equal(cz_null_mechanism_ops.size,
                     sizeof(struct cz_null_handshake));
}

static void ready_is_due_at_once_and_once(void **state)
{
    struct fixture *f = fixture_for(CZ_SOCKET_PULL);

    (void)state;
    expect_output(f, READY_PULL);
    expect_output(f, "");
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_GOING);
    done(f);
}

static void ready_tells_routing_id_and_properties(void **state)
{
    struct hex extra = hex("03'X-A' 00000001'1'");
    struct fixture *f = fixture_for(CZ_SOCKET_DEALER);

    (void)state;
    f->config.routing_id = cz_span_of_text("me");
    f->config.properties = hex_span(&extra);
    assert_int_equal(cz_null_mechanism_ops.init(&f->null.base, &f->config), 0);
    expect_output(f, "05'READY' 0B'Socket-Type' 00000006'DEALER'"
                     "08'Identity' 00000002'me' 03'X-A' 00000001'1'");
    done(f);
}

static void ready_after_ready_makes_ready(void **state)
{
    struct fixture *f = fixture_for(CZ_SOCKET_PULL);

    (void)state;
    expect_output(f, READY_PULL);
    feed(f, READY_PUSH);
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_READY);
    assert_int_equal(f->calls, 1);
    expect_output(f, "");
    done(f);
}

static void a_peer_that_is_first_waits_for_our_ready(void **state)
{
    struct fixture *f = fixture_for(CZ_SOCKET_PULL);

    (void)state;
    feed(f, READY_PUSH);
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_GOING);
    expect_output(f, READY_PULL);
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_READY);
    assert_int_equal(f->calls, 1);
    done(f);
}

static void properties_are_handed_over_whole(void **state)
{
    const char *properties = "0B'Socket-Type' 00000004'PUSH'"
                             "03'X-A' 00000001'1' 08'Resource' 00000000";
    struct hex expected = hex(properties);
    struct fixture *f = fixture_for(CZ_SOCKET_PULL);

    (void)state;
    feed(f, "05'READY' 0B'Socket-Type' 00000004'PUSH'"
            "03'X-A' 00000001'1' 08'Resource' 00000000");
    assert_int_equal(f->properties.size, expected.size);
    assert_memory_equal(f->properties.bytes, expected.bytes, expected.size);
    assert_int_equal(f->routing_id.size, 0);
    done(f);
}

static void socket_type_may_be_absent(void **state)
{
    struct fixture *f = fixture_for(CZ_SOCKET_PULL);

    (void)state;
    expect_output(f, READY_PULL);
    feed(f, "05'READY'");
    assert_int_equal(f->null.base.state, CZ_HANDSHAKE_READY);
    assert_int_equal(f->properties.size, 0);
    done(f);
}

static void a_refusing_sink_fails_the_handshake(void **state)
{
    struct fixture *f = fixture_for(CZ_SOCKET_PULL);

    (void)state;
    f->answer = -ENOMEM;
    feed(f, READY_PUSH);
    expect_failure(f, CZ_HANDSHAKE_EVENT_NONE, 0);
    expect_output(f, "");
    done(f);
}

static void identity_reaches_only_types_that_take_it(void **state)
{
    const char *ready = "05'READY' 0B'Socket-Type' 00000006'DEALER'"
                        "08'Identity' 00000003 00'ab'";
    struct fixture *router = fixture_for(CZ_SOCKET_ROUTER);
    struct fixture *dealer = fixture_for(CZ_SOCKET_DEALER);

    (void)state;
    feed(router, ready);
    assert_bytes(router->routing_id.bytes, router->routing_id.size, "00'ab'");
    feed(dealer, ready);
    assert_int_equal(dealer->calls, 1);
    assert_int_equal(dealer->routing_id.size, 0);
    done(router);
    done(dealer);
}

static void the_last_identity_wins(void **state)
{
    struct fixture *f = fixture_for(CZ_SOCKET_REP);

    (void)state;
    feed(f, "05'READY' 08'Identity' 00000001'a' 08'identity' 00000001'b'");
    assert_bytes(f->routing_id.bytes, f->routing_id.size, "'b'");
    done(f);
}

static void identities_of_up_to_255_bytes_are_taken(void **state)
{
    for (uint8_t extra = 0; extra <= 1; extra++) {
        struct fixture *f = fixture_for(CZ_SOCKET_ROUTER);
        struct hex body = hex("05'READY' 08'Identity' 000000FF");

        body.size += 255;
        if (extra == 1) {
            body = hex("05'READY' 08'Identity' 00000100");
            body.size += 256;
        }
        feed_bytes(f, body.bytes, body.size);
        assert_int_equal(f->calls, 1 - extra);
        assert_int_equal(f->null.base.state,
                         extra == 0 ? CZ_HANDSHAKE_GOING : CZ_HANDSHAKE_FAILED);
        assert_int_equal(f->routing_id.size, extra == 0 ? 255 : 0);
        done(f);
    }
    (void)state;
}

static void bad_metadata_fails_without_an_event(void **state)
{
    struct hex body = hex(READY_PUSH "03'X-A' 00000002'ab'");

    (void)state;
    /* The name is whole from 6 bytes on; properties end at 6, 26, 36. */
    for (size_t size = 7; size < body.size; size++) {
        struct fixture *f = fixture_for(CZ_SOCKET_PULL);

        if (size == 26) {
            done(f);
            continue;
        }
        feed_bytes(f, body.bytes, size);
        expect_failure(f, CZ_HANDSHAKE_EVENT_NONE, 0);
        assert_int_equal(f->calls, 0);
        done(f);
    }
}

static void incompatible_types_fail_without_an_event(void **state)
{
    const char *bodies[] = {
        READY_PULL,
        "05'READY' 0B'Socket-Type' 00000003'PUB'",
        "05'READY' 0B'Socket-Type' 00000004'push'",
        "05'READY' 0B'Socket-Type' 00000000",
        "05'READY' 0B'Socket-Type' 00000006'STREAM'",
        "05'READY' 0B'SOCKET-TYPE' 00000004'PULL'",
        READY_PUSH "0B'Socket-Type' 00000004'PULL'",
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(bodies); i++) {
        struct fixture *f = fixture_for(CZ_SOCKET_PULL);

        feed(f, bodies[i]);
        expect_failure(f, CZ_HANDSHAKE_EVENT_NONE, 0);
        assert_int_equal(f->calls, 0);
        expect_output(f, "");
        done(f);
    }
}

static void other_frames_are_unexpected(void **state)
{
    const char *bodies[] = {
        "",
        "00",
        "05",
        "05'READ'",
        "05'ready'",
        "06'READYX'",
        "05'HELLO' 00 00",
        "04'PING' 0000",
        "09'SUBSCRIBE'",
        "'hello'",
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(bodies); i++) {
        for (int has_sent = 0; has_sent <= 1; has_sent++) {
            struct fixture *f = fixture_for(CZ_SOCKET_PULL);

            if (has_sent)
                expect_output(f, READY_PULL);
            feed(f, bodies[i]);
            expect_failure(f, CZ_HANDSHAKE_EVENT_PROTOCOL,
                           CZ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
            done(f);
        }
    }
}

static void a_second_ready_or_error_is_unexpected(void **state)
{
    const char *seconds[] = {READY_PUSH, "05'ERROR' 03'400'", "05'ERROR'"};

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(seconds); i++) {
        struct fixture *f = fixture_for(CZ_SOCKET_PULL);

        feed(f, READY_PUSH);
        feed(f, seconds[i]);
        expect_failure(f, CZ_HANDSHAKE_EVENT_PROTOCOL,
                       CZ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
        assert_int_equal(f->calls, 1);
        expect_output(f, "");
        done(f);
    }
}

static void errors_tell_the_status_they_carry(void **state)
{
    static const struct {
        const char *body;
        enum cz_handshake_event event;
        uint32_t value;
    } errors[] = {
        {"05'ERROR' 03'300'", CZ_HANDSHAKE_EVENT_AUTH, 300},
        {"05'ERROR' 03'400'", CZ_HANDSHAKE_EVENT_AUTH, 400},
        {"05'ERROR' 03'500'", CZ_HANDSHAKE_EVENT_AUTH, 500},
        {"05'ERROR' 03'400' 'more'", CZ_HANDSHAKE_EVENT_AUTH, 400},
        {"05'ERROR' 03'200'", CZ_HANDSHAKE_EVENT_NONE, 0},
        {"05'ERROR' 03'301'", CZ_HANDSHAKE_EVENT_NONE, 0},
        {"05'ERROR' 04'400 '", CZ_HANDSHAKE_EVENT_NONE, 0},
        {"05'ERROR' 02'40'", CZ_HANDSHAKE_EVENT_NONE, 0},
        {"05'ERROR' 00", CZ_HANDSHAKE_EVENT_NONE, 0},
        {"05'ERROR'", CZ_HANDSHAKE_EVENT_PROTOCOL,
         CZ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
        {"05'ERROR' 04'400'", CZ_HANDSHAKE_EVENT_PROTOCOL,
         CZ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(errors); i++) {
        for (int has_sent = 0; has_sent <= 1; has_sent++) {
            struct fixture *f = fixture_for(CZ_SOCKET_PULL);

            if (has_sent)
                expect_output(f, READY_PULL);
            feed(f, errors[i].body);
            expect_failure(f, errors[i].event, errors[i].value);
            expect_output(f, "");
            done(f);
        }
    }
}

/* What one of us says satisfies the other, exactly where 5.3 says so. */
static void all_pairs_of_types_decide_as_5_3_does(void **state)
{
    (void)state;
    for (int a = 0; a < CZ_SOCKET_TYPE_COUNT; a++) {
        for (int b = 0; b < CZ_SOCKET_TYPE_COUNT; b++) {
            struct fixture *one = fixture_for(a);
            struct fixture *other = fixture_for(b);
            uint8_t ready[128];
            size_t size = other->null.base.ops->output_size(&other->null.base);

            assert_true(size <= sizeof ready);
            other->null.base.ops->output(&other->null.base, ready);
            one->null.has_sent_ready = true;
            feed_bytes(one, ready, size);
            assert_int_equal(one->null.base.state, cz_socket_types_match(a, b)
                                                       ? CZ_HANDSHAKE_READY
                                                       : CZ_HANDSHAKE_FAILED);
            done(one);
            done(other);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_called_null),
        cmocka_unit_test(ready_is_due_at_once_and_once),
        cmocka_unit_test(ready_tells_routing_id_and_properties),
        cmocka_unit_test(ready_after_ready_makes_ready),
        cmocka_unit_test(a_peer_that_is_first_waits_for_our_ready),
        cmocka_unit_test(properties_are_handed_over_whole),
        cmocka_unit_test(socket_type_may_be_absent),
        cmocka_unit_test(a_refusing_sink_fails_the_handshake),
        cmocka_unit_test(identity_reaches_only_types_that_take_it),
        cmocka_unit_test(the_last_identity_wins),
        cmocka_unit_test(identities_of_up_to_255_bytes_are_taken),
        cmocka_unit_test(bad_metadata_fails_without_an_event),
        cmocka_unit_test(incompatible_types_fail_without_an_event),
        cmocka_unit_test(other_frames_are_unexpected),
        cmocka_unit_test(a_second_ready_or_error_is_unexpected),
        cmocka_unit_test(errors_tell_the_status_they_carry),
        cmocka_unit_test(all_pairs_of_types_decide_as_5_3_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
