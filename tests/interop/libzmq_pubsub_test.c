/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CTest: TIMEOUT 180
 *
 * Publishing to and subscribing from the system's libzmq in another process:
 * subscriptions in both directions, whoever is bound, told again after
 * restarts, and streams of messages of which each byte is verified.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/peer.h"
#include "common/pubsub.h"
#include "common/socket.h"
#include "interop/payload.h"

#include <errno.h>

/* A socket of ours and one of the peer's, linked one way or the other. */
struct link {
    struct peer peer;
    void *socket;
    char endpoint[ENDPOINT_MAX];
};

static void link_open(struct link *link, struct env *env, int type,
                      int peer_type, bool is_bound)
{
    link->socket = env_socket(env, type);
    set_int(link->socket, ZMQ_SNDHWM, 0);
    set_int(link->socket, ZMQ_RCVHWM, 0);
    peer_open(&link->peer, peer_type);
    peer_do(&link->peer, "set %d 0", ZMQ_SNDHWM);
    peer_do(&link->peer, "set %d 0", ZMQ_RCVHWM);
    peer_link(&link->peer, env, link->socket, is_bound, link->endpoint);
}

static void link_close(struct env *env, struct link *link)
{
    peer_kill(&link->peer);
    env_close_socket(env, link->socket);
}

/* The peer is told of a subscription, while our side is served. */
static void expect_told(struct peer *peer, void *socket, const char *what)
{
    peer_post(peer, "told %s", what);
    wait_serving_fd(socket, fileno(peer->answers));
    peer_expect_ok(peer, NULL);
}

static void our_subscriber_hears_their_publisher(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound <= 1; is_bound++) {
        struct link link;

        link_open(&link, env, ZMQ_SUB, ZMQ_XPUB, is_bound);
        subscribe(link.socket, "a");
        subscribe(link.socket, "end");
        expect_told(&link.peer, link.socket, "+a");
        expect_told(&link.peer, link.socket, "+end");
        peer_do(&link.peer, "text b no");
        peer_do(&link.peer, "text a yes");
        peer_do(&link.peer, "text ab . yes");
        peer_do(&link.peer, "text .");
        peer_do(&link.peer, "text end");
        expect_part(link.socket, "a", true);
        expect_part(link.socket, "yes", false);
        expect_part(link.socket, "ab", true);
        expect_part(link.socket, "", true);
        expect_part(link.socket, "yes", false);
        expect_part(link.socket, "end", false);
        unsubscribe(link.socket, "a");
        expect_told(&link.peer, link.socket, "-a");
        peer_do(&link.peer, "text a no");
        peer_do(&link.peer, "text end");
        expect_part(link.socket, "end", false);
        link_close(env, &link);
    }
}

static void our_publisher_is_heard_by_their_subscriber(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound <= 1; is_bound++) {
        struct link link;

        link_open(&link, env, ZMQ_XPUB, ZMQ_SUB, is_bound);
        peer_do(&link.peer, "subscribe a");
        peer_do(&link.peer, "subscribe end");
        /* Their library takes a connection in when it is called. */
        peer_post(&link.peer, "expect a");
        expect_subscribed(link.socket, "a");
        expect_subscribed(link.socket, "end");
        send_text(link.socket, "b", ZMQ_SNDMORE);
        send_text(link.socket, "no", 0);
        send_text(link.socket, "a", 0);
        send_text(link.socket, "ab", ZMQ_SNDMORE);
        send_text(link.socket, "", ZMQ_SNDMORE);
        send_text(link.socket, "yes", 0);
        send_text(link.socket, "end", 0);
        peer_expect_ok(&link.peer, NULL);
        peer_do(&link.peer, "expect ab . yes");
        peer_do(&link.peer, "expect end");
        peer_do(&link.peer, "unsubscribe a");
        expect_cancelled(link.socket, "a");
        send_text(link.socket, "a", 0);
        send_text(link.socket, "end", 0);
        peer_do(&link.peer, "expect end");
        peer_kill(&link.peer);
        /* A connecting socket waits for the peer to come back. */
        if (is_bound)
            expect_cancelled(link.socket, "end");
        link_close(env, &link);
    }
}

/* Messages and subscriptions both ways, in the form of messages. */
static void xsub_and_xpub_talk(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound <= 1; is_bound++) {
        struct link link;

        link_open(&link, env, ZMQ_XSUB, ZMQ_XPUB, is_bound);
        send_text(link.socket, "\1a", 0);
        expect_told(&link.peer, link.socket, "+a");
        send_text(link.socket, "news", ZMQ_SNDMORE);
        send_text(link.socket, "more", 0);
        peer_do(&link.peer, "expect news more");
        peer_do(&link.peer, "text abc");
        expect_text(link.socket, "abc");
        link_close(env, &link);

        link_open(&link, env, ZMQ_XPUB, ZMQ_XSUB, is_bound);
        peer_do(&link.peer, "tell +a");
        peer_post(&link.peer, "expect abc");
        expect_subscribed(link.socket, "a");
        send_text(link.socket, "abc", 0);
        peer_expect_ok(&link.peer, NULL);
        peer_do(&link.peer, "text news more");
        expect_part(link.socket, "news", true);
        expect_part(link.socket, "more", false);
        peer_do(&link.peer, "tell -a");
        expect_cancelled(link.socket, "a");
        link_close(env, &link);
    }
}

