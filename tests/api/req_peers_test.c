/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REQ with several peers, and with peers that go away: who is asked, who
 * may answer, and what becomes of a request that nobody can answer.
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

#define PEERS 4
#define SHORT_MS 50

/* A REQ that is connected to several peers of one type. */
static void *open_peers(struct env *env, int type, void *peers[], int count)
{
    void *req = env_socket(env, ZMQ_REQ);

    set_text(req, ZMQ_ROUTING_ID, "req");
    for (int i = 0; i < count; i++) {
        peers[i] = env_socket(env, type);
        env_link(env, peers[i], req);
    }
    return req;
}

/* Which of the peers has something to read. */
static int find_asked(void *peers[], int count)
{
    zmq_pollitem_t items[PEERS];

    for (int i = 0; i < count; i++)
        items[i] = (zmq_pollitem_t){.socket = peers[i], .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(items, count, PATIENCE_MS), 1);
    for (int i = 0; i < count; i++) {
        if (items[i].revents != 0)
            return i;
    }
    return -1;
}

static void expect_request(void *router, const char *text)
{
    expect_part(router, "req", true);
    expect_part(router, "", true);
    expect_part(router, text, false);
}

static void send_reply(void *router, const char *text)
{
    send_text(router, "req", ZMQ_SNDMORE);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, text, 0);
}

static void the_peers_are_asked_in_turn(void **state)
{
    struct env *env = *state;
    void *peers[PEERS];
    void *req = open_peers(env, ZMQ_REP, peers, PEERS);
    int order[PEERS];

    for (int i = 0; i < 5 * PEERS; i++) {
        int asked;

        send_text(req, "part", ZMQ_SNDMORE);
        send_text(req, "question", 0);
        asked = find_asked(peers, PEERS);
        expect_part(peers[asked], "part", true);
        expect_part(peers[asked], "question", false);
        send_text(peers[asked], "answer", 0);
        expect_part(req, "answer", false);
        if (i < PEERS)
            order[i] = asked;
        assert_int_equal(asked, order[i % PEERS]);
        for (int k = 0; k < i && i < PEERS; k++)
            assert_int_not_equal(asked, order[k]);
    }
}

static void only_the_peer_that_was_asked_may_answer(void **state)
{
    struct env *env = *state;
    void *routers[2];
    void *req = open_peers(env, ZMQ_ROUTER, routers, 2);
    char byte;
    int asked;

    /* Both must know the REQ before they can answer unasked. */
    for (int i = 0; i < 2; i++) {
        send_text(req, "x", 0);
        asked = find_asked(routers, 2);
        expect_request(routers[asked], "x");
        send_reply(routers[asked], "y");
        expect_text(req, "y");
    }
    send_text(req, "question", 0);
    asked = find_asked(routers, 2);
    expect_request(routers[asked], "question");
    send_reply(routers[1 - asked], "lie");
    set_int(req, ZMQ_RCVTIMEO, SHORT_MS);
    assert_fails(zmq_recv(req, &byte, 1, 0), EAGAIN);
    set_int(req, ZMQ_RCVTIMEO, PATIENCE_MS);
    send_reply(routers[asked], "truth");
    expect_part(req, "truth", false);
}

/* ---- peers that go away --------------------------------------------- */

static void a_peer_that_dies_leaves_its_request_unanswered(void **state)
{
    struct env *env = *state;
    void *reps[2];
    void *req = open_peers(env, ZMQ_REP, reps, 2);
    char byte;
    int asked;

    send_text(req, "x", 0);
    asked = find_asked(reps, 2);
    expect_text(reps[asked], "x");
    env_close_socket(env, reps[asked]);
    set_int(req, ZMQ_RCVTIMEO, SHORT_MS);
    assert_fails(zmq_recv(req, &byte, 1, 0), EAGAIN);
    assert_fails(zmq_send(req, "y", 1, 0), EFSM);
    expect_nothing(reps[1 - asked]);
}

/* Not resent, neither to the peer that comes back. */
static void a_request_is_not_sent_again(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    char endpoint[ENDPOINT_MAX];
    int listener;
    int fd;

    set_int(req, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(req, endpoint));
    fd = raw_accept(listener);
    raw_handshake(fd, "REP");
    send_text(req, "x", 0);
    zmtp_expect(fd, "\1\0\0\1x", 5);
    close(fd);
    fd = raw_accept(listener);
    raw_handshake(fd, "REP");
    assert_false(is_ready(req, ZMQ_POLLIN, SHORT_MS));
    zmtp_expect_silence(fd);
    close(fd);
    close(listener);
}

/* The peer had it, died, and answers from a new connection. */
static void a_peer_that_came_back_may_answer(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    char endpoint[ENDPOINT_MAX];
    int listener;
    int fd;

    set_int(req, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(req, endpoint));
    fd = raw_accept(listener);
    raw_handshake(fd, "REP");
    send_text(req, "x", 0);
    zmtp_expect(fd, "\1\0\0\1x", 5);
    close(fd);
    fd = raw_accept(listener);
    raw_handshake(fd, "REP");
    raw_write(fd, "\1\0\0\1y", 5);
    expect_part(req, "y", false);
    close(fd);
    close(listener);
}

static void a_request_waits_for_a_peer_to_come_back(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    void *rep = env_socket(env, ZMQ_REP);
    char endpoint[ENDPOINT_MAX];

    set_int(req, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(req, endpoint));
    assert_true(is_ready(req, ZMQ_POLLOUT, 0));
    send_text(req, "early", 0);
    assert_ok(zmq_bind(rep, endpoint));
    expect_text(rep, "early");
    send_text(rep, "reply", 0);
    expect_text(req, "reply");
}

static void when_the_peer_asked_is_gone_anyone_may_answer(void **state)
{
    struct env *env = *state;
    void *routers[2];
    void *req = env_socket(env, ZMQ_REQ);
    char endpoint[ENDPOINT_MAX];
    char text[6];
    int asked;
    int size;

    set_text(req, ZMQ_ROUTING_ID, "req");
    env_bind(env, req, endpoint);
    for (int i = 0; i < 2; i++) {
        routers[i] = env_socket(env, ZMQ_ROUTER);
        set_int(routers[i], ZMQ_ROUTER_MANDATORY, 1);
        assert_ok(zmq_connect(routers[i], endpoint));
        /* Knows the REQ from now on. */
        wait_for(routers[i], ZMQ_POLLOUT);
    }
    send_text(req, "question", 0);
    asked = find_asked(routers, 2);
    expect_request(routers[asked], "question");
    env_close_socket(env, routers[asked]);
    /* Until the REQ knows that, answers from others are passed over. */
    set_int(req, ZMQ_RCVTIMEO, 1);
    do {
        send_reply(routers[1 - asked], "answer");
        size = zmq_recv(req, text, sizeof(text), 0);
    } while (size == -1 && zmq_errno() == EAGAIN);
    assert_int_equal(size, sizeof(text));
    assert_memory_equal(text, "answer", sizeof(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(the_peers_are_asked_in_turn),
        ON_EACH(only_the_peer_that_was_asked_may_answer),
        ON_EACH(a_request_waits_for_a_peer_to_come_back),
        ON_EACH(a_peer_that_dies_leaves_its_request_unanswered),
        ON_STREAMS(a_request_is_not_sent_again),
        ON_STREAMS(a_peer_that_came_back_may_answer),
        ON_EACH(when_the_peer_asked_is_gone_anyone_may_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
