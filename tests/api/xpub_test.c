/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XPUB: what it is told of its subscribers, and inverted matching.
 *
 * Thread: the main thread.
 */
/* TOPICS_COUNT is a draft. */
#define ZMQ_BUILD_DRAFT_API
#include "common/env.h"

#include "common/pubsub.h"
#include "common/socket.h"

#include <errno.h>

/* Nothing else was told before this one, whose topic is "last". */
static void expect_no_more_events(void *xpub, void *subscriber)
{
    subscribe(subscriber, "last");
    expect_subscribed(xpub, "last");
    expect_nothing(xpub);
    unsubscribe(subscriber, "last");
    expect_cancelled(xpub, "last");
}

/* An XPUB and two subscribers that are known to be connected. */
static void open_three(struct env *env, void **xpub, void *subs[2])
{
    char endpoint[ENDPOINT_MAX];

    *xpub = env_socket(env, ZMQ_XPUB);
    env_bind(env, *xpub, endpoint);
    for (int i = 0; i < 2; i++) {
        subs[i] = env_socket(env, ZMQ_SUB);
        assert_ok(zmq_connect(subs[i], endpoint));
        subscribe(subs[i], "here");
        expect_subscribed(*xpub, "here");
        unsubscribe(subs[i], "here");
        expect_cancelled(*xpub, "here");
    }
}

static void subscriptions_and_cancels_are_told(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *sub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    assert_int_equal(get_int(xpub, ZMQ_EVENTS), ZMQ_POLLOUT);
    subscribe(sub, "a");
    wait_for(xpub, ZMQ_POLLIN);
    assert_int_equal(get_int(xpub, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    expect_subscribed(xpub, "a");
    subscribe(sub, "");
    expect_subscribed(xpub, "");
    unsubscribe(sub, "a");
    expect_cancelled(xpub, "a");
    unsubscribe(sub, "");
    expect_cancelled(xpub, "");
    assert_int_equal(get_int(xpub, ZMQ_EVENTS), ZMQ_POLLOUT);
}

static void topics_are_told_byte_for_byte(void **state)
{
    struct env *env = *state;
    char topic[300];
    char got[400];
    void *xpub;
    void *sub;

    for (size_t i = 0; i < sizeof(topic); i++)
        topic[i] = (char)(i + 250);
    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    for (int size = 0; size <= 300; size += size < 8 ? 1 : 146) {
        subscribe_bytes(sub, topic, (size_t)size);
        assert_int_equal(zmq_recv(xpub, got, sizeof(got), 0), size + 1);
        assert_int_equal(got[0], 1);
        assert_memory_equal(got + 1, topic, size);
        unsubscribe_bytes(sub, topic, (size_t)size);
        assert_int_equal(zmq_recv(xpub, got, sizeof(got), 0), size + 1);
        assert_int_equal(got[0], 0);
        assert_memory_equal(got + 1, topic, size);
    }
}

static void an_xpub_publishes_as_a_pub(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *sub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    subscribe(sub, "a");
    expect_subscribed(xpub, "a");
    send_text(xpub, "b", 0);
    send_text(xpub, "a", ZMQ_SNDMORE);
    send_text(xpub, "b", 0);
    expect_part(sub, "a", true);
    expect_part(sub, "b", false);
    unsubscribe(sub, "a");
    expect_cancelled(xpub, "a");
    send_text(xpub, "a", 0);
    subscribe(sub, "end");
    expect_subscribed(xpub, "end");
    expect_only_the_end(xpub, sub);
}

static void the_first_and_the_last_of_a_topic_are_told(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    subscribe(subs[0], "a");
    expect_no_more_events(xpub, subs[0]);
    subscribe(subs[1], "a");
    expect_no_more_events(xpub, subs[1]);
    unsubscribe(subs[0], "a");
    unsubscribe(subs[0], "a");
    expect_no_more_events(xpub, subs[0]);
    unsubscribe(subs[1], "a");
    expect_cancelled(xpub, "a");
    subscribe(subs[1], "a");
    expect_subscribed(xpub, "a");
    expect_no_more_events(xpub, subs[1]);
}

static void a_prefix_is_a_topic_of_its_own(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    subscribe(subs[0], "abc");
    expect_subscribed(xpub, "abc");
    subscribe(subs[1], "ab");
    expect_subscribed(xpub, "ab");
    subscribe(subs[1], "abcd");
    expect_subscribed(xpub, "abcd");
    unsubscribe(subs[0], "abc");
    expect_cancelled(xpub, "abc");
    unsubscribe(subs[1], "ab");
    expect_cancelled(xpub, "ab");
    expect_no_more_events(xpub, subs[1]);
}

static void verbose_tells_every_subscription(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    subscribe(subs[1], "a");
    expect_subscribed(xpub, "a");
    unsubscribe(subs[0], "a");
    unsubscribe(subs[0], "a");
    expect_no_more_events(xpub, subs[0]);
    unsubscribe(subs[1], "a");
    expect_cancelled(xpub, "a");
    set_int(xpub, ZMQ_XPUB_VERBOSE, 0);
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    subscribe(subs[1], "a");
    expect_no_more_events(xpub, subs[1]);
}

static void verboser_tells_every_cancel_too(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    for (int i = 0; i < 2; i++) {
        subscribe(subs[i], "a");
        expect_subscribed(xpub, "a");
    }
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    /* Only the last one of a subscriber is sent at all. */
    unsubscribe(subs[0], "a");
    expect_no_more_events(xpub, subs[0]);
    unsubscribe(subs[0], "a");
    expect_cancelled(xpub, "a");
    unsubscribe(subs[1], "a");
    expect_cancelled(xpub, "a");
    /* And of what it never asked for, none. */
    unsubscribe(subs[1], "a");
    expect_no_more_events(xpub, subs[1]);
}

static void verbose_ends_verboser(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    for (int i = 0; i < 2; i++) {
        subscribe(subs[i], "a");
        expect_subscribed(xpub, "a");
    }
    unsubscribe(subs[0], "a");
    expect_no_more_events(xpub, subs[0]);
    unsubscribe(subs[1], "a");
    expect_cancelled(xpub, "a");
}

static void who_leaves_cancels(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    subscribe(subs[0], "both");
    expect_subscribed(xpub, "both");
    subscribe(subs[0], "mine");
    expect_subscribed(xpub, "mine");
    subscribe(subs[0], "mine");
    subscribe(subs[1], "both");
    expect_no_more_events(xpub, subs[1]);
    env_close_socket(env, subs[0]);
    expect_cancelled(xpub, "mine");
    expect_no_more_events(xpub, subs[1]);
    env_close_socket(env, subs[1]);
    expect_cancelled(xpub, "both");
    send_text(xpub, "both", 0);
    expect_nothing(xpub);
}

static void verboser_tells_all_that_a_leaver_had(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    for (int i = 0; i < 2; i++) {
        subscribe(subs[i], "a");
        expect_subscribed(xpub, "a");
    }
    for (int i = 0; i < 2; i++) {
        env_close_socket(env, subs[i]);
        expect_cancelled(xpub, "a");
    }
    expect_nothing(xpub);
}

/* Events that wait to be read outlive their subscriber. */
static void events_are_told_in_order(void **state)
{
    enum { COUNT = 200 };
    struct env *env = *state;
    char topic[16];
    void *xpub;
    void *sub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    for (int i = 0; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "%d", i);
        subscribe(sub, topic);
        if (i % 2 == 0)
            unsubscribe(sub, topic);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "%d", i);
        expect_subscribed(xpub, topic);
        if (i % 2 == 0)
            expect_cancelled(xpub, topic);
    }
    expect_nothing(xpub);
}

