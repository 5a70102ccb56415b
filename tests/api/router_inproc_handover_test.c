/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_ROUTER_HANDOVER over inproc, where no connection could be made again:
 * the pipe of who is replaced ends. For tcp and ipc, and ids in general, see
 * router_identity_test.c.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/socket.h"

#include <errno.h>

static void *open_x(struct env *env, const char *endpoint)
{
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_text(dealer, ZMQ_ROUTING_ID, "x");
    assert_ok(zmq_connect(dealer, endpoint));
    return dealer;
}

/* A ROUTER that has heard of the one peer "x". */
static void *open_router(struct env *env, char endpoint[ENDPOINT_MAX],
                         void **first)
{
    void *router = env_socket(env, ZMQ_ROUTER);

    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    env_bind(env, router, endpoint);
    *first = open_x(env, endpoint);
    send_text(*first, "hello", 0);
    expect_from(router, "x", "hello");
    return router;
}

/* To poll is to hear the news, in libzmq, too. */
static bool is_cut_off(void *socket)
{
    return !is_ready(socket, ZMQ_POLLOUT, 0) &&
           zmq_send(socket, "?", 1, ZMQ_DONTWAIT) == -1 &&
           zmq_errno() == EAGAIN;
}

static void who_is_replaced_can_send_no_more(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first;
    void *router = open_router(env, endpoint, &first);
    void *second;

    send_to(router, "x", "to the first");
    send_text(first, "lost", 0);
    second = open_x(env, endpoint);
    send_text(second, "new", 0);
    assert_true(is_ready(router, ZMQ_POLLIN, 0));
    expect_from(router, "x", "new");
    assert_true(is_cut_off(first));
    /* What was on its way is delivered. */
    expect_part(first, "to the first", false);
    expect_nothing(first);
    assert_true(is_cut_off(first));
    expect_nothing(router);
    send_to(router, "x", "to the second");
    expect_part(second, "to the second", false);
}

static void a_message_being_read_is_finished_first(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first;
    void *router = open_router(env, endpoint, &first);
    void *second;

    send_text(first, "a", ZMQ_SNDMORE);
    send_text(first, "b", 0);
    send_text(first, "lost", 0);
    expect_part(router, "x", true);
    second = open_x(env, endpoint);
    send_text(second, "new", 0);
    assert_true(is_ready(router, ZMQ_POLLIN, 0));
    expect_part(router, "a", true);
    expect_part(router, "b", false);
    expect_from(router, "x", "new");
    expect_nothing(router);
    assert_true(is_cut_off(first));
    send_to(router, "x", "to the second");
    expect_part(second, "to the second", false);
}

/* The pipe has nothing more to read when the last part has been. */
static void a_last_message_being_read_is_finished_first(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first;
    void *router = open_router(env, endpoint, &first);

    send_text(first, "a", 0);
    expect_part(router, "x", true);
    send_text(open_x(env, endpoint), "new", 0);
    expect_part(router, "a", false);
    expect_from(router, "x", "new");
    expect_nothing(router);
    assert_true(is_cut_off(first));
}

/* Whose names the connecting side learns only by reading. */
static void a_newcomer_may_have_been_awaited(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealers[2];
    char endpoints[2][ENDPOINT_MAX];

    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    for (int i = 0; i < 2; i++) {
        env_free_endpoint(env, endpoints[i]);
        assert_ok(zmq_connect(router, endpoints[i]));
    }
    for (int i = 0; i < 2; i++) {
        dealers[i] = env_socket(env, ZMQ_DEALER);
        set_text(dealers[i], ZMQ_ROUTING_ID, "x");
        assert_ok(zmq_bind(dealers[i], endpoints[i]));
        send_text(dealers[i], "hello", 0);
        expect_from(router, "x", "hello");
        send_to(router, "x", "welcome");
        expect_part(dealers[i], "welcome", false);
    }
    assert_true(is_cut_off(dealers[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, who_is_replaced_can_send_no_more),
        ON(inproc, a_message_being_read_is_finished_first),
        ON(inproc, a_last_message_being_read_is_finished_first),
        ON(inproc, a_newcomer_may_have_been_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
