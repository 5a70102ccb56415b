/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REQ and REP against those of the system's libzmq, and against its DEALER
 * and ROUTER, which show and make the envelopes.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/id.h"
#include "common/monitor.h"
#include "common/peer.h"
#include "common/socket.h"

enum { ROUNDS = 20 };

/* A peer of the type, linked with ours one way or the other. `id`: its
 * routing id, or NULL. */
static void link_peer(struct env *env, struct peer *peer, int type,
                      const char *id, void *socket, bool is_bound)
{
    char endpoint[ENDPOINT_MAX];

    peer_open(peer, type);
    if (id)
        peer_do(peer, "id %s", id);
    peer_link(peer, env, socket, is_bound, endpoint);
}

static void req_asks_their_rep(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *req = env_socket(env, ZMQ_REQ);
        struct peer peer;

        link_peer(env, &peer, ZMQ_REP, NULL, req, is_bound);
        for (int i = 0; i < ROUNDS; i++) {
            send_text(req, "question", ZMQ_SNDMORE);
            send_text(req, "", ZMQ_SNDMORE);
            send_text(req, "more", 0);
            peer_do(&peer, "expect question . more");
            peer_do(&peer, "text . answer");
            expect_part(req, "", true);
            expect_part(req, "answer", false);
        }
        peer_kill(&peer);
    }
}

static void rep_answers_their_req(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *rep = env_socket(env, ZMQ_REP);
        struct peer peer;

        link_peer(env, &peer, ZMQ_REQ, NULL, rep, is_bound);
        for (int i = 0; i < ROUNDS; i++) {
            peer_do(&peer, "text . question");
            expect_part(rep, "", true);
            expect_part(rep, "question", false);
            send_text(rep, "answer", ZMQ_SNDMORE);
            send_text(rep, "", 0);
            peer_do(&peer, "expect answer .");
        }
        peer_kill(&peer);
    }
}

/* With an id of the request, too, which REP gives back without knowing. */
static void correlated_requests_come_back_from_their_rep(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    struct peer peer;

    set_int(req, ZMQ_REQ_CORRELATE, 1);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    link_peer(env, &peer, ZMQ_REP, NULL, req, false);
    for (int i = 0; i < ROUNDS; i++) {
        /* The first is given up, and its answer passed over. */
        send_text(req, "old", 0);
        send_text(req, "question", 0);
        peer_do(&peer, "expect old");
        peer_do(&peer, "text what");
        peer_do(&peer, "expect question");
        peer_do(&peer, "text answer");
        expect_part(req, "answer", false);
    }
    peer_kill(&peer);
}

static void rep_answers_their_correlated_requests(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    struct peer peer;

    link_peer(env, &peer, ZMQ_REQ, NULL, rep, true);
    peer_do(&peer, "set %d 1", ZMQ_REQ_CORRELATE);
    peer_do(&peer, "set %d 1", ZMQ_REQ_RELAXED);
    for (int i = 0; i < ROUNDS; i++) {
        peer_do(&peer, "text old");
        peer_do(&peer, "text question");
        expect_part(rep, "old", false);
        send_text(rep, "what", 0);
        expect_part(rep, "question", false);
        send_text(rep, "answer", 0);
        peer_do(&peer, "expect answer");
    }
    peer_kill(&peer);
}

static void their_router_sees_who_asks_and_what(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *req = env_socket(env, ZMQ_REQ);
        struct peer peer;

        set_text(req, ZMQ_ROUTING_ID, "me");
        link_peer(env, &peer, ZMQ_ROUTER, NULL, req, is_bound);
        for (int i = 0; i < ROUNDS; i++) {
            send_text(req, "question", 0);
            peer_do(&peer, "expect me . question");
            peer_do(&peer, "text me . answer");
            expect_part(req, "answer", false);
        }
        peer_kill(&peer);
    }
}

static void their_router_is_probed(void **state)
{
    static const int types[] = {ZMQ_REQ, ZMQ_DEALER};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        void *socket = env_socket(env, types[i]);
        struct peer peer;

        set_text(socket, ZMQ_ROUTING_ID, "me");
        set_int(socket, ZMQ_PROBE_ROUTER, 1);
        link_peer(env, &peer, ZMQ_ROUTER, NULL, socket, false);
        peer_do(&peer, "expect me .");
        peer_kill(&peer);
    }
}

