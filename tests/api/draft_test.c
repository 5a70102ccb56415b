/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The draft calls that no other test is about: what they do, and what they
 * refuse. A libzmq that was built without them has nothing to compare.
 *
 * Thread: the main thread.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/env.h"

#include "common/id.h"
#include "common/monitor.h"
#include "common/socket.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* ---- contexts ------------------------------------------------------- */

static void a_number_is_set_and_got_as_any_option(void **state)
{
    struct env *env = *state;
    int value = 77;
    size_t size = sizeof(value);

    assert_ok(
        zmq_ctx_set_ext(env->ctx, ZMQ_MAX_SOCKETS, &value, sizeof(value)));
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_MAX_SOCKETS), 77);
    value = 0;
    assert_ok(zmq_ctx_get_ext(env->ctx, ZMQ_MAX_SOCKETS, &value, &size));
    assert_int_equal(value, 77);
    assert_int_equal(size, sizeof(value));
}

static void a_text_is_set_and_got(void **state)
{
    struct env *env = *state;
    char text[17] = "";
    size_t size = sizeof(text);

    assert_ok(zmq_ctx_set_ext(env->ctx, ZMQ_THREAD_NAME_PREFIX, "trading", 7));
    assert_ok(zmq_ctx_get_ext(env->ctx, ZMQ_THREAD_NAME_PREFIX, text, &size));
    assert_string_equal(text, "trading");
}

static void a_context_refuses_what_is_wrong(void **state)
{
    struct env *env = *state;
    int value = 1;
    char text[64] = "";
    size_t size = sizeof(value) - 1;

    assert_fails(zmq_ctx_set_ext(NULL, ZMQ_IO_THREADS, &value, sizeof(value)),
                 EFAULT);
    assert_fails(zmq_ctx_set_ext(env->ctx, 999, &value, sizeof(value)), EINVAL);
    assert_fails(zmq_ctx_set_ext(env->ctx, ZMQ_IO_THREADS, &value, 3), EINVAL);
    assert_fails(zmq_ctx_set_ext(env->ctx, ZMQ_IO_THREADS, NULL, sizeof(value)),
                 EINVAL);
    assert_fails(zmq_ctx_set_ext(env->ctx, ZMQ_THREAD_NAME_PREFIX, text, 17),
                 EINVAL);
    assert_fails(zmq_ctx_get_ext(env->ctx, ZMQ_IO_THREADS, &value, &size),
                 EINVAL);
    size = sizeof(value);
    assert_fails(zmq_ctx_get_ext(NULL, ZMQ_IO_THREADS, &value, &size), EFAULT);
    assert_fails(zmq_ctx_get_ext(env->ctx, 999, &value, &size), EINVAL);
}

/* ---- messages ------------------------------------------------------- */

static void a_message_has_a_group(void **state)
{
    char group[ZMQ_GROUP_MAX_LENGTH + 2];
    zmq_msg_t msg, other;

    (void)state;
    assert_ok(zmq_msg_init(&msg));
    assert_string_equal(zmq_msg_group(&msg), "");
    assert_ok(zmq_msg_set_group(&msg, "first"));
    assert_ok(zmq_msg_set_group(&msg, "quotes"));
    assert_string_equal(zmq_msg_group(&msg), "quotes");
    memset(group, 'x', sizeof(group));
    group[sizeof(group) - 1] = 0;
    assert_fails(zmq_msg_set_group(&msg, group), EINVAL);
    assert_string_equal(zmq_msg_group(&msg), "quotes");
    group[ZMQ_GROUP_MAX_LENGTH] = 0;
    assert_ok(zmq_msg_set_group(&msg, group));
    assert_ok(zmq_msg_init(&other));
    assert_ok(zmq_msg_move(&other, &msg));
    assert_string_equal(zmq_msg_group(&other), group);
    assert_string_equal(zmq_msg_group(&msg), "");
    assert_ok(zmq_msg_copy(&msg, &other));
    assert_string_equal(zmq_msg_group(&msg), group);
    assert_ok(zmq_msg_close(&other));
    assert_string_equal(zmq_msg_group(&msg), group);
    assert_ok(zmq_msg_close(&msg));
}

static void a_message_has_a_routing_id(void **state)
{
    zmq_msg_t msg, other;

    (void)state;
    assert_ok(zmq_msg_init(&msg));
    assert_int_equal(zmq_msg_routing_id(&msg), 0);
    assert_fails(zmq_msg_set_routing_id(&msg, 0), EINVAL);
    assert_ok(zmq_msg_set_routing_id(&msg, 0xfedcba98));
    assert_ok(zmq_msg_init(&other));
    assert_ok(zmq_msg_copy(&other, &msg));
    assert_int_equal(zmq_msg_routing_id(&other), 0xfedcba98);
    assert_ok(zmq_msg_close(&other));
    assert_ok(zmq_msg_close(&msg));
}

