/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Monitor events of version 1: which, in what order, with which values and
 * texts.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void expect_descriptor(struct monitor_event event)
{
    assert_int_not_equal(fcntl((int)event.value, F_GETFD), -1);
}

static void the_bound_side_tells_its_story(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    event = monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    assert_string_equal(event.address, endpoint);
    expect_descriptor(event);

    assert_ok(zmq_connect(push, endpoint));
    event = monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
    assert_string_equal(event.address, endpoint);
    expect_descriptor(event);
    event = monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_string_equal(event.address, endpoint);
    assert_int_equal(event.value, 0);

    env_close_socket(env, push);
    event = monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    assert_string_equal(event.address, endpoint);

    env_close_socket(env, pull);
    event = monitor_expect(monitor, ZMQ_EVENT_CLOSED);
    assert_string_equal(event.address, endpoint);
    event = monitor_expect(monitor, ZMQ_EVENT_MONITOR_STOPPED);
    assert_int_equal(event.value, 0);
    assert_string_equal(event.address, "");
    monitor_expect_nothing(monitor);
}

static void the_connecting_side_tells_its_story(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    if (env->transport == &transport_tcp) {
        event = monitor_expect(monitor, ZMQ_EVENT_CONNECT_DELAYED);
        assert_string_equal(event.address, endpoint);
        assert_int_equal(event.value, EINPROGRESS);
    }
    event = monitor_expect(monitor, ZMQ_EVENT_CONNECTED);
    assert_string_equal(event.address, endpoint);
    expect_descriptor(event);
    event = monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_string_equal(event.address, endpoint);
    assert_int_equal(event.value, 0);

    env_close_socket(env, pull);
    event = monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    assert_string_equal(event.address, endpoint);
    event = monitor_expect(monitor, ZMQ_EVENT_CONNECT_RETRIED);
    assert_string_equal(event.address, endpoint);
    assert_in_range(event.value, 100, 199);
}

static void refused_attempts_are_told_one_by_one(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_ALL);

    set_int(push, ZMQ_RECONNECT_IVL, 20);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 3; i++) {
        if (env->transport == &transport_tcp)
            monitor_expect(monitor, ZMQ_EVENT_CONNECT_DELAYED);
        event = monitor_expect(monitor, ZMQ_EVENT_CLOSED);
        assert_string_equal(event.address, endpoint);
        event = monitor_expect(monitor, ZMQ_EVENT_CONNECT_RETRIED);
        assert_string_equal(event.address, endpoint);
        assert_in_range(event.value, 20, 39);
    }
}

