/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTER against the types of the system's libzmq that talk to it, and among
 * those, itself: ids announced, generated and given by the connecting side,
 * taken twice and taken over.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/id.h"
#include "common/monitor.h"
#include "common/peer.h"
#include "common/socket.h"

#include <errno.h>

enum { ROUNDS = 20 };

/* A peer of the type, with a routing id or NULL. */
static void open_peer(struct peer *peer, int type, const char *id)
{
    peer_open(peer, type);
    peer_do(peer, "set %d 10", ZMQ_RECONNECT_IVL);
    if (id)
        peer_do(peer, "id %s", id);
}

/* Linked with ours one way or the other. */
static void link_peer(struct env *env, struct peer *peer, void *socket,
                      bool is_bound)
{
    char endpoint[ENDPOINT_MAX];

    peer_link(peer, env, socket, is_bound, endpoint);
}

static void their_dealer_is_known_by_its_id(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *router = env_socket(env, ZMQ_ROUTER);
        struct peer peer;

        open_peer(&peer, ZMQ_DEALER, "them");
        link_peer(env, &peer, router, is_bound);
        for (int i = 0; i < ROUNDS; i++) {
            peer_do(&peer, "text hello . world");
            expect_part(router, "them", true);
            expect_part(router, "hello", true);
            expect_part(router, "", true);
            expect_part(router, "world", false);
            send_text(router, "them", ZMQ_SNDMORE);
            send_text(router, "", ZMQ_SNDMORE);
            send_text(router, "bye", 0);
            peer_do(&peer, "expect . bye");
        }
        peer_kill(&peer);
    }
}

static void their_longest_id_is_seen_whole(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char id[256];
    struct peer peer;

    memset(id, 'i', 255);
    id[255] = '\0';
    open_peer(&peer, ZMQ_DEALER, id);
    link_peer(env, &peer, router, true);
    peer_do(&peer, "text hello");
    expect_from(router, id, "hello");
    send_to(router, id, "bye");
    peer_do(&peer, "expect bye");
    peer_kill(&peer);
}

static void their_nameless_peers_get_ids_and_their_own_answers(void **state)
{
    enum { PEERS = 4 };
    static const int types[PEERS] = {ZMQ_DEALER, ZMQ_REQ, ZMQ_DEALER, ZMQ_REQ};
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    struct peer peers[PEERS];
    struct id ids[PEERS];
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    for (int i = 0; i < PEERS; i++) {
        open_peer(&peers[i], types[i], NULL);
        peer_do(&peers[i], "connect %s", endpoint);
        peer_do(&peers[i], "text hello");
        ids[i] = id_receive(router);
        assert_true(id_is_generated(&ids[i]));
        for (int k = 0; k < i; k++)
            assert_false(id_is_equal(&ids[i], &ids[k]));
        if (types[i] == ZMQ_REQ)
            expect_part(router, "", true);
        expect_part(router, "hello", false);
    }
    for (int i = PEERS - 1; i >= 0; i--) {
        char number[2] = {(char)('0' + i), '\0'};

        id_send(router, &ids[i]);
        if (types[i] == ZMQ_REQ)
            send_text(router, "", ZMQ_SNDMORE);
        send_text(router, number, 0);
    }
    for (int i = 0; i < PEERS; i++) {
        peer_do(&peers[i], "expect %d", i);
        peer_kill(&peers[i]);
    }
}

static void routers_talk_if_both_have_ids(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *router = env_socket(env, ZMQ_ROUTER);
        struct peer peer;

        /* Who connects probes: then who is bound knows the other. */
        set_text(router, ZMQ_ROUTING_ID, "us");
        set_int(router, ZMQ_PROBE_ROUTER, !is_bound);
        open_peer(&peer, ZMQ_ROUTER, "them");
        peer_do(&peer, "set %d %d", ZMQ_PROBE_ROUTER, is_bound);
        link_peer(env, &peer, router, is_bound);
        if (is_bound)
            expect_from(router, "them", "");
        else
            peer_do(&peer, "expect us .");
        for (int i = 0; i < ROUNDS; i++) {
            if (is_bound || i > 0) {
                send_to(router, "them", "there");
                peer_do(&peer, "expect us there");
            }
            peer_do(&peer, "text us hello");
            expect_from(router, "them", "hello");
        }
        peer_kill(&peer);
    }
}

static void their_probe_tells_of_a_peer(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    struct peer peer;

    open_peer(&peer, ZMQ_DEALER, "them");
    peer_do(&peer, "set %d 1", ZMQ_PROBE_ROUTER);
    link_peer(env, &peer, router, true);
    expect_from(router, "them", "");
    peer_kill(&peer);
}

