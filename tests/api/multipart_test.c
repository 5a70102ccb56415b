/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Messages of several parts: whole or not at all, in order, and marked.
 *
 * Thread: the main thread, and one that receives.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>

static void parts_arrive_in_order_and_marked(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "one", ZMQ_SNDMORE);
    send_text(push, "", ZMQ_SNDMORE);
    send_text(push, "three", 0);
    send_text(push, "alone", 0);
    expect_part(pull, "one", true);
    expect_part(pull, "", true);
    expect_part(pull, "three", false);
    expect_part(pull, "alone", false);
}

static void messages_know_whether_more_follow(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "a", ZMQ_SNDMORE);
    send_text(push, "b", 0);
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 1);
    assert_int_equal(zmq_msg_more(&msg), 1);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_MORE), 1);
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 1);
    assert_int_equal(zmq_msg_more(&msg), 0);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_MORE), 0);
    zmq_msg_close(&msg);
}

static void rcvmore_tells_of_the_part_received_last(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(get_int(pull, ZMQ_RCVMORE), 0);
    send_text(push, "a", ZMQ_SNDMORE);
    send_text(push, "b", 0);
    expect_text(pull, "a");
    assert_int_equal(get_int(pull, ZMQ_RCVMORE), 1);
    assert_int_equal(get_int(pull, ZMQ_RCVMORE), 1);
    expect_text(pull, "b");
    assert_int_equal(get_int(pull, ZMQ_RCVMORE), 0);
    expect_nothing(pull);
    assert_int_equal(get_int(pull, ZMQ_RCVMORE), 0);
}

static void nothing_arrives_before_the_last_part_is_sent(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "whole", 0);
    send_text(push, "a", ZMQ_SNDMORE);
    send_text(push, "b", ZMQ_SNDMORE);
    expect_text(pull, "whole");
    expect_nothing_for_a_while(pull);
    send_text(push, "c", 0);
    expect_part(pull, "a", true);
    expect_part(pull, "b", true);
    expect_part(pull, "c", false);
}

static void a_message_never_finished_is_never_delivered(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "whole", 0);
    send_text(push, "half", ZMQ_SNDMORE);
    env_close_socket(env, push);
    expect_part(pull, "whole", false);
    expect_nothing_for_a_while(pull);
}

static void after_the_first_part_the_rest_is_there(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (int i = 0; i < 99; i++)
        send_text(push, "part", ZMQ_SNDMORE);
    send_text(push, "last", 0);
    expect_part(pull, "part", true);
    for (int i = 1; i < 100; i++) {
        char text[5] = "";

        assert_int_equal(zmq_recv(pull, text, 4, ZMQ_DONTWAIT), 4);
        assert_string_equal(text, i < 99 ? "part" : "last");
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), i < 99);
    }
}

static void every_part_may_be_sent_without_waiting(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    set_int(push, ZMQ_SNDHWM, 1);
    wait_for(push, ZMQ_POLLOUT);
    for (int i = 0; i < 50; i++)
        send_text(push, "part", ZMQ_SNDMORE | ZMQ_DONTWAIT);
    send_text(push, "last", ZMQ_DONTWAIT);
    for (int i = 0; i < 50; i++)
        expect_part(pull, "part", true);
    expect_part(pull, "last", false);
}

static void a_mark_inside_the_message_is_ignored(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg;
    void *pull;
    void *push;
    void *onward;
    void *end;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    env_pair(env, ZMQ_PULL, &end, ZMQ_PUSH, &onward);
    send_text(push, "a", ZMQ_SNDMORE);
    send_text(push, "b", 0);
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 1);
    assert_int_equal(zmq_msg_more(&msg), 1);
    assert_int_equal(zmq_msg_send(&msg, onward, 0), 1);
    expect_part(end, "a", false);
    zmq_msg_close(&msg);
}

static void copy_and_move_keep_the_mark(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg;
    zmq_msg_t copy;
    zmq_msg_t moved;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "a", ZMQ_SNDMORE);
    send_text(push, "b", 0);
    zmq_msg_init(&msg);
    zmq_msg_init(&copy);
    zmq_msg_init(&moved);
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 1);
    assert_ok(zmq_msg_copy(&copy, &msg));
    assert_int_equal(zmq_msg_more(&copy), 1);
    assert_ok(zmq_msg_move(&moved, &msg));
    assert_int_equal(zmq_msg_more(&moved), 1);
    assert_int_equal(zmq_msg_more(&msg), 0);
    zmq_msg_close(&msg);
    zmq_msg_close(&copy);
    zmq_msg_close(&moved);
}

static void large_and_small_parts_mix(void **state)
{
    static const size_t sizes[] = {1, 100000, 0, 300, 1048576, 33, 8192};
    const int count = sizeof(sizes) / sizeof(sizes[0]);
    struct env *env = *state;
    char *data = calloc(1, 1048576);
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < count; i++) {
            memset(data, 'a' + i, sizes[i]);
            assert_int_equal(
                zmq_send(push, data, sizes[i], i + 1 < count ? ZMQ_SNDMORE : 0),
                sizes[i]);
        }
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < count; i++) {
            assert_int_equal(zmq_recv(pull, data, 1048576, 0), sizes[i]);
            if (sizes[i] > 0)
                assert_int_equal(data[sizes[i] - 1], 'a' + i);
            assert_int_equal(get_int(pull, ZMQ_RCVMORE), i + 1 < count);
        }
    }
    free(data);
}

#define STREAM_COUNT 2000

static int receive_whole_messages(void *pull)
{
    uint32_t previous = 0;

    for (int i = 0; i < STREAM_COUNT; i++) {
        uint32_t parts[3] = {0};

        for (int part = 0; part < 3; part++) {
            int flags = part > 0 ? ZMQ_DONTWAIT : 0;

            if (zmq_recv(pull, &parts[part], 4, flags) != 4)
                return -1;
        }
        if (parts[0] != parts[1] || parts[1] != parts[2])
            return -1;
        if (parts[0] != previous++)
            return -1;
    }
    return 0;
}

static void a_stream_of_messages_stays_whole(void **state)
{
    struct env *env = *state;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    call_start(&call, receive_whole_messages, pull);
    for (uint32_t i = 0; i < STREAM_COUNT; i++) {
        assert_int_equal(zmq_send(push, &i, 4, ZMQ_SNDMORE), 4);
        assert_int_equal(zmq_send(push, &i, 4, ZMQ_SNDMORE), 4);
        assert_int_equal(zmq_send(push, &i, 4, 0), 4);
    }
    assert_ok(call_join(&call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(parts_arrive_in_order_and_marked),
        ON_EACH(messages_know_whether_more_follow),
        ON_EACH(rcvmore_tells_of_the_part_received_last),
        ON_EACH(nothing_arrives_before_the_last_part_is_sent),
        ON_EACH(a_message_never_finished_is_never_delivered),
        ON_EACH(after_the_first_part_the_rest_is_there),
        ON_EACH(every_part_may_be_sent_without_waiting),
        ON_EACH(a_mark_inside_the_message_is_ignored),
        ON_EACH(copy_and_move_keep_the_mark),
        ON_EACH(large_and_small_parts_mix),
        ON_EACH(a_stream_of_messages_stays_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
