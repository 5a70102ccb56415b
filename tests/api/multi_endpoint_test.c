/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One socket, bound to 32 endpoints over tcp, ipc and inproc and connected to
 * 32 more: all of them are one to it. What comes in is read in turn, what goes
 * out is dealt in turn, and an answer finds its way.
 *
 * Thread: the main thread.
 */
#include "common/hub.h"

#include "common/id.h"
#include "common/socket.h"

#define ALL HUB_ENDPOINTS

static void subscribe(void *socket, int number)
{
    (void)number;
    if (get_int(socket, ZMQ_TYPE) == ZMQ_SUB)
        set_text(socket, ZMQ_SUBSCRIBE, "");
    else
        set_int(socket, ZMQ_XPUB_VERBOSE, 1);
}

/* A SUB that is bound subscribes when it learns of a peer, which it does in
 * its calls. */
static void expect_subscription(void *publisher, void *const subscribers[],
                                int count)
{
    while (!is_ready(publisher, ZMQ_POLLIN, 1))
        for (int i = 0; i < count; i++)
            expect_nothing(subscribers[i]);
    expect_part(publisher, "\1", false);
}

/* So that a peer's number is its routing id. */
static void name_peer(void *socket, int number)
{
    char id = (char)('!' + number);

    if (number >= 0)
        assert_ok(zmq_setsockopt(socket, ZMQ_ROUTING_ID, &id, 1));
}

/* Sends until every peer has got something, and leaves none anything. */
static void meet_all(struct hub *hub)
{
    bool met[ALL] = {false};

    for (int count = 0; count < ALL;) {
        zmq_pollitem_t items[ALL];

        send_text(hub->socket, "hello", 0);
        for (int i = 0; i < ALL; i++)
            items[i] =
                (zmq_pollitem_t){.socket = hub->peers[i], .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(items, ALL, PATIENCE_MS), 1);
        for (int i = 0; i < ALL; i++) {
            if ((items[i].revents & ZMQ_POLLIN) == 0)
                continue;
            expect_text(hub->peers[i], "hello");
            count += !met[i];
            met[i] = true;
        }
    }
}

/* ---- out ------------------------------------------------------------ */

static void deal_evenly(struct env *env, int io_threads, int type,
                        int peer_type)
{
    struct hub hub;

    hub_open(&hub, env, io_threads, type, peer_type, NULL);
    meet_all(&hub);
    for (uint32_t i = 0; i < ALL * 20; i++)
        send_number(hub.socket, i);
    for (int p = 0; p < ALL; p++) {
        uint32_t number = receive_number(hub.peers[p]);

        for (uint32_t k = 1; k < 20; k++)
            assert_int_equal(receive_number(hub.peers[p]), number + k * ALL);
    }
    for (int p = 0; p < ALL; p++)
        expect_nothing(hub.peers[p]);
}

static void push_deals_to_all_evenly(void **state)
{
    deal_evenly(*state, 1, ZMQ_PUSH, ZMQ_PULL);
}

static void push_deals_to_all_evenly_by_four_threads(void **state)
{
    deal_evenly(*state, 4, ZMQ_PUSH, ZMQ_PULL);
}

static void dealer_deals_to_all_evenly(void **state)
{
    deal_evenly(*state, 1, ZMQ_DEALER, ZMQ_DEALER);
}

static void pub_tells_all(void **state)
{
    struct env *env = *state;
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_XPUB, ZMQ_SUB, subscribe);
    for (int i = 0; i < ALL; i++)
        expect_subscription(hub.socket, hub.peers, ALL);
    for (uint32_t i = 0; i < 50; i++)
        send_number(hub.socket, i);
    for (int p = 0; p < ALL; p++)
        for (uint32_t i = 0; i < 50; i++)
            assert_int_equal(receive_number(hub.peers[p]), i);
}

static void what_was_sent_goes_out_when_the_socket_closes(void **state)
{
    struct env *env = *state;
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_PUSH, ZMQ_PULL, NULL);
    meet_all(&hub);
    for (uint32_t i = 0; i < ALL * 20; i++)
        send_number(hub.socket, i);
    env_close_socket(env, hub.socket);
    for (int p = 0; p < ALL; p++)
        for (uint32_t i = 0; i < 20; i++)
            (void)receive_number(hub.peers[p]);
}

