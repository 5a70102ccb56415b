/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XPUB: subscriptions that the application makes in its subscribers' place,
 * and the message that welcomes them.
 *
 * Thread: the main thread.
 */
/* MANUAL_LAST_VALUE is a draft. */
#define ZMQ_BUILD_DRAFT_API
#include "common/env.h"

#include "common/pubsub.h"
#include "common/socket.h"

#include <errno.h>

/* The subscribers are connected to the manual XPUB, and have nothing. */
static void open_manual(struct env *env, int option, void **xpub, void *subs[2])
{
    char endpoint[ENDPOINT_MAX];

    *xpub = env_socket(env, ZMQ_XPUB);
    set_draft_int(*xpub, option, 1);
    env_bind(env, *xpub, endpoint);
    for (int i = 0; i < 2; i++) {
        subs[i] = env_socket(env, ZMQ_SUB);
        assert_ok(zmq_connect(subs[i], endpoint));
    }
}

/* Asks for `wanted`, and is given `given`. Its own filter takes both. */
static void ask_and_give(void *xpub, void *sub, const char *wanted,
                         const char *given)
{
    subscribe(sub, wanted);
    expect_subscribed(xpub, wanted);
    subscribe(xpub, given);
}

static void a_manual_xpub_gives_what_it_chooses(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL, &xpub, subs);
    ask_and_give(xpub, subs[0], "", "x");
    ask_and_give(xpub, subs[1], "", "y");
    subscribe(xpub, "z");
    send_text(xpub, "a", 0);
    send_text(xpub, "x", 0);
    send_text(xpub, "y", 0);
    send_text(xpub, "z", 0);
    expect_text(subs[0], "x");
    expect_text(subs[1], "y");
    expect_text(subs[1], "z");
    expect_nothing(subs[0]);
    expect_nothing(subs[1]);
}

static void what_is_only_asked_for_is_not_given(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL, &xpub, subs);
    subscribe(subs[0], "a");
    expect_subscribed(xpub, "a");
    ask_and_give(xpub, subs[0], "end", "end");
    send_text(xpub, "a", 0);
    expect_only_the_end(xpub, subs[0]);
}

static void a_manual_xpub_is_told_everything(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL, &xpub, subs);
    for (int i = 0; i < 2; i++) {
        ask_and_give(xpub, subs[i], "a", "a");
        ask_and_give(xpub, subs[i], "a", "a");
    }
    for (int i = 0; i < 2; i++) {
        unsubscribe(subs[i], "a");
        unsubscribe(subs[i], "a");
        expect_cancelled(xpub, "a");
        unsubscribe(xpub, "a");
    }
    expect_nothing(xpub);
}

static void a_cancel_changes_nothing_by_itself(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL, &xpub, subs);
    ask_and_give(xpub, subs[0], "", "x");
    ask_and_give(xpub, subs[0], "a", "end");
    unsubscribe(subs[0], "a");
    expect_cancelled(xpub, "a");
    send_text(xpub, "x", 0);
    expect_text(subs[0], "x");
    unsubscribe(xpub, "x");
    unsubscribe(xpub, "never");
    send_text(xpub, "x", 0);
    expect_only_the_end(xpub, subs[0]);
}

static void the_event_read_last_chooses_the_subscriber(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL, &xpub, subs);
    subscribe(subs[0], "");
    expect_subscribed(xpub, "");
    subscribe(subs[1], "");
    wait_for(xpub, ZMQ_POLLIN);
    /* The other one's event waits, and is not yet read. */
    subscribe(xpub, "first");
    expect_subscribed(xpub, "");
    subscribe(xpub, "second");
    send_text(xpub, "first", 0);
    send_text(xpub, "second", 0);
    expect_text(subs[0], "first");
    expect_text(subs[1], "second");
    expect_nothing(subs[0]);
    expect_nothing(subs[1]);
}

/* What a peer writes is no event. */
static void a_message_of_a_peer_chooses_nobody(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *xsubs[2];

    set_int(xpub, ZMQ_XPUB_MANUAL, 1);
    env_bind(env, xpub, endpoint);
    for (int i = 0; i < 2; i++) {
        xsubs[i] = env_socket(env, ZMQ_XSUB);
        assert_ok(zmq_connect(xsubs[i], endpoint));
    }
    send_text(xsubs[1], "hello", 0);
    expect_text(xpub, "hello");
    subscribe(xpub, "nobody");
    send_text(xsubs[0], "\1a", 0);
    expect_subscribed(xpub, "a");
    send_text(xsubs[1], "hello", ZMQ_SNDMORE);
    send_text(xsubs[1], "again", 0);
    expect_part(xpub, "hello", true);
    expect_part(xpub, "again", false);
    subscribe(xpub, "end");
    send_text(xpub, "nobody", 0);
    send_text(xpub, "end", 0);
    expect_text(xsubs[0], "end");
    expect_nothing(xsubs[1]);
}

