/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Proxies between all kinds of sockets: brokers, forwarders, ends that die or
 * do not keep up, and control from every type that can.
 *
 * Thread: the proxy runs in a thread of its own, and owns its sockets until
 * it returns; the rest is the main thread.
 */
#include "common/proxy.h"
#include "common/socket.h"

#include <errno.h>

#define MANY 3000

/* ---- brokers and forwarders ----------------------------------------- */

static void requests_go_through_a_broker(void **state)
{
    enum { CLIENTS = 5 };
    struct env *env = *state;
    struct proxy proxy =
        proxy_open(env, ZMQ_ROUTER, ZMQ_REQ, ZMQ_DEALER, ZMQ_REP);
    char endpoint[ENDPOINT_MAX];
    void *clients[CLIENTS] = {proxy.front};

    last_endpoint(proxy.frontend, endpoint);
    for (int i = 1; i < CLIENTS; i++) {
        clients[i] = env_socket(env, ZMQ_REQ);
        assert_ok(zmq_connect(clients[i], endpoint));
    }
    proxy_start(&proxy);
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < CLIENTS; i++)
            send_number(clients[i], round * CLIENTS + i);
        for (int i = 0; i < CLIENTS; i++)
            send_number(proxy.back, receive_number(proxy.back) + 1000);
        for (uint32_t i = 0; i < CLIENTS; i++)
            assert_int_equal(receive_number(clients[i]),
                             round * CLIENTS + i + 1000);
    }
    proxy_end(&proxy);
}

static void subscriptions_go_through_a_forwarder(void **state)
{
    struct proxy proxy =
        proxy_open(*state, ZMQ_XSUB, ZMQ_XPUB, ZMQ_XPUB, ZMQ_SUB);

    proxy_start(&proxy);
    assert_ok(zmq_setsockopt(proxy.back, ZMQ_SUBSCRIBE, "a", 1));
    expect_text(proxy.front, "\001a");
    for (uint32_t i = 0; i < 100; i++) {
        send_text(proxy.front, "b", ZMQ_SNDMORE);
        send_number(proxy.front, i);
        send_text(proxy.front, "a", ZMQ_SNDMORE);
        send_number(proxy.front, i);
    }
    for (uint32_t i = 0; i < 100; i++) {
        expect_part(proxy.back, "a", true);
        assert_int_equal(receive_number(proxy.back), i);
    }
    assert_ok(zmq_setsockopt(proxy.back, ZMQ_UNSUBSCRIBE, "a", 1));
    /* A string of one 0 is none; hence not expect_text. */
    wait_for(proxy.front, ZMQ_POLLIN);
    proxy_end(&proxy);
}

static void a_side_that_only_sends_is_never_read(void **state)
{
    struct proxy proxy =
        proxy_open(*state, ZMQ_PUSH, ZMQ_PULL, ZMQ_DEALER, ZMQ_DEALER);

    proxy_start(&proxy);
    for (uint32_t i = 0; i < 100; i++)
        send_number(proxy.back, i);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(receive_number(proxy.front), i);
    proxy_end(&proxy);
}

/* ---- sizes ---------------------------------------------------------- */

/* Bodies that travel in the pipe and those that travel by reference. */
static const size_t sizes[] = {0, 1, 255, 256, 16383, 16384, 70000};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void send_all_sizes(void *socket, const unsigned char *bytes)
{
    for (size_t i = 0; i < SIZES; i++)
        assert_int_equal(zmq_send(socket, bytes + i, sizes[i],
                                  i < SIZES - 1 ? ZMQ_SNDMORE : 0),
                         sizes[i]);
}

static void expect_all_sizes(void *socket, const unsigned char *bytes)
{
    for (size_t i = 0; i < SIZES; i++) {
        zmq_msg_t msg;

        zmq_msg_init(&msg);
        assert_int_equal(zmq_msg_recv(&msg, socket, 0), sizes[i]);
        if (sizes[i] > 0)
            assert_memory_equal(zmq_msg_data(&msg), bytes + i, sizes[i]);
        assert_int_equal(zmq_msg_more(&msg), i < SIZES - 1);
        zmq_msg_close(&msg);
    }
}

