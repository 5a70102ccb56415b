/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CTest: TIMEOUT 180
 *
 * Streams of messages to and from the system's libzmq in another process:
 * every type, either side bound, every shape of message, and many of them.
 * Each byte is verified by the one who receives.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/peer.h"
#include "common/socket.h"
#include "common/zmtp.h"
#include "interop/payload.h"

static const char *const shapes[] = {
    "0",         "1",       "16",      "33",       "255",       "256",
    "8191",      "8192",    "65536",   "1000000",  "0+0",       "10+0+300",
    "0+1+2+3+4", "255+256", "70000+0", "1+200000", "0+65536+1",
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* A socket of ours and one of the peer's, linked one way or the other. */
struct link {
    struct peer peer;
    void *socket;
};

static void link_open(struct link *link, struct env *env,
                      const struct zmtp_type *type, bool is_bound)
{
    char endpoint[ENDPOINT_MAX];

    link->socket = env_socket(env, type->type);
    peer_open(&link->peer, type->peer_type);
    peer_link(&link->peer, env, link->socket, is_bound, endpoint);
}

static void link_close(struct link *link)
{
    peer_kill(&link->peer);
}

static void send_to_peer(struct link *link, uint64_t first, uint64_t count,
                         const char *text)
{
    struct payload_shape shape;

    assert_true(payload_parse(&shape, text));
    peer_post(&link->peer, "receive %llu %llu %s", (unsigned long long)first,
              (unsigned long long)count, text);
    for (uint64_t i = 0; i < count; i++)
        assert_ok(payload_send(link->socket, &shape, first + i, 0));
    peer_expect_ok(&link->peer, NULL);
}

static void receive_from_peer(struct link *link, uint64_t first, uint64_t count,
                              const char *text)
{
    struct payload_shape shape;

    assert_true(payload_parse(&shape, text));
    peer_post(&link->peer, "send %llu %llu %s", (unsigned long long)first,
              (unsigned long long)count, text);
    for (uint64_t i = 0; i < count; i++) {
        const char *fault = payload_receive(link->socket, &shape, first + i);

        if (fault)
            fail_msg("message %llu of shape %s: %s",
                     (unsigned long long)(first + i), text, fault);
    }
    peer_expect_ok(&link->peer, NULL);
}

/* Every type, with us bound and with us connecting. */
static void for_each_link(struct env *env,
                          void (*run)(struct link *link,
                                      const struct zmtp_type *type))
{
    for (size_t i = 0; i < ZMTP_TYPES * 2; i++) {
        const struct zmtp_type *type = &zmtp_types[i / 2];
        struct link link;

        link_open(&link, env, type, i % 2 == 0);
        run(&link, type);
        link_close(&link);
    }
}

static void exchange_shapes(struct link *link, const struct zmtp_type *type)
{
    for (size_t i = 0; i < SHAPES; i++) {
        if (type->can_send)
            send_to_peer(link, 10 * i, 3, shapes[i]);
        if (type->can_receive)
            receive_from_peer(link, 10 * i, 3, shapes[i]);
    }
}

static void messages_of_every_shape_arrive(void **state)
{
    for_each_link(*state, exchange_shapes);
}

static void stream_small(struct link *link, const struct zmtp_type *type)
{
    if (type->can_send)
        send_to_peer(link, 0, 100000, "16");
    if (type->can_receive)
        receive_from_peer(link, 0, 100000, "16");
}

static void a_hundred_thousand_small_messages_arrive_in_order(void **state)
{
    for_each_link(*state, stream_small);
}

static void stream_parts(struct link *link, const struct zmtp_type *type)
{
    if (type->can_send)
        send_to_peer(link, 0, 10000, "5+0+300+1");
    if (type->can_receive)
        receive_from_peer(link, 0, 10000, "5+0+300+1");
}

static void ten_thousand_multipart_messages_arrive_in_order(void **state)
{
    for_each_link(*state, stream_parts);
}

static void stream_large(struct link *link, const struct zmtp_type *type)
{
    if (type->can_send)
        send_to_peer(link, 0, 200, "100000+3");
    if (type->can_receive)
        receive_from_peer(link, 0, 200, "100000+3");
}

static void large_messages_arrive_in_order(void **state)
{
    for_each_link(*state, stream_large);
}

/* Both directions at once, with as much under way as fits. */
static void echo(struct link *link, const struct zmtp_type *type)
{
    enum { ROUNDS = 20, WINDOW = 500 };
    struct payload_shape shape;

    if (!type->can_send || !type->can_receive)
        return;
    assert_true(payload_parse(&shape, "20+0+40"));
    peer_post(&link->peer, "echo %d", ROUNDS * WINDOW);
    for (uint64_t i = 0; i < ROUNDS * WINDOW; i += WINDOW) {
        for (uint64_t j = 0; j < WINDOW; j++)
            assert_ok(payload_send(link->socket, &shape, i + j, 0));
        for (uint64_t j = 0; j < WINDOW; j++)
            assert_null(payload_receive(link->socket, &shape, i + j));
    }
    peer_expect_ok(&link->peer, NULL);
}

static void echo_comes_back_whole_and_in_order(void **state)
{
    for_each_link(*state, echo);
}

static void messages_go_round_robin_to_several_peers(void **state)
{
    enum { PEERS = 3, ROUNDS = 200 };
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    struct peer peers[PEERS];

    for (int i = 0; i < PEERS; i++) {
        char endpoint[ENDPOINT_MAX];

        peer_open(&peers[i], ZMQ_PULL);
        env_free_endpoint(env, endpoint);
        peer_do(&peers[i], "bind %s", endpoint);
        assert_ok(zmq_connect(push, endpoint));
    }
    for (int i = 0; i < PEERS; i++) {
        char text[32];

        snprintf(text, sizeof(text), "peer%d", i);
        send_text(push, text, ZMQ_SNDMORE);
        send_text(push, "first", 0);
    }
    for (int i = 0; i < PEERS * ROUNDS; i++)
        send_text(push, "round", 0);
    for (int i = 0; i < PEERS; i++) {
        peer_do(&peers[i], "expect peer%d first", i);
        for (int j = 0; j < ROUNDS; j++)
            peer_do(&peers[i], "expect round");
        peer_kill(&peers[i]);
    }
}

static void messages_of_several_peers_are_all_received(void **state)
{
    enum { PEERS = 3, COUNT = 2000 };
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    struct payload_shape shape;
    char endpoint[ENDPOINT_MAX];
    struct peer peers[PEERS];
    uint64_t next[PEERS] = {0};
    unsigned char body[64];

    assert_true(payload_parse(&shape, "24"));
    env_bind(env, pull, endpoint);
    for (unsigned i = 0; i < PEERS; i++) {
        peer_open(&peers[i], ZMQ_PUSH);
        peer_do(&peers[i], "connect %s", endpoint);
        peer_post(&peers[i], "send %u %d 24", i * COUNT, COUNT);
    }
    for (int i = 0; i < PEERS * COUNT; i++) {
        uint64_t number;

        assert_int_equal(zmq_recv(pull, body, sizeof(body), 0), 24);
        memcpy(&number, body, sizeof(number));
        assert_true(number < PEERS * COUNT);
        assert_int_equal(number % COUNT, next[number / COUNT]++);
        assert_null(payload_fault(body, 24, number, 0));
    }
    for (int i = 0; i < PEERS; i++) {
        peer_expect_ok(&peers[i], NULL);
        peer_kill(&peers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(messages_of_every_shape_arrive),
        ON_STREAMS(a_hundred_thousand_small_messages_arrive_in_order),
        ON_STREAMS(ten_thousand_multipart_messages_arrive_in_order),
        ON_STREAMS(large_messages_arrive_in_order),
        ON_STREAMS(echo_comes_back_whole_and_in_order),
        ON_STREAMS(messages_go_round_robin_to_several_peers),
        ON_STREAMS(messages_of_several_peers_are_all_received),
    };

    if (!peer_is_available())
        return 77;
    return cmocka_run_group_tests_name("libzmq_stream", tests, NULL, NULL);
}
