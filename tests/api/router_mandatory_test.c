/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_ROUTER_MANDATORY: a ROUTER that says what it cannot deliver.
 *
 * Thread: the main thread, and one that waits for room.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/id.h"
#include "common/socket.h"

#include <errno.h>

#define SHORT_MS 50

/* A ROUTER and a DEALER "a" that it knows, with room for `marks[0]` plus
 * `marks[1]` messages over inproc. */
static void *open_known(struct env *env, const int marks[2], void **router)
{
    void *dealer = env_socket(env, ZMQ_DEALER);

    *router = env_socket(env, ZMQ_ROUTER);
    set_int(*router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(*router, ZMQ_SNDHWM, marks[0]);
    set_int(dealer, ZMQ_RCVHWM, marks[1]);
    set_text(dealer, ZMQ_ROUTING_ID, "a");
    env_link(env, *router, dealer);
    send_text(dealer, "hello", 0);
    expect_from(*router, "a", "hello");
    return dealer;
}

static const int usual[2] = {1000, 1000};
static const int narrow[2] = {1, 1};

/* ---- unknown ids ---------------------------------------------------- */

static void an_unknown_id_is_refused(void **state)
{
    struct env *env = *state;
    void *router;
    void *dealer = open_known(env, usual, &router);

    assert_fails(zmq_send(router, "b", 1, ZMQ_SNDMORE), EHOSTUNREACH);
    assert_fails(zmq_send(router, "b", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT),
                 EHOSTUNREACH);
    assert_fails(zmq_send(router, "", 0, ZMQ_SNDMORE), EHOSTUNREACH);
    assert_fails(zmq_send(router, "aa", 2, ZMQ_SNDMORE), EHOSTUNREACH);
    send_to(router, "a", "after all");
    expect_part(dealer, "after all", false);
    expect_nothing(dealer);
}

static void without_peers_every_id_is_refused(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    assert_fails(zmq_send(router, "a", 1, ZMQ_SNDMORE), EHOSTUNREACH);
    env_bind(env, router, endpoint);
    assert_fails(zmq_send(router, "a", 1, ZMQ_SNDMORE), EHOSTUNREACH);
}

/* The refused message is the caller's still. */
static void a_refused_id_can_be_sent_later(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    zmq_msg_t msg;

    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    env_bind(env, router, endpoint);
    assert_ok(zmq_msg_init_size(&msg, 1));
    memcpy(zmq_msg_data(&msg), "a", 1);
    assert_fails(zmq_msg_send(&msg, router, ZMQ_SNDMORE), EHOSTUNREACH);
    assert_int_equal(zmq_msg_size(&msg), 1);
    set_text(dealer, ZMQ_ROUTING_ID, "a");
    assert_ok(zmq_connect(dealer, endpoint));
    send_text(dealer, "hello", 0);
    expect_from(router, "a", "hello");
    assert_int_equal(zmq_msg_send(&msg, router, ZMQ_SNDMORE), 1);
    send_text(router, "word", 0);
    expect_part(dealer, "word", false);
}

static void who_has_gone_becomes_unknown(void **state)
{
    struct env *env = *state;
    void *router;
    void *dealer = open_known(env, usual, &router);

    env_close_socket(env, dealer);
    wait_unknown(router, "a", 1);
    assert_fails(zmq_send(router, "a", 1, ZMQ_SNDMORE), EHOSTUNREACH);
}

static void it_can_be_switched_at_any_time(void **state)
{
    struct env *env = *state;
    void *router;
    void *dealer = open_known(env, usual, &router);

    set_int(router, ZMQ_ROUTER_MANDATORY, 0);
    send_to(router, "b", "lost");
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    assert_fails(zmq_send(router, "b", 1, ZMQ_SNDMORE), EHOSTUNREACH);
    send_to(router, "a", "found");
    expect_part(dealer, "found", false);
}

static void an_id_with_nothing_behind_it_is_still_dropped(void **state)
{
    struct env *env = *state;
    void *router;
    void *dealer = open_known(env, usual, &router);

    send_text(router, "a", 0);
    send_text(router, "b", 0);
    send_to(router, "a", "found");
    expect_part(dealer, "found", false);
    expect_nothing(dealer);
}

/* ---- full peers ----------------------------------------------------- */

static void a_full_peer_is_reported_on_the_id(void **state)
{
    struct env *env = *state;
    void *router;
    void *dealer = open_known(env, narrow, &router);
    int64_t start;

    send_to(router, "a", "one");
    send_to(router, "a", "two");
    assert_fails(zmq_send(router, "a", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    start = now_ms();
    set_int(router, ZMQ_SNDTIMEO, SHORT_MS);
    assert_fails(zmq_send(router, "a", 1, ZMQ_SNDMORE), EAGAIN);
    assert_true(now_ms() - start >= SHORT_MS);
    /* Full is one thing, unknown another. */
    assert_fails(zmq_send(router, "b", 1, ZMQ_SNDMORE), EHOSTUNREACH);
    expect_part(dealer, "one", false);
    expect_part(dealer, "two", false);
    expect_nothing(dealer);
    wait_for(router, ZMQ_POLLOUT);
    send_to(router, "a", "three");
    expect_part(dealer, "three", false);
}

static void a_message_begun_goes_on_though_the_peer_is_full(void **state)
{
    struct env *env = *state;
    void *router;
    void *dealer = open_known(env, narrow, &router);
    int flags = ZMQ_SNDMORE | ZMQ_DONTWAIT;

    send_to(router, "a", "one");
    assert_int_equal(zmq_send(router, "a", 1, flags), 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(zmq_send(router, "part", 4, flags), 4);
    assert_int_equal(zmq_send(router, "last", 4, ZMQ_DONTWAIT), 4);
    assert_fails(zmq_send(router, "a", 1, flags), EAGAIN);
    expect_part(dealer, "one", false);
    for (int i = 0; i < 10; i++)
        expect_part(dealer, "part", true);
    expect_part(dealer, "last", false);
}

static int send_id(void *router)
{
    return zmq_send(router, "a", 1, ZMQ_SNDMORE);
}

static void a_send_waits_for_the_peer_to_read(void **state)
{
    struct env *env = *state;
    struct call call;
    void *router;
    void *dealer = open_known(env, narrow, &router);

    send_to(router, "a", "one");
    send_to(router, "a", "two");
    call_start(&call, send_id, router);
    call_wait_blocked(&call);
    expect_part(dealer, "one", false);
    expect_part(dealer, "two", false);
    assert_int_equal(call_join(&call), 1);
    send_text(router, "three", 0);
    expect_part(dealer, "three", false);
}

/* Over a stream the kernel takes a lot, then the mark holds. */
static void a_stream_that_is_full_is_reported_too(void **state)
{
    struct env *env = *state;
    char *large = calloc(1, 100000);
    int flags = ZMQ_SNDMORE | ZMQ_DONTWAIT;
    void *router;
    void *dealer = open_known(env, narrow, &router);
    int count = 0;

    assert_non_null(large);
    do {
        while (zmq_send(router, "a", 1, flags) != -1) {
            assert_ok(zmq_send(router, large, 100000, 0));
            assert_true(++count < 1000);
        }
        assert_int_equal(zmq_errno(), EAGAIN);
    } while (is_ready(router, ZMQ_POLLOUT, SHORT_MS));
    for (int i = 0; i < count; i++)
        assert_int_equal(zmq_recv(dealer, large, 100000, 0), 100000);
    wait_for(router, ZMQ_POLLOUT);
    send_to(router, "a", "next");
    expect_part(dealer, "next", false);
    free(large);
}

/* ---- POLLOUT -------------------------------------------------------- */

static void pollout_means_room_at_some_peer(void **state)
{
    struct env *env = *state;
    void *router;
    void *a = open_known(env, narrow, &router);
    void *b = env_socket(env, ZMQ_DEALER);

    assert_true(is_ready(router, ZMQ_POLLOUT, 0));
    send_to(router, "a", "one");
    assert_true(is_ready(router, ZMQ_POLLOUT, 0));
    send_to(router, "a", "two");
    assert_false(is_ready(router, ZMQ_POLLOUT, 0));
    set_text(b, ZMQ_ROUTING_ID, "b");
    env_link(env, router, b);
    wait_for(router, ZMQ_POLLOUT);
    /* There is room, if not for this one. */
    assert_fails(zmq_send(router, "a", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    expect_part(a, "one", false);
    expect_part(a, "two", false);
    env_close_socket(env, b);
    wait_for(router, ZMQ_POLLOUT);
}

static void without_peers_there_is_no_pollout(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    assert_true(is_ready(router, ZMQ_POLLOUT, 0));
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    assert_false(is_ready(router, ZMQ_POLLOUT, 0));
    assert_int_equal(get_int(router, ZMQ_EVENTS), 0);
    assert_ok(zmq_connect(dealer, endpoint));
    wait_for(router, ZMQ_POLLOUT);
    set_int(router, ZMQ_ROUTER_MANDATORY, 0);
    assert_true(is_ready(router, ZMQ_POLLOUT, 0));
}

/* Polling for room wakes up when the peer reads. */
static int poll_for_room(void *router)
{
    zmq_pollitem_t item = {.socket = router, .events = ZMQ_POLLOUT};

    return zmq_poll(&item, 1, PATIENCE_MS);
}

static void pollout_comes_when_the_peer_has_read(void **state)
{
    struct env *env = *state;
    struct call call;
    void *router;
    void *dealer = open_known(env, narrow, &router);

    send_to(router, "a", "one");
    send_to(router, "a", "two");
    call_start(&call, poll_for_room, router);
    call_wait_blocked(&call);
    expect_part(dealer, "one", false);
    expect_part(dealer, "two", false);
    assert_int_equal(call_join(&call), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(an_unknown_id_is_refused),
        ON_EACH(without_peers_every_id_is_refused),
        ON_EACH(a_refused_id_can_be_sent_later),
        ON_EACH(who_has_gone_becomes_unknown),
        ON_EACH(it_can_be_switched_at_any_time),
        ON_EACH(an_id_with_nothing_behind_it_is_still_dropped),
        ON(inproc, a_full_peer_is_reported_on_the_id),
        ON(inproc, a_message_begun_goes_on_though_the_peer_is_full),
        ON(inproc, a_send_waits_for_the_peer_to_read),
        ON_STREAMS(a_stream_that_is_full_is_reported_too),
        ON(inproc, pollout_means_room_at_some_peer),
        ON_EACH(without_peers_there_is_no_pollout),
        ON(inproc, pollout_comes_when_the_peer_has_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