static void who_left_is_given_nothing(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL, &xpub, subs);
    ask_and_give(xpub, subs[1], "end", "end");
    ask_and_give(xpub, subs[0], "a", "x");
    env_close_socket(env, subs[0]);
    /* The end of what it had asked for, and not of what it was given. */
    expect_cancelled(xpub, "a");
    subscribe(xpub, "");
    unsubscribe(xpub, "");
    send_text(xpub, "x", 0);
    expect_only_the_end(xpub, subs[1]);
    expect_nothing(xpub);
}

static void only_a_manual_xpub_gives(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *sub;

    env_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    subscribe(sub, "a");
    expect_subscribed(xpub, "a");
    assert_fails(zmq_setsockopt(xpub, ZMQ_SUBSCRIBE, "b", 1), EINVAL);
    assert_fails(zmq_setsockopt(xpub, ZMQ_UNSUBSCRIBE, "a", 1), EINVAL);
    set_int(xpub, ZMQ_XPUB_MANUAL, 1);
    subscribe(sub, "b");
    expect_subscribed(xpub, "b");
    subscribe(xpub, "b");
    send_text(xpub, "a", 0);
    send_text(xpub, "b", 0);
    expect_text(sub, "a");
    expect_text(sub, "b");
}

/* What is sent right after an event is for its subscriber alone. */
static void the_last_value_goes_to_whoever_asked(void **state)
{
    struct env *env = *state;
    void *xpub;
    void *subs[2];

    open_manual(env, ZMQ_XPUB_MANUAL_LAST_VALUE, &xpub, subs);
    ask_and_give(xpub, subs[0], "a", "a");
    send_text(xpub, "a0", 0);
    ask_and_give(xpub, subs[1], "a", "a");
    send_text(xpub, "a1", ZMQ_SNDMORE);
    send_text(xpub, "more", 0);
    send_text(xpub, "a2", 0);
    expect_part(subs[0], "a0", false);
    expect_part(subs[0], "a2", false);
    expect_part(subs[1], "a1", true);
    expect_part(subs[1], "more", false);
    expect_part(subs[1], "a2", false);
}

static void everyone_is_welcomed_before_anything_else(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *subs[2];

    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    assert_ok(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, "welcome", 7));
    env_bind(env, xpub, endpoint);
    for (int i = 0; i < 2; i++) {
        subs[i] = env_socket(env, ZMQ_SUB);
        subscribe(subs[i], "");
        assert_ok(zmq_connect(subs[i], endpoint));
        expect_subscribed(xpub, "");
    }
    send_text(xpub, "next", 0);
    for (int i = 0; i < 2; i++) {
        expect_part(subs[i], "welcome", false);
        expect_part(subs[i], "next", false);
        expect_nothing(subs[i]);
    }
}

static void the_subscribers_filter_holds_for_the_welcome(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *other = env_socket(env, ZMQ_SUB);
    void *friend = env_socket(env, ZMQ_SUB);

    assert_ok(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, "welcome", 7));
    env_bind(env, xpub, endpoint);
    subscribe(friend, "welc");
    assert_ok(zmq_connect(friend, endpoint));
    expect_subscribed(xpub, "welc");
    expect_text(friend, "welcome");
    subscribe(other, "end");
    assert_ok(zmq_connect(other, endpoint));
    expect_subscribed(xpub, "end");
    assert_int_equal(get_int(other, ZMQ_EVENTS), 0);
    expect_only_the_end(xpub, other);
}

static void a_welcome_of_no_length_is_none(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);

    assert_ok(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, "welcome", 7));
    assert_ok(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, NULL, 0));
    env_bind(env, xpub, endpoint);
    subscribe(sub, "");
    assert_ok(zmq_connect(sub, endpoint));
    expect_subscribed(xpub, "");
    expect_only_the_end(xpub, sub);
}

static void an_xsub_is_welcomed_without_asking(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *xsub = env_socket(env, ZMQ_XSUB);

    assert_ok(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, "welcome", 7));
    env_bind(env, xpub, endpoint);
    assert_ok(zmq_connect(xsub, endpoint));
    /* libzmq sees its new peers within calls only. */
    while (!is_ready(xsub, ZMQ_POLLIN, 1))
        assert_int_equal(get_int(xpub, ZMQ_EVENTS), ZMQ_POLLOUT);
    expect_part(xsub, "welcome", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_manual_xpub_gives_what_it_chooses),
        ON_EACH(what_is_only_asked_for_is_not_given),
        ON_EACH(a_manual_xpub_is_told_everything),
        ON_EACH(a_cancel_changes_nothing_by_itself),
        ON_EACH(the_event_read_last_chooses_the_subscriber),
        ON_EACH(a_message_of_a_peer_chooses_nobody),
        ON_EACH(who_left_is_given_nothing),
        ON_EACH(only_a_manual_xpub_gives),
        ON_EACH(the_last_value_goes_to_whoever_asked),
        ON_EACH(everyone_is_welcomed_before_anything_else),
        ON_EACH(the_subscribers_filter_holds_for_the_welcome),
        ON_EACH(a_welcome_of_no_length_is_none),
        ON_EACH(an_xsub_is_welcomed_without_asking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
