/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CTest: TIMEOUT 180
 *
 * The life of a connection to the system's libzmq: restarts on either
 * side, IMMEDIATE, high-water marks, heartbeats, linger and limits.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/peer.h"
#include "common/socket.h"
#include "interop/payload.h"

#include <errno.h>
#include <signal.h>

static void open_peer(struct peer *peer, int type)
{
    peer_open(peer, type);
    peer_do(peer, "set %d 10", ZMQ_RECONNECT_IVL);
}

static void connecting_side_outlives_restarts_of_the_peer(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_DISCONNECTED);
    char endpoint[ENDPOINT_MAX];

    set_int(push, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 5; i++) {
        struct peer peer;

        send_text(push, "before", 0);
        open_peer(&peer, ZMQ_PULL);
        peer_do(&peer, "bind %s", endpoint);
        send_text(push, "after", 0);
        peer_do(&peer, "expect before");
        peer_do(&peer, "expect after");
        peer_kill(&peer);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    }
}

/* Binding again may need a moment where the old listener closes late. */
static void bind_again(void *socket, const char *endpoint)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (zmq_bind(socket, endpoint) == -1) {
        assert_int_equal(errno, EADDRINUSE);
        assert_true(now_ms() < deadline);
    }
}

static void peer_finds_a_restarted_socket(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    env_free_endpoint(env, endpoint);
    open_peer(&peer, ZMQ_PUSH);
    peer_do(&peer, "connect %s", endpoint);
    for (int i = 0; i < 5; i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        void *monitor = monitor_open(env, pull, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);

        bind_again(pull, endpoint);
        monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        peer_do(&peer, "text round %d", i);
        expect_text(pull, "round");
        env_close_socket(env, pull);
    }
    peer_kill(&peer);
}

static void immediate_socket_waits_for_the_peer(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    open_peer(&peer, ZMQ_PULL);
    peer_do(&peer, "bind %s", endpoint);
    send_text(push, "now", 0);
    peer_do(&peer, "expect now");
    peer_kill(&peer);
}

static void peer_with_immediate_waits_for_us(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    env_free_endpoint(env, endpoint);
    open_peer(&peer, ZMQ_PUSH);
    peer_do(&peer, "set %d 1", ZMQ_IMMEDIATE);
    peer_do(&peer, "connect %s", endpoint);
    peer_post(&peer, "text now");
    assert_ok(zmq_bind(pull, endpoint));
    expect_part(pull, "now", false);
    peer_expect_ok(&peer, NULL);
    peer_kill(&peer);
}

/* How many messages of 8 KiB may be under way with small marks: those in
 * the kernel's buffers and the batches beside them. */
#define UNDER_WAY_MAX 5000

static void we_stop_when_the_peer_does_not_read(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    struct payload_shape shape;
    char endpoint[ENDPOINT_MAX];
    struct peer peer;
    uint64_t count = 0;

    assert_true(payload_parse(&shape, "8192"));
    set_int(push, ZMQ_SNDHWM, 10);
    set_int(push, ZMQ_SNDTIMEO, 300);
    open_peer(&peer, ZMQ_PULL);
    peer_do(&peer, "set %d 10", ZMQ_RCVHWM);
    env_free_endpoint(env, endpoint);
    peer_do(&peer, "bind %s", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    while (payload_send(push, &shape, count, 0) == 0)
        assert_true(++count < UNDER_WAY_MAX);
    assert_int_equal(errno, EAGAIN);
    assert_true(count >= 20);
    set_int(push, ZMQ_SNDTIMEO, PATIENCE_MS);
    peer_post(&peer, "receive 0 %d 8192", (int)count + 1000);
    for (int i = 0; i < 1000; i++)
        assert_ok(payload_send(push, &shape, count++, 0));
    peer_expect_ok(&peer, NULL);
    peer_kill(&peer);
}

static void peer_stops_when_we_do_not_read(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    struct payload_shape shape;
    char endpoint[ENDPOINT_MAX];
    char answer[PEER_LINE_MAX];
    struct peer peer;
    uint64_t count;

    assert_true(payload_parse(&shape, "8192"));
    set_int(pull, ZMQ_RCVHWM, 10);
    env_bind(env, pull, endpoint);
    open_peer(&peer, ZMQ_PUSH);
    peer_do(&peer, "set %d 10", ZMQ_SNDHWM);
    peer_do(&peer, "set %d 300", ZMQ_SNDTIMEO);
    peer_do(&peer, "connect %s", endpoint);
    peer_post(&peer, "fill 8192");
    peer_expect_ok(&peer, answer);
    count = strtoull(answer, NULL, 10);
    assert_in_range(count, 20, UNDER_WAY_MAX);
    peer_do(&peer, "set %d %d", ZMQ_SNDTIMEO, PATIENCE_MS);
    peer_post(&peer, "send %d 1000 8192", (int)count);
    for (uint64_t i = 0; i < count + 1000; i++)
        assert_null(payload_receive(pull, &shape, i));
    peer_expect_ok(&peer, NULL);
    peer_kill(&peer);
}

static void heartbeats_of_the_peer_are_answered(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    env_bind(env, pull, endpoint);
    open_peer(&peer, ZMQ_PUSH);
    peer_do(&peer, "set %d 20", ZMQ_HEARTBEAT_IVL);
    peer_do(&peer, "set %d 500", ZMQ_HEARTBEAT_TIMEOUT);
    peer_do(&peer, "set %d 500", ZMQ_HEARTBEAT_TTL);
    peer_do(&peer, "connect %s", endpoint);
    peer_do(&peer, "text first");
    expect_text(pull, "first");
    /* Longer than the peer would wait for an answer. */
    assert_false(monitor_next(monitor, &event, 1500));
    peer_do(&peer, "text second");
    expect_text(pull, "second");
    peer_kill(&peer);
}

static void peer_that_is_stopped_is_noticed_by_heartbeats(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    set_int(pull, ZMQ_HEARTBEAT_IVL, 50);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, 500);
    env_bind(env, pull, endpoint);
    open_peer(&peer, ZMQ_PUSH);
    peer_do(&peer, "connect %s", endpoint);
    peer_do(&peer, "text first");
    expect_text(pull, "first");
    assert_int_equal(kill(peer.pid, SIGSTOP), 0);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    assert_int_equal(kill(peer.pid, SIGCONT), 0);
    peer_kill(&peer);
}

