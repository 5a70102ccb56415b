/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap with every type of socket that queues what it sends, with messages of
 * several parts, with connections that come and go, and at the end.
 *
 * libzmq dropped the option after 2.x, so these tests are for this library
 * alone.
 *
 * Thread: the main thread, and one that terminates.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>
#include <unistd.h>

/* ---- several parts -------------------------------------------------- */

enum { PARTS = 7, PART_SIZE = 900 };

static void send_parts(void *socket, uint32_t number, int count)
{
    uint8_t body[PART_SIZE];

    for (int part = 0; part < count; part++) {
        size_t size =
            swap_fill(body, number * PARTS + (uint32_t)part, PART_SIZE);
        int flags = part + 1 < PARTS ? ZMQ_SNDMORE : 0;

        assert_int_equal(zmq_send(socket, body, size, ZMQ_DONTWAIT | flags),
                         size);
    }
}

static void receive_parts(void *socket, uint32_t number)
{
    for (int part = 0; part < PARTS; part++) {
        uint32_t at = number * PARTS + (uint32_t)part;

        swap_receive(socket, at, at + 1, PART_SIZE);
        assert_int_equal(get_int(socket, ZMQ_RCVMORE), part + 1 < PARTS);
    }
}

static void messages_of_several_parts_stay_whole(void **state)
{
    struct env *env = *state;
    void *dealer, *pull;

    swap_open_pair(env, ZMQ_DEALER, &dealer, ZMQ_DEALER, &pull, false);
    for (uint32_t i = 0; i < 5000; i++)
        send_parts(dealer, i, PARTS);
    for (uint32_t i = 0; i < 5000; i++)
        receive_parts(pull, i);
    expect_nothing(pull);
}

/* The limit is looked at when a message begins. */
static void the_limit_does_not_split_a_message(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    uint32_t sent = 0;
    uint8_t body[PART_SIZE];

    env_free_endpoint(env, endpoint);
    swap_set(push, 10000);
    assert_ok(zmq_connect(push, endpoint));
    while (zmq_send(push, body, swap_fill(body, sent * PARTS, PART_SIZE),
                    ZMQ_DONTWAIT | ZMQ_SNDMORE) != -1) {
        for (uint32_t part = 1; part < PARTS; part++) {
            size_t size = swap_fill(body, sent * PARTS + part, PART_SIZE);

            assert_int_equal(
                zmq_send(push, body, size, part + 1 < PARTS ? ZMQ_SNDMORE : 0),
                size);
        }
        sent++;
    }
    assert_int_equal(errno, EAGAIN);
    assert_ok(zmq_bind(pull, endpoint));
    for (uint32_t i = 0; i < sent; i++)
        receive_parts(pull, i);
    expect_nothing(pull);
}

static void an_unfinished_message_is_dropped(void **state)
{
    struct env *env = *state;
    void *push, *pull;

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, false);
    for (uint32_t i = 0; i < 2000; i++)
        send_parts(push, i, PARTS);
    send_parts(push, 2000, PARTS - 1);
    env_close_socket(env, push);
    for (uint32_t i = 0; i < 2000; i++)
        receive_parts(pull, i);
    expect_nothing_for_a_while(pull);
}

/* ---- types ---------------------------------------------------------- */

static void check_types(struct env *env, int sender, int receiver)
{
    void *from, *to;

    swap_open_pair(env, sender, &from, receiver, &to, false);
    if (receiver == ZMQ_SUB) {
        subscribe(to, "");
        settle_one(from, to);
    }
    swap_send(from, 0, SWAP_MESSAGES / 2, SWAP_BODY_SIZE);
    swap_receive(to, 0, SWAP_MESSAGES / 2, SWAP_BODY_SIZE);
}

static void pair(void **state)
{
    check_types(*state, ZMQ_PAIR, ZMQ_PAIR);
}

static void dealer(void **state)
{
    check_types(*state, ZMQ_DEALER, ZMQ_DEALER);
}

static void push(void **state)
{
    check_types(*state, ZMQ_PUSH, ZMQ_PULL);
}

static void xsub(void **state)
{
    struct env *env = *state;
    void *from, *to;

    swap_open_pair(env, ZMQ_XSUB, &from, ZMQ_XPUB, &to, false);
    /* A number does not begin with 0 or 1, as subscriptions do. */
    swap_send(from, 2, 200, SWAP_BODY_SIZE);
    swap_receive(to, 2, 200, SWAP_BODY_SIZE);
}

