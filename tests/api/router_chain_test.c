/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTERs and DEALERs between REQs and REPs: envelopes that grow on the way
 * there and shrink on the way back, and brokers that choose who works.
 *
 * Thread: the main thread is all the brokers, clients and workers.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/socket.h"

#include <errno.h>

#define HOPS 4
#define CLIENTS 5
#define WORKERS 3

/* A ROUTER for those before it, a DEALER for those behind it. */
struct broker {
    void *router;
    void *dealer;
};

/* Passes one whole message on; gives the number of parts. */
static int pass_on(void *from, void *to)
{
    int count = 0;
    int more;

    do {
        zmq_msg_t msg;

        assert_ok(zmq_msg_init(&msg));
        assert_ok(zmq_msg_recv(&msg, from, 0));
        more = zmq_msg_more(&msg);
        assert_ok(zmq_msg_send(&msg, to, more ? ZMQ_SNDMORE : 0));
        count++;
    } while (more);
    return count;
}

static struct broker broker_open(struct env *env)
{
    return (struct broker){
        .router = env_socket(env, ZMQ_ROUTER),
        .dealer = env_socket(env, ZMQ_DEALER),
    };
}

static void an_envelope_grows_and_shrinks(void **state)
{
    struct env *env = *state;
    struct broker brokers[HOPS];
    void *req = env_socket(env, ZMQ_REQ);
    void *rep = env_socket(env, ZMQ_REP);
    void *before = req;

    for (int i = 0; i < HOPS; i++) {
        brokers[i] = broker_open(env);
        env_link(env, brokers[i].router, before);
        before = brokers[i].dealer;
    }
    env_link(env, rep, before);
    for (int round = 0; round < 10; round++) {
        send_text(req, "two", ZMQ_SNDMORE);
        send_text(req, "parts", 0);
        for (int i = 0; i < HOPS; i++) {
            /* The ids so far, the empty part, and two. */
            assert_int_equal(pass_on(brokers[i].router, brokers[i].dealer),
                             i + 1 + 1 + 2);
        }
        expect_part(rep, "two", true);
        expect_part(rep, "parts", false);
        send_text(rep, "one", 0);
        for (int i = HOPS - 1; i >= 0; i--) {
            assert_int_equal(pass_on(brokers[i].dealer, brokers[i].router),
                             i + 1 + 1 + 1);
        }
        expect_part(req, "one", false);
    }
}

/* Bare DEALERs at both ends: the ids alone find the way back. */
static void a_chain_needs_no_empty_part(void **state)
{
    struct env *env = *state;
    struct broker broker = broker_open(env);
    void *client = env_socket(env, ZMQ_DEALER);
    void *server = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    set_text(client, ZMQ_ROUTING_ID, "client");
    set_text(broker.dealer, ZMQ_ROUTING_ID, "broker");
    env_bind(env, broker.router, endpoint);
    assert_ok(zmq_connect(client, endpoint));
    env_link(env, server, broker.dealer);
    send_text(client, "question", 0);
    assert_int_equal(pass_on(broker.router, broker.dealer), 2);
    expect_part(server, "broker", true);
    expect_part(server, "client", true);
    expect_part(server, "question", false);
    for (int i = 0; i < 3; i++) {
        send_text(server, "broker", ZMQ_SNDMORE);
        send_to(server, "client", "answer");
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pass_on(broker.dealer, broker.router), 2);
        expect_part(client, "answer", false);
    }
}

/* The worker that got the request, and has answered it. */
static int work_once(void *workers[WORKERS])
{
    zmq_pollitem_t items[WORKERS];

    for (int i = 0; i < WORKERS; i++)
        items[i] = (zmq_pollitem_t){.socket = workers[i], .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(items, WORKERS, PATIENCE_MS), 1);
    for (int i = 0; i < WORKERS; i++) {
        if (items[i].revents == 0)
            continue;
        send_number(workers[i], 5000 + receive_number(workers[i]));
        return i;
    }
    return -1;
}

/* Asks until every worker has been found. */
static void wait_for_workers(void *dealer, void *workers[WORKERS])
{
    bool is_there[WORKERS] = {false};

    for (int count = 0; count < WORKERS;) {
        int who;

        send_text(dealer, "", ZMQ_SNDMORE);
        send_number(dealer, 0);
        who = work_once(workers);
        count += !is_there[who];
        is_there[who] = true;
        expect_text(dealer, "");
        assert_int_equal(receive_number(dealer), 5000);
    }
}

/* Several clients and several workers; everybody gets the own reply, and
 * the work is spread evenly. */
