/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoint texts: which are good, which errno the others give, and what
 * ZMQ_LAST_ENDPOINT says afterwards. The files of ipc are in ipc_test.c.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/socket.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

struct row {
    const char *endpoint;
    int bind_error; /* 0: it works. */
    int connect_error;
};

static void check_rows(struct env *env, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *socket = env_socket(env, ZMQ_DEALER);
        int rc = zmq_bind(socket, rows[i].endpoint);
        int error = rc == -1 ? zmq_errno() : 0;

        if (error != rows[i].bind_error)
            fail_msg("bind %s: %s, not %s", rows[i].endpoint, strerror(error),
                     strerror(rows[i].bind_error));
        env_close_socket(env, socket);
        socket = env_socket(env, ZMQ_DEALER);
        rc = zmq_connect(socket, rows[i].endpoint);
        error = rc == -1 ? zmq_errno() : 0;
        if (error != rows[i].connect_error)
            fail_msg("connect %s: %s, not %s", rows[i].endpoint,
                     strerror(error), strerror(rows[i].connect_error));
        set_int(socket, ZMQ_LINGER, 0);
        env_close_socket(env, socket);
    }
}

static void texts_without_a_transport_are_refused(void **state)
{
    static const struct row rows[] = {
        {"", EINVAL, EINVAL},
        {"tcp", EINVAL, EINVAL},
        {"tcp:", EINVAL, EINVAL},
        {"tcp:/", EINVAL, EINVAL},
        {"tcp:/127.0.0.1:5555", EINVAL, EINVAL},
        {"://127.0.0.1:5555", EINVAL, EINVAL},
        {"tcp://", EINVAL, EINVAL},
        {"inproc://", EINVAL, EINVAL},
        {"ipc://", EINVAL, EINVAL},
        {"no endpoint", EINVAL, EINVAL},
        {"TCP://127.0.0.1:5555", EPROTONOSUPPORT, EPROTONOSUPPORT},
        {"Inproc://a", EPROTONOSUPPORT, EPROTONOSUPPORT},
        {"bogus://127.0.0.1:5555", EPROTONOSUPPORT, EPROTONOSUPPORT},
        {"sys2://log", EPROTONOSUPPORT, EPROTONOSUPPORT},
    };

    check_rows(*state, rows, sizeof(rows) / sizeof(rows[0]));
}

static void tcp_texts_are_checked(void **state)
{
    static const struct row rows[] = {
        {"tcp://127.0.0.1", EINVAL, EINVAL},
        {"tcp://127.0.0.1:", EINVAL, EINVAL},
        {"tcp://*", EINVAL, EINVAL},
        {"tcp://:", EINVAL, EINVAL},
        {"tcp://127.0.0.1:*", 0, EINVAL},
        {"tcp://127.0.0.1:0", 0, 0},
        {"tcp://*:*", 0, EINVAL},
        {"tcp://*:0", 0, EINVAL},
        {"tcp://lo:*", 0, EINVAL},
        {"tcp://127.0.0.1:abc", EINVAL, EINVAL},
        {"tcp://256.1.1.1:20000", ENODEV, 0},
        {"tcp://no-such-host.invalid:20000", ENODEV, 0},
        {"tcp://nonexist0:20000", ENODEV, 0},
        {"tcp://192.0.2.1:20000", EADDRNOTAVAIL, 0},
        {"tcp://bad!host:20000", ENODEV, EINVAL},
        {"tcp://a b:20000", ENODEV, EINVAL},
        {"tcp://[::1]:20000", ENODEV, 0},
        {"tcp://lo:0;127.0.0.1:*", 0, EINVAL},
        {"tcp://lo:0;127.0.0.1:20000", 0, 0},
    };
    static const struct row named[] = {{"tcp://localhost:*", 0, EINVAL}};

    check_rows(*state, rows, sizeof(rows) / sizeof(rows[0]));
    /* libzmq 4.3.4 does not resolve host names to bind to. */
    if (is_ceromq())
        check_rows(*state, named, 1);
}

static void transports_of_other_types_are_refused(void **state)
{
    static const struct row rows[] = {
        {"udp://127.0.0.1:20000", ENOCOMPATPROTO, ENOCOMPATPROTO},
    };

    check_rows(*state, rows, sizeof(rows) / sizeof(rows[0]));
    assert_fails(zmq_unbind(env_socket(*state, ZMQ_DEALER), rows[0].endpoint),
                 ENOCOMPATPROTO);
}