/* ---- sockets -------------------------------------------------------- */

static void a_router_tells_which_peer_has_room(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_int(router, ZMQ_SNDHWM, 1);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(dealer, ZMQ_RCVHWM, 1);
    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "x", 1));
    env_link(env, router, dealer);
    send_text(dealer, "hello", 0);
    expect_from(router, "x", "hello");
    assert_int_equal(zmq_socket_get_peer_state(router, "x", 1), ZMQ_POLLOUT);
    assert_fails(zmq_socket_get_peer_state(router, "y", 1), EHOSTUNREACH);
    while (zmq_send(router, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 1)
        send_text(router, "fill", 0);
    assert_int_equal(zmq_errno(), EAGAIN);
    assert_int_equal(zmq_socket_get_peer_state(router, "x", 1), 0);
    expect_text(dealer, "fill");
    assert_fails(zmq_socket_get_peer_state(dealer, "x", 1), ENOTSUP);
    assert_fails(zmq_socket_get_peer_state(env->ctx, "x", 1), ENOTSOCK);
}

static int monitor_as(void *socket, uint64_t events, int version, int type)
{
    return zmq_socket_monitor_versioned(socket, "inproc://events", events,
                                        version, type);
}

static void a_monitor_of_version_1_goes_to_a_pair(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = env_socket(env, ZMQ_PAIR);

    assert_ok(monitor_as(pull, ZMQ_EVENT_LISTENING, 1, ZMQ_PAIR));
    assert_ok(zmq_connect(monitor, "inproc://events"));
    env_bind(env, pull, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
}

static void a_monitor_refuses_what_is_wrong(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);

    assert_fails(monitor_as(pull, ZMQ_EVENT_ALL, 0, ZMQ_PAIR), EINVAL);
    assert_fails(monitor_as(pull, ZMQ_EVENT_ALL, 3, ZMQ_PAIR), EINVAL);
    assert_fails(monitor_as(pull, ZMQ_EVENT_ALL, 1, ZMQ_PULL), EINVAL);
    assert_fails(monitor_as(pull, ZMQ_EVENT_ALL_V2, 1, ZMQ_PAIR), EINVAL);
    assert_fails(monitor_as(env->ctx, ZMQ_EVENT_ALL, 1, ZMQ_PAIR), ENOTSOCK);
    assert_fails(zmq_socket_monitor_pipes_stats(env->ctx), ENOTSOCK);
    if (!is_ceromq())
        return; /* It has version 2 of the events. */
    assert_fails(monitor_as(pull, ZMQ_EVENT_ALL_V2, 2, ZMQ_PAIR), ENOTSUP);
    assert_fails(monitor_as(pull, ZMQ_EVENT_ALL, 1, ZMQ_PUB), ENOTSUP);
    assert_fails(zmq_socket_monitor_pipes_stats(pull), ENOTSUP);
}

static void other_types_have_no_groups_and_no_numbered_peers(void **state)
{
    struct env *env = *state;
    void *sub = env_socket(env, ZMQ_SUB);

    assert_fails(zmq_join(sub, "quotes"), ENOTSUP);
    assert_fails(zmq_leave(sub, "quotes"), ENOTSUP);
    assert_fails(zmq_disconnect_peer(sub, 1), ENOTSUP);
    assert_int_equal(zmq_connect_peer(sub, "inproc://x"), 0);
    assert_int_equal(zmq_errno(), ENOTSUP);
    assert_fails(zmq_join(NULL, "quotes"), ENOTSOCK);
    assert_fails(zmq_leave(NULL, "quotes"), ENOTSOCK);
    assert_fails(zmq_disconnect_peer(NULL, 1), ENOTSOCK);
    assert_int_equal(zmq_connect_peer(NULL, "inproc://x"), 0);
    assert_int_equal(zmq_errno(), ENOTSOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, a_number_is_set_and_got_as_any_option),
        ON(inproc, a_text_is_set_and_got),
        ON(inproc, a_context_refuses_what_is_wrong),
        ON(inproc, a_message_has_a_group),
        ON(inproc, a_message_has_a_routing_id),
        ON(inproc, a_router_tells_which_peer_has_room),
        ON(tcp, a_monitor_of_version_1_goes_to_a_pair),
        ON(inproc, a_monitor_refuses_what_is_wrong),
        ON(inproc, other_types_have_no_groups_and_no_numbered_peers),
    };

    if (!dlsym(RTLD_DEFAULT, "zmq_ctx_set_ext"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
