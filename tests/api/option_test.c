/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket options that every type has: sizes, defaults, ranges, and that
 * what is set is what is read. One row per option.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>

#define NONE INT32_MIN

/* An option of type int. `good` and `bad` end at the first NONE. */
struct int_option {
    int option;
    int first; /* The default. */
    int good[5];
    int bad[4];
};

static const struct int_option int_options[] = {
    {ZMQ_RATE, 100, {1, 100000, NONE}, {0, -1, NONE}},
    {ZMQ_RECOVERY_IVL, 10000, {0, 1, NONE}, {-1, NONE}},
    {ZMQ_SNDBUF, -1, {0, 65536, -1, NONE}, {-2, NONE}},
    {ZMQ_RCVBUF, -1, {0, 65536, -1, NONE}, {-2, NONE}},
    {ZMQ_LINGER, -1, {0, 1, 30000, -1, NONE}, {-2, NONE}},
    {ZMQ_RECONNECT_IVL, 100, {0, 1, -1, NONE}, {-2, NONE}},
    {ZMQ_BACKLOG, 100, {0, 1, 65535, NONE}, {-1, NONE}},
    {ZMQ_RECONNECT_IVL_MAX, 0, {0, 1, 10000, NONE}, {-1, NONE}},
    {ZMQ_SNDHWM, 1000, {0, 1, INT32_MAX, NONE}, {-1, NONE}},
    {ZMQ_RCVHWM, 1000, {0, 1, INT32_MAX, NONE}, {-1, NONE}},
    {ZMQ_MULTICAST_HOPS, 1, {1, 255, NONE}, {0, -1, NONE}},
    {ZMQ_RCVTIMEO, -1, {0, 1, 30000, -1, NONE}, {-2, NONE}},
    {ZMQ_SNDTIMEO, -1, {0, 1, 30000, -1, NONE}, {-2, NONE}},
    {ZMQ_IPV6, 0, {1, 0, NONE}, {-1, 2, NONE}},
    {ZMQ_IPV4ONLY, 1, {0, 1, NONE}, {-1, 2, NONE}},
    {ZMQ_TCP_KEEPALIVE, -1, {0, 1, -1, NONE}, {-2, 2, NONE}},
    {ZMQ_TCP_KEEPALIVE_CNT, -1, {1, 9, -1, NONE}, {-2, NONE}},
    {ZMQ_TCP_KEEPALIVE_IDLE, -1, {1, 60, -1, NONE}, {-2, NONE}},
    {ZMQ_TCP_KEEPALIVE_INTVL, -1, {1, 60, -1, NONE}, {-2, NONE}},
    {ZMQ_IMMEDIATE, 0, {1, 0, NONE}, {-1, 2, NONE}},
    {ZMQ_CONFLATE, 0, {1, 0, NONE}, {-1, 2, NONE}},
    {ZMQ_TOS, 0, {0, 16, 255, NONE}, {-1, NONE}},
    {ZMQ_HANDSHAKE_IVL, 30000, {0, 1, 60000, NONE}, {-1, NONE}},
    {ZMQ_HEARTBEAT_IVL, 0, {1, 10000, 0, NONE}, {-1, NONE}},
    {ZMQ_HEARTBEAT_TIMEOUT, -1, {0, 1, 10000, NONE}, {-1, -2, NONE}},
    {ZMQ_HEARTBEAT_TTL, 0, {100, 6553500, 0, NONE}, {-100, 6553600, NONE}},
    {ZMQ_CONNECT_TIMEOUT, 0, {1, 10000, 0, NONE}, {-1, NONE}},
    {ZMQ_TCP_MAXRT, 0, {1, 10000, 0, NONE}, {-1, NONE}},
    {ZMQ_MULTICAST_MAXTPDU, 1500, {1, 9000, NONE}, {0, -1, NONE}},
    {ZMQ_USE_FD, -1, {0, 100, -1, NONE}, {-2, NONE}},
};

static const int types[] = {ZMQ_PUSH, ZMQ_PULL, ZMQ_PAIR, ZMQ_DEALER};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

static bool refuses(void *socket, int option, const void *value, size_t size)
{
    return zmq_setsockopt(socket, option, value, size) == -1 &&
           zmq_errno() == EINVAL;
}

static bool reads(void *socket, int option, int expected)
{
    int value = NONE;
    size_t size = sizeof(value);

    return zmq_getsockopt(socket, option, &value, &size) == 0 &&
           size == sizeof(value) && value == expected;
}

