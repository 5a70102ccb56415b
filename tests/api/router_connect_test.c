/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTERs that connect: to peers they have named themselves with
 * ZMQ_CONNECT_ROUTING_ID, and to each other.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <unistd.h>

/* ---- names for those who are connected to --------------------------- */

static void a_peer_can_be_named_by_who_connects(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    env_link(env, dealer, router);
    send_to(router, "server", "question");
    expect_part(dealer, "question", false);
    send_text(dealer, "answer", 0);
    expect_from(router, "server", "answer");
}

static void a_named_peer_may_come_later(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    set_int(router, ZMQ_RECONNECT_IVL, 1);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    env_free_endpoint(env, endpoint);
    assert_fails(zmq_send(router, "server", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    assert_ok(zmq_connect(router, endpoint));
    for (uint32_t i = 0; i < 10; i++) {
        send_text(router, "server", ZMQ_SNDMORE);
        send_number(router, i);
    }
    assert_ok(zmq_bind(dealer, endpoint));
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(receive_number(dealer), i);
}

/* The name that was given counts, not the one that is announced. */
static void a_given_name_outdoes_an_announced_one(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_text(dealer, ZMQ_ROUTING_ID, "announced");
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "given");
    env_link(env, dealer, router);
    send_text(dealer, "hello", 0);
    expect_from(router, "given", "hello");
    send_to(router, "announced", "lost");
    send_to(router, "given", "found");
    expect_part(dealer, "found", false);
    expect_nothing(dealer);
}

static void a_name_is_for_the_next_connect_alone(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealers[3];
    struct id ids[3];

    for (int i = 0; i < 3; i++) {
        dealers[i] = env_socket(env, ZMQ_DEALER);
        if (i < 2)
            set_text(router, ZMQ_CONNECT_ROUTING_ID, i == 0 ? "a" : "b");
        env_link(env, dealers[i], router);
        send_text(dealers[i], "hello", 0);
        ids[i] = id_receive_text(router, "hello");
    }
    assert_int_equal(ids[0].size, 1);
    assert_int_equal(ids[0].bytes[0], 'a');
    assert_int_equal(ids[1].size, 1);
    assert_int_equal(ids[1].bytes[0], 'b');
    assert_true(id_is_generated(&ids[2]));
}

static void the_last_name_set_before_the_connect_counts(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_text(router, ZMQ_CONNECT_ROUTING_ID, "first thought");
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "second");
    env_link(env, dealer, router);
    send_text(dealer, "hello", 0);
    expect_from(router, "second", "hello");
}

static void a_name_is_not_for_those_who_connect(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    void *other = env_socket(env, ZMQ_DEALER);
    struct id id;

    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    env_link(env, router, dealer);
    send_text(dealer, "hello", 0);
    id = id_receive_text(router, "hello");
    assert_true(id_is_generated(&id));
    env_link(env, other, router);
    send_to(router, "server", "question");
    expect_part(other, "question", false);
}

static void a_name_lasts_over_reconnections(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int listener;

    set_int(router, ZMQ_RECONNECT_IVL, 1);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(router, endpoint));
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);
        char bytes[3];

        raw_handshake(fd, "DEALER");
        raw_write(fd, "\0\1x", 3);
        expect_from(router, "server", "x");
        send_to(router, "server", "y");
        raw_read(fd, bytes, sizeof(bytes));
        assert_memory_equal(bytes, "\0\1y", 3);
        close(fd);
    }
    close(listener);
}

static void a_disconnected_name_is_unknown_and_free(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealers[2];
    char endpoint[ENDPOINT_MAX];

    for (int i = 0; i < 2; i++) {
        dealers[i] = env_socket(env, ZMQ_DEALER);
        env_bind(env, dealers[i], endpoint);
        set_int(router, ZMQ_ROUTER_MANDATORY, 0);
        set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
        assert_ok(zmq_connect(router, endpoint));
        send_to(router, "server", "hello");
        expect_part(dealers[i], "hello", false);
        assert_ok(zmq_disconnect(router, endpoint));
        set_int(router, ZMQ_ROUTER_MANDATORY, 1);
        wait_unknown(router, "server", 6);
        /* In libzmq the end of a connection takes both ends. */
        while (get_int(router, ZMQ_EVENTS) & ZMQ_POLLOUT)
            (void)is_ready(dealers[i], ZMQ_POLLIN, 0);
    }
}

