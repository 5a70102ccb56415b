/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connecting: before the peer is there, again after it left, more than
 * once, to many, and only when it is really there (ZMQ_IMMEDIATE).
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void connect_may_come_before_bind(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 500; i++)
        send_number(push, i);
    assert_ok(zmq_bind(pull, endpoint));
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(receive_number(pull), i);
}

static void a_receiver_may_connect_before_bind(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(pull, endpoint));
    assert_ok(zmq_bind(push, endpoint));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void a_connecting_socket_comes_back_to_a_new_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor;

    set_int(push, ZMQ_RECONNECT_IVL, 10);
    monitor = monitor_open(env, push, ZMQ_EVENT_DISCONNECTED);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "one", 0);
    expect_text(pull, "one");
    env_close_socket(env, pull);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    send_text(push, "two", 0);
    pull = env_socket(env, ZMQ_PULL);
    /* The closed socket's name may still be in use for a moment. */
    while (zmq_bind(pull, endpoint) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    expect_text(pull, "two");
}

static void one_socket_has_many_endpoints(void **state)
{
    static const struct transport *const transports[] = {
        &transport_inproc, &transport_tcp, &transport_ipc};
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *hub = env_socket(env, ZMQ_PULL);
    uint32_t seen = 0;

    for (uint32_t i = 0; i < 12; i++) {
        void *peer = env_socket(env, ZMQ_PUSH);

        env->transport = transports[i % 3];
        if (i % 2 == 0) {
            env_bind(env, hub, endpoint);
            assert_ok(zmq_connect(peer, endpoint));
        } else {
            env_bind(env, peer, endpoint);
            assert_ok(zmq_connect(hub, endpoint));
        }
        send_number(peer, i);
    }
    for (uint32_t i = 0; i < 12; i++)
        seen |= (uint32_t)1 << receive_number(hub);
    assert_int_equal(seen, 0xfff);
    env->transport = NULL;
}

/* The second connect is one of its own, or is none. */
static void connect_twice(struct env *env, int bound_type, int type,
                          uint32_t connections)
{
    char endpoint[ENDPOINT_MAX];
    void *bound = env_socket(env, bound_type);
    void *connected = env_socket(env, type);
    void *monitor = monitor_open(env, bound, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);

    env_bind(env, bound, endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    assert_ok(zmq_connect(connected, endpoint));
    for (uint32_t i = 0; i < connections; i++)
        monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    monitor_expect_nothing(monitor);
}

static void push_pull_and_pair_connect_twice(void **state)
{
    connect_twice(*state, ZMQ_PULL, ZMQ_PUSH, 2);
    connect_twice(*state, ZMQ_PUSH, ZMQ_PULL, 2);
    connect_twice(*state, ZMQ_PAIR, ZMQ_PAIR, 2);
}

static void dealer_connects_once(void **state)
{
    connect_twice(*state, ZMQ_DEALER, ZMQ_DEALER, 1);
}

/* The pipe takes turns although nobody is there: half of all waits. */
static void an_absent_peer_takes_its_turns(void **state)
{
    struct env *env = *state;
    char absent[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    void *late = env_socket(env, ZMQ_PULL);

    env_free_endpoint(env, absent);
    assert_ok(zmq_connect(push, absent));
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 20; i++)
        send_number(push, i);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(receive_number(pull), 2 * i + 1);
    expect_nothing(pull);
    assert_ok(zmq_bind(late, absent));
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(receive_number(late), 2 * i);
}

static void immediate_leaves_an_absent_peer_out(void **state)
{
    struct env *env = *state;
    char absent[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(push, ZMQ_IMMEDIATE, 1);
    env_free_endpoint(env, absent);
    assert_ok(zmq_connect(push, absent));
    assert_false(is_ready(push, ZMQ_POLLOUT, 0));
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    wait_for(push, ZMQ_POLLOUT);
    for (uint32_t i = 0; i < 20; i++)
        send_number(push, i);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(receive_number(pull), i);
}

static void immediate_takes_its_pipe_back_from_a_lost_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "one", 0);
    expect_text(pull, "one");
    env_close_socket(env, pull);
    while (is_ready(push, ZMQ_POLLOUT, 0))
        continue;
    assert_fails(zmq_send(push, "lost", 4, ZMQ_DONTWAIT), EAGAIN);
    pull = env_socket(env, ZMQ_PULL);
    while (zmq_bind(pull, endpoint) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    send_text(push, "two", 0);
    expect_text(pull, "two");
}

static void a_negative_interval_means_no_second_try(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_ALL);

    set_int(push, ZMQ_RECONNECT_IVL, -1);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    while (monitor_next(monitor, &event, 3 * GLANCE_MS))
        assert_int_not_equal(event.event, ZMQ_EVENT_CONNECT_RETRIED);
}