static void many_share_a_broker(void **state)
{
    struct env *env = *state;
    struct broker broker = broker_open(env);
    void *clients[CLIENTS];
    void *workers[WORKERS];
    char front[ENDPOINT_MAX];
    char back[ENDPOINT_MAX];
    int worked[WORKERS] = {0};
    const uint32_t rounds = 6;

    env_bind(env, broker.router, front);
    env_bind(env, broker.dealer, back);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = env_socket(env, ZMQ_REP);
        assert_ok(zmq_connect(workers[i], back));
    }
    wait_for_workers(broker.dealer, workers);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = env_socket(env, ZMQ_REQ);
        assert_ok(zmq_connect(clients[i], front));
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < CLIENTS; i++)
            send_number(clients[i], 100 * round + i);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            (void)pass_on(broker.router, broker.dealer);
            worked[work_once(workers)]++;
            (void)pass_on(broker.dealer, broker.router);
        }
        for (uint32_t i = 0; i < CLIENTS; i++)
            assert_int_equal(receive_number(clients[i]),
                             5000 + 100 * round + i);
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(worked[i], rounds * CLIENTS / WORKERS);
}

/* Workers that ask for work: REQs at a ROUTER, served in the order in which
 * they became idle. */
static void workers_may_ask_for_work(void **state)
{
    static const char *const names[WORKERS] = {"w0", "w1", "w2"};
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *workers[WORKERS];
    char endpoint[ENDPOINT_MAX];

    env_bind(env, router, endpoint);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = env_socket(env, ZMQ_REQ);
        set_text(workers[i], ZMQ_ROUTING_ID, names[i]);
        assert_ok(zmq_connect(workers[i], endpoint));
        send_text(workers[i], "idle", 0);
    }
    for (uint32_t task = 0; task < 20; task++) {
        char name[8] = "";
        int who;

        assert_int_equal(zmq_recv(router, name, sizeof(name), 0), 2);
        expect_part(router, "", true);
        expect_part(router, "idle", false);
        who = name[1] - '0';
        assert_in_range(who, 0, WORKERS - 1);
        send_text(router, name, ZMQ_SNDMORE);
        send_text(router, "", ZMQ_SNDMORE);
        /* A client's address travels with the task. */
        send_text(router, "client", ZMQ_SNDMORE);
        send_number(router, task);
        expect_part(workers[who], "client", true);
        assert_int_equal(receive_number(workers[who]), task);
        send_text(workers[who], "idle", 0);
    }
}

/* A client may have many requests under way, and replies may come in
 * another order. */
static void dealers_ask_without_waiting(void **state)
{
    struct env *env = *state;
    struct broker broker = broker_open(env);
    void *client = env_socket(env, ZMQ_DEALER);
    void *server = env_socket(env, ZMQ_ROUTER);
    const uint32_t count = 100;
    struct id broker_id;
    struct id client_id;

    env_link(env, broker.router, client);
    env_link(env, server, broker.dealer);
    for (uint32_t i = 0; i < count; i++)
        send_number(client, i);
    for (uint32_t i = 0; i < count; i++)
        (void)pass_on(broker.router, broker.dealer);
    for (uint32_t i = 0; i < count; i++) {
        broker_id = id_receive(server);
        client_id = id_receive(server);
        assert_int_equal(receive_number(server), i);
    }
    for (uint32_t i = count; i-- > 0;) {
        id_send(server, &broker_id);
        id_send(server, &client_id);
        send_number(server, i);
    }
    for (uint32_t i = 0; i < count; i++)
        (void)pass_on(broker.dealer, broker.router);
    for (uint32_t i = count; i-- > 0;)
        assert_int_equal(receive_number(client), i);
}

/* The client goes while its request is on the way: the reply ends at the
 * first ROUTER, and the others go on. */
static void a_reply_may_find_its_client_gone(void **state)
{
    struct env *env = *state;
    struct broker broker = broker_open(env);
    void *leaves = env_socket(env, ZMQ_REQ);
    void *stays = env_socket(env, ZMQ_REQ);
    void *rep = env_socket(env, ZMQ_REP);
    char front[ENDPOINT_MAX];

    env_bind(env, broker.router, front);
    env_link(env, rep, broker.dealer);
    assert_ok(zmq_connect(leaves, front));
    send_text(leaves, "x", 0);
    (void)pass_on(broker.router, broker.dealer);
    expect_text(rep, "x");
    env_close_socket(env, leaves);
    assert_ok(zmq_connect(stays, front));
    send_text(stays, "y", 0);
    send_text(rep, "to nobody", 0);
    (void)pass_on(broker.dealer, broker.router);
    (void)pass_on(broker.router, broker.dealer);
    expect_text(rep, "y");
    send_text(rep, "to you", 0);
    (void)pass_on(broker.dealer, broker.router);
    expect_part(stays, "to you", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(an_envelope_grows_and_shrinks),
        ON_EACH(a_chain_needs_no_empty_part),
        ON_EACH(many_share_a_broker),
        ON_EACH(workers_may_ask_for_work),
        ON_EACH(dealers_ask_without_waiting),
        ON_EACH(a_reply_may_find_its_client_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