static void null_is_no_endpoint(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PAIR);

    assert_fails(zmq_unbind(socket, NULL), EINVAL);
    assert_fails(zmq_disconnect(socket, NULL), EINVAL);
    /* libzmq ends the process here. */
    if (is_ceromq()) {
        assert_int_equal(zmq_bind(socket, NULL), -1);
        assert_int_equal(zmq_connect(socket, NULL), -1);
    }
}

static void expect_last_endpoint(void *socket, const char *expected)
{
    char endpoint[ENDPOINT_MAX];

    last_endpoint(socket, endpoint);
    assert_string_equal(endpoint, expected);
}

static void last_endpoint_is_empty_at_first(void **state)
{
    struct env *env = *state;
    char text[8] = "-------";
    size_t size = sizeof(text);
    void *socket = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size));
    assert_int_equal(size, 1);
    assert_string_equal(text, "");
}

static void last_endpoint_follows_bind_and_connect(void **state)
{
    struct env *env = *state;
    char first[ENDPOINT_MAX];
    char second[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_DEALER);
    void *other = env_socket(env, ZMQ_DEALER);

    env_bind(env, socket, first);
    expect_last_endpoint(socket, first);
    env_bind(env, socket, second);
    expect_last_endpoint(socket, second);
    assert_ok(zmq_connect(other, first));
    expect_last_endpoint(other, first);
    assert_ok(zmq_connect(other, second));
    expect_last_endpoint(other, second);
    assert_fails(zmq_bind(other, "bogus://x"), EPROTONOSUPPORT);
    expect_last_endpoint(other, second);
}

static void last_endpoint_needs_room_for_all(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char text[ENDPOINT_MAX];
    size_t size;
    void *socket = env_socket(env, ZMQ_PAIR);

    env_bind(env, socket, endpoint);
    size = strlen(endpoint);
    assert_fails(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size),
                 EINVAL);
    size = strlen(endpoint) + 1;
    assert_ok(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size));
    assert_int_equal(size, strlen(endpoint) + 1);
    assert_string_equal(text, endpoint);
}

static void a_wildcard_port_becomes_a_real_one(void **state)
{
    static const char *const endpoints[] = {
        "tcp://127.0.0.1:*",
        "tcp://127.0.0.1:0",
        "tcp://lo:*",
        "tcp://*:*",
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        char endpoint[ENDPOINT_MAX];
        char reach[ENDPOINT_MAX];
        unsigned port = 0;
        void *pull = env_socket(env, ZMQ_PULL);
        void *push = env_socket(env, ZMQ_PUSH);

        assert_ok(zmq_bind(pull, endpoints[i]));
        last_endpoint(pull, endpoint);
        assert_int_equal(
            sscanf(endpoint, i < 3 ? "tcp://127.0.0.1:%u" : "tcp://0.0.0.0:%u",
                   &port),
            1);
        assert_in_range(port, 1, 65535);
        snprintf(reach, sizeof(reach), "tcp://127.0.0.1:%u", port);
        assert_ok(zmq_connect(push, reach));
        send_text(push, "x", 0);
        expect_text(pull, "x");
    }
}

static void a_name_in_use_is_refused(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char any[ENDPOINT_MAX];
    void *first = env_socket(env, ZMQ_PULL);
    void *second = env_socket(env, ZMQ_PULL);

    env_bind(env, first, endpoint);
    assert_fails(zmq_bind(second, endpoint), EADDRINUSE);
    assert_fails(zmq_bind(first, endpoint), EADDRINUSE);
    expect_last_endpoint(first, endpoint);
    if (env->transport != &transport_tcp)
        return;
    snprintf(any, sizeof(any), "tcp://*%s", strrchr(endpoint, ':'));
    assert_fails(zmq_bind(second, any), EADDRINUSE);
}

static void a_source_address_may_stand_before_the_target(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char from[2 * ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    zmq_msg_t msg;

    env_bind(env, pull, endpoint);
    /* One that the kernel would not choose by itself. */
    snprintf(from, sizeof(from), "tcp://127.0.0.7:0;%s",
             endpoint + strlen("tcp://"));
    assert_ok(zmq_connect(push, from));
    expect_last_endpoint(push, from);
    send_text(push, "x", 0);
    assert_ok(zmq_msg_init(&msg));
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 1);
    assert_string_equal(zmq_msg_gets(&msg, "Peer-Address"), "127.0.0.7");
    assert_ok(zmq_msg_close(&msg));
}