static void check_publisher(struct env *env, int type, bool is_bound)
{
    void *pub, *sub;

    swap_open_pair(env, type, &pub, ZMQ_SUB, &sub, is_bound);
    subscribe(sub, "");
    settle_one(pub, sub);
    swap_send(pub, 0, SWAP_MESSAGES / 2, SWAP_BODY_SIZE);
    /* None was dropped, where most would have been. */
    swap_receive(sub, 0, SWAP_MESSAGES / 2, SWAP_BODY_SIZE);
}

static void pub(void **state)
{
    check_publisher(*state, ZMQ_PUB, true);
}

static void xpub(void **state)
{
    check_publisher(*state, ZMQ_XPUB, false);
}

/* Messages of many sizes: the last one that is taken may not fit. */
static void xpub_with_nodrop(void **state)
{
    struct env *env = *state;
    uint32_t count;
    void *xpub, *sub;

    swap_open_pair(env, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub, true);
    swap_set(xpub, 100000);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    subscribe(sub, "");
    settle_one(xpub, sub);
    count = swap_send_until_full(xpub, 0, SWAP_BODY_MAX);
    swap_receive(sub, 0, count, SWAP_BODY_MAX);
    swap_send(xpub, count, count + 1, SWAP_BODY_MAX);
    swap_receive(sub, count, count + 1, SWAP_BODY_MAX);
}

static void router(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    uint8_t body[SWAP_BODY_SIZE];

    swap_set(router, SWAP_PLENTY);
    swap_narrow(dealer);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "me", 2));
    env_link(env, router, dealer);
    send_text(dealer, "hello", 0);
    expect_part(router, "me", true);
    expect_part(router, "hello", false);
    for (uint32_t i = 0; i < SWAP_MESSAGES / 2; i++) {
        size_t size = swap_fill(body, i, SWAP_BODY_SIZE);

        assert_int_equal(zmq_send(router, "me", 2, ZMQ_DONTWAIT | ZMQ_SNDMORE),
                         2);
        assert_int_equal(zmq_send(router, body, size, ZMQ_DONTWAIT), size);
    }
    swap_receive(dealer, 0, SWAP_MESSAGES / 2, SWAP_BODY_SIZE);
}

/* More requests under way than there is room for. */
static void req(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    void *pull = env_socket(env, ZMQ_ROUTER);
    uint8_t body[SWAP_BODY_SIZE];
    char endpoint[ENDPOINT_MAX], id[8];

    env_free_endpoint(env, endpoint);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    swap_set(req, SWAP_PLENTY);
    assert_ok(zmq_connect(req, endpoint));
    for (uint32_t i = 0; i < 1000; i++) {
        size_t size = swap_fill(body, i, SWAP_BODY_SIZE);

        assert_int_equal(zmq_send(req, body, size, ZMQ_DONTWAIT), size);
    }
    assert_ok(zmq_bind(pull, endpoint));
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(zmq_recv(pull, id, sizeof(id), 0), 5);
        expect_part(pull, "", true);
        swap_receive(pull, i, i + 1, SWAP_BODY_SIZE);
    }
}

/* A requester that does not read its replies. */
static void rep(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *dealer = env_socket(env, ZMQ_DEALER);
    static uint8_t body[SWAP_BODY_MAX];

    swap_set(rep, 4 * SWAP_PLENTY);
    swap_narrow(dealer);
    env_link(env, rep, dealer);
    for (uint32_t i = 0; i < 1000; i++) {
        size_t size = swap_fill(body, i, SWAP_BODY_MAX / 4);

        send_text(dealer, "", ZMQ_SNDMORE);
        send_text(dealer, "request", 0);
        expect_text(rep, "request");
        assert_int_equal(zmq_send(rep, body, size, ZMQ_DONTWAIT), size);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        expect_part(dealer, "", true);
        swap_receive(dealer, i, i + 1, SWAP_BODY_MAX / 4);
    }
}

static void stream(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    static unsigned char body[100000], got[100000];
    unsigned char id[256];
    char endpoint[ENDPOINT_MAX];
    int id_size, fd;

    swap_set(stream, SWAP_PLENTY);
    env_bind(env, stream, endpoint);
    fd = raw_connect(endpoint);
    id_size = zmq_recv(stream, id, sizeof(id), 0);
    assert_ok(id_size);
    expect_text(stream, "");
    for (int i = 0; i < 200; i++) {
        memset(body, i, sizeof(body));
        assert_ok(zmq_send(stream, id, (size_t)id_size, ZMQ_SNDMORE));
        assert_ok(zmq_send(stream, body, sizeof(body), ZMQ_DONTWAIT));
    }
    for (int i = 0; i < 200; i++) {
        memset(body, i, sizeof(body));
        raw_read(fd, got, sizeof(got));
        assert_memory_equal(got, body, sizeof(body));
    }
    close(fd);
}