static void what_was_sent_before_close_arrives(void **state)
{
    enum { COUNT = 20000 };
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *push = env_socket(env, ZMQ_PUSH);
        struct payload_shape shape;
        char endpoint[ENDPOINT_MAX];
        struct peer peer;

        assert_true(payload_parse(&shape, "40+60"));
        open_peer(&peer, ZMQ_PULL);
        /* At its mark, libzmq would lose what it has not read from an ipc
         * connection when we close: see below. */
        peer_do(&peer, "set %d 0", ZMQ_RCVHWM);
        peer_link(&peer, env, push, is_bound, endpoint);
        peer_post(&peer, "receive 0 %d 40+60", COUNT);
        for (uint64_t i = 0; i < COUNT; i++)
            assert_ok(payload_send(push, &shape, i, 0));
        env_close_socket(env, push);
        peer_expect_ok(&peer, NULL);
        peer_kill(&peer);
    }
}

static void nothing_waits_where_linger_is_0(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "never", 0);
    set_int(push, ZMQ_LINGER, 0);
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

/* The peer closes with infinite linger while our queue is full: what it
 * gave to the kernel is drained before its hang-up counts. libzmq loses
 * the rest of it. */
static void what_the_peer_sent_before_close_arrives(void **state)
{
    /* So few that the kernel takes them all: a quarter of an ipc buffer is
     * what a waiting sender must find free. */
    enum { COUNT = 20 };
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    struct payload_shape shape;
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    assert_true(payload_parse(&shape, "1000"));
    set_int(pull, ZMQ_RCVHWM, is_ceromq() ? 5 : 1000);
    env_bind(env, pull, endpoint);
    open_peer(&peer, ZMQ_PUSH);
    peer_do(&peer, "connect %s", endpoint);
    peer_do(&peer, "send 0 %d 1000", COUNT);
    peer_do(&peer, "close");
    peer_do(&peer, "end");
    peer_kill(&peer);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_null(payload_receive(pull, &shape, i));
    peer_open(&peer, ZMQ_PUSH);
    peer_do(&peer, "connect %s", endpoint);
    peer_do(&peer, "text next");
    expect_text(pull, "next");
    peer_kill(&peer);
}

static void message_over_the_limit_ends_the_peers_connection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);
    struct payload_shape shape;
    char endpoint[ENDPOINT_MAX];
    int64_t limit = 100;
    struct peer good;
    struct peer bad;

    assert_true(payload_parse(&shape, "100"));
    assert_ok(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    env_bind(env, pull, endpoint);
    open_peer(&good, ZMQ_PUSH);
    peer_do(&good, "connect %s", endpoint);
    open_peer(&bad, ZMQ_PUSH);
    peer_do(&bad, "connect %s", endpoint);
    peer_do(&bad, "send 0 1 100");
    assert_null(payload_receive(pull, &shape, 0));
    peer_do(&bad, "send 1 1 101");
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    peer_do(&good, "text good");
    expect_text(pull, "good");
    peer_kill(&bad);
    peer_kill(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(connecting_side_outlives_restarts_of_the_peer),
        ON_STREAMS(peer_finds_a_restarted_socket),
        ON_STREAMS(immediate_socket_waits_for_the_peer),
        ON_STREAMS(peer_with_immediate_waits_for_us),
        ON_STREAMS(we_stop_when_the_peer_does_not_read),
        ON_STREAMS(peer_stops_when_we_do_not_read),
        ON_STREAMS(heartbeats_of_the_peer_are_answered),
        ON_STREAMS(peer_that_is_stopped_is_noticed_by_heartbeats),
        ON_STREAMS(what_was_sent_before_close_arrives),
        ON_STREAMS(nothing_waits_where_linger_is_0),
        ON_STREAMS(what_the_peer_sent_before_close_arrives),
        ON_STREAMS(message_over_the_limit_ends_the_peers_connection),
    };

    if (!peer_is_available())
        return 77;
    return cmocka_run_group_tests_name("libzmq_life", tests, NULL, NULL);
}