/* ---- in ------------------------------------------------------------- */

#define EACH 100

/* All that the peers have sent is there, and each has its turn: when one has
 * been read to its end, the others nearly have. */
static void read_fairly(struct env *env, int io_threads, int type,
                        int peer_type)
{
    uint32_t next[ALL] = {0};
    bool is_over = false;
    struct hub hub;

    hub_open(&hub, env, io_threads, type, peer_type, NULL);
    for (uint32_t p = 0; p < ALL; p++)
        for (uint32_t i = 0; i < EACH; i++)
            send_number(hub.peers[p], p << 16 | i);
    /* Nothing says that it has arrived. */
    assert_int_equal(zmq_poll(NULL, 0, 2 * GLANCE_MS), 0);
    for (uint32_t i = 0; i < ALL * EACH; i++) {
        uint32_t number = receive_number(hub.socket);
        uint32_t peer = number >> 16;

        assert_true(peer < ALL);
        assert_int_equal(number & 0xffff, next[peer]++);
        if (is_over || next[peer] < EACH)
            continue;
        is_over = true;
        for (int p = 0; p < ALL; p++)
            assert_in_range(next[p], EACH / 2, EACH);
    }
    expect_nothing(hub.socket);
}

static void pull_reads_all_in_turn(void **state)
{
    read_fairly(*state, 1, ZMQ_PULL, ZMQ_PUSH);
}

static void pull_reads_all_in_turn_from_four_threads(void **state)
{
    read_fairly(*state, 4, ZMQ_PULL, ZMQ_PUSH);
}

static void dealer_reads_all_in_turn(void **state)
{
    read_fairly(*state, 1, ZMQ_DEALER, ZMQ_DEALER);
}

static void sub_hears_all(void **state)
{
    struct env *env = *state;
    uint32_t next[ALL] = {0};
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_SUB, ZMQ_XPUB, subscribe);
    for (int p = 0; p < ALL; p++)
        expect_subscription(hub.peers[p], &hub.socket, 1);
    for (uint32_t i = 0; i < 50; i++)
        for (uint32_t p = 0; p < ALL; p++)
            send_number(hub.peers[p], p << 16 | i);
    for (uint32_t i = 0; i < ALL * 50; i++) {
        uint32_t number = receive_number(hub.socket);

        assert_int_equal(number & 0xffff, next[number >> 16]++);
    }
}

static void any_of_them_wakes_who_polls(void **state)
{
    struct env *env = *state;
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_PULL, ZMQ_PUSH, NULL);
    for (uint32_t p = 0; p < ALL; p++) {
        expect_nothing(hub.socket);
        send_number(hub.peers[p], p);
        wait_for(hub.socket, ZMQ_POLLIN);
        assert_int_equal(receive_number(hub.socket), p);
    }
}

/* ---- there and back ------------------------------------------------ */

static void router_finds_each_of_them(void **state)
{
    struct env *env = *state;
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_ROUTER, ZMQ_DEALER, name_peer);
    set_int(hub.socket, ZMQ_ROUTER_MANDATORY, 1);
    for (int p = 0; p < ALL; p++)
        send_text(hub.peers[p], "hello", 0);
    for (int p = 0; p < ALL; p++) {
        char id[8];

        assert_int_equal(zmq_recv(hub.socket, id, sizeof(id), 0), 1);
        assert_in_range(id[0], '!', '!' + ALL - 1);
        expect_text(hub.socket, "hello");
    }
    for (int p = ALL - 1; p >= 0; p--) {
        char id[2] = {(char)('!' + p), '\0'};

        send_to(hub.socket, id, id);
        expect_text(hub.peers[p], id);
    }
}

