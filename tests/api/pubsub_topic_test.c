/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Topics of any size: subscribed to, told, matched, cancelled.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/pubsub.h"
#include "common/socket.h"

/* Around what fits in a short frame, in a record, in a chunk, and in what is
 * copied; with the name of the command and without. */
static const size_t sizes[] = {244,   245,   246,   254,   255,   256,
                               1023,  1024,  1025,  16373, 16374, 16375,
                               16383, 16384, 65526, 65527, 300000};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* libzmq garbles those for which a frame just gets long. */
static void skip_where_topics_get_lost(const struct env *env)
{
    if (env->transport->is_stream && !is_ceromq())
        skip();
}

static void expect_event(void *xpub, int lead, const char *topic, size_t size)
{
    zmq_msg_t msg;
    const char *data;

    assert_ok(zmq_msg_init(&msg));
    assert_int_equal(zmq_msg_recv(&msg, xpub, 0), size + 1);
    data = zmq_msg_data(&msg);
    assert_int_equal(data[0], lead);
    assert_memory_equal(data + 1, topic, size);
    assert_int_equal(zmq_msg_more(&msg), 0);
    assert_ok(zmq_msg_close(&msg));
}

static void topics_of_any_size_are_told_and_matched(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *sub;

    skip_where_topics_get_lost(env);
    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    for (size_t i = 0; i < SIZES; i++) {
        size_t size = sizes[i];
        char *topic;

        /* libzmq follows a topic by recursion, and its stack has an end. */
        if (size > 20000 && !is_ceromq())
            break;
        topic = malloc(size + 1);
        assert_non_null(topic);
        memset(topic, 'a' + (int)i, size + 1);
        subscribe_bytes(sub, topic, size);
        expect_event(xpub, 1, topic, size);
        assert_int_equal(zmq_send(xpub, topic, size - 1, 0), size - 1);
        assert_int_equal(zmq_send(xpub, topic, size + 1, 0), size + 1);
        assert_int_equal(zmq_send(xpub, topic, size, ZMQ_SNDMORE), size);
        assert_int_equal(zmq_send(xpub, "end", 3, 0), 3);
        assert_int_equal(zmq_recv(sub, NULL, 0, 0), size + 1);
        assert_int_equal(zmq_recv(sub, NULL, 0, 0), size);
        expect_part(sub, "end", false);
        unsubscribe_bytes(sub, topic, size);
        expect_event(xpub, 0, topic, size);
        free(topic);
    }
}

/* All at once: each message has all topics that are not longer than it. */
static void topics_that_begin_each_other_are_one_subscription_each(void **state)
{
    struct env *env = *state;
    char topic[1200];
    void *xpub;
    void *sub;

    memset(topic, 'x', sizeof(topic));
    skip_where_topics_get_lost(env);
    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    for (size_t size = 1; size < sizeof(topic); size++)
        subscribe_bytes(sub, topic, size);
    for (size_t size = 1; size < sizeof(topic); size++)
        expect_event(xpub, 1, topic, size);
    for (size_t size = 1; size < sizeof(topic); size += 13)
        assert_int_equal(zmq_send(xpub, topic, size, 0), size);
    for (size_t size = 1; size < sizeof(topic); size += 13)
        assert_int_equal(zmq_recv(sub, NULL, 0, 0), size);
    expect_nothing(sub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(topics_of_any_size_are_told_and_matched),
        ON_EACH(topics_that_begin_each_other_are_one_subscription_each),
    };

    return cmocka_run_group_tests_name("pubsub_topic", tests, NULL, NULL);
}