/* Without reconnection it is as if zmq_disconnect had been called. */
static void lose_connection_for_good(struct env *env, int immediate)
{
    char endpoint[ENDPOINT_MAX];
    void *dealer = env_socket(env, ZMQ_DEALER);
    void *peer = env_socket(env, ZMQ_DEALER);

    set_int(dealer, ZMQ_RECONNECT_IVL, -1);
    set_int(dealer, ZMQ_IMMEDIATE, immediate);
    env_bind(env, peer, endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    send_text(dealer, "x", 0);
    expect_text(peer, "x");
    env_close_socket(env, peer);
    while (is_ready(dealer, ZMQ_POLLOUT, 0))
        continue;
    assert_fails(zmq_disconnect(dealer, endpoint), ENOENT);
    peer = env_socket(env, ZMQ_DEALER);
    while (zmq_bind(peer, endpoint) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    assert_ok(zmq_connect(dealer, endpoint));
    send_text(dealer, "y", 0);
    expect_text(peer, "y");
}

static void a_lost_connection_takes_its_endpoint_along(void **state)
{
    lose_connection_for_good(*state, 0);
}

static void a_lost_connection_of_an_immediate_socket_does_too(void **state)
{
    lose_connection_for_good(*state, 1);
}

/* Nobody is there: the intervals grow to the limit. How they do, to the
 * millisecond, is in sim/faults_test.c. */
static void the_interval_grows_to_its_maximum(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    uint32_t interval = 0;
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_CONNECT_RETRIED);

    set_int(push, ZMQ_RECONNECT_IVL, 5);
    set_int(push, ZMQ_RECONNECT_IVL_MAX, 40);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 8; i++) {
        interval = monitor_expect(monitor, ZMQ_EVENT_CONNECT_RETRIED).value;
        assert_in_range(interval, 1, 50);
    }
    assert_in_range(interval, 20, 50);
}

/* A listener whose queue is full: the kernel lets the next one wait. */
static void an_attempt_that_takes_too_long_is_given_up(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int fds[2];
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_ALL);

    env_free_endpoint(env, endpoint);
    fds[0] = raw_listen(endpoint);
    assert_int_equal(listen(fds[0], 0), 0);
    fds[1] = raw_connect(endpoint);
    set_int(push, ZMQ_CONNECT_TIMEOUT, 50);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    assert_ok(zmq_connect(push, endpoint));
    monitor_expect(monitor, ZMQ_EVENT_CONNECT_DELAYED);
    monitor_expect(monitor, ZMQ_EVENT_CLOSED);
    monitor_expect(monitor, ZMQ_EVENT_CONNECT_RETRIED);
    monitor_expect(monitor, ZMQ_EVENT_CONNECT_DELAYED);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(connect_may_come_before_bind),
        ON_EACH(a_receiver_may_connect_before_bind),
        ON_STREAMS(a_connecting_socket_comes_back_to_a_new_peer),
        ON(inproc, one_socket_has_many_endpoints),
        ON_STREAMS(push_pull_and_pair_connect_twice),
        ON_STREAMS(dealer_connects_once),
        ON_EACH(an_absent_peer_takes_its_turns),
        ON_STREAMS(immediate_leaves_an_absent_peer_out),
        ON_STREAMS(immediate_takes_its_pipe_back_from_a_lost_peer),
        ON_STREAMS(a_negative_interval_means_no_second_try),
        ON_STREAMS(a_lost_connection_takes_its_endpoint_along),
        ON_STREAMS(a_lost_connection_of_an_immediate_socket_does_too),
        ON_STREAMS(the_interval_grows_to_its_maximum),
        ON(tcp, an_attempt_that_takes_too_long_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
