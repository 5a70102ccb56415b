/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTER: whom a message came from, and to whom it goes.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <unistd.h>

#define PEERS 5
#define LARGE 65536

static void *open_dealer(struct env *env, const char *id, const char *endpoint)
{
    void *dealer = env_socket(env, ZMQ_DEALER);

    if (id != NULL)
        set_text(dealer, ZMQ_ROUTING_ID, id);
    assert_ok(zmq_connect(dealer, endpoint));
    return dealer;
}

/* ---- ids ------------------------------------------------------------ */

static void a_message_comes_with_the_id_its_sender_announced(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealer;

    env_bind(env, router, endpoint);
    dealer = open_dealer(env, "Alice", endpoint);
    send_text(dealer, "one", ZMQ_SNDMORE);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "three", 0);
    send_text(dealer, "single", 0);
    expect_part(router, "Alice", true);
    expect_part(router, "one", true);
    expect_part(router, "", true);
    expect_part(router, "three", false);
    expect_from(router, "Alice", "single");
    expect_nothing(router);
}

static void who_announces_nothing_gets_an_id(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    struct id ids[PEERS];
    void *dealers[PEERS];

    env_bind(env, router, endpoint);
    for (int i = 0; i < PEERS; i++) {
        dealers[i] = open_dealer(env, NULL, endpoint);
        send_text(dealers[i], "hello", 0);
        ids[i] = id_receive_text(router, "hello");
        assert_true(id_is_generated(&ids[i]));
        for (int k = 0; k < i; k++)
            assert_false(id_is_equal(&ids[i], &ids[k]));
    }
    for (int i = 0; i < PEERS; i++)
        id_send_text(router, &ids[i], "you");
    for (int i = 0; i < PEERS; i++) {
        struct id again;

        expect_part(dealers[i], "you", false);
        send_text(dealers[i], "again", 0);
        again = id_receive_text(router, "again");
        assert_true(id_is_equal(&again, &ids[i]));
    }
}

static void an_id_is_any_bytes_up_to_255(void **state)
{
    static const size_t sizes[] = {1, 2, 33, 34, 254, 255};
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *dealer = env_socket(env, ZMQ_DEALER);
        struct id id = {.size = sizes[i]};
        struct id got;

        for (size_t k = 0; k < id.size; k++)
            id.bytes[k] = (unsigned char)(255 - k + i);
        assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id.bytes, id.size));
        assert_ok(zmq_connect(dealer, endpoint));
        send_text(dealer, "hello", 0);
        got = id_receive_text(router, "hello");
        assert_true(id_is_equal(&got, &id));
        id_send_text(router, &id, "back");
        expect_part(dealer, "back", false);
    }
}

static void reqs_announce_their_id_too(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *req = env_socket(env, ZMQ_REQ);

    set_text(req, ZMQ_ROUTING_ID, "asker");
    env_link(env, router, req);
    send_text(req, "question", 0);
    expect_part(router, "asker", true);
    expect_part(router, "", true);
    expect_part(router, "question", false);
    send_text(router, "asker", ZMQ_SNDMORE);
    send_to(router, "", "answer");
    expect_part(req, "answer", false);
}

/* A READY with an empty Identity, and one without any. */
static void an_empty_id_is_no_id(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    for (int i = 0; i < 2; i++) {
        struct zmtp_bytes bytes = {.size = 0};
        int fd = raw_connect(endpoint);
        struct id id;

        zmtp_put_greeting(&bytes, 3, 1, "NULL");
        zmtp_put_ready(&bytes, "DEALER", i == 0 ? "" : NULL);
        zmtp_write(fd, &bytes);
        raw_read(fd, bytes.bytes, ZMTP_GREETING_SIZE + 2);
        raw_read(fd, bytes.bytes + 2, 41);
        raw_write(fd, "\0\1x", 3);
        id = id_receive_text(router, "x");
        assert_true(id_is_generated(&id));
        close(fd);
    }
}

/* ---- routing -------------------------------------------------------- */