/* libzmq ends the process at this. */
static void a_name_in_use_is_refused(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *first = env_socket(env, ZMQ_DEALER);
    void *second = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    if (!is_ceromq())
        skip();
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    env_link(env, first, router);
    env_bind(env, second, endpoint);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    assert_int_equal(zmq_connect(router, endpoint), -1);
    send_to(router, "server", "still the first");
    expect_part(first, "still the first", false);
    expect_nothing_for_a_while(second);
}

/* ---- ROUTER to ROUTER ----------------------------------------------- */

static void two_routers_talk_by_their_announced_ids(void **state)
{
    struct env *env = *state;
    void *a = env_socket(env, ZMQ_ROUTER);
    void *b = env_socket(env, ZMQ_ROUTER);

    set_text(a, ZMQ_ROUTING_ID, "A");
    set_text(b, ZMQ_ROUTING_ID, "B");
    set_int(a, ZMQ_ROUTER_MANDATORY, 1);
    set_int(b, ZMQ_ROUTER_MANDATORY, 1);
    env_link(env, a, b);
    /* Each knows the other from here. */
    wait_for(a, ZMQ_POLLOUT);
    wait_for(b, ZMQ_POLLOUT);
    while (zmq_send(b, "A", 1, ZMQ_SNDMORE) == -1)
        assert_int_equal(zmq_errno(), EHOSTUNREACH);
    send_text(b, "from b", 0);
    expect_from(a, "B", "from b");
    send_to(a, "B", "from a");
    expect_from(b, "A", "from a");
}

static void two_routers_talk_by_given_names(void **state)
{
    struct env *env = *state;
    void *a = env_socket(env, ZMQ_ROUTER);
    void *b = env_socket(env, ZMQ_ROUTER);

    set_text(b, ZMQ_ROUTING_ID, "B");
    set_text(b, ZMQ_CONNECT_ROUTING_ID, "my server");
    env_link(env, a, b);
    send_to(b, "my server", "question");
    expect_from(a, "B", "question");
    send_to(a, "B", "answer");
    expect_from(b, "my server", "answer");
}

/* A mesh where everybody is bound and connected to everybody else. */
static void routers_make_a_mesh(void **state)
{
    static const char *const names[] = {"n0", "n1", "n2", "n3"};
    enum { NODES = 4 };
    struct env *env = *state;
    void *nodes[NODES];
    char endpoints[NODES][ENDPOINT_MAX];

    for (int i = 0; i < NODES; i++) {
        nodes[i] = env_socket(env, ZMQ_ROUTER);
        set_text(nodes[i], ZMQ_ROUTING_ID, names[i]);
        env_bind(env, nodes[i], endpoints[i]);
    }
    for (int i = 0; i < NODES; i++) {
        for (int k = 0; k < i; k++) {
            set_text(nodes[i], ZMQ_CONNECT_ROUTING_ID, names[k]);
            assert_ok(zmq_connect(nodes[i], endpoints[k]));
            send_to(nodes[i], names[k], "hello");
            expect_from(nodes[k], names[i], "hello");
        }
    }
    for (int i = 0; i < NODES; i++) {
        for (int k = 0; k < NODES; k++) {
            if (k == i)
                continue;
            send_to(nodes[i], names[k], names[i]);
            expect_from(nodes[k], names[i], names[i]);
        }
    }
}

static void a_router_may_talk_to_itself(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    struct id id;

    env_bind(env, router, endpoint);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "myself");
    assert_ok(zmq_connect(router, endpoint));
    send_to(router, "myself", "question");
    id = id_receive_text(router, "question");
    assert_true(id_is_generated(&id));
    id_send_text(router, &id, "answer");
    expect_from(router, "myself", "answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_peer_can_be_named_by_who_connects),
        ON_EACH(a_named_peer_may_come_later),
        ON_EACH(a_given_name_outdoes_an_announced_one),
        ON_EACH(a_name_is_for_the_next_connect_alone),
        ON_EACH(the_last_name_set_before_the_connect_counts),
        ON_EACH(a_name_is_not_for_those_who_connect),
        ON_STREAMS(a_name_lasts_over_reconnections),
        ON_EACH(a_disconnected_name_is_unknown_and_free),
        ON_EACH(a_name_in_use_is_refused),
        ON_EACH(two_routers_talk_by_their_announced_ids),
        ON_EACH(two_routers_talk_by_given_names),
        ON_EACH(routers_make_a_mesh),
        ON_EACH(a_router_may_talk_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