static void a_restarted_publisher_of_theirs_is_told_again(void **state)
{
    struct env *env = *state;
    void *sub = env_socket(env, ZMQ_SUB);
    char endpoint[ENDPOINT_MAX];

    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "a");
    for (int i = 0; i < 4; i++) {
        struct peer peer;

        peer_open(&peer, ZMQ_XPUB);
        peer_do(&peer, "bind %s", endpoint);
        expect_told(&peer, sub, "+a");
        peer_do(&peer, "text b");
        peer_do(&peer, "text a %d", i);
        expect_part(sub, "a", true);
        assert_int_equal(zmq_recv(sub, NULL, 0, 0), 1);
        peer_kill(&peer);
    }
}

static void a_restarted_publisher_of_ours_is_told_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    env_free_endpoint(env, endpoint);
    peer_open(&peer, ZMQ_SUB);
    peer_do(&peer, "set %d 10", ZMQ_RECONNECT_IVL);
    peer_do(&peer, "subscribe a");
    peer_do(&peer, "connect %s", endpoint);
    for (int i = 0; i < 4; i++) {
        void *xpub = env_socket(env, ZMQ_XPUB);
        int64_t deadline = now_ms() + PATIENCE_MS;

        while (zmq_bind(xpub, endpoint) == -1) {
            assert_int_equal(errno, EADDRINUSE);
            assert_true(now_ms() < deadline);
        }
        peer_post(&peer, "expect a");
        expect_subscribed(xpub, "a");
        send_text(xpub, "b", 0);
        send_text(xpub, "a", 0);
        peer_expect_ok(&peer, NULL);
        env_close_socket(env, xpub);
    }
    peer_kill(&peer);
}

/* ---- streams ----------------------------------------------------------- */

static const struct {
    const char *shape;
    unsigned count;
} streams[] = {
    {"1", 20000},   {"64", 20000},      {"255+256", 5000}, {"0+1+2+3+4", 5000},
    {"70000", 200}, {"16+200000", 100}, {"16384", 1000},   {"16383", 1000},
};

#define STREAMS (sizeof(streams) / sizeof(streams[0]))

static void all_that_they_publish_arrives(void **state)
{
    struct env *env = *state;
    struct link link;

    link_open(&link, env, ZMQ_SUB, ZMQ_XPUB, false);
    subscribe(link.socket, "");
    expect_told(&link.peer, link.socket, "+");
    for (size_t i = 0; i < STREAMS; i++) {
        struct payload_shape shape;

        assert_true(payload_parse(&shape, streams[i].shape));
        peer_post(&link.peer, "send 0 %u %s", streams[i].count,
                  streams[i].shape);
        for (unsigned n = 0; n < streams[i].count; n++)
            assert_null(payload_receive(link.socket, &shape, n));
        peer_expect_ok(&link.peer, NULL);
    }
    link_close(env, &link);
}

static void all_that_we_publish_arrives(void **state)
{
    struct env *env = *state;
    struct link link;

    link_open(&link, env, ZMQ_XPUB, ZMQ_SUB, true);
    peer_do(&link.peer, "subscribe .");
    expect_subscribed(link.socket, "");
    for (size_t i = 0; i < STREAMS; i++) {
        struct payload_shape shape;

        assert_true(payload_parse(&shape, streams[i].shape));
        peer_post(&link.peer, "receive 0 %u %s", streams[i].count,
                  streams[i].shape);
        for (unsigned n = 0; n < streams[i].count; n++)
            assert_ok(payload_send(link.socket, &shape, n, 0));
        peer_expect_ok(&link.peer, NULL);
    }
    link_close(env, &link);
}

static void many_subscriptions_are_all_told(void **state)
{
    enum { COUNT = 3000 }; /* above the high-water mark */
    struct env *env = *state;
    char topic[16];
    struct peer peer;
    void *sub = env_socket(env, ZMQ_SUB);
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    for (int i = 0; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "topic.%d.", i);
        subscribe(sub, topic);
    }
    peer_open(&peer, ZMQ_XPUB);
    peer_do(&peer, "bind %s", endpoint);
    for (int i = 0; i < COUNT; i++)
        peer_do(&peer, "told +topic.%d.", i);
    peer_do(&peer, "text topic.2999.x");
    expect_text(sub, "topic.2999.x");
    peer_kill(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(our_subscriber_hears_their_publisher),
        ON_STREAMS(our_publisher_is_heard_by_their_subscriber),
        ON_STREAMS(xsub_and_xpub_talk),
        ON_STREAMS(a_restarted_publisher_of_theirs_is_told_again),
        ON_STREAMS(a_restarted_publisher_of_ours_is_told_again),
        ON_STREAMS(all_that_they_publish_arrives),
        ON_STREAMS(all_that_we_publish_arrives),
        ON_STREAMS(many_subscriptions_are_all_told),
    };

    if (!peer_is_available())
        return 77;
    return cmocka_run_group_tests_name("libzmq_pubsub", tests, NULL, NULL);
}
