/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PUB and SUB: who comes when, who leaves, and what each of them cannot do.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/pubsub.h"
#include "common/socket.h"

#include <errno.h>

static void pub_only_sends(void **state)
{
    struct env *env = *state;
    char byte;
    void *pub;
    void *sub;

    env_pair(env, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
    subscribe(sub, "");
    settle_one(pub, sub);
    assert_fails(zmq_recv(pub, &byte, 1, 0), ENOTSUP);
    assert_fails(zmq_recv(pub, &byte, 1, ZMQ_DONTWAIT), ENOTSUP);
    assert_false(is_ready(pub, ZMQ_POLLIN, 0));
    assert_true(is_ready(pub, ZMQ_POLLOUT, 0));
    assert_int_equal(get_int(pub, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_fails(zmq_setsockopt(pub, ZMQ_SUBSCRIBE, "", 0), EINVAL);
    assert_fails(zmq_setsockopt(pub, ZMQ_UNSUBSCRIBE, "", 0), EINVAL);
}

static void sub_only_receives(void **state)
{
    struct env *env = *state;
    void *pub;
    void *sub;

    env_pair(env, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
    subscribe(sub, "a");
    settle_one(pub, sub);
    assert_fails(zmq_send(sub, "\1x", 2, 0), ENOTSUP);
    assert_fails(zmq_send(sub, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    assert_int_equal(get_int(sub, ZMQ_EVENTS), 0);
    send_text(pub, "b", 0);
    send_text(pub, "a", 0);
    wait_for(sub, ZMQ_POLLIN);
    assert_int_equal(get_int(sub, ZMQ_EVENTS), ZMQ_POLLIN);
    expect_text(sub, "a");
    assert_int_equal(get_int(sub, ZMQ_EVENTS), 0);
}

static void alone_pub_drops_and_sub_waits(void **state)
{
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_PUB);
    void *sub = env_socket(env, ZMQ_SUB);

    assert_int_equal(get_int(pub, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_int_equal(get_int(sub, ZMQ_EVENTS), 0);
    set_int(pub, ZMQ_SNDHWM, 1);
    for (int i = 0; i < 100; i++) {
        send_text(pub, "a", ZMQ_SNDMORE | ZMQ_DONTWAIT);
        send_text(pub, "b", 0);
    }
    set_int(pub, ZMQ_SNDHWM, 1000);
    subscribe(sub, "");
    env_link(env, pub, sub);
    settle_one(pub, sub);
    expect_nothing(sub);
}

static void between_the_parts_there_is_always_more_to_read(void **state)
{
    struct env *env = *state;
    void *pub;
    void *sub;

    env_pair(env, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
    subscribe(sub, "a");
    settle_one(pub, sub);
    send_text(pub, "a", ZMQ_SNDMORE);
    send_text(pub, "b", ZMQ_SNDMORE);
    send_text(pub, "c", 0);
    expect_part(sub, "a", true);
    assert_int_equal(get_int(sub, ZMQ_EVENTS), ZMQ_POLLIN);
    /* A cancel in the middle does not cut the message. */
    unsubscribe(sub, "a");
    expect_part(sub, "b", true);
    assert_int_equal(get_int(sub, ZMQ_EVENTS), ZMQ_POLLIN);
    expect_part(sub, "c", false);
    expect_nothing(sub);
}

static void who_comes_late_gets_what_comes_later(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = env_socket(env, ZMQ_PUB);
    void *subs[2] = {env_socket(env, ZMQ_SUB), env_socket(env, ZMQ_SUB)};

    env_bind(env, pub, endpoint);
    subscribe(subs[0], "");
    assert_ok(zmq_connect(subs[0], endpoint));
    settle_one(pub, subs[0]);
    send_text(pub, "early", 0);
    expect_text(subs[0], "early");
    subscribe(subs[1], "");
    assert_ok(zmq_connect(subs[1], endpoint));
    settle(pub, subs, 2);
    send_text(pub, "late", 0);
    expect_text(subs[0], "late");
    expect_text(subs[1], "late");
}

/* The first part decides who gets a message: not whoever asks meanwhile.
 * To see the newcomer's subscription, the publisher is an XPUB. */
static void nobody_joins_within_a_message(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = env_socket(env, ZMQ_XPUB);
    void *first = env_socket(env, ZMQ_SUB);
    void *second = env_socket(env, ZMQ_SUB);

    set_int(pub, ZMQ_XPUB_VERBOSE, 1);
    env_bind(env, pub, endpoint);
    subscribe(first, "");
    assert_ok(zmq_connect(first, endpoint));
    expect_subscribed(pub, "");
    send_text(pub, "one", ZMQ_SNDMORE);
    subscribe(second, "");
    assert_ok(zmq_connect(second, endpoint));
    expect_subscribed(pub, "");
    send_text(pub, "two", ZMQ_SNDMORE);
    send_text(pub, "three", 0);
    send_text(pub, "next", 0);
    expect_part(first, "one", true);
    expect_part(first, "two", true);
    expect_part(first, "three", false);
    expect_part(first, "next", false);
    expect_part(second, "next", false);
}

static void subscribers_may_connect_before_the_bind(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = env_socket(env, ZMQ_PUB);
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    subscribe(sub, "before");
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "between");
    subscribe(sub, "never");
    unsubscribe(sub, "never");
    assert_ok(zmq_bind(pub, endpoint));
    subscribe(sub, "after");
    subscribe(sub, "end");
    settle_one(pub, sub);
    send_text(pub, "before", 0);
    send_text(pub, "between", 0);
    send_text(pub, "after", 0);
    send_text(pub, "never", 0);
    expect_text(sub, "before");
    expect_text(sub, "between");
    expect_text(sub, "after");
    expect_only_the_end(pub, sub);
}

static void publishers_may_connect(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pubs[2] = {env_socket(env, ZMQ_PUB), env_socket(env, ZMQ_PUB)};
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(pubs[0], ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(pubs[0], endpoint));
    subscribe(sub, "a");
    assert_ok(zmq_bind(sub, endpoint));
    assert_ok(zmq_connect(pubs[1], endpoint));
    subscribe(sub, "b");
    subscribe(sub, "end");
    for (int i = 0; i < 2; i++) {
        settle_one(pubs[i], sub);
        send_text(pubs[i], "a", 0);
        send_text(pubs[i], "b", 0);
        send_text(pubs[i], "c", 0);
        expect_text(sub, "a");
        expect_text(sub, "b");
        expect_only_the_end(pubs[i], sub);
    }
}

static void a_subscriber_hears_all_its_publishers(void **state)
{
    enum { PUBS = 5, COUNT = 100 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    uint32_t next[PUBS] = {0};
    void *pubs[PUBS];
    void *sub = env_socket(env, ZMQ_SUB);

    subscribe(sub, "");
    for (int i = 0; i < PUBS; i++) {
        pubs[i] = env_socket(env, ZMQ_PUB);
        env_bind(env, pubs[i], endpoint);
        assert_ok(zmq_connect(sub, endpoint));
        settle_one(pubs[i], sub);
    }
    for (uint32_t n = 0; n < COUNT; n++) {
        for (uint32_t i = 0; i < PUBS; i++)
            send_number(pubs[i], i * COUNT + n);
    }
    for (uint32_t n = 0; n < COUNT * PUBS; n++) {
        uint32_t number = receive_number(sub);

        assert_in_range(number, 0, COUNT * PUBS - 1);
        assert_int_equal(number % COUNT, next[number / COUNT]++);
    }
}

static void who_leaves_hinders_nobody(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = env_socket(env, ZMQ_PUB);
    void *subs[3];

    env_bind(env, pub, endpoint);
    for (int i = 0; i < 3; i++) {
        subs[i] = env_socket(env, ZMQ_SUB);
        subscribe(subs[i], "");
        assert_ok(zmq_connect(subs[i], endpoint));
    }
    settle(pub, subs, 3);
    send_text(pub, "a", ZMQ_SNDMORE);
    env_close_socket(env, subs[0]);
    send_text(pub, "b", ZMQ_SNDMORE);
    assert_ok(zmq_disconnect(subs[1], endpoint));
    send_text(pub, "c", 0);
    expect_part(subs[2], "a", true);
    expect_part(subs[2], "b", true);
    expect_part(subs[2], "c", false);
    for (uint32_t i = 0; i < 200; i++) {
        send_number(pub, i);
        assert_int_equal(receive_number(subs[2]), i);
    }
    expect_nothing(subs[1]);
}

static void what_was_published_before_close_arrives(void **state)
{
    enum { COUNT = 500 };
    struct env *env = *state;
    void *pub;
    void *sub;

    env_pair(env, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
    subscribe(sub, "");
    settle_one(pub, sub);
    for (uint32_t i = 0; i < COUNT; i++)
        send_number(pub, i);
    send_text(pub, "unfinished", ZMQ_SNDMORE);
    env_close_socket(env, pub);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(receive_number(sub), i);
    expect_nothing_for_a_while(sub);
}

static void term_waits_until_all_is_published(void **state)
{
    enum { COUNT = 500 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *other = zmq_ctx_new();
    void *pub = zmq_socket(other, ZMQ_PUB);
    void *sub = env_socket(env, ZMQ_SUB);

    assert_non_null(pub);
    subscribe(sub, "");
    env_bind(env, sub, endpoint);
    assert_ok(zmq_connect(pub, endpoint));
    settle_one(pub, sub);
    for (uint32_t i = 0; i < COUNT; i++)
        send_number(pub, i);
    assert_ok(zmq_close(pub));
    assert_ok(zmq_ctx_term(other));
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(receive_number(sub), i);
}

/* SUB's own default: what it asked for is not worth waiting. */
static void a_closed_subscriber_is_not_waited_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *sub = env_plain_socket(env, ZMQ_SUB);
    void *xsub = env_plain_socket(env, ZMQ_XSUB);

    assert_int_equal(get_int(sub, ZMQ_LINGER), 0);
    assert_int_equal(get_int(xsub, ZMQ_LINGER), 0);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    assert_ok(zmq_connect(xsub, endpoint));
    for (int i = 0; i < 100; i++) {
        subscribe(sub, "a");
        subscribe(xsub, "a");
    }
    env_close_socket(env, sub);
    env_close_socket(env, xsub);
    assert_ok(zmq_ctx_term(env->ctx));
    env->ctx = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(pub_only_sends),
        ON_EACH(sub_only_receives),
        ON_EACH(alone_pub_drops_and_sub_waits),
        ON_EACH(between_the_parts_there_is_always_more_to_read),
        ON_EACH(who_comes_late_gets_what_comes_later),
        ON_EACH(nobody_joins_within_a_message),
        ON_EACH(subscribers_may_connect_before_the_bind),
        ON_EACH(publishers_may_connect),
        ON_EACH(a_subscriber_hears_all_its_publishers),
        ON_EACH(who_leaves_hinders_nobody),
        ON_EACH(what_was_published_before_close_arrives),
        ON_STREAMS(term_waits_until_all_is_published),
        ON_EACH(a_closed_subscriber_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