static void inverted_matching_sends_what_does_not_match(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    set_int(xpub, ZMQ_INVERT_MATCHING, 1);
    assert_int_equal(get_int(xpub, ZMQ_INVERT_MATCHING), 1);
    for (int i = 0; i < 2; i++)
        set_int(subs[i], ZMQ_INVERT_MATCHING, 1);
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    subscribe(subs[1], "b");
    expect_subscribed(xpub, "b");
    send_text(xpub, "a", ZMQ_SNDMORE);
    send_text(xpub, "b", 0);
    send_text(xpub, "b", 0);
    send_text(xpub, "c", 0);
    expect_part(subs[1], "a", true);
    expect_part(subs[1], "b", false);
    expect_part(subs[1], "c", false);
    expect_part(subs[0], "b", false);
    expect_part(subs[0], "c", false);
    expect_nothing(subs[0]);
    expect_nothing(subs[1]);
}

static void topics_are_counted(void **state)
{
    struct env *env = *state;
    int count = 0;
    size_t size = sizeof(count);
    void *xpub;
    void *subs[2];

    open_three(env, &xpub, subs);
    if (zmq_getsockopt(xpub, ZMQ_TOPICS_COUNT, &count, &size) == -1) {
        assert_int_equal(zmq_errno(), EINVAL);
        skip();
    }
    assert_int_equal(count, 0);
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    subscribe(subs[0], "ab");
    expect_subscribed(xpub, "ab");
    subscribe(subs[1], "a");
    subscribe(subs[1], "");
    expect_subscribed(xpub, "");
    assert_int_equal(get_int(xpub, ZMQ_TOPICS_COUNT), 3);
    assert_int_equal(get_int(subs[0], ZMQ_TOPICS_COUNT), 2);
    unsubscribe(subs[0], "a");
    unsubscribe(subs[0], "ab");
    expect_cancelled(xpub, "ab");
    assert_int_equal(get_int(xpub, ZMQ_TOPICS_COUNT), 2);
    assert_int_equal(get_int(subs[0], ZMQ_TOPICS_COUNT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(subscriptions_and_cancels_are_told),
        ON_EACH(topics_are_told_byte_for_byte),
        ON_EACH(an_xpub_publishes_as_a_pub),
        ON_EACH(the_first_and_the_last_of_a_topic_are_told),
        ON_EACH(a_prefix_is_a_topic_of_its_own),
        ON_EACH(verbose_tells_every_subscription),
        ON_EACH(verboser_tells_every_cancel_too),
        ON_EACH(verbose_ends_verboser),
        ON_EACH(who_leaves_cancels),
        ON_EACH(verboser_tells_all_that_a_leaver_had),
        ON_EACH(events_are_told_in_order),
        ON_EACH(inverted_matching_sends_what_does_not_match),
        ON_EACH(topics_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