/* ---- connections ---------------------------------------------------- */

static void what_waits_survives_a_reconnect(void **state)
{
    struct env *env = *state;
    void *push, *pull;
    char endpoint[ENDPOINT_MAX];
    uint8_t body[SWAP_BODY_SIZE], expected[SWAP_BODY_SIZE];
    uint32_t number;
    int size;

    swap_open_apart(env, &push, &pull);
    env_bind(env, pull, endpoint);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    assert_ok(zmq_connect(push, endpoint));
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    swap_receive(pull, 0, 1000, SWAP_BODY_SIZE);
    env_close_socket(env, pull);
    pull = env_socket(env, ZMQ_PULL);
    swap_narrow(pull);
    while (zmq_bind(pull, endpoint) == -1)
        assert_int_equal(errno, EADDRINUSE);
    /* What was in the kernel is lost; the rest comes, and in order. */
    size = zmq_recv(pull, body, sizeof(body), 0);
    assert_true(size >= 4);
    memcpy(&number, body, sizeof(number));
    assert_true(number >= 1000 && number < SWAP_MESSAGES);
    assert_int_equal(swap_fill(expected, number, SWAP_BODY_SIZE), size);
    assert_memory_equal(body, expected, (size_t)size);
    swap_receive(pull, number + 1, SWAP_MESSAGES, SWAP_BODY_SIZE);
}

static void two_receivers_share_what_waits(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pulls[2];
    char endpoint[ENDPOINT_MAX];
    uint8_t body[SWAP_BODY_SIZE];

    swap_set(push, SWAP_PLENTY);
    for (int i = 0; i < 2; i++) {
        pulls[i] = env_socket(env, ZMQ_PULL);
        env_free_endpoint(env, endpoint);
        assert_ok(zmq_connect(push, endpoint));
        assert_ok(zmq_bind(pulls[i], endpoint));
    }
    swap_send(push, 0, 2000, SWAP_BODY_SIZE);
    for (uint32_t i = 0; i < 2000; i++)
        assert_ok(zmq_recv(pulls[i % 2], body, sizeof(body), 0));
}

/* ---- the end -------------------------------------------------------- */

static void closing_sends_what_waits(void **state)
{
    struct env *env = *state;
    void *push, *pull;

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, false);
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    env_close_socket(env, push);
    swap_receive(pull, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    expect_nothing(pull);
}

static int term(void *ctx)
{
    return zmq_ctx_term(ctx);
}

/* The sender has a context of its own, as another process would. */
static void term_waits_for_what_waits(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *pull = env_socket(env, ZMQ_PULL);
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    swap_narrow(pull);
    swap_set(push, SWAP_PLENTY);
    assert_ok(zmq_connect(push, endpoint));
    swap_send(push, 0, 2 * SWAP_MESSAGES, SWAP_BODY_SIZE);
    assert_ok(zmq_close(push));
    call_start(&call, term, ctx);
    assert_false(call_returns_within(&call, GLANCE_MS));
    swap_receive(pull, 0, 2 * SWAP_MESSAGES, SWAP_BODY_SIZE);
    assert_int_equal(call_join(&call), 0);
}

static void without_linger_it_is_dropped(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    swap_set(push, SWAP_PLENTY);
    set_int(push, ZMQ_LINGER, 0);
    assert_ok(zmq_connect(push, endpoint));
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    assert_ok(zmq_close(push));
    assert_ok(zmq_ctx_term(ctx));
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON_EACH(messages_of_several_parts_stay_whole),
        ON_EACH(the_limit_does_not_split_a_message),
        ON_EACH(an_unfinished_message_is_dropped),
        ON_EACH(pair),
        ON_EACH(dealer),
        ON_EACH(push),
        ON_EACH(pub),
        ON_EACH(xpub),
        ON_EACH(xpub_with_nodrop),
        ON_EACH(xsub),
        ON_EACH(router),
        ON_EACH(req),
        ON_EACH(rep),
        ON(tcp, stream),
        ON_STREAMS(what_waits_survives_a_reconnect),
        ON_EACH(two_receivers_share_what_waits),
        ON_EACH(closing_sends_what_waits),
        ON_STREAMS(term_waits_for_what_waits),
        ON_STREAMS(without_linger_it_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
