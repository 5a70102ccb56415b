/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Several peers at one socket: who gets the next message, and whose
 * message is next. Whole messages in turn, in both directions.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>

#define PEERS 3

/* One socket of type `hub` bound, and PEERS sockets connected to it. All of
 * them have exchanged a message when this returns, if `hub` can receive. */
static void *open_star(struct env *env, int hub_type, int peer_type,
                       void *peers[PEERS])
{
    char endpoint[ENDPOINT_MAX];
    void *hub = env_socket(env, hub_type);

    env_bind(env, hub, endpoint);
    for (size_t i = 0; i < PEERS; i++) {
        peers[i] = env_socket(env, peer_type);
        assert_ok(zmq_connect(peers[i], endpoint));
    }
    return hub;
}

/* Sends until every peer has got something: then all are connected. Leaves
 * every peer empty. */
static void meet_all(void *hub, void *const peers[PEERS])
{
    bool met[PEERS] = {false};
    size_t count = 0;

    while (count < PEERS) {
        zmq_pollitem_t items[PEERS];

        send_text(hub, "hello", 0);
        for (size_t i = 0; i < PEERS; i++)
            items[i] =
                (zmq_pollitem_t){.socket = peers[i], .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(items, PEERS, PATIENCE_MS), 1);
        for (size_t i = 0; i < PEERS; i++) {
            if ((items[i].revents & ZMQ_POLLIN) == 0)
                continue;
            expect_text(peers[i], "hello");
            count += !met[i];
            met[i] = true;
        }
    }
}

static void spread_evenly(struct env *env, int hub_type, int peer_type)
{
    void *peers[PEERS];
    void *hub = open_star(env, hub_type, peer_type, peers);

    meet_all(hub, peers);
    for (uint32_t i = 0; i < PEERS * 10; i++)
        send_number(hub, i);
    for (size_t i = 0; i < PEERS; i++) {
        uint32_t number = receive_number(peers[i]);

        for (uint32_t k = 1; k < 10; k++)
            assert_int_equal(receive_number(peers[i]), number + k * PEERS);
        expect_nothing(peers[i]);
    }
}

static void push_spreads_messages_evenly(void **state)
{
    spread_evenly(*state, ZMQ_PUSH, ZMQ_PULL);
}

static void dealer_spreads_messages_evenly(void **state)
{
    spread_evenly(*state, ZMQ_DEALER, ZMQ_DEALER);
}

static void parts_of_a_message_go_to_one_peer(void **state)
{
    struct env *env = *state;
    void *peers[PEERS];
    void *hub = open_star(env, ZMQ_PUSH, ZMQ_PULL, peers);

    meet_all(hub, peers);
    for (int i = 0; i < PEERS * 4; i++) {
        send_text(hub, "a", ZMQ_SNDMORE);
        send_text(hub, "b", ZMQ_SNDMORE);
        send_text(hub, "c", 0);
    }
    for (size_t i = 0; i < PEERS; i++) {
        for (int k = 0; k < 4; k++) {
            expect_part(peers[i], "a", true);
            expect_part(peers[i], "b", true);
            expect_part(peers[i], "c", false);
        }
        expect_nothing(peers[i]);
    }
}

static void connected_peers_take_their_turns_too(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull[PEERS];
    void *push = env_socket(env, ZMQ_PUSH);

    for (size_t i = 0; i < PEERS; i++) {
        pull[i] = env_socket(env, ZMQ_PULL);
        env_bind(env, pull[i], endpoint);
        assert_ok(zmq_connect(push, endpoint));
    }
    for (uint32_t i = 0; i < PEERS * 10; i++)
        send_number(push, i);
    for (uint32_t i = 0; i < PEERS; i++) {
        for (uint32_t k = 0; k < 10; k++)
            assert_int_equal(receive_number(pull[i]), i + k * PEERS);
    }
}

