/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_CONFLATE: of the messages that wait, only the newest is kept, at
 * either end.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/pubsub.h"
#include "common/socket.h"

#include <errno.h>

#define COUNT 1000

/* libzmq may lose the newest where two threads meet in its queue: for it,
 * whatever is missing is sent again. */
static void wait_for_newest(void *from, void *to, const void *data, size_t size)
{
    while (!is_ceromq() && !is_ready(to, ZMQ_POLLIN, GLANCE_MS))
        assert_int_equal(zmq_send(from, data, size, 0), (int)size);
}

/* Sends numbers and reads until the newest has come. Those that come are in
 * order; `max` of them at most. */
static void expect_newest(void *from, void *to, uint32_t max)
{
    int64_t last = -1;
    uint32_t count = 0;
    const uint32_t newest = COUNT - 1;

    for (uint32_t i = 0; i < COUNT; i++)
        send_number(from, i);
    while (last < newest) {
        uint32_t number;

        wait_for_newest(from, to, &newest, sizeof(newest));
        number = receive_number(to);
        assert_true(number > last);
        last = number;
        count++;
    }
    assert_in_range(count, 1, max);
    expect_nothing(to);
}

struct side {
    int type;
    bool is_conflating;
};

/* The receiver is served no more than its own calls while all is sent, so
 * that on inproc exactly one message is left. */
static void newest_of(struct env *env, struct side from, struct side to)
{
    void *source = env_socket(env, from.type);
    void *target = env_socket(env, to.type);
    bool is_inproc = env->transport == &transport_inproc;

    set_int(source, ZMQ_CONFLATE, from.is_conflating);
    set_int(target, ZMQ_CONFLATE, to.is_conflating);
    env_link(env, target, source);
    wait_for(source, ZMQ_POLLOUT);
    expect_newest(source, target, is_inproc ? 1 : COUNT);
    expect_newest(source, target, is_inproc ? 1 : COUNT);
}

static void a_conflating_push_keeps_the_newest(void **state)
{
    newest_of(*state, (struct side){ZMQ_PUSH, true},
              (struct side){ZMQ_PULL, true});
}

static void a_conflating_pull_keeps_the_newest(void **state)
{
    struct env *env = *state;

    if (env->transport == &transport_inproc)
        skip(); /* One queue, and the two ends do not agree. */
    newest_of(env, (struct side){ZMQ_PUSH, false},
              (struct side){ZMQ_PULL, true});
}

static void a_conflating_dealer_keeps_the_newest(void **state)
{
    newest_of(*state, (struct side){ZMQ_DEALER, true},
              (struct side){ZMQ_DEALER, true});
}

static void marks_do_not_count(void **state)
{
    struct env *env = *state;
    const uint32_t newest = COUNT - 1;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    set_int(pull, ZMQ_RCVHWM, 1);
    set_int(push, ZMQ_SNDHWM, 1);
    env_link(env, pull, push);
    wait_for(push, ZMQ_POLLOUT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(zmq_send(push, &i, sizeof(i), ZMQ_DONTWAIT), 4);
    do {
        wait_for_newest(push, pull, &newest, sizeof(newest));
    } while (receive_number(pull) != newest);
}

/* Where nobody has come yet, one message waits. */
static void a_conflating_sender_without_a_peer_keeps_the_newest(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (!is_ceromq())
        skip(); /* May lose it. */
    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < COUNT; i++)
        send_number(push, i);
    assert_ok(zmq_bind(pull, endpoint));
    assert_int_equal(receive_number(pull), COUNT - 1);
    expect_nothing_for_a_while(pull);
}

/* Both sides read and send, in turns and in bulk. */
static void dealers_conflate_both_ways(void **state)
{
    struct env *env = *state;
    void *a = env_socket(env, ZMQ_DEALER);
    void *b = env_socket(env, ZMQ_DEALER);

    set_int(a, ZMQ_CONFLATE, 1);
    set_int(b, ZMQ_CONFLATE, 1);
    env_link(env, a, b);
    for (int i = 0; i < 3; i++) {
        expect_newest(b, a, COUNT);
        expect_newest(a, b, COUNT);
        send_text(a, "one", 0);
        wait_for_newest(a, b, "one", 3);
        expect_text(b, "one");
    }
}