static void parts_of_all_sizes_go_through_and_to_the_capture(void **state)
{
    static unsigned char bytes[70000 + SIZES];
    struct env *env = *state;
    struct proxy proxy =
        proxy_open(env, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 31 + i / 251);
    env_pair(env, ZMQ_PUSH, &proxy.capture, ZMQ_PULL, &proxy.captured);
    proxy_start(&proxy);
    for (int round = 0; round < 5; round++) {
        send_all_sizes(proxy.front, bytes);
        expect_all_sizes(proxy.back, bytes);
        expect_all_sizes(proxy.captured, bytes);
        send_all_sizes(proxy.back, bytes);
        expect_all_sizes(proxy.front, bytes);
        expect_all_sizes(proxy.captured, bytes);
    }
    proxy_end(&proxy);
}

static int send_many(void *socket)
{
    for (uint32_t i = 0; i < MANY; i++) {
        if (zmq_send(socket, "part", 4, ZMQ_SNDMORE) != 4 ||
            zmq_send(socket, &i, sizeof(i), 0) != sizeof(i))
            return -1;
    }
    return 0;
}

static void expect_many(void *socket)
{
    for (uint32_t i = 0; i < MANY; i++) {
        expect_part(socket, "part", true);
        assert_int_equal(receive_number(socket), i);
    }
}

/* Both ways at once, with marks that are met all the time. */
static void streams_of_parts_go_both_ways(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};
    struct call calls[2];

    proxy.frontend = env_socket(env, ZMQ_DEALER);
    proxy.backend = env_socket(env, ZMQ_DEALER);
    proxy.front = env_socket(env, ZMQ_DEALER);
    proxy.back = env_socket(env, ZMQ_DEALER);
    set_int(proxy.frontend, ZMQ_RCVHWM, 7);
    set_int(proxy.frontend, ZMQ_SNDHWM, 5);
    set_int(proxy.backend, ZMQ_RCVHWM, 3);
    set_int(proxy.backend, ZMQ_SNDHWM, 2);
    env_link(env, proxy.frontend, proxy.front);
    env_link(env, proxy.backend, proxy.back);
    proxy_start(&proxy);
    call_start(&calls[0], send_many, proxy.front);
    expect_many(proxy.back);
    assert_ok(call_join(&calls[0]));
    call_start(&calls[1], send_many, proxy.back);
    expect_many(proxy.front);
    assert_ok(call_join(&calls[1]));
    proxy_end(&proxy);
}

/* ---- ends that die or do not keep up -------------------------------- */

/* Sends numbers until one arrives, and takes all that did. What was under way
 * to a peer that died may be lost, but nothing comes twice or in disorder. */
static uint32_t find_the_new_back_end(struct proxy *proxy, uint32_t next)
{
    uint32_t expected = next;

    do
        send_number(proxy->front, next++);
    while (!is_ready(proxy->back, ZMQ_POLLIN, GLANCE_MS));
    do {
        uint32_t number = receive_number(proxy->back);

        assert_in_range(number, expected, next - 1);
        expected = number + 1;
    } while (expected < next);
    return next;
}

