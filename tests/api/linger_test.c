/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Closing with messages on the way: what is still delivered, what is
 * dropped, and how long the context waits for it.
 *
 * Thread: the main thread, and one that terminates.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int term(void *ctx)
{
    return zmq_ctx_term(ctx);
}

static void messages_sent_before_close_are_delivered(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (uint32_t i = 0; i < 900; i++)
        send_number(push, i);
    env_close_socket(env, push);
    for (uint32_t i = 0; i < 900; i++)
        assert_int_equal(receive_number(pull), i);
    expect_nothing(pull);
}

static void a_bound_sender_delivers_before_it_goes(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    for (uint32_t i = 0; i < 900; i++)
        send_number(push, i);
    env_close_socket(env, push);
    for (uint32_t i = 0; i < 900; i++)
        assert_int_equal(receive_number(pull), i);
}

/* The sender has a context of its own, as another process would. */
static void term_waits_until_all_is_sent(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *pull = env_socket(env, ZMQ_PULL);
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 1000; i++)
        send_number(push, i);
    assert_ok(zmq_close(push));
    call_start(&call, term, ctx);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(receive_number(pull), i);
    assert_ok(call_join(&call));
}

static void term_waits_for_a_peer_that_is_not_there_yet(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *pull = env_socket(env, ZMQ_PULL);
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "late", 0);
    assert_ok(zmq_close(push));
    call_start(&call, term, ctx);
    assert_false(call_returns_within(&call, GLANCE_MS));
    assert_ok(zmq_bind(pull, endpoint));
    expect_text(pull, "late");
    assert_ok(call_join(&call));
}

static void without_linger_nothing_is_waited_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_plain_socket(env, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    set_int(push, ZMQ_LINGER, 0);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "dropped", 0);
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

static void linger_bounds_the_time_that_term_takes(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int64_t start;
    void *push = env_plain_socket(env, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    set_int(push, ZMQ_LINGER, 300);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "dropped", 0);
    start = now_ms();
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
    assert_true(now_ms() - start >= 290);
}

static void linger_counts_for_a_peer_that_does_not_read(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char *block = calloc(1, 1 << 20);
    int listener;
    int peer;
    void *push = env_plain_socket(env, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    set_int(push, ZMQ_LINGER, 200);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 20; i++)
        assert_int_equal(zmq_send(push, block, 1 << 20, 0), 1 << 20);
    peer = raw_accept(listener);
    raw_handshake(peer, "PULL");
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
    close(peer);
    close(listener);
    free(block);
}

static void close_returns_at_once(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_plain_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    /* Infinite linger, and no peer: close must not wait for it. */
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "late", 0);
    env_close_socket(env, push);
    assert_ok(zmq_bind(pull, endpoint));
    expect_text(pull, "late");
}

#define BLOCK_SIZE 10000
#define BLOCK_COUNT 3000

/* The receiver reads nothing until the sender has closed; its high-water
 * mark and the kernel's buffers hold a part of it all. */
static void a_full_receiver_gets_all_of_a_closed_sender(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char *block = calloc(1, BLOCK_SIZE);
    struct call call;
    void *pull = env_socket(env, ZMQ_PULL);
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    set_int(pull, ZMQ_RCVHWM, 10);
    set_int(push, ZMQ_SNDHWM, 0);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        memcpy(block, &i, sizeof(i));
        assert_int_equal(zmq_send(push, block, BLOCK_SIZE, 0), BLOCK_SIZE);
    }
    assert_ok(zmq_close(push));
    call_start(&call, term, ctx);
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        uint32_t number = 0;
        int size = zmq_recv(pull, block, BLOCK_SIZE, 0);

        assert_int_equal(size, BLOCK_SIZE);
        memcpy(&number, block, sizeof(number));
        assert_int_equal(number, i);
    }
    assert_ok(call_join(&call));
    free(block);
}

#define HELD_COUNT 5000

/* The sender is gone, and the last of it fits into the kernel's buffer: the
 * far end's hang-up is announced while bytes are still unread. */
