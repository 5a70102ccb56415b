/* SPDX-License-Identifier: MPL-2.0 */
/*
 * DEALER against the types of the system's libzmq that look at envelopes:
 * ROUTER sees our routing id, REP our empty delimiter.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/peer.h"
#include "common/socket.h"

/* A peer of the type, linked with ours one way or the other. */
static void link_peer(struct env *env, struct peer *peer, int type,
                      void *socket, bool is_bound)
{
    char endpoint[ENDPOINT_MAX];

    peer_open(peer, type);
    peer_link(peer, env, socket, is_bound, endpoint);
}

static void *dealer_with_id(struct env *env, const char *id)
{
    void *dealer = env_socket(env, ZMQ_DEALER);

    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, strlen(id)));
    return dealer;
}

static void router_sees_the_dealers_routing_id(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *dealer = dealer_with_id(env, "me");
        struct peer peer;

        link_peer(env, &peer, ZMQ_ROUTER, dealer, is_bound);
        send_text(dealer, "hello", ZMQ_SNDMORE);
        send_text(dealer, "", ZMQ_SNDMORE);
        send_text(dealer, "world", 0);
        peer_do(&peer, "expect me hello . world");
        peer_do(&peer, "text me good . bye");
        expect_part(dealer, "good", true);
        expect_part(dealer, "", true);
        expect_part(dealer, "bye", false);
        peer_kill(&peer);
    }
}

static void longest_routing_id_is_seen_whole(void **state)
{
    struct env *env = *state;
    char id[256];
    void *dealer;
    struct peer peer;

    memset(id, 'i', 255);
    id[255] = '\0';
    dealer = dealer_with_id(env, id);
    link_peer(env, &peer, ZMQ_ROUTER, dealer, false);
    send_text(dealer, "hello", 0);
    peer_do(&peer, "expect %s hello", id);
    peer_kill(&peer);
}

static void router_answers_each_nameless_dealer(void **state)
{
    enum { DEALERS = 4 };
    struct env *env = *state;
    void *dealers[DEALERS];
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    peer_open(&peer, ZMQ_ROUTER);
    env_free_endpoint(env, endpoint);
    peer_do(&peer, "bind %s", endpoint);
    peer_post(&peer, "echo %d", DEALERS * 100);
    for (int i = 0; i < DEALERS; i++) {
        dealers[i] = env_socket(env, ZMQ_DEALER);
        assert_ok(zmq_connect(dealers[i], endpoint));
    }
    for (uint32_t n = 0; n < 100; n++)
        for (uint32_t i = 0; i < DEALERS; i++)
            send_number(dealers[i], n * DEALERS + i);
    for (uint32_t n = 0; n < 100; n++)
        for (uint32_t i = 0; i < DEALERS; i++)
            assert_int_equal(receive_number(dealers[i]), n * DEALERS + i);
    peer_expect_ok(&peer, NULL);
    peer_kill(&peer);
}

/* The id is told again on every connection. */
static void routing_id_is_kept_when_the_router_restarts(void **state)
{
    struct env *env = *state;
    void *dealer = dealer_with_id(env, "again");
    void *monitor = monitor_open(env, dealer, ZMQ_EVENT_DISCONNECTED);
    char endpoint[ENDPOINT_MAX];

    set_int(dealer, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 3; i++) {
        struct peer peer;

        peer_open(&peer, ZMQ_ROUTER);
        peer_do(&peer, "bind %s", endpoint);
        send_text(dealer, "hello", 0);
        peer_do(&peer, "expect again hello");
        peer_do(&peer, "text again there");
        expect_part(dealer, "there", false);
        peer_kill(&peer);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    }
}

static void rep_wants_and_gives_the_empty_delimiter(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *dealer = env_socket(env, ZMQ_DEALER);
        struct peer peer;

        link_peer(env, &peer, ZMQ_REP, dealer, is_bound);
        for (int i = 0; i < 10; i++) {
            send_text(dealer, "", ZMQ_SNDMORE);
            send_text(dealer, "question", ZMQ_SNDMORE);
            send_text(dealer, "more", 0);
            peer_do(&peer, "expect question more");
            peer_do(&peer, "text answer");
            expect_part(dealer, "", true);
            expect_part(dealer, "answer", false);
        }
        peer_kill(&peer);
    }
}

/* REP gives back everything before the delimiter. */
static void rep_returns_the_whole_envelope(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    struct peer peer;

    link_peer(env, &peer, ZMQ_REP, dealer, false);
    send_text(dealer, "hop1", ZMQ_SNDMORE);
    send_text(dealer, "hop2", ZMQ_SNDMORE);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    peer_do(&peer, "expect question");
    peer_do(&peer, "text answer");
    expect_part(dealer, "hop1", true);
    expect_part(dealer, "hop2", true);
    expect_part(dealer, "", true);
    expect_part(dealer, "answer", false);
    peer_kill(&peer);
}

/* Types that have nothing to say to each other part for good. */
static void incompatible_types_part_for_good(void **state)
{
    static const struct {
        int ours;
        int theirs;
    } rows[] = {
        {ZMQ_PUSH, ZMQ_PUSH},   {ZMQ_PULL, ZMQ_DEALER}, {ZMQ_PAIR, ZMQ_PUSH},
        {ZMQ_DEALER, ZMQ_PULL}, {ZMQ_DEALER, ZMQ_REQ},  {ZMQ_PULL, ZMQ_PUB},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *socket = env_socket(env, rows[i].ours);
        void *monitor = monitor_open(env, socket,
                                     ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                         ZMQ_EVENT_DISCONNECTED);
        struct peer peer;

        link_peer(env, &peer, rows[i].theirs, socket, i % 2 == 0);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
        peer_kill(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(router_sees_the_dealers_routing_id),
        ON_STREAMS(longest_routing_id_is_seen_whole),
        ON_STREAMS(router_answers_each_nameless_dealer),
        ON_STREAMS(routing_id_is_kept_when_the_router_restarts),
        ON_STREAMS(rep_wants_and_gives_the_empty_delimiter),
        ON_STREAMS(rep_returns_the_whole_envelope),
        ON_STREAMS(incompatible_types_part_for_good),
    };

    if (!peer_is_available())
        return 77;
    return cmocka_run_group_tests_name("libzmq_identity", tests, NULL, NULL);
}