static void a_message_goes_to_the_peer_it_names(void **state)
{
    static const char *const names[PEERS] = {"a", "b", "ab", "B", "aa"};
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealers[PEERS];

    env_bind(env, router, endpoint);
    for (int i = 0; i < PEERS; i++) {
        dealers[i] = open_dealer(env, names[i], endpoint);
        send_text(dealers[i], "hello", 0);
        expect_from(router, names[i], "hello");
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PEERS; i++) {
            send_text(router, names[i], ZMQ_SNDMORE);
            send_to(router, "to", names[i]);
        }
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PEERS; i++) {
            expect_part(dealers[i], "to", true);
            expect_part(dealers[i], names[i], false);
        }
    }
    for (int i = 0; i < PEERS; i++)
        expect_nothing(dealers[i]);
}

static void what_is_for_nobody_is_dropped(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealer;

    /* Also while there is no peer at all. */
    send_to(router, "nobody", "lost");
    env_bind(env, router, endpoint);
    dealer = open_dealer(env, "somebody", endpoint);
    send_text(dealer, "hello", 0);
    expect_from(router, "somebody", "hello");
    send_text(router, "nobody", ZMQ_SNDMORE);
    send_text(router, "somebody", ZMQ_SNDMORE);
    send_text(router, "lost", 0);
    send_to(router, "", "lost");
    send_to(router, "somebody", "found");
    expect_part(dealer, "found", false);
    expect_nothing(dealer);
}

static void an_id_with_nothing_behind_it_is_dropped(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealer;

    env_bind(env, router, endpoint);
    dealer = open_dealer(env, "somebody", endpoint);
    send_text(dealer, "hello", 0);
    expect_from(router, "somebody", "hello");
    send_text(router, "somebody", 0);
    send_text(router, "nobody", 0);
    send_text(router, "", 0);
    send_to(router, "somebody", "found");
    expect_part(dealer, "found", false);
    expect_nothing(dealer);
}

static void what_is_for_a_peer_that_left_is_dropped(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *leaves;
    void *stays;

    env_bind(env, router, endpoint);
    leaves = open_dealer(env, "leaves", endpoint);
    stays = open_dealer(env, "stays", endpoint);
    send_text(leaves, "hello", 0);
    expect_from(router, "leaves", "hello");
    send_text(stays, "hello", 0);
    expect_from(router, "stays", "hello");
    env_close_socket(env, leaves);
    for (int i = 0; i < 10; i++)
        send_to(router, "leaves", "lost");
    send_to(router, "stays", "found");
    expect_part(stays, "found", false);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    wait_unknown(router, "leaves", 6);
    set_int(router, ZMQ_ROUTER_MANDATORY, 0);
    send_to(router, "leaves", "lost");
    send_to(router, "stays", "found");
    expect_part(stays, "found", false);
}

/* What a peer said before it left is still read, with its id. */
static void a_peer_that_left_is_heard_out(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealer;

    env_bind(env, router, endpoint);
    dealer = open_dealer(env, "brief", endpoint);
    for (int i = 0; i < 10; i++)
        send_text(dealer, "word", 0);
    env_close_socket(env, dealer);
    for (int i = 0; i < 10; i++)
        expect_from(router, "brief", "word");
}

static void a_message_may_be_left_to_nobody_midway(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    void *other;
    int fd;

    env_bind(env, router, endpoint);
    other = open_dealer(env, "other", endpoint);
    send_text(other, "hello", 0);
    expect_from(router, "other", "hello");
    fd = raw_connect(endpoint);
    raw_handshake(fd, "DEALER");
    raw_write(fd, "\0\1x", 3);
    id = id_receive_text(router, "x");
    id_send(router, &id);
    send_text(router, "one", ZMQ_SNDMORE);
    close(fd);
    /* Gives it time to be noticed; it may go at any part. */
    assert_false(is_ready(router, ZMQ_POLLIN, GLANCE_MS));
    send_text(router, "two", ZMQ_SNDMORE);
    send_text(router, "three", 0);
    send_to(router, "other", "next");
    expect_part(other, "next", false);
}

/* ---- marks and events ----------------------------------------------- */

static void a_router_can_always_be_written(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealer;

    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
    env_bind(env, router, endpoint);
    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
    dealer = open_dealer(env, "a", endpoint);
    send_text(dealer, "one", ZMQ_SNDMORE);
    send_text(dealer, "two", 0);
    wait_for(router, ZMQ_POLLIN);
    for (int part = 0; part < 3; part++) {
        char text[4];

        assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
        assert_ok(zmq_recv(router, text, sizeof(text), 0));
    }
    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
}