/* From and to the same port, which the kernel lets be. */
static void nobody_connects_to_itself(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char from[2 * ENDPOINT_MAX];
    void *pair = env_socket(env, ZMQ_PAIR);
    void *monitor = monitor_open(env, pair, ZMQ_EVENT_ALL);

    if (!is_ceromq())
        skip(); /* Takes itself for its peer. */
    env_free_endpoint(env, endpoint);
    snprintf(from, sizeof(from), "%s;%s", endpoint,
             endpoint + strlen("tcp://"));
    assert_ok(zmq_connect(pair, from));
    monitor_expect(monitor, ZMQ_EVENT_CONNECT_DELAYED);
    monitor_expect(monitor, ZMQ_EVENT_CLOSED);
    monitor_expect(monitor, ZMQ_EVENT_CONNECT_RETRIED);
}

static void names_are_resolved_when_connecting(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char named[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_bind(pull, "tcp://127.0.0.1:*"));
    last_endpoint(pull, endpoint);
    snprintf(named, sizeof(named), "tcp://localhost%s", strrchr(endpoint, ':'));
    assert_ok(zmq_connect(push, named));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static bool has_ipv6(void)
{
    return access("/proc/net/if_inet6", R_OK) == 0;
}

static void ipv6_carries_messages(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    unsigned port = 0;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (!has_ipv6())
        skip();
    set_int(pull, ZMQ_IPV6, 1);
    set_int(push, ZMQ_IPV6, 1);
    assert_ok(zmq_bind(pull, "tcp://[::1]:*"));
    last_endpoint(pull, endpoint);
    assert_int_equal(sscanf(endpoint, "tcp://[::1]:%u", &port), 1);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void a_zone_is_a_number_or_an_interface(void **state)
{
    static const char *const forms[] = {"tcp://[::1%%lo]:%u",
                                        "tcp://[::1%%1]:%u"};
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    unsigned port = 0;
    void *pull = env_socket(env, ZMQ_PULL);

    if (!has_ipv6() || if_nametoindex("lo") != 1)
        skip();
    set_int(pull, ZMQ_IPV6, 1);
    assert_ok(zmq_bind(pull, "tcp://[::1%lo]:*"));
    last_endpoint(pull, endpoint);
    assert_int_equal(sscanf(endpoint, "tcp://[::1]:%u", &port), 1);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        void *push = env_socket(env, ZMQ_PUSH);

        set_int(push, ZMQ_IPV6, 1);
        snprintf(endpoint, sizeof(endpoint), forms[i], port);
        assert_ok(zmq_connect(push, endpoint));
        send_text(push, "x", 0);
        expect_text(pull, "x");
    }
}

static void ipv6_wildcards_accept_ipv4(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char reach[ENDPOINT_MAX];
    unsigned port = 0;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (!has_ipv6())
        skip();
    set_int(pull, ZMQ_IPV6, 1);
    assert_ok(zmq_bind(pull, "tcp://*:*"));
    last_endpoint(pull, endpoint);
    assert_int_equal(sscanf(endpoint, "tcp://[::]:%u", &port), 1);
    snprintf(reach, sizeof(reach), "tcp://127.0.0.1:%u", port);
    assert_ok(zmq_connect(push, reach));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(tcp, texts_without_a_transport_are_refused),
        ON(tcp, tcp_texts_are_checked),
        ON(tcp, transports_of_other_types_are_refused),
        ON(tcp, null_is_no_endpoint),
        ON(inproc, last_endpoint_is_empty_at_first),
        ON_EACH(last_endpoint_follows_bind_and_connect),
        ON_EACH(last_endpoint_needs_room_for_all),
        ON(tcp, a_wildcard_port_becomes_a_real_one),
        ON(inproc, a_name_in_use_is_refused),
        ON(tcp, a_name_in_use_is_refused),
        ON(tcp, a_source_address_may_stand_before_the_target),
        ON(tcp, nobody_connects_to_itself),
        ON(tcp, names_are_resolved_when_connecting),
        ON(tcp, ipv6_carries_messages),
        ON(tcp, a_zone_is_a_number_or_an_interface),
        ON(tcp, ipv6_wildcards_accept_ipv4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
