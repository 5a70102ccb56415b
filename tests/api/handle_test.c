/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is not a socket or a context is refused by every function that
 * takes one, and so is an argument out of range.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>

static void refuse_as_socket(void *socket)
{
    int value = 0;
    size_t size = sizeof(value);
    char byte;
    zmq_msg_t msg;
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    assert_fails(zmq_send(socket, "x", 1, 0), ENOTSOCK);
    assert_fails(zmq_send(socket, "x", 1, ZMQ_DONTWAIT), ENOTSOCK);
    assert_fails(zmq_send_const(socket, "x", 1, 0), ENOTSOCK);
    assert_fails(zmq_recv(socket, &byte, 1, 0), ENOTSOCK);
    zmq_msg_init(&msg);
    assert_fails(zmq_msg_send(&msg, socket, 0), ENOTSOCK);
    assert_fails(zmq_msg_recv(&msg, socket, 0), ENOTSOCK);
    assert_fails(zmq_sendmsg(socket, &msg, 0), ENOTSOCK);
    assert_fails(zmq_recvmsg(socket, &msg, 0), ENOTSOCK);
    zmq_msg_close(&msg);
    assert_fails(zmq_setsockopt(socket, ZMQ_LINGER, &value, size), ENOTSOCK);
    assert_fails(zmq_getsockopt(socket, ZMQ_LINGER, &value, &size), ENOTSOCK);
    assert_fails(zmq_bind(socket, "inproc://a"), ENOTSOCK);
    assert_fails(zmq_connect(socket, "inproc://a"), ENOTSOCK);
    assert_fails(zmq_unbind(socket, "inproc://a"), ENOTSOCK);
    assert_fails(zmq_disconnect(socket, "inproc://a"), ENOTSOCK);
    assert_fails(zmq_socket_monitor(socket, "inproc://m", ZMQ_EVENT_ALL),
                 ENOTSOCK);
    assert_fails(zmq_close(socket), ENOTSOCK);
    /* A NULL socket in a poll item means the descriptor. */
    if (socket != NULL)
        assert_fails(zmq_poll(&item, 1, 0), ENOTSOCK);
}

static void null_is_not_a_socket(void **state)
{
    (void)state;
    refuse_as_socket(NULL);
}

static void another_object_is_not_a_socket(void **state)
{
    struct env *env = *state;

    refuse_as_socket(env->ctx);
}

static void a_closed_socket_is_not_a_socket(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PAIR);
    void *open = env_socket(env, ZMQ_PAIR);

    env_close_socket(env, socket);
    /* The memory of a closed socket stays readable in this library. */
    if (is_ceromq())
        refuse_as_socket(socket);
    assert_ok(zmq_bind(open, "inproc://still-works"));
}

static void null_is_not_a_context(void **state)
{
    (void)state;
    assert_null_fails(zmq_socket(NULL, ZMQ_PAIR), EFAULT);
    assert_fails(zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1), EFAULT);
    assert_fails(zmq_ctx_get(NULL, ZMQ_IO_THREADS), EFAULT);
    assert_fails(zmq_ctx_shutdown(NULL), EFAULT);
    assert_fails(zmq_ctx_term(NULL), EFAULT);
    assert_fails(zmq_ctx_destroy(NULL), EFAULT);
    assert_fails(zmq_term(NULL), EFAULT);
}

static void a_socket_is_not_a_context(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PAIR);

    assert_null_fails(zmq_socket(socket, ZMQ_PAIR), EFAULT);
    assert_fails(zmq_ctx_get(socket, ZMQ_IO_THREADS), EFAULT);
    assert_fails(zmq_ctx_shutdown(socket), EFAULT);
    assert_fails(zmq_ctx_term(socket), EFAULT);
}

static void unknown_socket_types_are_refused(void **state)
{
    struct env *env = *state;

    assert_null_fails(zmq_socket(env->ctx, -1), EINVAL);
    assert_null_fails(zmq_socket(env->ctx, 99), EINVAL);
}

static void poll_checks_its_arguments(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t item = {.socket = env_socket(env, ZMQ_PAIR)};

    assert_fails(zmq_poll(&item, -1, 0), EINVAL);
    assert_fails(zmq_poll(NULL, 1, 0), EFAULT);
    assert_int_equal(zmq_poll(NULL, 0, 0), 0);
    assert_int_equal(zmq_poll(&item, 0, 1), 0);
    assert_int_equal(zmq_poll(&item, 1, 0), 0);
}

static void errno_is_the_callers_own(void **state)
{
    (void)state;
    assert_int_equal(zmq_close(NULL), -1);
    assert_int_equal(zmq_errno(), ENOTSOCK);
    assert_int_equal(errno, ENOTSOCK);
    errno = EDOM;
    assert_int_equal(zmq_errno(), EDOM);
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(zmq_strerror(EFSM), "Operation cannot be accomplished "
                                            "in current state");
    assert_string_equal(zmq_strerror(ENOCOMPATPROTO),
                        "The protocol is not compatible with the socket type");
    assert_string_equal(zmq_strerror(ETERM), "Context was terminated");
    assert_string_equal(zmq_strerror(EMTHREAD), "No thread available");
    assert_string_equal(zmq_strerror(EHOSTUNREACH), "Host unreachable");
    assert_string_equal(zmq_strerror(EINVAL), strerror(EINVAL));
    assert_non_null(zmq_strerror(0));
    assert_non_null(zmq_strerror(-1));
    assert_non_null(zmq_strerror(156384712));
    assert_non_null(zmq_strerror(INT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, null_is_not_a_socket),
        ON(inproc, another_object_is_not_a_socket),
        ON(inproc, a_closed_socket_is_not_a_socket),
        ON(inproc, null_is_not_a_context),
        ON(inproc, a_socket_is_not_a_context),
        ON(inproc, unknown_socket_types_are_refused),
        ON(inproc, poll_checks_its_arguments),
        ON(inproc, errno_is_the_callers_own),
        ON(inproc, every_error_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
