/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XSUB: subscriptions as messages, messages of its own to its publishers,
 * and chains of XSUB and XPUB.
 *
 * Thread: the main thread, and a proxy.
 */
/* XSUB_VERBOSE_UNSUBSCRIBE and ONLY_FIRST_SUBSCRIBE are drafts. */
#define ZMQ_BUILD_DRAFT_API
#include "common/call.h"
#include "common/env.h"

#include "common/pubsub.h"
#include "common/socket.h"

#include <errno.h>

static void a_message_subscribes(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    assert_int_equal(zmq_send(xsub, "\1a", 2, 0), 2);
    expect_subscribed(xpub, "a");
    send_text(xpub, "b", 0);
    send_text(xpub, "ab", ZMQ_SNDMORE);
    send_text(xpub, "more", 0);
    expect_part(xsub, "ab", true);
    expect_part(xsub, "more", false);
    assert_int_equal(zmq_send(xsub, "\0a", 2, 0), 2);
    expect_cancelled(xpub, "a");
    send_text(xpub, "a", 0);
    assert_int_equal(zmq_send(xsub, "\1", 1, 0), 1);
    expect_subscribed(xpub, "");
    expect_only_the_end(xpub, xsub);
    assert_int_equal(zmq_send(xsub, "\0", 1, 0), 1);
    expect_cancelled(xpub, "");
}

static void an_xsub_talks_to_a_pub(void **state)
{
    struct env *env = *state;
    void *pub;
    void *xsub;

    env_pair(env, ZMQ_PUB, &pub, ZMQ_XSUB, &xsub);
    subscribe(xsub, "a");
    subscribe(xsub, "end");
    send_text(xsub, "nobody hears this", 0);
    settle_one(pub, xsub);
    send_text(pub, "b", 0);
    send_text(pub, "a", 0);
    expect_text(xsub, "a");
    unsubscribe(xsub, "a");
    settle_one(pub, xsub);
    send_text(pub, "a", 0);
    expect_only_the_end(pub, xsub);
}

