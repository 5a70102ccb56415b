/* SPDX-License-Identifier: MPL-2.0 */
/*
 * inproc: names within a context, connecting before binding, and memory
 * that is handed over and not copied.
 *
 * Thread: the main thread, and one that sends.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/freed.h"
#include "common/socket.h"

#include <errno.h>

static void any_bytes_make_a_name(void **state)
{
    static const char *const names[] = {
        "inproc://a",    "inproc://#1",  "inproc://with space",
        "inproc:///a/b", "inproc://a:1", "inproc://inproc://a",
        "inproc://*",
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        void *push = env_socket(env, ZMQ_PUSH);

        assert_ok(zmq_bind(pull, names[i]));
        assert_ok(zmq_connect(push, names[i]));
        send_text(push, names[i], 0);
        expect_text(pull, names[i]);
    }
}

static void all_pending_connections_are_attached_at_bind(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    uint32_t seen = 0;

    for (uint32_t i = 0; i < 20; i++) {
        void *push = env_socket(env, ZMQ_PUSH);

        assert_ok(zmq_connect(push, "inproc://later"));
        send_number(push, i);
    }
    assert_ok(zmq_bind(pull, "inproc://later"));
    for (uint32_t i = 0; i < 20; i++)
        seen |= (uint32_t)1 << receive_number(pull);
    assert_int_equal(seen, 0xfffff);
}

static void a_pending_connection_survives_its_sockets_close(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_connect(push, "inproc://later"));
    send_text(push, "early", 0);
    env_close_socket(env, push);
    assert_ok(zmq_bind(pull, "inproc://later"));
    /* Either it is delivered, or it went with its socket; but it must not
     * hinder the next. */
    push = env_socket(env, ZMQ_PUSH);
    assert_ok(zmq_connect(push, "inproc://later"));
    send_text(push, "next", 0);
    wait_for(pull, ZMQ_POLLIN);
    for (;;) {
        char text[6] = "";

        assert_ok(zmq_recv(pull, text, 5, 0));
        if (strcmp(text, "next") == 0)
            break;
        assert_string_equal(text, "early");
    }
}

static void every_connect_is_a_connection(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    set_int(push, ZMQ_SNDHWM, 1);
    set_int(pull, ZMQ_RCVHWM, 1);
    env_bind(env, pull, endpoint);
    for (int i = 0; i < 3; i++)
        assert_ok(zmq_connect(push, endpoint));
    assert_int_equal(send_until_full(push, 7, 0), 6);
}

static void a_name_is_free_again_after_unbind(void **state)
{
    struct env *env = *state;
    void *first = env_socket(env, ZMQ_PAIR);
    void *second = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_bind(first, "inproc://name"));
    assert_fails(zmq_bind(second, "inproc://name"), EADDRINUSE);
    assert_ok(zmq_unbind(first, "inproc://name"));
    assert_ok(zmq_bind(second, "inproc://name"));
}

static void a_name_is_free_again_after_close(void **state)
{
    struct env *env = *state;
    void *first = env_socket(env, ZMQ_PAIR);
    void *second = env_socket(env, ZMQ_PAIR);

    assert_ok(zmq_bind(first, "inproc://name"));
    env_close_socket(env, first);
    while (zmq_bind(second, "inproc://name") == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
}

static void a_name_bound_and_connected_is_undone_in_two_steps(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);

    assert_ok(zmq_bind(dealer, "inproc://self"));
    assert_ok(zmq_connect(dealer, "inproc://self"));
    assert_ok(zmq_disconnect(dealer, "inproc://self"));
    send_text(dealer, "to myself", 0);
    expect_text(dealer, "to myself");
    assert_ok(zmq_unbind(dealer, "inproc://self"));
    assert_fails(zmq_unbind(dealer, "inproc://self"), ENOENT);
}

static void names_of_other_contexts_are_not_seen(void **state)
{
    struct env *env = *state;
    void *other = zmq_ctx_new();
    void *pull = zmq_socket(other, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_bind(pull, "inproc://name"));
    assert_ok(zmq_connect(push, "inproc://name"));
    send_text(push, "x", 0);
    expect_nothing(pull);
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(other));
}

