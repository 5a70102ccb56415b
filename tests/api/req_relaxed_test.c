/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REQ with ZMQ_REQ_CORRELATE and ZMQ_REQ_RELAXED: requests with a number,
 * and requests that are given up for new ones.
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

#define SHORT_MS 50
#define PEERS 3

struct request {
    struct id id; /* of the REQ */
    uint32_t number;
};

static void *open_relaxed(struct env *env)
{
    void *req = env_socket(env, ZMQ_REQ);

    set_int(req, ZMQ_REQ_CORRELATE, 1);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    return req;
}

/* What a ROUTER gets from a correlating REQ. */
static struct request expect_request(void *router, const char *text)
{
    struct request request = {.id = id_receive(router)};

    assert_int_equal(zmq_recv(router, &request.number, 4, 0), 4);
    assert_int_equal(get_int(router, ZMQ_RCVMORE), 1);
    expect_part(router, "", true);
    expect_part(router, text, false);
    return request;
}

static void send_reply(void *router, const struct request *request,
                       const char *text)
{
    id_send(router, &request->id);
    assert_int_equal(zmq_send(router, &request->number, 4, ZMQ_SNDMORE), 4);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, text, 0);
}

/* ---- correlate ------------------------------------------------------ */

static void a_rep_sends_the_number_back_unknowingly(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    for (uint32_t i = 0; i < 10; i++) {
        send_number(req, i);
        assert_int_equal(receive_number(rep), i);
        assert_int_equal(get_int(rep, ZMQ_RCVMORE), 0);
        send_number(rep, 100 + i);
        assert_int_equal(receive_number(req), 100 + i);
        assert_int_equal(get_int(req, ZMQ_RCVMORE), 0);
    }
}

static void requests_are_numbered_one_by_one(void **state)
{
    struct env *env = *state;
    struct request request = {.number = 0};
    void *router;
    void *req;

    env_pair(env, ZMQ_ROUTER, &router, ZMQ_REQ, &req);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    for (int i = 0; i < 10; i++) {
        uint32_t before = request.number;

        send_text(req, "x", 0);
        request = expect_request(router, "x");
        if (i > 0)
            assert_int_equal(request.number, before + 1);
        send_reply(router, &request, "y");
        expect_part(req, "y", false);
    }
}

static void a_reply_with_another_number_is_passed_over(void **state)
{
    struct env *env = *state;
    struct request request;
    struct request wrong;
    void *router;
    void *req;
    char byte;

    env_pair(env, ZMQ_ROUTER, &router, ZMQ_REQ, &req);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    send_text(req, "x", 0);
    request = expect_request(router, "x");
    wrong = request;
    wrong.number = request.number - 1;
    send_reply(router, &wrong, "old");
    wrong.number = request.number + 1;
    send_reply(router, &wrong, "new");
    set_int(req, ZMQ_RCVTIMEO, SHORT_MS);
    assert_fails(zmq_recv(req, &byte, 1, 0), EAGAIN);
    set_int(req, ZMQ_RCVTIMEO, PATIENCE_MS);
    send_reply(router, &request, "right");
    expect_part(req, "right", false);
}

static void a_reply_without_a_number_is_passed_over(void **state)
{
    struct env *env = *state;
    struct request request;
    void *router;
    void *req;

    env_pair(env, ZMQ_ROUTER, &router, ZMQ_REQ, &req);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    send_text(req, "x", 0);
    request = expect_request(router, "x");
    id_send(router, &request.id);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, "plain", 0);
    send_reply(router, &request, "right");
    expect_part(req, "right", false);
}

/* ---- relaxed -------------------------------------------------------- */

static void a_request_may_be_given_up_for_another(void **state)
{
    struct env *env = *state;
    struct request first;
    struct request second;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *req = open_relaxed(env);

    env_link(env, router, req);
    send_text(req, "first", 0);
    first = expect_request(router, "first");
    send_text(req, "second", 0);
    second = expect_request(router, "second");
    assert_int_equal(second.number, first.number + 1);
    send_reply(router, &second, "of the second");
    expect_part(req, "of the second", false);
}

/* The number tells whose reply it is. */
static void a_reply_to_what_was_given_up_is_thrown_away(void **state)
{
    struct env *env = *state;
    struct request first;
    struct request second;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *req = open_relaxed(env);

    env_link(env, router, req);
    send_text(req, "first", 0);
    first = expect_request(router, "first");
    send_reply(router, &first, "early");
    wait_for(req, ZMQ_POLLIN);
    send_text(req, "second", 0);
    second = expect_request(router, "second");
    send_reply(router, &first, "late");
    send_reply(router, &second, "right");
    expect_part(req, "right", false);
}

