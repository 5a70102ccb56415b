/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The end of a context while sockets are in use: everything but closing
 * says ETERM, whoever waits is woken, and zmq_ctx_term() waits for the
 * sockets to be closed.
 *
 * Thread: the main thread, and one that waits.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>

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

static int term_blocking(void *ctx)
{
    return zmq_ctx_term(ctx);
}

/* A call that waits on a socket, and its close after it was woken. */
struct waiter {
    void *socket;
    int (*wait)(void *socket);
};

static int wait_and_close(void *arg)
{
    struct waiter *waiter = arg;
    int rc = waiter->wait(waiter->socket);
    int error = errno;

    if (zmq_close(waiter->socket) == -1)
        return -2;
    errno = error;
    return rc;
}

static void shutdown_wakes(struct env *env, int (*wait)(void *socket))
{
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *socket = env_plain_socket(env, ZMQ_DEALER);

    env_bind(env, socket, endpoint);
    call_start(&call, wait, socket);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
}

static void shutdown_wakes_a_waiting_recv(void **state)
{
    shutdown_wakes(*state, receive_blocking);
}

static void shutdown_wakes_a_waiting_send(void **state)
{
    shutdown_wakes(*state, send_blocking);
}

static void shutdown_wakes_a_waiting_poll(void **state)
{
    shutdown_wakes(*state, poll_blocking);
}

static void term_wakes(struct env *env, int (*wait)(void *socket))
{
    char endpoint[ENDPOINT_MAX];
    struct waiter waiter = {.wait = wait};
    struct call call;

    waiter.socket = env_plain_socket(env, ZMQ_DEALER);
    env_bind(env, waiter.socket, endpoint);
    env_forget_socket(env, waiter.socket);
    call_start(&call, wait_and_close, &waiter);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
    assert_fails(call_join(&call), ETERM);
}

static void term_wakes_a_waiting_recv(void **state)
{
    term_wakes(*state, receive_blocking);
}

static void term_wakes_a_waiting_send(void **state)
{
    term_wakes(*state, send_blocking);
}

static void term_wakes_a_waiting_poll(void **state)
{
    term_wakes(*state, poll_blocking);
}

static void after_shutdown_only_close_works(void **state)
{
    struct env *env = *state;
    int value = 0;
    size_t size = sizeof(value);
    char byte;
    zmq_pollitem_t item = {.events = ZMQ_POLLIN};
    char endpoint[ENDPOINT_MAX];
    void *socket = env_plain_socket(env, ZMQ_PAIR);

    env_bind(env, socket, endpoint);
    item.socket = socket;
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(zmq_send(socket, "x", 1, 0), ETERM);
    assert_fails(zmq_send(socket, "x", 1, ZMQ_DONTWAIT), ETERM);
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
    assert_fails(zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT), ETERM);
    assert_fails(zmq_setsockopt(socket, ZMQ_LINGER, &value, size), ETERM);
    assert_fails(zmq_getsockopt(socket, ZMQ_LINGER, &value, &size), ETERM);
    assert_fails(zmq_getsockopt(socket, ZMQ_TYPE, &value, &size), ETERM);
    assert_fails(zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size), ETERM);
    assert_fails(zmq_bind(socket, "inproc://b"), ETERM);
    assert_fails(zmq_connect(socket, "inproc://b"), ETERM);
    assert_fails(zmq_unbind(socket, endpoint), ETERM);
    assert_fails(zmq_disconnect(socket, endpoint), ETERM);
    assert_fails(zmq_socket_monitor(socket, "inproc://m", ZMQ_EVENT_ALL),
                 ETERM);
    assert_fails(zmq_poll(&item, 1, 0), ETERM);
    assert_null_fails(zmq_socket(env->ctx, ZMQ_PAIR), ETERM);
    env_close_socket(env, socket);
}

/* A message that waits may still be had: libzmq looks for the end at most
 * once in a millisecond. But it is not waited for. */
static void shutdown_is_seen_where_messages_wait(void **state)
{
    struct env *env = *state;
    char byte;
    int rc;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "x", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    rc = zmq_recv(pull, &byte, 1, 0);
    if (rc != -1)
        assert_int_equal(rc, 1);
    else
        assert_int_equal(zmq_errno(), ETERM);
    assert_fails(zmq_recv(pull, &byte, 1, 0), ETERM);
}

static void shutdown_may_be_repeated(void **state)
{
    struct env *env = *state;

    env_socket(env, ZMQ_PAIR);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_null_fails(zmq_socket(env->ctx, ZMQ_PAIR), ETERM);
}

static void shutdown_before_the_first_socket_holds(void **state)
{
    struct env *env = *state;

    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_null_fails(zmq_socket(env->ctx, ZMQ_PAIR), ETERM);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

static void term_waits_for_the_last_close(void **state)
{
    struct env *env = *state;
    char byte;
    struct call call;
    void *first = env_plain_socket(env, ZMQ_PAIR);
    void *last = env_plain_socket(env, ZMQ_PAIR);

    call_start(&call, term_blocking, env->ctx);
    /* Wakes when the termination has begun. */
    assert_fails(zmq_recv(last, &byte, 1, 0), ETERM);
    env_close_socket(env, first);
    assert_false(call_returns_within(&call, GLANCE_MS));
    env_close_socket(env, last);
    assert_ok(call_join(&call));
    env->ctx = NULL;
}

static void a_signal_ends_a_waiting_term_which_goes_on_after(void **state)
{
    struct env *env = *state;
    char byte;
    struct call call;
    void *socket = env_plain_socket(env, ZMQ_PAIR);

    call_start(&call, term_blocking, env->ctx);
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
    call_interrupt(&call);
    assert_fails(call_join(&call), EINTR);
    assert_null_fails(zmq_socket(env->ctx, ZMQ_PAIR), ETERM);
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
    env_close_socket(env, socket);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

static void term_without_sockets_returns_at_once(void **state)
{
    struct env *env = *state;

    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = zmq_ctx_new();
    env_close_socket(env, env_socket(env, ZMQ_PULL));
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

static void connects_to_names_never_bound_do_not_hold_up_term(void **state)
{
    struct env *env = *state;
    void *push = env_plain_socket(env, ZMQ_PUSH);

    assert_ok(zmq_connect(push, "inproc://nobody"));
    send_text(push, "lost", 0);
    env_close_socket(env, push);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(shutdown_wakes_a_waiting_recv),
        ON_EACH(shutdown_wakes_a_waiting_send),
        ON_EACH(shutdown_wakes_a_waiting_poll),
        ON_EACH(term_wakes_a_waiting_recv),
        ON_EACH(term_wakes_a_waiting_send),
        ON_EACH(term_wakes_a_waiting_poll),
        ON_EACH(after_shutdown_only_close_works),
        ON_EACH(shutdown_is_seen_where_messages_wait),
        ON(inproc, shutdown_may_be_repeated),
        ON(inproc, shutdown_before_the_first_socket_holds),
        ON(inproc, term_waits_for_the_last_close),
        ON(inproc, a_signal_ends_a_waiting_term_which_goes_on_after),
        ON(inproc, term_without_sockets_returns_at_once),
        ON(inproc, connects_to_names_never_bound_do_not_hold_up_term),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