static void messages_read_at_once_all_come(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (!is_ceromq())
        skip(); /* May lose one. */
    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    env_link(env, pull, push);
    for (uint32_t i = 0; i < COUNT; i++) {
        send_number(push, i);
        assert_int_equal(receive_number(pull), i);
    }
    assert_int_equal(get_int(pull, ZMQ_EVENTS), 0);
    send_text(push, "x", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_int_equal(get_int(pull, ZMQ_EVENTS), ZMQ_POLLIN);
}

static void large_messages_are_replaced_whole(void **state)
{
    enum { SIZE = 100000, NEWEST = 50 };
    struct env *env = *state;
    char *sent = malloc(SIZE);
    char *got = malloc(SIZE);
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_non_null(sent);
    assert_non_null(got);
    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    env_link(env, pull, push);
    for (char i = 1; i <= NEWEST; i++) {
        memset(sent, i, SIZE);
        assert_int_equal(zmq_send(push, sent, SIZE, 0), SIZE);
    }
    for (got[0] = 0; got[0] < NEWEST;) {
        char before = got[0];

        wait_for_newest(push, pull, sent, SIZE);
        assert_int_equal(zmq_recv(pull, got, SIZE, 0), SIZE);
        assert_true(got[0] > before);
        for (size_t i = 1; i < SIZE; i++)
            assert_int_equal(got[i], got[0]);
    }
    free(sent);
    free(got);
}

static void a_conflating_subscriber_gets_the_newest(void **state)
{
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_PUB);
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(pub, ZMQ_CONFLATE, 1);
    set_int(sub, ZMQ_CONFLATE, 1);
    subscribe(sub, "");
    env_link(env, pub, sub);
    /* The probes of settle() may replace one another. */
    do {
        send_text(pub, "probe", 0);
    } while (!is_ready(sub, ZMQ_POLLIN, 1));
    send_text(pub, "first", 0);
    for (char text[8] = ""; strcmp(text, "first") != 0;) {
        wait_for_newest(pub, sub, "first", 5);
        assert_int_equal(zmq_recv(sub, text, sizeof(text), 0), 5);
    }
    for (int i = 0; i < 3; i++)
        expect_newest(pub, sub, COUNT);
}

/* libzmq conflates the subscriptions, too, of which one is left. */
static void subscriptions_are_not_conflated(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char topic[16];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);

    if (!is_ceromq())
        skip();
    set_int(sub, ZMQ_CONFLATE, 1);
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    for (int i = 0; i < 100; i++) {
        snprintf(topic, sizeof(topic), "%02d", i);
        subscribe(sub, topic);
    }
    assert_ok(zmq_bind(xpub, endpoint));
    for (int i = 0; i < 100; i++)
        assert_int_equal(zmq_recv(xpub, NULL, 0, 0), 3);
    for (int i = 0; i < 100; i++) {
        snprintf(topic, sizeof(topic), "%02d", i);
        send_text(xpub, topic, 0);
        expect_text(sub, topic);
    }
}

static void other_types_do_not_conflate(void **state)
{
    struct env *env = *state;
    void *a = env_socket(env, ZMQ_PAIR);
    void *b = env_socket(env, ZMQ_PAIR);

    set_int(a, ZMQ_CONFLATE, 1);
    set_int(b, ZMQ_CONFLATE, 1);
    env_link(env, a, b);
    for (uint32_t i = 0; i < 100; i++)
        send_number(b, i);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(receive_number(a), i);
}

static void the_newest_is_sent_after_close(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    uint32_t number;

    if (!is_ceromq())
        skip(); /* The mark of the end replaces it. */
    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    env_link(env, pull, push);
    for (uint32_t i = 0; i < COUNT; i++)
        send_number(push, i);
    env_close_socket(env, push);
    do {
        number = receive_number(pull);
    } while (number != COUNT - 1);
    expect_nothing(pull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_conflating_push_keeps_the_newest),
        ON_EACH(a_conflating_pull_keeps_the_newest),
        ON_EACH(a_conflating_dealer_keeps_the_newest),
        ON_EACH(marks_do_not_count),
        ON_EACH(a_conflating_sender_without_a_peer_keeps_the_newest),
        ON_EACH(dealers_conflate_both_ways),
        ON_EACH(messages_read_at_once_all_come),
        ON_EACH(large_messages_are_replaced_whole),
        ON_EACH(a_conflating_subscriber_gets_the_newest),
        ON_EACH(subscriptions_are_not_conflated),
        ON_EACH(other_types_do_not_conflate),
        ON_EACH(the_newest_is_sent_after_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