static void an_xsub_is_always_ready_to_send(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *xsub = env_socket(env, ZMQ_XSUB);

    assert_int_equal(get_int(xsub, ZMQ_EVENTS), ZMQ_POLLOUT);
    subscribe(xsub, "a");
    send_text(xsub, "dropped", 0);
    env_link(env, xpub, xsub);
    expect_subscribed(xpub, "a");
    assert_int_equal(get_int(xsub, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_text(xpub, "a", 0);
    wait_for(xsub, ZMQ_POLLIN);
    assert_int_equal(get_int(xsub, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    expect_text(xsub, "a");
    expect_nothing(xpub);
}

/* Every subscription goes out, and of the cancels the last of a topic. */
static void subscriptions_are_counted(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    for (int i = 0; i < 3; i++)
        subscribe(xsub, "a");
    for (int i = 0; i < 3; i++)
        expect_subscribed(xpub, "a");
    unsubscribe(xsub, "a");
    unsubscribe(xsub, "a");
    unsubscribe(xsub, "never");
    subscribe(xsub, "b");
    expect_subscribed(xpub, "b");
    unsubscribe(xsub, "a");
    expect_cancelled(xpub, "a");
    unsubscribe(xsub, "a");
    unsubscribe(xsub, "b");
    expect_cancelled(xpub, "b");
    expect_nothing(xpub);
}

static void a_verbose_xsub_sends_every_cancel(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    set_draft_int(xsub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, 1);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    subscribe(xsub, "a");
    subscribe(xsub, "a");
    unsubscribe(xsub, "a");
    unsubscribe(xsub, "a");
    unsubscribe(xsub, "never");
    expect_subscribed(xpub, "a");
    expect_subscribed(xpub, "a");
    expect_cancelled(xpub, "a");
    expect_cancelled(xpub, "a");
    expect_cancelled(xpub, "never");
}

static void messages_of_its_own_reach_every_publisher(void **state)
{
    enum { XPUBS = 3 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpubs[XPUBS];
    void *xsub = env_socket(env, ZMQ_XSUB);

    for (int i = 0; i < XPUBS; i++) {
        xpubs[i] = env_socket(env, ZMQ_XPUB);
        env_bind(env, xpubs[i], endpoint);
        assert_ok(zmq_connect(xsub, endpoint));
    }
    subscribe(xsub, "here");
    for (int i = 0; i < XPUBS; i++)
        expect_subscribed(xpubs[i], "here");
    send_text(xsub, "hello", 0);
    send_text(xsub, "", 0);
    send_text(xsub, "\2x", ZMQ_SNDMORE);
    send_text(xsub, "", ZMQ_SNDMORE);
    send_text(xsub, "more", 0);
    for (int i = 0; i < XPUBS; i++) {
        expect_part(xpubs[i], "hello", false);
        expect_part(xpubs[i], "", false);
        expect_part(xpubs[i], "\2x", true);
        expect_part(xpubs[i], "", true);
        expect_part(xpubs[i], "more", false);
        expect_nothing(xpubs[i]);
    }
}

static void messages_and_subscriptions_stay_in_order(void **state)
{
    struct env *env = *state;
    char text[16];
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        subscribe(xsub, text);
        send_text(xsub, text, 0);
        unsubscribe(xsub, text);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        expect_subscribed(xpub, text);
        expect_part(xpub, text, false);
        expect_cancelled(xpub, text);
    }
}

/* Within a message any part may subscribe, as the manual page says. */
static void each_part_is_looked_at(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    assert_int_equal(zmq_send(xsub, "\1a", 2, ZMQ_SNDMORE), 2);
    assert_int_equal(zmq_send(xsub, "\1b", 2, ZMQ_SNDMORE), 2);
    assert_int_equal(zmq_send(xsub, "\0a", 2, 0), 2);
    expect_subscribed(xpub, "a");
    expect_subscribed(xpub, "b");
    expect_cancelled(xpub, "a");
    send_text(xpub, "a", 0);
    send_text(xpub, "b", 0);
    expect_text(xsub, "b");
    expect_nothing(xsub);
}

static void only_the_first_part_may_be_looked_at(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    set_draft_int(xpub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
    set_draft_int(xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
    send_text(xsub, "x", ZMQ_SNDMORE);
    assert_int_equal(zmq_send(xsub, "\1a", 2, 0), 2);
    assert_int_equal(zmq_send(xsub, "\1b", 2, 0), 2);
    expect_part(xpub, "x", true);
    expect_part(xpub, "\1a", false);
    expect_subscribed(xpub, "b");
    send_text(xpub, "a", 0);
    send_text(xpub, "b", 0);
    expect_text(xsub, "b");
    expect_nothing(xsub);
}

/* Unlike a SUB, it does not look again at what comes. */
static void an_xsub_has_no_filter(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *xsub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    subscribe(xsub, "a");
    expect_subscribed(xpub, "a");
    send_text(xpub, "a", 0);
    unsubscribe(xsub, "a");
    expect_text(xsub, "a");
}

static void a_new_publisher_is_told_each_topic_once(void **state)
{
    enum { COUNT = 50 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char topic[8];
    bool is_told[COUNT] = {false};
    void *first;
    void *xsub;
    void *second = env_socket(env, ZMQ_XPUB);

    env_pair(env, ZMQ_XPUB, &first, ZMQ_XSUB, &xsub);
    for (int i = 0; i < COUNT + 5; i++) {
        snprintf(topic, sizeof(topic), "%02d", i);
        subscribe(xsub, topic);
        subscribe(xsub, topic);
        expect_subscribed(first, topic);
    }
    for (int i = COUNT; i < COUNT + 5; i++) {
        snprintf(topic, sizeof(topic), "%02d", i);
        unsubscribe(xsub, topic);
        unsubscribe(xsub, topic);
        expect_cancelled(first, topic);
    }
    set_int(second, ZMQ_XPUB_VERBOSER, 1);
    env_bind(env, second, endpoint);
    assert_ok(zmq_connect(xsub, endpoint));
    for (int i = 0; i < COUNT; i++) {
        char event[8] = "";
        unsigned number = COUNT;

        assert_int_equal(zmq_recv(second, event, sizeof(event) - 1, 0), 3);
        assert_int_equal(event[0], 1);
        assert_int_equal(sscanf(event + 1, "%u", &number), 1);
        assert_in_range(number, 0, COUNT - 1);
        assert_false(is_told[number]);
        is_told[number] = true;
    }
    subscribe(xsub, "last");
    expect_subscribed(second, "last");
    expect_nothing(second);
}

struct chain {
    void *xsub;
    void *xpub;
};

static int run_chain(void *arg)
{
    struct chain *chain = arg;

    return zmq_proxy(chain->xsub, chain->xpub, NULL);
}

/* A publisher, a proxy in another thread, and two subscribers. */
static void a_proxy_passes_on_topics_and_messages(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    struct chain chain;
    void *subs[2];
    void *source = env_socket(env, ZMQ_XPUB);

    chain.xsub = env_plain_socket(env, ZMQ_XSUB);
    chain.xpub = env_plain_socket(env, ZMQ_XPUB);
    env_link(env, source, chain.xsub);
    env_bind(env, chain.xpub, endpoint);
    for (int i = 0; i < 2; i++) {
        subs[i] = env_socket(env, ZMQ_SUB);
        assert_ok(zmq_connect(subs[i], endpoint));
    }
    call_start(&call, run_chain, &chain);
    subscribe(subs[0], "a");
    expect_subscribed(source, "a");
    subscribe(subs[1], "b");
    expect_subscribed(source, "b");
    send_text(source, "a1", ZMQ_SNDMORE);
    send_text(source, "more", 0);
    send_text(source, "b1", 0);
    send_text(source, "c1", 0);
    expect_part(subs[0], "a1", true);
    expect_part(subs[0], "more", false);
    expect_part(subs[1], "b1", false);
    unsubscribe(subs[0], "a");
    expect_cancelled(source, "a");
    env_close_socket(env, subs[1]);
    expect_cancelled(source, "b");
    expect_nothing(source);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_message_subscribes),
        ON_EACH(an_xsub_talks_to_a_pub),
        ON_EACH(an_xsub_is_always_ready_to_send),
        ON_EACH(subscriptions_are_counted),
        ON_EACH(a_verbose_xsub_sends_every_cancel),
        ON_EACH(messages_of_its_own_reach_every_publisher),
        ON_EACH(messages_and_subscriptions_stay_in_order),
        ON_EACH(each_part_is_looked_at),
        ON_EACH(only_the_first_part_may_be_looked_at),
        ON_EACH(an_xsub_has_no_filter),
        ON_EACH(a_new_publisher_is_told_each_topic_once),
        ON_EACH(a_proxy_passes_on_topics_and_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