static void a_back_end_that_dies_is_replaced(void **state)
{
    struct env *env = *state;
    struct proxy proxy =
        proxy_open(env, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    uint32_t next = 0;

    last_endpoint(proxy.backend, endpoint);
    proxy_start(&proxy);
    for (int round = 0; round < 3; round++) {
        next = find_the_new_back_end(&proxy, next);
        for (uint32_t i = 0; i < 100; i++)
            send_number(proxy.front, next + i);
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(receive_number(proxy.back), next + i);
        next += 100;
        env_close_socket(env, proxy.back);
        proxy.back = env_socket(env, ZMQ_PULL);
        assert_ok(zmq_connect(proxy.back, endpoint));
    }
    proxy_end(&proxy);
}

/* What comes while there is no back end waits for the next one. (Over a
 * network the proxy may not know yet that it is gone.) */
static void nothing_is_lost_between_two_back_ends(void **state)
{
    struct env *env = *state;
    struct proxy proxy =
        proxy_open(env, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];

    last_endpoint(proxy.backend, endpoint);
    /* libzmq learns of it late here, too, and loses some. */
    if (!is_ceromq())
        skip();
    send_text(proxy.front, "first", 0);
    proxy_start(&proxy);
    expect_text(proxy.back, "first");
    env_close_socket(env, proxy.back);
    proxy_wait_idle(&proxy);
    for (uint32_t i = 0; i < 500; i++)
        send_number(proxy.front, i);
    proxy_wait_idle(&proxy);
    proxy.back = env_socket(env, ZMQ_PULL);
    assert_ok(zmq_connect(proxy.back, endpoint));
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(receive_number(proxy.back), i);
    proxy_end(&proxy);
}

static void front_ends_may_come_and_go(void **state)
{
    struct env *env = *state;
    struct proxy proxy =
        proxy_open(env, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    last_endpoint(proxy.frontend, endpoint);
    proxy_start(&proxy);
    for (uint32_t round = 0; round < 30; round++) {
        char id[64];
        void *client = env_socket(env, ZMQ_DEALER);
        int size;

        assert_ok(zmq_connect(client, endpoint));
        send_number(client, round);
        size = zmq_recv(proxy.back, id, sizeof(id), 0);
        assert_in_range(size, 1, 64);
        assert_int_equal(receive_number(proxy.back), round);
        /* Every third one does not wait for its answer. */
        if (round % 3 == 0)
            env_close_socket(env, client);
        assert_int_equal(zmq_send(proxy.back, id, (size_t)size, ZMQ_SNDMORE),
                         size);
        send_number(proxy.back, round);
        if (round % 3 == 0)
            continue;
        assert_int_equal(receive_number(client), round);
        env_close_socket(env, client);
    }
    proxy_end(&proxy);
}

/* A ROUTER that must not drop has room in general, but not for this peer. */
static void a_message_for_a_full_peer_is_kept_until_there_is_room(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};
    uint32_t count;

    /* libzmq blocks both ways here. */
    if (!is_ceromq())
        skip();
    env_pair(env, ZMQ_PULL, &proxy.frontend, ZMQ_PUSH, &proxy.front);
    proxy.backend = env_socket(env, ZMQ_ROUTER);
    proxy.back = env_socket(env, ZMQ_DEALER);
    set_int(proxy.backend, ZMQ_ROUTER_MANDATORY, 1);
    set_int(proxy.backend, ZMQ_SNDHWM, 2);
    set_int(proxy.back, ZMQ_RCVHWM, 2);
    assert_ok(zmq_setsockopt(proxy.back, ZMQ_ROUTING_ID, "B", 1));
    env_link(env, proxy.backend, proxy.back);
    send_text(proxy.back, "hello", 0);
    wait_for(proxy.backend, ZMQ_POLLIN);
    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    for (count = 0; count < 300; count++) {
        send_text(proxy.front, "B", ZMQ_SNDMORE);
        send_number(proxy.front, count);
    }
    proxy_wait_idle(&proxy);
    /* It still listens. */
    send_text(proxy.controller, "STATISTICS", 0);
    for (int i = 0; i < 8; i++) {
        uint64_t number;

        assert_int_equal(zmq_recv(proxy.controller, &number, sizeof(number), 0),
                         sizeof(number));
        if (i == 0)
            assert_in_range(number, 2, 50);
    }
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_number(proxy.back), i);
    proxy_end(&proxy);
}

static void a_destination_that_is_unknown_ends_the_proxy(void **state)
{
    struct env *env = *state;
    struct proxy proxy =
        proxy_open(env, ZMQ_PULL, ZMQ_PUSH, ZMQ_ROUTER, ZMQ_DEALER);

    set_int(proxy.backend, ZMQ_ROUTER_MANDATORY, 1);
    proxy_start(&proxy);
    send_text(proxy.front, "nobody", ZMQ_SNDMORE);
    send_text(proxy.front, "x", 0);
    assert_int_equal(call_join(&proxy.call), -1);
    assert_int_equal(zmq_errno(), EHOSTUNREACH);
}

/* ---- control -------------------------------------------------------- */