/* As many hops as there are, in their order. */
static void rep_gives_back_the_envelope_of_their_dealer(void **state)
{
    struct env *env = *state;

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        void *rep = env_socket(env, ZMQ_REP);
        struct peer peer;

        link_peer(env, &peer, ZMQ_DEALER, NULL, rep, is_bound);
        for (int i = 0; i < ROUNDS; i++) {
            peer_do(&peer, "text hop1 hop2 hop3 . question . rest");
            expect_part(rep, "question", true);
            expect_part(rep, "", true);
            expect_part(rep, "rest", false);
            send_text(rep, "answer", ZMQ_SNDMORE);
            send_text(rep, "", 0);
            peer_do(&peer, "expect hop1 hop2 hop3 . answer .");
        }
        peer_kill(&peer);
    }
}

static void rep_passes_over_what_is_no_request(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    struct peer peer;

    link_peer(env, &peer, ZMQ_DEALER, NULL, rep, false);
    for (int i = 0; i < ROUNDS; i++) {
        peer_do(&peer, "text no delimiter at all");
        peer_do(&peer, "text .");
        peer_do(&peer, "text delimiter but no question .");
        peer_do(&peer, "text . question");
        expect_part(rep, "question", false);
        send_text(rep, "answer", 0);
        peer_do(&peer, "expect . answer");
    }
    peer_kill(&peer);
}

static void each_of_many_gets_its_own_answer_from_their_rep(void **state)
{
    enum { ASKERS = 10 };
    struct env *env = *state;
    void *reqs[ASKERS];
    char endpoint[ENDPOINT_MAX];
    struct peer peer;

    peer_open(&peer, ZMQ_REP);
    env_free_endpoint(env, endpoint);
    peer_do(&peer, "bind %s", endpoint);
    peer_post(&peer, "echo %d", ASKERS * ROUNDS);
    for (int i = 0; i < ASKERS; i++) {
        reqs[i] = env_socket(env, ZMQ_REQ);
        assert_ok(zmq_connect(reqs[i], endpoint));
    }
    for (uint32_t n = 0; n < ROUNDS; n++) {
        for (uint32_t i = 0; i < ASKERS; i++)
            send_number(reqs[i], n * ASKERS + i);
        for (uint32_t i = 0; i < ASKERS; i++)
            assert_int_equal(receive_number(reqs[i]), n * ASKERS + i);
    }
    peer_expect_ok(&peer, NULL);
    peer_kill(&peer);
}

/* A request goes to whoever answers next at the same endpoint. */
static void req_outlives_restarts_of_their_rep(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    void *monitor = monitor_open(env, req, ZMQ_EVENT_DISCONNECTED);
    char endpoint[ENDPOINT_MAX];

    set_int(req, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(req, endpoint));
    for (int i = 0; i < 4; i++) {
        struct peer peer;

        peer_open(&peer, ZMQ_REP);
        peer_do(&peer, "bind %s", endpoint);
        send_text(req, "question", 0);
        peer_do(&peer, "expect question");
        peer_do(&peer, "text answer");
        expect_part(req, "answer", false);
        peer_kill(&peer);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(req_asks_their_rep),
        ON_STREAMS(rep_answers_their_req),
        ON_STREAMS(correlated_requests_come_back_from_their_rep),
        ON_STREAMS(rep_answers_their_correlated_requests),
        ON_STREAMS(their_router_sees_who_asks_and_what),
        ON_STREAMS(their_router_is_probed),
        ON_STREAMS(rep_gives_back_the_envelope_of_their_dealer),
        ON_STREAMS(rep_passes_over_what_is_no_request),
        ON_STREAMS(each_of_many_gets_its_own_answer_from_their_rep),
        ON_STREAMS(req_outlives_restarts_of_their_rep),
    };

    if (!peer_is_available())
        return 77;
    return cmocka_run_group_tests_name("libzmq_request", tests, NULL, NULL);
}
