/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap where an endpoint ends while messages wait, where the far end keeps only
 * the latest message, and where short and long messages take turns.
 *
 * libzmq dropped the option after 2.x, so these tests are for this library
 * alone.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>

static void disconnecting_sends_what_waits(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push, *pull;

    swap_open_apart(env, &push, &pull);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    assert_ok(zmq_disconnect(push, endpoint));
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    swap_receive(pull, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    expect_nothing(pull);
}

/* As the bound side of it. */
static void unbinding_sends_what_waits(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push, *pull;

    swap_open_apart(env, &push, &pull);
    env_bind(env, push, endpoint);
    assert_ok(zmq_connect(pull, endpoint));
    wait_for(push, ZMQ_POLLOUT);
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    assert_ok(zmq_unbind(push, endpoint));
    swap_receive(pull, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
}

/* Then nothing is ever over a mark, and nothing waits. */
static void who_keeps_only_the_latest_gets_only_that(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    uint8_t body[SWAP_BODY_SIZE], expected[SWAP_BODY_SIZE];
    size_t size = swap_fill(expected, 4999, SWAP_BODY_SIZE);

    swap_set(push, SWAP_PLENTY);
    set_int(pull, ZMQ_CONFLATE, 1);
    env_link(env, pull, push);
    swap_send(push, 0, 5000, SWAP_BODY_SIZE);
    assert_int_equal(zmq_recv(pull, body, sizeof(body), 0), size);
    assert_memory_equal(body, expected, size);
    expect_nothing(pull);
}

/* Short ones go another way into the swap than long ones and several parts. */
static void short_and_long_messages_keep_their_order(void **state)
{
    struct env *env = *state;
    void *push, *pull;
    uint8_t body[SWAP_BODY_SIZE];

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, false);
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t first = round * 8;

        swap_send(push, first, first + 5, 100);
        assert_int_equal(zmq_send(push, body,
                                  swap_fill(body, first + 5, SWAP_BODY_SIZE),
                                  ZMQ_SNDMORE | ZMQ_DONTWAIT),
                         swap_fill(body, first + 5, SWAP_BODY_SIZE));
        swap_send(push, first + 6, first + 7, 100);
        swap_send(push, first + 7, first + 8, round % 50 ? 2000 : 40000);
    }
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t first = round * 8;

        swap_receive(pull, first, first + 5, 100);
        swap_receive(pull, first + 5, first + 6, SWAP_BODY_SIZE);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), 1);
        swap_receive(pull, first + 6, first + 7, 100);
        swap_receive(pull, first + 7, first + 8, round % 50 ? 2000 : 40000);
    }
}

/* The limit is met by messages that take the short way, too. */
static void short_messages_stop_at_the_limit(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    int64_t limit = 500000;
    uint8_t body[98];
    int in_swap = (int)(limit / 100);
    int count = 0;

    memset(body, 'x', sizeof(body));
    env_free_endpoint(env, endpoint);
    swap_set(push, limit);
    assert_ok(zmq_connect(push, endpoint));
    while (zmq_send(push, body, sizeof(body), ZMQ_DONTWAIT) != -1)
        count++;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(count, SWAP_MARK + in_swap);
    assert_false(is_ready(push, ZMQ_POLLOUT, 0));
    assert_ok(zmq_bind(pull, endpoint));
    for (int i = 0; i < count; i++)
        assert_int_equal(zmq_recv(pull, body, sizeof(body), 0), sizeof(body));
    wait_for(push, ZMQ_POLLOUT);
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON_EACH(disconnecting_sends_what_waits),
        ON_EACH(unbinding_sends_what_waits),
        ON(inproc, who_keeps_only_the_latest_gets_only_that),
        ON_EACH(short_and_long_messages_keep_their_order),
        ON_EACH(short_messages_stop_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