static void what_a_full_peer_cannot_take_is_dropped(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_int(router, ZMQ_SNDHWM, 2);
    set_int(dealer, ZMQ_RCVHWM, 3);
    set_text(dealer, ZMQ_ROUTING_ID, "slow");
    env_link(env, router, dealer);
    send_text(dealer, "hello", 0);
    expect_from(router, "slow", "hello");
    for (uint32_t i = 0; i < 10; i++) {
        send_text(router, "slow", ZMQ_SNDMORE);
        send_number(router, i);
    }
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(receive_number(dealer), i);
    expect_nothing(dealer);
    /* Makes sure that the router knows of the room. */
    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_to(router, "slow", "next");
    expect_part(dealer, "next", false);
}

/* The peer reads nothing: far more is sent than the kernel holds, and what
 * comes in the end is whole messages. */
static void a_peer_that_does_not_read_holds_up_nobody(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    char *large = calloc(1, LARGE);
    void *other;
    struct id id;
    int fd;

    assert_non_null(large);
    set_int(router, ZMQ_SNDHWM, 2);
    env_bind(env, router, endpoint);
    fd = raw_connect(endpoint);
    raw_handshake(fd, "DEALER");
    raw_write(fd, "\0\1x", 3);
    id = id_receive_text(router, "x");
    for (int i = 0; i < 300; i++) {
        id_send(router, &id);
        assert_int_equal(zmq_send(router, large, LARGE, ZMQ_SNDMORE), LARGE);
        send_text(router, "end", 0);
    }
    other = open_dealer(env, "other", endpoint);
    send_text(other, "hello", 0);
    expect_from(router, "other", "hello");
    send_to(router, "other", "next");
    expect_part(other, "next", false);
    for (int i = 0; i < 2; i++) {
        char end[3];
        int flags;

        assert_int_equal(raw_read_frame(fd, &flags, large, LARGE), LARGE);
        assert_int_equal(flags, 3);
        assert_int_equal(raw_read_frame(fd, &flags, end, sizeof(end)), 3);
        assert_memory_equal(end, "end", 3);
    }
    close(fd);
    free(large);
}

static void peers_are_heard_in_turn(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    void *dealers[3];
    int count[3] = {0};

    env_bind(env, router, endpoint);
    for (int i = 0; i < 3; i++) {
        dealers[i] = open_dealer(env, names[i], endpoint);
        send_text(dealers[i], "hello", 0);
        expect_from(router, names[i], "hello");
    }
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 20; k++)
            send_to(dealers[i], "x", "y");
    }
    wait_for(router, ZMQ_POLLIN);
    for (int k = 0; k < 60; k++) {
        struct id id = id_receive(router);

        expect_part(router, "x", true);
        expect_part(router, "y", false);
        assert_in_range(id.bytes[0], 'a', 'c');
        count[id.bytes[0] - 'a']++;
        /* A stream may bring the messages in any order. */
        if (!env->transport->is_stream)
            assert_true(count[id.bytes[0] - 'a'] <= k / 3 + 1);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(count[i], 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_message_comes_with_the_id_its_sender_announced),
        ON_EACH(who_announces_nothing_gets_an_id),
        ON_EACH(an_id_is_any_bytes_up_to_255),
        ON_EACH(reqs_announce_their_id_too),
        ON_STREAMS(an_empty_id_is_no_id),
        ON_EACH(a_message_goes_to_the_peer_it_names),
        ON_EACH(what_is_for_nobody_is_dropped),
        ON_EACH(an_id_with_nothing_behind_it_is_dropped),
        ON_EACH(what_is_for_a_peer_that_left_is_dropped),
        ON_EACH(a_peer_that_left_is_heard_out),
        ON_STREAMS(a_message_may_be_left_to_nobody_midway),
        ON_EACH(a_router_can_always_be_written),
        ON(inproc, what_a_full_peer_cannot_take_is_dropped),
        ON_STREAMS(a_peer_that_does_not_read_holds_up_nobody),
        ON_EACH(peers_are_heard_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
