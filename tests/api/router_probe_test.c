/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_PROBE_ROUTER: an empty message of one part that says "here I am" to
 * a ROUTER, once per pipe.
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

static void *open_probing(struct env *env, int type, const char *id)
{
    void *socket = env_socket(env, type);

    set_int(socket, ZMQ_PROBE_ROUTER, 1);
    set_text(socket, ZMQ_ROUTING_ID, id);
    return socket;
}

static void a_dealer_makes_itself_known(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = open_probing(env, ZMQ_DEALER, "dealer");

    env_link(env, router, dealer);
    expect_from(router, "dealer", "");
    send_to(router, "dealer", "welcome");
    expect_part(dealer, "welcome", false);
    send_text(dealer, "thanks", 0);
    expect_from(router, "dealer", "thanks");
    expect_nothing(router);
}

/* No empty part goes before the probe; it is not the request. */
static void a_req_makes_itself_known(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *req = open_probing(env, ZMQ_REQ, "req");

    env_link(env, router, req);
    expect_from(router, "req", "");
    send_text(req, "question", 0);
    expect_part(router, "req", true);
    expect_part(router, "", true);
    expect_part(router, "question", false);
    send_text(router, "req", ZMQ_SNDMORE);
    send_to(router, "", "answer");
    expect_part(req, "answer", false);
    expect_nothing(router);
}

static void a_router_makes_itself_known(void **state)
{
    struct env *env = *state;
    void *bound = env_socket(env, ZMQ_ROUTER);
    void *router = open_probing(env, ZMQ_ROUTER, "R");

    set_text(bound, ZMQ_ROUTING_ID, "B");
    env_link(env, bound, router);
    expect_from(bound, "R", "");
    send_to(bound, "R", "welcome");
    expect_from(router, "B", "welcome");
    send_to(router, "B", "thanks");
    expect_from(bound, "R", "thanks");
    expect_nothing(bound);
    expect_nothing(router);
}

static void two_routers_may_probe_each_other(void **state)
{
    struct env *env = *state;
    void *a = open_probing(env, ZMQ_ROUTER, "A");
    void *b = open_probing(env, ZMQ_ROUTER, "B");

    env_link(env, a, b);
    expect_from(a, "B", "");
    expect_from(b, "A", "");
    send_to(a, "B", "from a");
    send_to(b, "A", "from b");
    expect_from(a, "B", "from b");
    expect_from(b, "A", "from a");
}

/* The side that is bound probes as well, each of those who come. */
static void a_bound_socket_probes_who_connects(void **state)
{
    struct env *env = *state;
    void *dealer = open_probing(env, ZMQ_DEALER, "server");
    void *routers[3];
    char endpoint[ENDPOINT_MAX];

    env_bind(env, dealer, endpoint);
    for (int i = 0; i < 3; i++) {
        routers[i] = env_socket(env, ZMQ_ROUTER);
        assert_ok(zmq_connect(routers[i], endpoint));
        /* libzmq probes when its socket is used the next time. */
        while (!is_ready(routers[i], ZMQ_POLLIN, 1))
            (void)get_int(dealer, ZMQ_EVENTS);
        expect_from(routers[i], "server", "");
    }
    for (int i = 0; i < 3; i++)
        send_to(routers[i], "server", "question");
    for (int i = 0; i < 3; i++)
        expect_part(dealer, "question", false);
    for (int i = 0; i < 3; i++)
        expect_nothing(routers[i]);
}

static void every_peer_is_probed(void **state)
{
    struct env *env = *state;
    void *dealer = open_probing(env, ZMQ_DEALER, "d");
    void *routers[3];

    for (int i = 0; i < 3; i++) {
        routers[i] = env_socket(env, ZMQ_ROUTER);
        env_link(env, routers[i], dealer);
    }
    for (int i = 0; i < 3; i++)
        expect_from(routers[i], "d", "");
}

static void a_probe_waits_for_who_is_not_there_yet(void **state)
{
    struct env *env = *state;
    void *dealer = open_probing(env, ZMQ_DEALER, "d");
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];

    set_int(dealer, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    send_text(dealer, "early", 0);
    assert_ok(zmq_bind(router, endpoint));
    expect_from(router, "d", "");
    expect_from(router, "d", "early");
}

static void without_the_option_nothing_is_said(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    env_link(env, router, dealer);
    send_text(dealer, "first", 0);
    (void)id_receive_text(router, "first");
}

/* Only connections made later are probed. */
static void the_option_is_for_connections_made_later(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    void *first = env_socket(env, ZMQ_ROUTER);
    void *second = env_socket(env, ZMQ_ROUTER);
    void *third = env_socket(env, ZMQ_ROUTER);

    env_link(env, first, dealer);
    send_text(dealer, "hello", 0);
    (void)id_receive_text(first, "hello");
    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    env_link(env, second, dealer);
    (void)id_receive_text(second, "");
    set_int(dealer, ZMQ_PROBE_ROUTER, 0);
    env_link(env, third, dealer);
    expect_nothing_for_a_while(third);
    expect_nothing(first);
}

/* ---- on the wire ---------------------------------------------------- */

static void a_probe_is_one_empty_frame(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    int fd;

    set_int(req, ZMQ_PROBE_ROUTER, 1);
    fd = zmtp_answer(env, req);
    raw_handshake(fd, "ROUTER");
    zmtp_expect(fd, "\0\0", 2);
    send_text(req, "x", 0);
    zmtp_expect(fd, "\1\0\0\1x", 5);
    close(fd);
}

/* The pipe is the same, whatever the connection. */
static void a_new_connection_is_not_probed_again(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    int listener;
    int fd;

    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    set_int(dealer, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    fd = raw_accept(listener);
    raw_handshake(fd, "ROUTER");
    zmtp_expect(fd, "\0\0", 2);
    close(fd);
    fd = raw_accept(listener);
    raw_handshake(fd, "ROUTER");
    /* Not sent into the connection that is lost. */
    raw_write(fd, "\0\5ready", 7);
    expect_part(dealer, "ready", false);
    send_text(dealer, "x", 0);
    zmtp_expect(fd, "\0\1x", 3);
    close(fd);
    close(listener);
}

/* With ZMQ_IMMEDIATE each connection has a pipe of its own. */
static void a_new_pipe_is_probed_again(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    int listener;

    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    set_int(dealer, ZMQ_IMMEDIATE, 1);
    set_int(dealer, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);

        raw_handshake(fd, "ROUTER");
        /* libzmq probes when its socket is used the next time. */
        wait_for(dealer, ZMQ_POLLOUT);
        zmtp_expect(fd, "\0\0", 2);
        close(fd);
        while (is_ready(dealer, ZMQ_POLLOUT, 0))
            continue;
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_dealer_makes_itself_known),
        ON_EACH(a_req_makes_itself_known),
        ON_EACH(a_router_makes_itself_known),
        ON_EACH(two_routers_may_probe_each_other),
        ON_EACH(a_bound_socket_probes_who_connects),
        ON_EACH(every_peer_is_probed),
        ON_EACH(a_probe_waits_for_who_is_not_there_yet),
        ON_EACH(without_the_option_nothing_is_said),
        ON_EACH(the_option_is_for_connections_made_later),
        ON_STREAMS(a_probe_is_one_empty_frame),
        ON_STREAMS(a_new_connection_is_not_probed_again),
        ON_STREAMS(a_new_pipe_is_probed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
