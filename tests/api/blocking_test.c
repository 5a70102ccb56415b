/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Calls that wait: until there is something, until the time is over, or
 * until a signal comes. Times are only ever checked from below.
 *
 * Thread: the main thread, and one that waits.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>

#define SHORT_MS 60

static int receive_blocking(void *socket)
{
    char byte;

    return zmq_recv(socket, &byte, 1, 0);
}

static int send_blocking(void *socket)
{
    return zmq_send(socket, "x", 1, 0);
}

static int poll_blocking(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, -1);
}

static void recv_waits_for_a_message(void **state)
{
    struct env *env = *state;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    call_start(&call, receive_blocking, pull);
    call_wait_blocked(&call);
    send_text(push, "x", 0);
    assert_int_equal(call_join(&call), 1);
}

static void recv_waits_for_a_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    call_start(&call, receive_blocking, pull);
    call_wait_blocked(&call);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    assert_int_equal(call_join(&call), 1);
}

static void send_waits_for_a_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, push, endpoint);
    call_start(&call, send_blocking, push);
    call_wait_blocked(&call);
    assert_ok(zmq_connect(pull, endpoint));
    assert_int_equal(call_join(&call), 1);
    expect_text(pull, "x");
}

static void send_waits_for_room(void **state)
{
    struct env *env = *state;
    struct call call;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    uint32_t count;

    set_int(push, ZMQ_SNDHWM, 2);
    set_int(pull, ZMQ_RCVHWM, 2);
    env_link(env, pull, push);
    count = send_until_full(push, 10, 0);
    assert_int_equal(count, 4);
    call_start(&call, send_blocking, push);
    call_wait_blocked(&call);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_number(pull), i);
    assert_int_equal(call_join(&call), 1);
    expect_text(pull, "x");
}

static void dontwait_fails_at_once(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char byte;
    void *dealer = env_socket(env, ZMQ_DEALER);

    env_bind(env, dealer, endpoint);
    assert_fails(zmq_recv(dealer, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_send(dealer, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    set_int(dealer, ZMQ_RCVTIMEO, -1);
    set_int(dealer, ZMQ_SNDTIMEO, -1);
    assert_fails(zmq_recv(dealer, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_send(dealer, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

static void a_timeout_of_zero_fails_at_once(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char byte;
    void *dealer = env_socket(env, ZMQ_DEALER);

    env_bind(env, dealer, endpoint);
    set_int(dealer, ZMQ_RCVTIMEO, 0);
    set_int(dealer, ZMQ_SNDTIMEO, 0);
    assert_fails(zmq_recv(dealer, &byte, 1, 0), EAGAIN);
    assert_fails(zmq_send(dealer, "x", 1, 0), EAGAIN);
}

static void timeouts_last_at_least_as_long_as_given(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char byte;
    int64_t start;
    void *dealer = env_socket(env, ZMQ_DEALER);

    env_bind(env, dealer, endpoint);
    set_int(dealer, ZMQ_RCVTIMEO, SHORT_MS);
    set_int(dealer, ZMQ_SNDTIMEO, SHORT_MS);
    start = now_ms();
    assert_fails(zmq_recv(dealer, &byte, 1, 0), EAGAIN);
    assert_true(now_ms() - start >= SHORT_MS - 1);
    start = now_ms();
    assert_fails(zmq_send(dealer, "x", 1, 0), EAGAIN);
    assert_true(now_ms() - start >= SHORT_MS - 1);
}

static void a_timeout_does_not_hide_a_message(void **state)
{
    struct env *env = *state;
    char byte;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    set_int(pull, ZMQ_RCVTIMEO, 1);
    assert_fails(zmq_recv(pull, &byte, 1, 0), EAGAIN);
    send_text(push, "x", 0);
    set_int(pull, ZMQ_RCVTIMEO, PATIENCE_MS);
    expect_text(pull, "x");
}

static void a_signal_ends_a_waiting_recv(void **state)
{
    struct env *env = *state;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    call_start(&call, receive_blocking, pull);
    call_interrupt(&call);
    assert_fails(call_join(&call), EINTR);
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void a_signal_ends_a_recv_without_limit(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *pull = env_plain_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    call_start(&call, receive_blocking, pull);
    call_interrupt(&call);
    assert_fails(call_join(&call), EINTR);
}

static void a_signal_ends_a_waiting_send(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, push, endpoint);
    call_start(&call, send_blocking, push);
    call_interrupt(&call);
    assert_fails(call_join(&call), EINTR);
    assert_ok(zmq_connect(pull, endpoint));
    send_text(push, "after", 0);
    expect_text(pull, "after");
    expect_nothing(pull);
}

static void a_signal_ends_a_waiting_poll(void **state)
{
    struct env *env = *state;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    call_start(&call, poll_blocking, pull);
    call_interrupt(&call);
    assert_fails(call_join(&call), EINTR);
    send_text(push, "x", 0);
    wait_for(pull, ZMQ_POLLIN);
    expect_text(pull, "x");
}

static int receive_and_answer(void *socket)
{
    uint32_t number;

    for (uint32_t i = 0; i < 300; i++) {
        if (zmq_recv(socket, &number, 4, 0) != 4 || number != i)
            return -1;
        if (zmq_send(socket, &number, 4, 0) != 4)
            return -1;
    }
    return 0;
}

static void two_threads_talk_in_turns(void **state)
{
    struct env *env = *state;
    struct call call;
    void *here;
    void *there;

    env_pair(env, ZMQ_PAIR, &there, ZMQ_PAIR, &here);
    call_start(&call, receive_and_answer, there);
    for (uint32_t i = 0; i < 300; i++) {
        send_number(here, i);
        assert_int_equal(receive_number(here), i);
    }
    assert_ok(call_join(&call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(recv_waits_for_a_message),
        ON_EACH(recv_waits_for_a_peer),
        ON_EACH(send_waits_for_a_peer),
        ON(inproc, send_waits_for_room),
        ON_EACH(dontwait_fails_at_once),
        ON_EACH(a_timeout_of_zero_fails_at_once),
        ON_EACH(timeouts_last_at_least_as_long_as_given),
        ON_EACH(a_timeout_does_not_hide_a_message),
        ON_EACH(a_signal_ends_a_waiting_recv),
        ON_EACH(a_signal_ends_a_recv_without_limit),
        ON_EACH(a_signal_ends_a_waiting_send),
        ON_EACH(a_signal_ends_a_waiting_poll),
        ON_EACH(two_threads_talk_in_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