static void what_the_kernel_holds_is_read_after_the_hang_up(void **state)
{
    struct env *env = *state;
    unsigned char frames[HELD_COUNT][6];
    char endpoint[ENDPOINT_MAX];
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor;

    /* libzmq loses the tail over ipc. */
    if (env->transport == &transport_ipc && !is_ceromq())
        skip();
    set_int(pull, ZMQ_RCVHWM, 2);
    monitor = monitor_open(env, pull, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    env_bind(env, pull, endpoint);
    peer = raw_connect(endpoint);
    raw_handshake(peer, "PUSH");
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    /* In one piece: the kernel counts each of many small ones dearly. */
    for (uint32_t i = 0; i < HELD_COUNT; i++) {
        frames[i][0] = 0;
        frames[i][1] = 4;
        memcpy(frames[i] + 2, &i, sizeof(i));
    }
    raw_write(peer, frames, sizeof(frames));
    close(peer);
    for (uint32_t i = 0; i < HELD_COUNT; i++)
        assert_int_equal(receive_number(pull), i);
}

static void unread_messages_do_not_hold_up_term(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_plain_socket(env, ZMQ_PULL);
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 100; i++)
        send_number(push, i);
    wait_for(pull, ZMQ_POLLIN);
    env_close_socket(env, pull);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
    set_int(push, ZMQ_LINGER, 0);
    assert_ok(zmq_close(push));
    assert_ok(zmq_ctx_term(ctx));
}

static void *endless_push(struct env *env)
{
    void *push = env_plain_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_LINGER, -1);
    return push;
}

static void a_peer_that_broke_the_protocol_is_not_waited_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = endless_push(env);
    void *peer = env_plain_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_DISCONNECTED);

    if (!is_ceromq())
        skip(); /* Waits for ever. */
    env_bind(env, peer, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "to a type that does not match", 0);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    env_close_socket(env, monitor);
    env_close_socket(env, peer);
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

/* It reads no more, and does not hang up either. */
static void a_peer_that_stopped_reading_is_not_waited_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = endless_push(env);
    int peer;

    if (!is_ceromq())
        skip(); /* Waits for ever. */
    env_bind(env, push, endpoint);
    peer = raw_connect(endpoint);
    raw_handshake(peer, "PULL");
    assert_int_equal(shutdown(peer, SHUT_RD), 0);
    send_text(push, "one", 0);
    send_text(push, "two", 0);
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
    close(peer);
}

static void without_reconnection_nobody_is_waited_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = endless_push(env);

    if (!is_ceromq())
        skip(); /* Waits for ever. */
    env_free_endpoint(env, endpoint);
    set_int(push, ZMQ_RECONNECT_IVL, -1);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "to nobody", 0);
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

static void after_disconnect_nobody_is_dialled_again(void **state)
{
    enum { RECONNECT_STOP = 109, AFTER_DISCONNECT = 4 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = endless_push(env);

    if (!is_ceromq())
        skip(); /* 4.3.4 does not know the option. */
    env_free_endpoint(env, endpoint);
    set_int(push, RECONNECT_STOP, AFTER_DISCONNECT);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "to nobody", 0);
    assert_ok(zmq_disconnect(push, endpoint));
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(messages_sent_before_close_are_delivered),
        ON_EACH(a_bound_sender_delivers_before_it_goes),
        ON_STREAMS(term_waits_until_all_is_sent),
        ON_STREAMS(term_waits_for_a_peer_that_is_not_there_yet),
        ON_STREAMS(without_linger_nothing_is_waited_for),
        ON_STREAMS(linger_bounds_the_time_that_term_takes),
        ON_STREAMS(linger_counts_for_a_peer_that_does_not_read),
        ON_EACH(close_returns_at_once),
        ON_STREAMS(a_full_receiver_gets_all_of_a_closed_sender),
        ON_STREAMS(what_the_kernel_holds_is_read_after_the_hang_up),
        ON_STREAMS(unread_messages_do_not_hold_up_term),
        ON_STREAMS(a_peer_that_broke_the_protocol_is_not_waited_for),
        ON(ipc, a_peer_that_stopped_reading_is_not_waited_for),
        ON_STREAMS(without_reconnection_nobody_is_waited_for),
        ON_STREAMS(after_disconnect_nobody_is_dialled_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
