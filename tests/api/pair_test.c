/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PAIR: one peer at a time, and what becomes of the others.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <unistd.h>

static void pair_talks_both_ways(void **state)
{
    struct env *env = *state;
    void *a;
    void *b;

    env_pair(env, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    for (uint32_t i = 0; i < 100; i++) {
        send_number(a, i);
        send_number(b, 1000 + i);
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(receive_number(b), i);
        assert_int_equal(receive_number(a), 1000 + i);
    }
}

static void a_connecting_pair_queues_before_its_peer_is_there(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *a = env_socket(env, ZMQ_PAIR);
    void *b = env_socket(env, ZMQ_PAIR);

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(b, endpoint));
    assert_true(is_ready(b, ZMQ_POLLOUT, 0));
    send_text(b, "early", 0);
    assert_ok(zmq_bind(a, endpoint));
    expect_text(a, "early");
}

static void a_bound_pair_waits_for_its_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *a = env_socket(env, ZMQ_PAIR);
    void *b = env_socket(env, ZMQ_PAIR);

    env_bind(env, a, endpoint);
    assert_false(is_ready(a, ZMQ_POLLOUT, 0));
    assert_fails(zmq_send(a, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_ok(zmq_connect(b, endpoint));
    wait_for(a, ZMQ_POLLOUT);
    send_text(a, "now", 0);
    expect_text(b, "now");
}

/* A PAIR that has heard its peer. */
static void *open_taken(struct env *env, char endpoint[ENDPOINT_MAX],
                        void **peer)
{
    void *pair = env_socket(env, ZMQ_PAIR);

    *peer = env_socket(env, ZMQ_PAIR);
    env_bind(env, pair, endpoint);
    assert_ok(zmq_connect(*peer, endpoint));
    send_text(*peer, "one", 0);
    expect_text(pair, "one");
    return pair;
}

static void a_second_peer_is_not_heard(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first;
    void *a = open_taken(env, endpoint, &first);
    void *second = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_connect(second, endpoint));
    /* It has queued this, or finds itself refused. */
    if (zmq_send(second, "two", 3, ZMQ_DONTWAIT) == -1)
        assert_int_equal(zmq_errno(), EAGAIN);
    expect_nothing_for_a_while(a);
    send_text(first, "three", 0);
    expect_text(a, "three");
    send_text(a, "to the first", 0);
    expect_text(first, "to the first");
    expect_nothing(second);
}

/* The second connection makes its handshake, and gets no pipe. */
static void a_second_peer_within_the_process_is_sent_away(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first;
    void *a = open_taken(env, endpoint, &first);
    void *second = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_connect(second, endpoint));
    expect_nothing(a);
    assert_false(is_ready(second, ZMQ_POLLOUT, 0));
    assert_fails(zmq_send(second, "two", 3, ZMQ_DONTWAIT), EAGAIN);
    send_text(first, "three", 0);
    expect_text(a, "three");
}

static void a_second_peer_still_finishes_its_handshake(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first;
    void *a = open_taken(env, endpoint, &first);
    int second;

    second = raw_connect(endpoint);
    raw_handshake(second, "PAIR");
    (void)raw_try_write(second, "\0\3two", 5);
    send_text(first, "three", 0);
    expect_text(a, "three");
    expect_nothing_for_a_while(a);
    close(second);
}

static void a_new_peer_may_come_when_the_first_has_gone(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *peer;
    void *a = open_taken(env, endpoint, &peer);

    /* The first goes in its own time, and until then others are refused
     * for good: a refused one must try with a new connection. */
    for (bool is_heard = false; !is_heard;) {
        env_close_socket(env, peer);
        peer = env_socket(env, ZMQ_PAIR);
        assert_ok(zmq_connect(peer, endpoint));
        (void)zmq_send(peer, "two", 3, ZMQ_DONTWAIT);
        is_heard = is_ready(a, ZMQ_POLLIN, GLANCE_MS);
    }
    expect_text(a, "two");
    send_text(a, "back", 0);
    expect_text(peer, "back");
}

static void what_was_sent_before_the_peer_left_is_read(void **state)
{
    struct env *env = *state;
    void *a;
    void *b;

    env_pair(env, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    send_text(b, "hello", 0);
    expect_text(a, "hello");
    for (uint32_t i = 0; i < 100; i++)
        send_number(b, i);
    env_close_socket(env, b);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(receive_number(a), i);
    expect_nothing(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(pair_talks_both_ways),
        ON_EACH(a_connecting_pair_queues_before_its_peer_is_there),
        ON_EACH(a_bound_pair_waits_for_its_peer),
        ON_EACH(a_second_peer_is_not_heard),
        ON(inproc, a_second_peer_within_the_process_is_sent_away),
        ON_STREAMS(a_second_peer_still_finishes_its_handshake),
        ON_EACH(a_new_peer_may_come_when_the_first_has_gone),
        ON_EACH(what_was_sent_before_the_peer_left_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