static void only_events_asked_for_are_told(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor =
        monitor_open(env, pull, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
    send_text(push, "x", 0);
    expect_text(pull, "x");
    env_close_socket(env, push);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    monitor_expect_nothing(monitor);
}

static void own_disconnects_are_not_told(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    monitor_wait(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_ok(zmq_disconnect(push, endpoint));
    monitor_expect_nothing(monitor);
}

static void unbind_tells_that_the_listener_closed(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    assert_ok(zmq_unbind(pull, endpoint));
    event = monitor_expect(monitor, ZMQ_EVENT_CLOSED);
    assert_string_equal(event.address, endpoint);
    monitor_expect_nothing(monitor);
}

static void a_failed_bind_is_told(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *first = env_socket(env, ZMQ_PULL);
    void *second = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, second, ZMQ_EVENT_ALL);

    env_bind(env, first, endpoint);
    assert_fails(zmq_bind(second, endpoint), EADDRINUSE);
    /* libzmq 4.3.4 tells before that the descriptor was closed. */
    event = monitor_wait(monitor, ZMQ_EVENT_BIND_FAILED);
    assert_int_equal(event.value, EADDRINUSE);
    assert_string_equal(event.address, endpoint + strlen("tcp://"));
}

static void a_peer_that_leaves_early_fails_the_handshake(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    peer = raw_connect(endpoint);
    monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
    close(peer);
    event = monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    assert_string_equal(event.address, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
}

static void another_mechanism_fails_the_handshake(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    unsigned char greeting[RAW_GREETING_SIZE];
    char endpoint[ENDPOINT_MAX];
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    peer = raw_connect(endpoint);
    monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
    raw_greeting(greeting);
    memcpy(greeting + 12, "OTHER", 5);
    raw_write(peer, greeting, sizeof(greeting));
    event = monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    assert_int_equal(event.value, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    close(peer);
}

static void stopping_tells_so_and_frees_the_name(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_socket_monitor(pull, "inproc://monitor", ZMQ_EVENT_ALL));
    assert_ok(zmq_connect(monitor, "inproc://monitor"));
    assert_ok(zmq_socket_monitor(pull, NULL, 0));
    monitor_expect(monitor, ZMQ_EVENT_MONITOR_STOPPED);
    monitor_expect_nothing(monitor);
    while (zmq_socket_monitor(pull, "inproc://monitor", ZMQ_EVENT_ALL) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
}

static void the_consumer_may_come_first(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_connect(monitor, "inproc://monitor"));
    assert_ok(zmq_socket_monitor(pull, "inproc://monitor", ZMQ_EVENT_ALL));
    assert_fails(zmq_socket_monitor(env_socket(env, ZMQ_PULL),
                                    "inproc://monitor", ZMQ_EVENT_ALL),
                 EADDRINUSE);
    env_bind(env, pull, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    env_close_socket(env, pull);
    monitor_wait(monitor, ZMQ_EVENT_MONITOR_STOPPED);
}

static void a_consumer_that_left_leaves_the_name_free(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = env_socket(env, ZMQ_PAIR);

    if (!is_ceromq())
        skip(); /* The next event waits for another consumer. */
    assert_ok(zmq_socket_monitor(pull, "inproc://monitor", ZMQ_EVENT_ALL));
    assert_ok(zmq_connect(monitor, "inproc://monitor"));
    env_close_socket(env, monitor);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_socket_monitor(pull, NULL, 0));
    assert_ok(zmq_socket_monitor(pull, "inproc://monitor", ZMQ_EVENT_ALL));
    monitor = env_socket(env, ZMQ_PAIR);
    assert_ok(zmq_connect(monitor, "inproc://monitor"));
    assert_ok(zmq_unbind(pull, endpoint));
    monitor_expect(monitor, ZMQ_EVENT_CLOSED);
}

static void a_new_monitor_replaces_the_old_one(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *first = monitor_open(env, pull, ZMQ_EVENT_ALL);
    void *second = monitor_open(env, pull, ZMQ_EVENT_ALL);

    monitor_expect(first, ZMQ_EVENT_MONITOR_STOPPED);
    env_bind(env, pull, endpoint);
    monitor_expect(second, ZMQ_EVENT_LISTENING);
    monitor_expect_nothing(first);
}

static void bad_arguments_are_refused(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PULL);
    void *other = env_socket(env, ZMQ_PULL);
    void *monitor = env_socket(env, ZMQ_PAIR);

    assert_fails(zmq_socket_monitor(socket, "x", ZMQ_EVENT_ALL), EINVAL);
    assert_fails(zmq_socket_monitor(socket, "", ZMQ_EVENT_ALL), EINVAL);
    assert_fails(zmq_socket_monitor(socket, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL),
                 EPROTONOSUPPORT);
    assert_fails(zmq_socket_monitor(socket, "ipc://x", ZMQ_EVENT_ALL),
                 EPROTONOSUPPORT);
    assert_ok(zmq_socket_monitor(socket, "inproc://used", ZMQ_EVENT_ALL));
    assert_ok(zmq_connect(monitor, "inproc://used"));
    assert_fails(zmq_socket_monitor(other, "inproc://used", ZMQ_EVENT_ALL),
                 EADDRINUSE);
    assert_ok(zmq_socket_monitor(socket, NULL, 0));
    assert_ok(zmq_socket_monitor(socket, NULL, 0));
}

static void a_monitor_that_nobody_reads_does_no_harm(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = env_socket(env, ZMQ_PAIR);

    /* libzmq waits for a consumer, even within zmq_bind(). */
    if (!is_ceromq())
        skip();
    assert_ok(zmq_socket_monitor(pull, "inproc://unread", ZMQ_EVENT_ALL));
    env_bind(env, pull, endpoint);
    for (uint32_t i = 0; i < 1000; i++) {
        void *push = env_socket(env, ZMQ_PUSH);

        assert_ok(zmq_connect(push, endpoint));
        send_number(push, i);
        assert_int_equal(receive_number(pull), i);
        env_close_socket(env, push);
        env->socket_count--;
    }
    assert_ok(zmq_connect(monitor, "inproc://unread"));
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
}

static void inproc_has_no_events(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    expect_text(pull, "x");
    env_close_socket(env, push);
    env_close_socket(env, pull);
    monitor_expect(monitor, ZMQ_EVENT_MONITOR_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(the_bound_side_tells_its_story),
        ON_STREAMS(the_connecting_side_tells_its_story),
        ON_STREAMS(refused_attempts_are_told_one_by_one),
        ON_STREAMS(only_events_asked_for_are_told),
        ON_STREAMS(own_disconnects_are_not_told),
        ON_STREAMS(unbind_tells_that_the_listener_closed),
        ON(tcp, a_failed_bind_is_told),
        ON_STREAMS(a_peer_that_leaves_early_fails_the_handshake),
        ON_STREAMS(another_mechanism_fails_the_handshake),
        ON(inproc, stopping_tells_so_and_frees_the_name),
        ON_STREAMS(the_consumer_may_come_first),
        ON_STREAMS(a_consumer_that_left_leaves_the_name_free),
        ON_STREAMS(a_new_monitor_replaces_the_old_one),
        ON(inproc, bad_arguments_are_refused),
        ON_STREAMS(a_monitor_that_nobody_reads_does_no_harm),
        ON(inproc, inproc_has_no_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