/* What is wrong with the option, or NULL. */
static const char *int_option_fault(void *socket, const struct int_option *row)
{
    static const unsigned char wide[8];
    unsigned char narrow[3];
    size_t size = sizeof(narrow);
    int value = row->first;

    if (!reads(socket, row->option, value))
        return "begins with another value";
    for (size_t i = 0; row->good[i] != NONE; i++) {
        value = row->good[i];
        if (zmq_setsockopt(socket, row->option, &value, sizeof(value)) != 0)
            return "refuses a good value";
        if (!reads(socket, row->option, value))
            return "does not keep a good value";
    }
    for (size_t i = 0; row->bad[i] != NONE; i++) {
        if (!refuses(socket, row->option, &row->bad[i], sizeof(int)))
            return "takes a bad value";
        if (!reads(socket, row->option, value))
            return "keeps a bad value";
    }
    if (!refuses(socket, row->option, wide, 8) ||
        !refuses(socket, row->option, wide, 3) ||
        !refuses(socket, row->option, wide, 0))
        return "takes a value of the wrong size";
    if (zmq_getsockopt(socket, row->option, narrow, &size) != -1 ||
        zmq_errno() != EINVAL)
        return "fits into three bytes";
    return NULL;
}

static void options_of_type_int_keep_their_ranges(void **state)
{
    const size_t count = sizeof(int_options) / sizeof(int_options[0]);
    struct env *env = *state;
    int faults = 0;

    for (size_t t = 0; t < TYPE_COUNT; t++) {
        void *socket = env_plain_socket(env, types[t]);

        for (size_t i = 0; i < count; i++) {
            const char *fault = int_option_fault(socket, &int_options[i]);

            if (fault == NULL)
                continue;
            print_error("type %d: option %d %s\n", types[t],
                        int_options[i].option, fault);
            faults++;
        }
        set_int(socket, ZMQ_LINGER, 0);
    }
    assert_int_equal(faults, 0);
}

static void wide_options_need_eight_bytes(void **state)
{
    struct env *env = *state;
    uint64_t affinity = 7;
    int64_t limit = 7;
    size_t size = 8;
    int narrow = 1;
    void *socket = env_socket(env, ZMQ_PULL);

    assert_ok(zmq_getsockopt(socket, ZMQ_AFFINITY, &affinity, &size));
    assert_int_equal(affinity, 0);
    assert_ok(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size));
    assert_int_equal(limit, -1);
    affinity = UINT64_C(1) << 63;
    assert_ok(zmq_setsockopt(socket, ZMQ_AFFINITY, &affinity, 8));
    limit = INT64_C(1) << 40;
    assert_ok(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, 8));
    affinity = 0;
    limit = 0;
    assert_ok(zmq_getsockopt(socket, ZMQ_AFFINITY, &affinity, &size));
    assert_ok(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size));
    assert_true(affinity == UINT64_C(1) << 63);
    assert_true(limit == INT64_C(1) << 40);
    limit = -1;
    assert_ok(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, 8));
    assert_fails(zmq_setsockopt(socket, ZMQ_AFFINITY, &narrow, 4), EINVAL);
    assert_fails(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &narrow, 4), EINVAL);
    size = 4;
    assert_fails(zmq_getsockopt(socket, ZMQ_AFFINITY, &narrow, &size), EINVAL);
    assert_fails(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &narrow, &size),
                 EINVAL);
}

static void the_type_is_told_and_not_set(void **state)
{
    struct env *env = *state;
    int pair = ZMQ_PAIR;

    for (size_t i = 0; i < TYPE_COUNT; i++) {
        void *socket = env_socket(env, types[i]);

        assert_int_equal(get_int(socket, ZMQ_TYPE), types[i]);
        assert_fails(zmq_setsockopt(socket, ZMQ_TYPE, &pair, sizeof(pair)),
                     EINVAL);
    }
}

static void what_only_the_library_knows_cannot_be_set(void **state)
{
    static const int options[] = {ZMQ_FD,        ZMQ_EVENTS,
                                  ZMQ_RCVMORE,   ZMQ_LAST_ENDPOINT,
                                  ZMQ_MECHANISM, ZMQ_THREAD_SAFE};
    struct env *env = *state;
    int value = 0;
    void *socket = env_socket(env, ZMQ_DEALER);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        assert_fails(zmq_setsockopt(socket, options[i], &value, sizeof(value)),
                     EINVAL);
    assert_int_equal(get_int(socket, ZMQ_MECHANISM), ZMQ_NULL);
    assert_int_equal(get_int(socket, ZMQ_THREAD_SAFE), 0);
}