/* Whatever the peer calls itself, and before it is there. */
static void id_given_when_connecting_holds(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    set_int(router, ZMQ_RECONNECT_IVL, 10);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "given");
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(router, endpoint));
    for (int i = 0; i < 3; i++) {
        void *monitor = monitor_open(env, router, ZMQ_EVENT_DISCONNECTED);
        struct peer peer;

        send_to(router, "given", "hello");
        open_peer(&peer, ZMQ_DEALER, i ? "other" : "own");
        peer_do(&peer, "bind %s", endpoint);
        peer_do(&peer, "expect hello");
        peer_do(&peer, "text there");
        expect_from(router, "given", "there");
        assert_fails(zmq_send(router, "own", 3, ZMQ_SNDMORE), EHOSTUNREACH);
        peer_kill(&peer);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
        assert_ok(zmq_socket_monitor(router, NULL, 0));
    }
}

/* A connecting pipe keeps the first id it learns. */
static void id_learnt_first_is_kept_over_restarts(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    set_int(router, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(router, endpoint));
    for (int i = 0; i < 3; i++) {
        struct peer peer;

        open_peer(&peer, ZMQ_DEALER, i ? "later" : "first");
        peer_do(&peer, "bind %s", endpoint);
        peer_do(&peer, "text hello");
        expect_from(router, "first", "hello");
        send_to(router, "first", "there");
        peer_do(&peer, "expect there");
        peer_kill(&peer);
    }
}

static void second_of_an_id_is_not_heard(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *monitor = monitor_open(env, router, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    struct peer first, second;
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    open_peer(&first, ZMQ_DEALER, "one");
    peer_do(&first, "connect %s", endpoint);
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    peer_do(&first, "text hello");
    expect_from(router, "one", "hello");
    open_peer(&second, ZMQ_DEALER, "one");
    peer_do(&second, "connect %s", endpoint);
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    peer_do(&second, "text unheard");
    expect_nothing_for_a_while(router);
    send_to(router, "one", "there");
    peer_do(&first, "expect there");
    peer_kill(&second);
    peer_do(&first, "text still");
    expect_from(router, "one", "still");
    peer_kill(&first);
}

static void newcomer_takes_the_id_over(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    struct peer peers[3];
    char endpoint[ENDPOINT_MAX];

    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    env_bind(env, router, endpoint);
    for (int i = 0; i < 3; i++) {
        open_peer(&peers[i], ZMQ_DEALER, "one");
        peer_do(&peers[i], "connect %s", endpoint);
        peer_do(&peers[i], "text hello");
        expect_from(router, "one", "hello");
        send_to(router, "one", "there");
        peer_do(&peers[i], "expect there");
    }
    for (int i = 0; i < 3; i++)
        peer_kill(&peers[i]);
}

/* One that comes back after it died has its id again at once. */
static void returning_peer_has_its_id_again(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *monitor = monitor_open(env, router, ZMQ_EVENT_DISCONNECTED);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    for (int i = 0; i < 4; i++) {
        struct peer peer;

        open_peer(&peer, ZMQ_DEALER, "one");
        peer_do(&peer, "connect %s", endpoint);
        peer_do(&peer, "text hello");
        expect_from(router, "one", "hello");
        send_to(router, "one", "there");
        peer_do(&peer, "expect there");
        peer_kill(&peer);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    }
}

static void mandatory_tells_of_absent_and_full_peers(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char *body = test_calloc(1, 100000);
    struct peer peer;
    int count = 0;

    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(router, ZMQ_SNDHWM, 2);
    set_int(router, ZMQ_SNDBUF, 10000);
    assert_fails(zmq_send(router, "them", 4, ZMQ_SNDMORE), EHOSTUNREACH);
    open_peer(&peer, ZMQ_DEALER, "them");
    peer_do(&peer, "set %d 2", ZMQ_RCVHWM);
    peer_do(&peer, "set %d 10000", ZMQ_RCVBUF);
    link_peer(env, &peer, router, true);
    peer_do(&peer, "text hello");
    expect_from(router, "them", "hello");
    wait_for(router, ZMQ_POLLOUT);
    set_int(router, ZMQ_SNDTIMEO, GLANCE_MS);
    while (zmq_send(router, "them", 4, ZMQ_SNDMORE) == 4) {
        assert_int_equal(zmq_send(router, body, 100000, 0), 100000);
        assert_true(++count < 1000);
    }
    assert_int_equal(errno, EAGAIN);
    assert_false(is_ready(router, ZMQ_POLLOUT, 0));
    peer_kill(&peer);
    test_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(their_dealer_is_known_by_its_id),
        ON_STREAMS(their_longest_id_is_seen_whole),
        ON_STREAMS(their_nameless_peers_get_ids_and_their_own_answers),
        ON_STREAMS(routers_talk_if_both_have_ids),
        ON_STREAMS(their_probe_tells_of_a_peer),
        ON_STREAMS(id_given_when_connecting_holds),
        ON_STREAMS(id_learnt_first_is_kept_over_restarts),
        ON_STREAMS(second_of_an_id_is_not_heard),
        ON_STREAMS(newcomer_takes_the_id_over),
        ON_STREAMS(returning_peer_has_its_id_again),
        ON_STREAMS(mandatory_tells_of_absent_and_full_peers),
    };

    if (!peer_is_available())
        return 77;
    return cmocka_run_group_tests_name("libzmq_router", tests, NULL, NULL);
}