static void nothing_can_be_received_before_a_request(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *req = open_relaxed(env);
    char byte;

    env_link(env, rep, req);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    send_text(req, "one", ZMQ_SNDMORE);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    send_text(req, "two", 0);
    expect_text(rep, "one");
    expect_text(rep, "two");
    send_text(rep, "reply", 0);
    expect_part(req, "reply", false);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
}

static void a_waiting_req_can_be_written(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *req = open_relaxed(env);

    env_link(env, rep, req);
    wait_for(req, ZMQ_POLLOUT);
    send_text(req, "x", 0);
    assert_true(is_ready(req, ZMQ_POLLOUT, 0));
    expect_text(rep, "x");
    send_text(rep, "y", 0);
    wait_for(req, ZMQ_POLLIN);
    assert_int_equal(get_int(req, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    expect_text(req, "y");
    assert_int_equal(get_int(req, ZMQ_EVENTS), ZMQ_POLLOUT);
}

static void the_next_peer_is_asked_each_time(void **state)
{
    struct env *env = *state;
    void *peers[PEERS];
    void *req = open_relaxed(env);

    for (int i = 0; i < PEERS; i++) {
        peers[i] = env_socket(env, ZMQ_REP);
        env_link(env, peers[i], req);
    }
    for (uint32_t i = 0; i < PEERS; i++)
        send_number(req, i);
    for (uint32_t i = 0; i < PEERS; i++) {
        /* In the order of the connections. */
        assert_int_equal(receive_number(peers[i]), i);
        send_number(peers[i], 10 + i);
    }
    assert_int_equal(receive_number(req), 10 + PEERS - 1);
}

static void relaxing_in_the_midst_of_waiting_works(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    send_text(req, "first", 0);
    expect_text(rep, "first");
    assert_fails(zmq_send(req, "x", 1, 0), EFSM);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    send_text(req, "second", 0);
    send_text(rep, "of the first", 0);
    expect_text(rep, "second");
    send_text(rep, "of the second", 0);
    expect_part(req, "of the second", false);
}

/* What the option is for: a server that dies with the request. */
static void a_request_is_repeated_until_a_server_answers(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char text[5];
    void *rep = env_socket(env, ZMQ_REP);
    void *req = open_relaxed(env);

    set_int(req, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_bind(rep, endpoint));
    assert_ok(zmq_connect(req, endpoint));
    send_text(req, "x", 0);
    expect_text(rep, "x");
    assert_ok(zmq_unbind(rep, endpoint));
    env_close_socket(env, rep);
    rep = env_socket(env, ZMQ_REP);
    /* The name is free when the old listener is gone. */
    while (zmq_bind(rep, endpoint) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    set_int(req, ZMQ_RCVTIMEO, SHORT_MS);
    while (zmq_recv(req, text, sizeof(text), 0) == -1) {
        assert_int_equal(zmq_errno(), EAGAIN);
        send_text(req, "again", 0);
        while (is_ready(rep, ZMQ_POLLIN, 1)) {
            expect_part(rep, "again", false);
            send_text(rep, "reply", 0);
        }
    }
    assert_memory_equal(text, "reply", sizeof(text));
}

/* To the byte: number, delimiter, body. */
static void the_number_is_four_bytes_before_the_delimiter(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    unsigned char bytes[11];
    int fd;

    set_int(req, ZMQ_REQ_CORRELATE, 1);
    fd = zmtp_dial(env, req);
    raw_handshake(fd, "REP");
    send_text(req, "x", 0);
    raw_read(fd, bytes, sizeof(bytes));
    assert_memory_equal(bytes, "\1\4", 2);
    assert_memory_equal(bytes + 6, "\1\0\0\1x", 5);
    bytes[10] = 'y';
    raw_write(fd, bytes, sizeof(bytes));
    expect_part(req, "y", false);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_rep_sends_the_number_back_unknowingly),
        ON_EACH(requests_are_numbered_one_by_one),
        ON_EACH(a_reply_with_another_number_is_passed_over),
        ON_EACH(a_reply_without_a_number_is_passed_over),
        ON_STREAMS(the_number_is_four_bytes_before_the_delimiter),
        ON_EACH(a_request_may_be_given_up_for_another),
        ON_EACH(a_reply_to_what_was_given_up_is_thrown_away),
        ON_EACH(nothing_can_be_received_before_a_request),
        ON_EACH(a_waiting_req_can_be_written),
        ON_EACH(the_next_peer_is_asked_each_time),
        ON_EACH(relaxing_in_the_midst_of_waiting_works),
        ON_STREAMS(a_request_is_repeated_until_a_server_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