static void req_asks_all_in_turn(void **state)
{
    struct env *env = *state;
    int asked[ALL] = {0};
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_REQ, ZMQ_REP, NULL);
    for (int round = 0; round < 3 * ALL; round++) {
        zmq_pollitem_t items[ALL];
        int who = -1;

        send_text(hub.socket, "question", 0);
        for (int i = 0; i < ALL; i++)
            items[i] =
                (zmq_pollitem_t){.socket = hub.peers[i], .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(items, ALL, PATIENCE_MS), 1);
        for (int i = 0; i < ALL; i++)
            if (items[i].revents & ZMQ_POLLIN)
                who = i;
        expect_text(hub.peers[who], "question");
        send_text(hub.peers[who], "answer", 0);
        expect_text(hub.socket, "answer");
        asked[who]++;
    }
    /* The bound ones may have come later than the first questions. */
    for (int i = 0; i < ALL; i++)
        assert_in_range(asked[i], 1, 5);
}

static void rep_answers_all(void **state)
{
    struct env *env = *state;
    struct hub hub;
    char text[16];

    hub_open(&hub, env, 2, ZMQ_REP, ZMQ_REQ, NULL);
    for (int p = 0; p < ALL; p++) {
        snprintf(text, sizeof(text), "%d", p);
        send_text(hub.peers[p], text, 0);
    }
    for (int i = 0; i < ALL; i++) {
        int size = zmq_recv(hub.socket, text, sizeof(text), 0);

        assert_in_range(size, 1, 2);
        assert_int_equal(zmq_send(hub.socket, text, (size_t)size, 0), size);
    }
    for (int p = 0; p < ALL; p++) {
        snprintf(text, sizeof(text), "%d", p);
        expect_text(hub.peers[p], text);
    }
}

/* ---- endpoints ------------------------------------------------------ */

static void the_last_endpoint_is_the_latest_of_any_kind(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct hub hub;

    hub_open(&hub, env, 1, ZMQ_PULL, ZMQ_PUSH, NULL);
    last_endpoint(hub.socket, endpoint);
    assert_string_equal(endpoint, hub.endpoints[ALL - 1]);
}

static void each_endpoint_can_be_taken_away_and_given_back(void **state)
{
    struct env *env = *state;
    struct hub hub;

    hub_open(&hub, env, 2, ZMQ_PULL, ZMQ_PUSH, NULL);
    for (int i = 0; i < ALL; i++) {
        hub_end(&hub, i);
        assert_fails(zmq_unbind(hub.socket, hub.endpoints[i]), ENOENT);
    }
    for (int i = 0; i < ALL; i++) {
        /* A listener may end in another thread. */
        while (i < HUB_BOUND && zmq_bind(hub.socket, hub.endpoints[i]) == -1)
            assert_int_equal(zmq_errno(), EADDRINUSE);
        if (i >= HUB_BOUND)
            assert_ok(zmq_connect(hub.socket, hub.endpoints[i]));
    }
    for (uint32_t p = 0; p < ALL; p++) {
        /* Where the far end has lost its connection it has to come back. */
        void *peer = env_socket(env, ZMQ_PUSH);

        if (p >= HUB_BOUND)
            peer = hub.peers[p];
        else
            assert_ok(zmq_connect(peer, hub.endpoints[p]));
        send_number(peer, p);
        assert_int_equal(receive_number(hub.socket), p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, the_last_endpoint_is_the_latest_of_any_kind),
        ON(inproc, any_of_them_wakes_who_polls),
        ON(inproc, push_deals_to_all_evenly),
        ON(inproc, push_deals_to_all_evenly_by_four_threads),
        ON(inproc, dealer_deals_to_all_evenly),
        ON(inproc, pub_tells_all),
        ON(inproc, what_was_sent_goes_out_when_the_socket_closes),
        ON(inproc, pull_reads_all_in_turn),
        ON(inproc, pull_reads_all_in_turn_from_four_threads),
        ON(inproc, dealer_reads_all_in_turn),
        ON(inproc, sub_hears_all),
        ON(inproc, router_finds_each_of_them),
        ON(inproc, req_asks_all_in_turn),
        ON(inproc, rep_answers_all),
        ON(inproc, each_endpoint_can_be_taken_away_and_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
