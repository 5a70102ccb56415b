/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Heartbeats: what counts as life, whose silence ends a connection, and
 * what comes after. The bytes of PING and PONG are in tests/interop.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <poll.h>
#include <unistd.h>

#define INTERVAL_MS 10
#define PING "\4\7\4PING\0\0"
#define PING_SIZE 9

/* Another PING has come: so much time has passed. */
static void expect_pings(int fd, int count)
{
    for (int i = 0; i < count; i++)
        zmtp_expect(fd, PING, PING_SIZE);
}

static bool is_hung_up_now(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLRDHUP};

    return poll(&item, 1, 0) == 1;
}

/* Two that only beat stay together, and are there when they are needed. */
static void idle_connections_live_on(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_DISCONNECTED);

    set_int(pull, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(push, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(push, ZMQ_HEARTBEAT_TTL, 1000);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, 1000);
    set_int(push, ZMQ_HEARTBEAT_TIMEOUT, 1000);
    env_link(env, pull, push);
    send_text(push, "first", 0);
    expect_text(pull, "first");
    assert_false(monitor_next(monitor, &event, 10 * INTERVAL_MS));
    send_text(push, "last", 0);
    expect_text(pull, "last");
}

static void a_side_without_heartbeats_answers(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_DISCONNECTED);

    set_int(push, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(push, ZMQ_HEARTBEAT_TIMEOUT, 1000);
    env_link(env, pull, push);
    send_text(push, "first", 0);
    assert_false(monitor_next(monitor, &event, 10 * INTERVAL_MS));
    expect_text(pull, "first");
}

static void messages_are_as_good_as_answers(void **state)
{
    struct env *env = *state;
    int fd;
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(pull, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, 20 * INTERVAL_MS);
    fd = zmtp_dial(env, pull);
    raw_handshake(fd, "PUSH");
    for (int i = 0; i < 30; i++) {
        expect_pings(fd, 1);
        raw_write_frame(fd, 0, "x", 1);
        expect_text(pull, "x");
    }
    close(fd);
}

/* A large frame on a slow line must not end its connection; libzmq counts
 * whole frames only. */
static void every_byte_is_as_good_as_an_answer(void **state)
{
    enum { SIZE = 30 };
    struct env *env = *state;
    int fd;
    void *pull = env_socket(env, ZMQ_PULL);

    if (!is_ceromq())
        skip();
    set_int(pull, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, SIZE * 2 / 3 * INTERVAL_MS);
    fd = zmtp_dial(env, pull);
    raw_handshake(fd, "PUSH");
    raw_write(fd, "\0\x1e", 2);
    for (int i = 0; i < SIZE; i++) {
        expect_pings(fd, 1);
        raw_write(fd, "x", 1);
    }
    expect_text(pull, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    close(fd);
}

static void a_timeout_of_0_waits_for_ever(void **state)
{
    struct env *env = *state;
    int fd;
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(pull, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, 0);
    fd = zmtp_dial(env, pull);
    raw_handshake(fd, "PUSH");
    expect_pings(fd, 10);
    assert_false(is_hung_up_now(fd));
    raw_write_frame(fd, 0, "x", 1);
    expect_text(pull, "x");
    close(fd);
}

/* It dials again, and the new connection beats as well. */
static void the_connecting_side_dials_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_DISCONNECTED);

    set_int(push, ZMQ_RECONNECT_IVL, 5);
    set_int(push, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);

        raw_handshake(fd, "PULL");
        expect_pings(fd, 1);
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        assert_string_equal(
            monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED).address, endpoint);
        close(fd);
    }
    close(listener);
}

static void a_silent_publisher_is_left_and_asked_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(sub, ZMQ_RECONNECT_IVL, 5);
    set_int(sub, ZMQ_HEARTBEAT_IVL, 20 * INTERVAL_MS);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    subscribe(sub, "a");
    assert_ok(zmq_connect(sub, endpoint));
    for (int i = 0; i < 2; i++) {
        int fd = raw_accept(listener);

        raw_handshake(fd, "PUB");
        wait_serving_fd(sub, fd);
        zmtp_expect(fd, "\4\13\11SUBSCRIBEa", 13);
        raw_write_frame(fd, 0, "a", 1);
        expect_text(sub, "a");
        if (i == 0)
            assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        close(fd);
    }
    close(listener);
}

/* The publisher cancels what its dead subscriber had. */
static void a_silent_subscriber_is_given_up(void **state)
{
    struct env *env = *state;
    int fd;
    void *xpub = env_socket(env, ZMQ_XPUB);

    set_int(xpub, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    fd = zmtp_dial(env, xpub);
    raw_handshake(fd, "SUB");
    raw_write_frame(fd, 0, "\1a", 2);
    expect_subscribed(xpub, "a");
    expect_cancelled(xpub, "a");
    close(fd);
}

/* The time to live runs from a PING to the next bytes, not for ever. */
static void bytes_end_the_time_to_live(void **state)
{
    struct env *env = *state;
    int fd;
    void *pull = env_socket(env, ZMQ_PULL);

    fd = zmtp_dial(env, pull);
    raw_handshake(fd, "PUSH");
    raw_write(fd, "\4\7\4PING\0\1", 9);
    zmtp_expect(fd, "\4\5\4PONG", 7);
    raw_write_frame(fd, 0, "x", 1);
    expect_text(pull, "x");
    assert_false(is_ready(pull, ZMQ_POLLIN, 150));
    assert_false(is_hung_up_now(fd));
    raw_write_frame(fd, 0, "y", 1);
    expect_text(pull, "y");
    raw_write(fd, "\4\7\4PING\0\1", 9);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    close(fd);
}

/* ZMTP 2.0 has no commands. */
static void old_peers_are_not_pinged(void **state)
{
    struct env *env = *state;
    unsigned char opening[14];
    int fd;
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(pull, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    fd = zmtp_dial(env, pull);
    raw_write(fd, zmtp_signature, ZMTP_SIGNATURE_SIZE);
    raw_write(fd, "\1\10\0\0", 4); /* 2.0, PUSH, no identity */
    raw_write_frame(fd, 0, "x", 1);
    expect_text(pull, "x");
    raw_read(fd, opening, sizeof(opening));
    assert_memory_equal(opening + 11, "\7\0", 2);
    assert_false(is_ready(pull, ZMQ_POLLIN, 10 * INTERVAL_MS));
    zmtp_expect_silence(fd);
    raw_write_frame(fd, 0, "y", 1);
    expect_text(pull, "y");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(idle_connections_live_on),
        ON_STREAMS(a_side_without_heartbeats_answers),
        ON_STREAMS(messages_are_as_good_as_answers),
        ON_STREAMS(every_byte_is_as_good_as_an_answer),
        ON_STREAMS(a_timeout_of_0_waits_for_ever),
        ON_STREAMS(the_connecting_side_dials_again),
        ON_STREAMS(a_silent_publisher_is_left_and_asked_again),
        ON_STREAMS(a_silent_subscriber_is_given_up),
        ON_STREAMS(bytes_end_the_time_to_live),
        ON_STREAMS(old_peers_are_not_pinged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