static void unknown_options_are_refused(void **state)
{
    static const int options[] = {-1, 0, 1, 2, 3, 10, 20, 26, 30, 67, 9999};
    struct env *env = *state;
    unsigned char value[8] = {0};
    void *socket = env_socket(env, ZMQ_DEALER);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t size = 4;

        /* ZMQ_HWM and ZMQ_SWAP of 2.x are extensions here. */
        if (is_ceromq() && (options[i] == 1 || options[i] == 3))
            continue;
        assert_fails(zmq_setsockopt(socket, options[i], value, 4), EINVAL);
        assert_fails(zmq_getsockopt(socket, options[i], value, &size), EINVAL);
    }
}

static void options_of_other_types_are_refused(void **state)
{
    static const int options[] = {ZMQ_SUBSCRIBE,        ZMQ_UNSUBSCRIBE,
                                  ZMQ_ROUTER_MANDATORY, ZMQ_XPUB_VERBOSE,
                                  ZMQ_REQ_RELAXED,      ZMQ_REQ_CORRELATE,
                                  ZMQ_STREAM_NOTIFY,    ZMQ_ROUTER_HANDOVER};
    struct env *env = *state;
    int value = 1;

    for (size_t t = 0; t < TYPE_COUNT; t++) {
        void *socket = env_socket(env, types[t]);

        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
            assert_fails(
                zmq_setsockopt(socket, options[i], &value, sizeof(value)),
                EINVAL);
    }
}

static void a_routing_id_has_1_to_255_bytes(void **state)
{
    struct env *env = *state;
    unsigned char id[256];
    unsigned char got[256] = {0};
    size_t size = sizeof(got);
    void *socket = env_socket(env, ZMQ_DEALER);

    memset(id, 0, sizeof(id));
    assert_ok(zmq_getsockopt(socket, ZMQ_ROUTING_ID, got, &size));
    assert_int_equal(size, 0);
    for (size_t length = 1; length <= 255; length += 127) {
        memset(id, (int)length, length);
        id[0] = 0;
        assert_ok(zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, length));
        size = sizeof(got);
        assert_ok(zmq_getsockopt(socket, ZMQ_ROUTING_ID, got, &size));
        assert_int_equal(size, length);
        assert_memory_equal(got, id, length);
    }
    assert_fails(zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, 0), EINVAL);
    assert_fails(zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, 256), EINVAL);
    size = 254;
    assert_fails(zmq_getsockopt(socket, ZMQ_ROUTING_ID, got, &size), EINVAL);
}

static void heartbeat_ttl_counts_tenths_of_seconds(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_DEALER);

    set_int(socket, ZMQ_HEARTBEAT_TTL, 99);
    assert_int_equal(get_int(socket, ZMQ_HEARTBEAT_TTL), 0);
    set_int(socket, ZMQ_HEARTBEAT_TTL, 1250);
    assert_int_equal(get_int(socket, ZMQ_HEARTBEAT_TTL), 1200);
    set_int(socket, ZMQ_HEARTBEAT_TTL, 6553599);
    assert_int_equal(get_int(socket, ZMQ_HEARTBEAT_TTL), 6553500);
}

static void rcvmore_fills_a_larger_buffer(void **state)
{
    struct env *env = *state;
    int64_t wide = -1;
    size_t size = sizeof(wide);
    void *socket = env_socket(env, ZMQ_DEALER);

    assert_ok(zmq_getsockopt(socket, ZMQ_RCVMORE, &wide, &size));
    assert_int_equal(wide, 0);
    assert_int_equal(size, 4);
}

static void conflate_keeps_the_last_message(void **state)
{
    struct env *env = *state;
    uint32_t last = 0;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    env_link(env, pull, push);
    for (uint32_t i = 1; i <= 100; i++)
        send_number(push, i);
    while (last != 100) {
        uint32_t number = receive_number(pull);

        assert_in_range(number, last + 1, 100);
        last = number;
    }
    expect_nothing(pull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, options_of_type_int_keep_their_ranges),
        ON(inproc, wide_options_need_eight_bytes),
        ON(inproc, the_type_is_told_and_not_set),
        ON(inproc, what_only_the_library_knows_cannot_be_set),
        ON(inproc, unknown_options_are_refused),
        ON(inproc, options_of_other_types_are_refused),
        ON(inproc, a_routing_id_has_1_to_255_bytes),
        ON(inproc, heartbeat_ttl_counts_tenths_of_seconds),
        ON(inproc, rcvmore_fills_a_larger_buffer),
        ON_EACH(conflate_keeps_the_last_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
