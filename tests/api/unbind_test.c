/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Unbinding and disconnecting: what goes, what stays, and which names they
 * know.
 *
 * Thread: the main thread.
 */
#include "common/call.h"
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>

static void a_name_not_bound_cannot_be_unbound(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_DEALER);
    void *other = env_socket(env, ZMQ_DEALER);

    env_bind(env, other, endpoint);
    assert_fails(zmq_unbind(socket, endpoint), ENOENT);
    assert_fails(zmq_disconnect(socket, endpoint), ENOENT);
    assert_fails(zmq_unbind(socket, "tcp"), EINVAL);
    assert_fails(zmq_disconnect(socket, "tcp"), EINVAL);
    assert_fails(zmq_unbind(socket, "bogus://x"), EPROTONOSUPPORT);
    assert_fails(zmq_disconnect(socket, "bogus://x"), EPROTONOSUPPORT);
}

static void a_second_unbind_finds_nothing(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_DEALER);

    env_bind(env, socket, endpoint);
    assert_ok(zmq_unbind(socket, endpoint));
    assert_fails(zmq_unbind(socket, endpoint), ENOENT);
}

static void a_second_disconnect_finds_nothing(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *bound = env_socket(env, ZMQ_DEALER);
    void *connected = env_socket(env, ZMQ_DEALER);

    env_bind(env, bound, endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    assert_ok(zmq_disconnect(connected, endpoint));
    assert_fails(zmq_disconnect(connected, endpoint), ENOENT);
}

static void either_call_undoes_either_kind(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *bound = env_socket(env, ZMQ_DEALER);
    void *connected = env_socket(env, ZMQ_DEALER);

    env_bind(env, bound, endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    assert_ok(zmq_unbind(connected, endpoint));
    assert_ok(zmq_disconnect(bound, endpoint));
    assert_fails(zmq_unbind(bound, endpoint), ENOENT);
    assert_fails(zmq_disconnect(connected, endpoint), ENOENT);
}

static void an_unbound_name_may_be_bound_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first = env_socket(env, ZMQ_PULL);
    void *second = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, first, endpoint);
    assert_ok(zmq_unbind(first, endpoint));
    /* libzmq closes the listener in another thread. */
    while (zmq_bind(second, endpoint) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    expect_text(second, "x");
}

struct noise {
    void *push;
    void *pull;
    _Atomic bool is_over;
};

static int send_noise(void *arg)
{
    struct noise *noise = arg;

    while (!noise->is_over)
        (void)zmq_send(noise->push, "noise", 5, ZMQ_DONTWAIT);
    return 0;
}

static int hear_noise(void *arg)
{
    struct noise *noise = arg;
    char buffer[5];

    while (!noise->is_over)
        (void)zmq_recv(noise->pull, buffer, sizeof(buffer), ZMQ_DONTWAIT);
    return 0;
}

/* As a server does that starts again, and with an I/O thread that has much to
 * do. In libzmq most of these binds fail; here only those with a reactor whose
 * wait holds on to its descriptors. */
static void an_unbound_name_is_free_at_once(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_PULL);
    struct noise noise = {.is_over = false};
    struct call calls[2];
    int refused = 0;

    if (!is_ceromq() || getenv("CERO_REACTOR"))
        skip();
    env_pair(env, ZMQ_PULL, &noise.pull, ZMQ_PUSH, &noise.push);
    call_start(&calls[0], send_noise, &noise);
    call_start(&calls[1], hear_noise, &noise);
    env_bind(env, socket, endpoint);
    for (int i = 0; i < 200; i++) {
        refused += zmq_unbind(socket, endpoint) == -1;
        refused += zmq_bind(socket, endpoint) == -1;
    }
    noise.is_over = true;
    for (int i = 0; i < 2; i++)
        assert_int_equal(call_join(&calls[i]), 0);
    assert_int_equal(refused, 0);
}

