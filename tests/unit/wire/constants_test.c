/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The floors below the API have names of their own for numbers that zmq.h
 * defines: they are the same numbers.
 */
#define ZMQ_BUILD_DRAFT_API
#include <zmq.h>

#include "hex.h"

#include "wire/protocol_error.h"
#include "wire/socket_type.h"

static void protocol_errors_are_those_of_zmq_h(void **state)
{
#define SAME(name)                                                             \
    assert_int_equal(CZ_PROTOCOL_ERROR_##name, ZMQ_PROTOCOL_ERROR_##name)
    (void)state;
    SAME(ZMTP_UNSPECIFIED);
    SAME(ZMTP_UNEXPECTED_COMMAND);
    SAME(ZMTP_INVALID_SEQUENCE);
    SAME(ZMTP_KEY_EXCHANGE);
    SAME(ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    SAME(ZMTP_MALFORMED_COMMAND_MESSAGE);
    SAME(ZMTP_MALFORMED_COMMAND_HELLO);
    SAME(ZMTP_MALFORMED_COMMAND_INITIATE);
    SAME(ZMTP_MALFORMED_COMMAND_ERROR);
    SAME(ZMTP_MALFORMED_COMMAND_READY);
    SAME(ZMTP_MALFORMED_COMMAND_WELCOME);
    SAME(ZMTP_INVALID_METADATA);
    SAME(ZMTP_CRYPTOGRAPHIC);
    SAME(ZMTP_MECHANISM_MISMATCH);
    SAME(ZAP_UNSPECIFIED);
    SAME(ZAP_MALFORMED_REPLY);
    SAME(ZAP_BAD_REQUEST_ID);
    SAME(ZAP_BAD_VERSION);
    SAME(ZAP_INVALID_STATUS_CODE);
    SAME(ZAP_INVALID_METADATA);
    SAME(WS_UNSPECIFIED);
#undef SAME
}

static void socket_types_are_those_of_zmq_h(void **state)
{
#define SAME(name) assert_int_equal(CZ_SOCKET_##name, ZMQ_##name)
    (void)state;
    SAME(PAIR);
    SAME(PUB);
    SAME(SUB);
    SAME(REQ);
    SAME(REP);
    SAME(DEALER);
    SAME(ROUTER);
    SAME(PULL);
    SAME(PUSH);
    SAME(XPUB);
    SAME(XSUB);
    SAME(STREAM);
    SAME(SERVER);
    SAME(CLIENT);
    SAME(RADIO);
    SAME(DISH);
    SAME(GATHER);
    SAME(SCATTER);
    SAME(DGRAM);
    SAME(PEER);
    SAME(CHANNEL);
#undef SAME
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protocol_errors_are_those_of_zmq_h),
        cmocka_unit_test(socket_types_are_those_of_zmq_h),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