static void rep_answers_every_command(void **state)
{
    static const char *const commands[] = {"PAUSE", "RESUME", "PAUSE"};
    struct proxy proxy =
        proxy_open(*state, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);

    /* libzmq 4.3.4 answers nothing but STATISTICS. */
    if (!is_ceromq())
        skip();
    proxy_start_steerable(&proxy, ZMQ_REP, ZMQ_REQ);
    for (int i = 0; i < 3; i++) {
        send_text(proxy.controller, commands[i], 0);
        expect_part(proxy.controller, "", false);
    }
    send_text(proxy.front, "held", 0);
    send_text(proxy.controller, "STATISTICS", 0);
    for (int i = 0; i < 8; i++) {
        uint64_t number = 1;

        assert_int_equal(zmq_recv(proxy.controller, &number, sizeof(number), 0),
                         sizeof(number));
        assert_int_equal(number, 0);
    }
    assert_int_equal(get_int(proxy.controller, ZMQ_RCVMORE), 0);
    send_text(proxy.controller, "RESUME", 0);
    expect_part(proxy.controller, "", false);
    expect_text(proxy.back, "held");
    send_text(proxy.controller, "TERMINATE", 0);
    expect_part(proxy.controller, "", false);
    assert_ok(call_join(&proxy.call));
}

static void rep_answers_what_is_no_command(void **state)
{
    struct proxy proxy =
        proxy_open(*state, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);

    /* libzmq ends the process here. */
    if (!is_ceromq())
        skip();
    proxy_start_steerable(&proxy, ZMQ_REP, ZMQ_REQ);
    send_text(proxy.controller, "terminate", 0);
    expect_part(proxy.controller, "", false);
    send_text(proxy.controller, "TERMINATE", ZMQ_SNDMORE);
    send_text(proxy.controller, "TERMINATE", 0);
    expect_part(proxy.controller, "", false);
    send_text(proxy.controller, "TERMINATE", 0);
    expect_part(proxy.controller, "", false);
    assert_ok(call_join(&proxy.call));
}

static void types_without_a_way_back_can_control(void **state)
{
    struct env *env = *state;
    static const int types[][2] = {{ZMQ_PULL, ZMQ_PUSH}, {ZMQ_SUB, ZMQ_XPUB}};

    for (int i = 0; i < 2; i++) {
        struct proxy proxy =
            proxy_open(env, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);

        env_pair(env, types[i][0], &proxy.control, types[i][1],
                 &proxy.controller);
        if (types[i][0] == ZMQ_SUB)
            assert_ok(zmq_setsockopt(proxy.control, ZMQ_SUBSCRIBE, "", 0));
        proxy_start(&proxy);
        if (types[i][0] == ZMQ_SUB)
            wait_for(proxy.controller, ZMQ_POLLIN);
        send_text(proxy.controller, "PAUSE", 0);
        send_text(proxy.controller, "RESUME", 0);
        send_text(proxy.front, "through", 0);
        expect_text(proxy.back, "through");
        send_text(proxy.controller, "TERMINATE", 0);
        assert_ok(call_join(&proxy.call));
    }
}

static void a_busy_proxy_listens_to_its_control(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};
    struct call sender;

    env_pair(env, ZMQ_PULL, &proxy.frontend, ZMQ_PUSH, &proxy.front);
    proxy.backend = env_socket(env, ZMQ_PUB);
    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    call_start(&sender, send_many, proxy.front);
    send_text(proxy.controller, "TERMINATE", 0);
    assert_ok(call_join(&proxy.call));
    /* Let the sender go on. */
    for (uint32_t i = 0; !call_returns_within(&sender, 0); i++) {
        char part[8];

        while (zmq_recv(proxy.frontend, part, sizeof(part), ZMQ_DONTWAIT) >= 0)
            ;
    }
    assert_ok(call_join(&sender));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(requests_go_through_a_broker),
        ON_EACH(subscriptions_go_through_a_forwarder),
        ON(inproc, a_side_that_only_sends_is_never_read),
        ON_EACH(parts_of_all_sizes_go_through_and_to_the_capture),
        ON_EACH(streams_of_parts_go_both_ways),
        ON_EACH(a_back_end_that_dies_is_replaced),
        ON(inproc, nothing_is_lost_between_two_back_ends),
        ON_EACH(front_ends_may_come_and_go),
        ON(inproc, a_message_for_a_full_peer_is_kept_until_there_is_room),
        ON_EACH(a_destination_that_is_unknown_ends_the_proxy),
        ON_EACH(rep_answers_every_command),
        ON(inproc, rep_answers_what_is_no_command),
        ON_EACH(types_without_a_way_back_can_control),
        ON(inproc, a_busy_proxy_listens_to_its_control),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