static void owned_memory_is_handed_over_and_not_copied(void **state)
{
    struct env *env = *state;
    struct freed freed;
    zmq_msg_t msg;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    freed_open(&freed, 100000);
    freed_message(&freed, &msg);
    assert_int_equal(zmq_msg_send(&msg, push, 0), 100000);
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 100000);
    assert_ptr_equal(zmq_msg_data(&msg), freed.data);
    assert_int_equal(freed_count(&freed), 0);
    assert_ok(zmq_msg_close(&msg));
    freed_wait(&freed);
    freed_close(&freed);
}

static void a_shared_message_may_be_sent_and_kept(void **state)
{
    struct env *env = *state;
    struct freed freed;
    zmq_msg_t kept;
    zmq_msg_t sent;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    freed_open(&freed, 100000);
    freed_message(&freed, &kept);
    zmq_msg_init(&sent);
    assert_ok(zmq_msg_copy(&sent, &kept));
    assert_int_equal(zmq_msg_send(&sent, push, 0), 100000);
    assert_int_equal(zmq_msg_recv(&sent, pull, 0), 100000);
    assert_memory_equal(zmq_msg_data(&sent), freed.data, 100000);
    assert_ok(zmq_msg_close(&kept));
    assert_int_equal(freed_count(&freed), 0);
    assert_ok(zmq_msg_close(&sent));
    freed_wait(&freed);
    freed_close(&freed);
}

struct flood {
    void *ctx;
    uint32_t count;
};

static int flood_and_close(void *arg)
{
    struct flood *flood = arg;
    void *push = zmq_socket(flood->ctx, ZMQ_PUSH);

    if (zmq_connect(push, "inproc://flood") == -1)
        return -1;
    for (uint32_t i = 0; i < flood->count; i++) {
        if (zmq_send(push, &i, sizeof(i), 0) == -1)
            return -1;
    }
    return zmq_close(push);
}

static void threads_come_and_go_and_nothing_is_lost(void **state)
{
    struct env *env = *state;
    struct flood flood = {env->ctx, 5000};
    struct call calls[4];
    uint64_t sum = 0;
    void *pull = env_socket(env, ZMQ_PULL);

    assert_ok(zmq_bind(pull, "inproc://flood"));
    for (size_t i = 0; i < 4; i++)
        call_start(&calls[i], flood_and_close, &flood);
    for (uint32_t i = 0; i < 4 * flood.count; i++)
        sum += receive_number(pull);
    assert_int_equal(sum, 4 * (uint64_t)flood.count * (flood.count - 1) / 2);
    for (size_t i = 0; i < 4; i++)
        assert_ok(call_join(&calls[i]));
    expect_nothing(pull);
}

static void there_is_no_reconnection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_bind(pull, "inproc://name"));
    assert_ok(zmq_connect(push, "inproc://name"));
    send_text(push, "x", 0);
    expect_text(pull, "x");
    env_close_socket(env, pull);
    while (is_ready(push, ZMQ_POLLOUT, 0))
        continue;
    pull = env_socket(env, ZMQ_PULL);
    while (zmq_bind(pull, "inproc://name") == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    assert_false(is_ready(push, ZMQ_POLLOUT, GLANCE_MS));
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_disconnect(push, "inproc://name"), ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, any_bytes_make_a_name),
        ON(inproc, all_pending_connections_are_attached_at_bind),
        ON(inproc, a_pending_connection_survives_its_sockets_close),
        ON(inproc, every_connect_is_a_connection),
        ON(inproc, a_name_is_free_again_after_unbind),
        ON(inproc, a_name_is_free_again_after_close),
        ON(inproc, a_name_bound_and_connected_is_undone_in_two_steps),
        ON(inproc, names_of_other_contexts_are_not_seen),
        ON(inproc, owned_memory_is_handed_over_and_not_copied),
        ON(inproc, a_shared_message_may_be_sent_and_kept),
        ON(inproc, threads_come_and_go_and_nothing_is_lost),
        ON(inproc, there_is_no_reconnection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