static void a_full_peer_is_passed_over(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *idle = env_socket(env, ZMQ_PULL);
    void *busy = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 1);
    set_int(idle, ZMQ_RCVHWM, 1);
    set_int(busy, ZMQ_RCVHWM, 100);
    env_bind(env, idle, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    env_bind(env, busy, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    /* 1 + 1 to the one that is full then, 1 + 100 to the other. */
    assert_int_equal(send_until_full(push, 104, 0), 103);
    for (int i = 0; i < 101; i++)
        receive_number(busy);
    expect_nothing(busy);
    assert_int_equal(receive_number(idle), 0);
    assert_int_equal(receive_number(idle), 2);
    expect_nothing(idle);
}

static void collect_fairly(struct env *env, int hub_type, int peer_type)
{
    uint32_t next[PEERS] = {0};
    void *peers[PEERS];
    void *hub = open_star(env, hub_type, peer_type, peers);

    for (uint32_t i = 0; i < 100; i++) {
        for (uint32_t p = 0; p < PEERS; p++)
            send_number(peers[p], p << 16 | i);
    }
    for (uint32_t i = 0; i < PEERS * 100; i++) {
        uint32_t number = receive_number(hub);
        uint32_t peer = number >> 16;

        assert_true(peer < PEERS);
        assert_int_equal(number & 0xffff, next[peer]++);
    }
    expect_nothing(hub);
}

static void pull_collects_all_in_order(void **state)
{
    collect_fairly(*state, ZMQ_PULL, ZMQ_PUSH);
}

static void dealer_collects_all_in_order(void **state)
{
    collect_fairly(*state, ZMQ_DEALER, ZMQ_DEALER);
}

/* Over inproc all messages are there at once, so the turns are exact. */
static void pull_takes_turns_between_peers(void **state)
{
    struct env *env = *state;
    uint32_t got[PEERS] = {0};
    void *peers[PEERS];
    void *hub = open_star(env, ZMQ_PULL, ZMQ_PUSH, peers);

    for (uint32_t p = 0; p < PEERS; p++) {
        for (int i = 0; i < 50; i++) {
            assert_int_equal(zmq_send(peers[p], &p, 4, ZMQ_SNDMORE), 4);
            send_number(peers[p], p);
        }
    }
    for (int i = 0; i < PEERS * 50; i++) {
        uint32_t peer = receive_number(hub);

        assert_true(peer < PEERS);
        assert_int_equal(get_int(hub, ZMQ_RCVMORE), 1);
        assert_int_equal(receive_number(hub), peer);
        assert_int_equal(get_int(hub, ZMQ_RCVMORE), 0);
        got[peer]++;
        for (uint32_t p = 0; p < PEERS; p++)
            assert_in_range(got[p] + 1, got[peer], got[peer] + 2);
    }
}

static void messages_of_several_peers_do_not_mix(void **state)
{
    struct env *env = *state;
    void *peers[PEERS];
    void *hub = open_star(env, ZMQ_PULL, ZMQ_PUSH, peers);

    for (uint32_t part = 0; part < 5; part++) {
        for (uint32_t p = 0; p < PEERS; p++)
            assert_int_equal(
                zmq_send(peers[p], &p, 4, part < 4 ? ZMQ_SNDMORE : 0), 4);
    }
    for (int i = 0; i < PEERS; i++) {
        uint32_t peer = receive_number(hub);

        for (int part = 1; part < 5; part++) {
            assert_int_equal(get_int(hub, ZMQ_RCVMORE), 1);
            assert_int_equal(receive_number(hub), peer);
        }
        assert_int_equal(get_int(hub, ZMQ_RCVMORE), 0);
    }
}

static void a_peer_that_left_gets_no_more_turns(void **state)
{
    struct env *env = *state;
    void *peers[PEERS];
    void *hub = open_star(env, ZMQ_DEALER, ZMQ_DEALER, peers);

    meet_all(hub, peers);
    send_text(peers[0], "last words", 0);
    env_close_socket(env, peers[0]);
    expect_text(hub, "last words");
    /* Only when the hub has seen it go do the turns change. */
    for (bool is_gone = false; !is_gone;) {
        send_text(hub, "x", 0);
        send_text(hub, "x", 0);
        is_gone = is_ready(peers[1], ZMQ_POLLIN, GLANCE_MS) &&
                  is_ready(peers[2], ZMQ_POLLIN, GLANCE_MS);
        for (size_t i = 1; i < PEERS; i++) {
            while (is_ready(peers[i], ZMQ_POLLIN, 0))
                expect_text(peers[i], "x");
        }
    }
    for (uint32_t i = 0; i < 20; i++)
        send_number(hub, i);
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t a = receive_number(peers[1]);
        uint32_t b = receive_number(peers[2]);

        assert_int_equal(a + b, 4 * i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(push_spreads_messages_evenly),
        ON_EACH(dealer_spreads_messages_evenly),
        ON_EACH(parts_of_a_message_go_to_one_peer),
        ON_EACH(connected_peers_take_their_turns_too),
        ON(inproc, a_full_peer_is_passed_over),
        ON_EACH(pull_collects_all_in_order),
        ON_EACH(dealer_collects_all_in_order),
        ON(inproc, pull_takes_turns_between_peers),
        ON_EACH(messages_of_several_peers_do_not_mix),
        ON_EACH(a_peer_that_left_gets_no_more_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