static void unbind_leaves_connections_alive(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *bound = env_socket(env, ZMQ_PAIR);
    void *connected = env_socket(env, ZMQ_PAIR);

    /* libzmq 4.3.4 ends accepted connections together with the name. */
    if (env->transport->is_stream && !is_ceromq())
        skip();
    env_bind(env, bound, endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    send_text(connected, "one", 0);
    expect_text(bound, "one");
    assert_ok(zmq_unbind(bound, endpoint));
    send_text(connected, "two", 0);
    expect_text(bound, "two");
    send_text(bound, "three", 0);
    expect_text(connected, "three");
}

static void unbind_takes_one_endpoint_of_many(void **state)
{
    struct env *env = *state;
    char first[ENDPOINT_MAX];
    char second[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, pull, first);
    env_bind(env, pull, second);
    assert_ok(zmq_unbind(pull, first));
    assert_ok(zmq_connect(push, second));
    send_text(push, "x", 0);
    expect_text(pull, "x");
    assert_ok(zmq_unbind(pull, second));
}

static void a_wildcard_is_unbound_by_its_real_name(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_PULL);

    assert_ok(zmq_bind(socket, "tcp://127.0.0.1:*"));
    last_endpoint(socket, endpoint);
    assert_fails(zmq_unbind(socket, "tcp://127.0.0.1:*"), ENOENT);
    assert_ok(zmq_unbind(socket, endpoint));
    assert_fails(zmq_unbind(socket, endpoint), ENOENT);
}

static void a_bound_name_is_found_by_its_number(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char named[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_PULL);

    /* libzmq 4.3.4 does not resolve host names to bind to. */
    if (!is_ceromq())
        skip();
    assert_ok(zmq_bind(socket, "tcp://localhost:*"));
    last_endpoint(socket, endpoint);
    snprintf(named, sizeof(named), "tcp://localhost%s", strrchr(endpoint, ':'));
    assert_ok(zmq_unbind(socket, named));
    assert_fails(zmq_unbind(socket, endpoint), ENOENT);
}

static void a_disconnected_peer_gets_nothing_more(void **state)
{
    struct env *env = *state;
    char first[ENDPOINT_MAX];
    char second[ENDPOINT_MAX];
    void *gone = env_socket(env, ZMQ_PULL);
    void *stays = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, gone, first);
    env_bind(env, stays, second);
    assert_ok(zmq_connect(push, first));
    assert_ok(zmq_connect(push, second));
    send_text(push, "x", 0);
    send_text(push, "x", 0);
    expect_text(gone, "x");
    expect_text(stays, "x");
    assert_ok(zmq_disconnect(push, first));
    for (uint32_t i = 0; i < 10; i++)
        send_number(push, i);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(receive_number(stays), i);
    expect_nothing(gone);
}

static void disconnect_without_another_peer_blocks_the_sender(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    expect_text(pull, "x");
    assert_ok(zmq_disconnect(push, endpoint));
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "again", 0);
    expect_text(pull, "again");
}

static void disconnect_sends_what_is_queued(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 1000; i++)
        send_number(push, i);
    assert_ok(zmq_disconnect(push, endpoint));
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(receive_number(pull), i);
}

static void disconnect_drops_what_was_not_read(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, push, endpoint);
    assert_ok(zmq_connect(pull, endpoint));
    send_text(push, "one", 0);
    send_text(push, "two", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_ok(zmq_disconnect(pull, endpoint));
    expect_nothing_for_a_while(pull);
}

static void one_disconnect_ends_both_connections(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, push, endpoint);
    assert_ok(zmq_connect(pull, endpoint));
    assert_ok(zmq_connect(pull, endpoint));
    send_text(push, "one", 0);
    expect_text(pull, "one");
    assert_ok(zmq_disconnect(pull, endpoint));
    assert_fails(zmq_disconnect(pull, endpoint), ENOENT);
    /* Nobody is left to send to. */
    while (is_ready(push, ZMQ_POLLOUT, 0))
        (void)is_ready(pull, ZMQ_POLLIN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_name_not_bound_cannot_be_unbound),
        ON_EACH(a_second_unbind_finds_nothing),
        ON_EACH(a_second_disconnect_finds_nothing),
        ON_EACH(either_call_undoes_either_kind),
        ON_EACH(an_unbound_name_may_be_bound_again),
        ON_EACH(an_unbound_name_is_free_at_once),
        ON_EACH(unbind_leaves_connections_alive),
        ON_EACH(unbind_takes_one_endpoint_of_many),
        ON(tcp, a_wildcard_is_unbound_by_its_real_name),
        ON(tcp, a_bound_name_is_found_by_its_number),
        ON_EACH(a_disconnected_peer_gets_nothing_more),
        ON_EACH(disconnect_without_another_peer_blocks_the_sender),
        ON_EACH(disconnect_sends_what_is_queued),
        ON_EACH(disconnect_drops_what_was_not_read),
        ON_EACH(one_disconnect_ends_both_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
