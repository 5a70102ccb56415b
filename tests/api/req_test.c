/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REQ: request and reply in turn, what each state allows, and the envelope.
 *
 * Thread: the main thread, and one that waits for a reply or a peer.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <unistd.h>

#define SHORT_MS 50

static int events_of(void *socket)
{
    return get_int(socket, ZMQ_EVENTS);
}

static void requests_are_answered_in_turn(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    for (uint32_t i = 0; i < 100; i++) {
        send_number(req, i);
        assert_int_equal(receive_number(rep), i);
        send_number(rep, 1000 + i);
        assert_int_equal(receive_number(req), 1000 + i);
    }
}

static void a_bound_req_asks_whoever_connects(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REQ, &req, ZMQ_REP, &rep);
    send_text(req, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "answer", 0);
    expect_part(req, "answer", false);
}

static void requests_and_replies_may_be_empty(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "", 0);
    expect_part(rep, "", false);
    send_text(rep, "", 0);
    expect_part(req, "", false);
}

/* ---- states --------------------------------------------------------- */

static void nothing_can_be_received_before_a_request(void **state)
{
    struct env *env = *state;
    char byte;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    assert_fails(zmq_recv(req, &byte, 1, ZMQ_DONTWAIT), EFSM);
    send_text(req, "x", 0);
    expect_text(rep, "x");
    send_text(rep, "y", 0);
    expect_text(req, "y");
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
}

static void nothing_can_be_sent_before_the_reply(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "first", 0);
    assert_fails(zmq_send(req, "x", 1, 0), EFSM);
    assert_fails(zmq_send(req, "x", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), EFSM);
    expect_part(rep, "first", false);
    send_text(rep, "reply", 0);
    wait_for(req, ZMQ_POLLIN);
    assert_fails(zmq_send(req, "x", 1, 0), EFSM);
    expect_text(req, "reply");
    expect_nothing(rep);
    send_text(req, "second", 0);
    expect_part(rep, "second", false);
}

static void only_the_last_part_ends_a_request(void **state)
{
    struct env *env = *state;
    char byte;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "one", ZMQ_SNDMORE);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    send_text(req, "", ZMQ_SNDMORE);
    assert_fails(zmq_recv(req, &byte, 1, ZMQ_DONTWAIT), EFSM);
    expect_nothing(rep);
    send_text(req, "three", 0);
    expect_part(rep, "one", true);
    expect_part(rep, "", true);
    expect_part(rep, "three", false);
}

static void only_the_last_part_ends_a_reply(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "x", 0);
    expect_text(rep, "x");
    send_text(rep, "one", ZMQ_SNDMORE);
    send_text(rep, "", ZMQ_SNDMORE);
    send_text(rep, "three", 0);
    expect_part(req, "one", true);
    assert_fails(zmq_send(req, "x", 1, 0), EFSM);
    expect_part(req, "", true);
    assert_fails(zmq_send(req, "x", 1, ZMQ_DONTWAIT), EFSM);
    expect_part(req, "three", false);
    send_text(req, "again", 0);
    expect_text(rep, "again");
}

static void events_tell_the_state(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = env_socket(env, ZMQ_REP);
    void *req = env_socket(env, ZMQ_REQ);

    assert_int_equal(events_of(req), 0);
    env_bind(env, rep, endpoint);
    assert_ok(zmq_connect(req, endpoint));
    wait_for(req, ZMQ_POLLOUT);
    assert_int_equal(events_of(req), ZMQ_POLLOUT);
    send_text(req, "one", ZMQ_SNDMORE);
    assert_int_equal(events_of(req), ZMQ_POLLOUT);
    send_text(req, "two", 0);
    assert_int_equal(events_of(req), 0);
    expect_text(rep, "one");
    expect_text(rep, "two");
    send_text(rep, "three", ZMQ_SNDMORE);
    assert_false(is_ready(req, ZMQ_POLLIN, 0));
    send_text(rep, "four", 0);
    wait_for(req, ZMQ_POLLIN);
    assert_int_equal(events_of(req), ZMQ_POLLIN);
    expect_text(req, "three");
    assert_int_equal(events_of(req), ZMQ_POLLIN);
    expect_text(req, "four");
    assert_int_equal(events_of(req), ZMQ_POLLOUT);
}

/* ---- nobody there, or nobody who answers ---------------------------- */

static void without_a_peer_nothing_is_sent_and_nothing_begun(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char byte;
    void *rep = env_socket(env, ZMQ_REP);
    void *req = env_socket(env, ZMQ_REQ);

    assert_fails(zmq_send(req, "lost", 4, ZMQ_DONTWAIT), EAGAIN);
    set_int(req, ZMQ_SNDTIMEO, SHORT_MS);
    assert_fails(zmq_send(req, "lost", 4, ZMQ_SNDMORE), EAGAIN);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    env_bind(env, rep, endpoint);
    assert_ok(zmq_connect(req, endpoint));
    send_text(req, "sent", 0);
    expect_part(rep, "sent", false);
}

static int send_blocking(void *req)
{
    return zmq_send(req, "late", 4, 0);
}

static void a_request_waits_for_a_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct call call;
    void *rep = env_socket(env, ZMQ_REP);
    void *req = env_socket(env, ZMQ_REQ);

    env_bind(env, req, endpoint);
    call_start(&call, send_blocking, req);
    call_wait_blocked(&call);
    assert_ok(zmq_connect(rep, endpoint));
    assert_int_equal(call_join(&call), 4);
    expect_text(rep, "late");
}

static int receive_blocking(void *req)
{
    char byte;

    return zmq_recv(req, &byte, 1, 0);
}

static void a_reply_wakes_who_waits_for_it(void **state)
{
    struct env *env = *state;
    struct call call;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "x", 0);
    expect_text(rep, "x");
    call_start(&call, receive_blocking, req);
    call_wait_blocked(&call);
    send_text(rep, "r", 0);
    assert_int_equal(call_join(&call), 1);
}

static void a_late_reply_is_still_the_reply(void **state)
{
    struct env *env = *state;
    char byte;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "x", 0);
    expect_text(rep, "x");
    set_int(req, ZMQ_RCVTIMEO, SHORT_MS);
    assert_fails(zmq_recv(req, &byte, 1, 0), EAGAIN);
    assert_fails(zmq_recv(req, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_send(req, "y", 1, 0), EFSM);
    set_int(req, ZMQ_RCVTIMEO, PATIENCE_MS);
    send_text(rep, "late", 0);
    expect_text(req, "late");
}

static void the_end_of_the_context_ends_the_wait_for_a_reply(void **state)
{
    struct env *env = *state;
    struct call call;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "x", 0);
    expect_text(rep, "x");
    call_start(&call, receive_blocking, req);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_int_equal(call_join(&call), -1);
    assert_int_equal(zmq_errno(), ETERM);
}

/* ---- the envelope --------------------------------------------------- */

static void an_empty_part_goes_before_a_request(void **state)
{
    struct env *env = *state;
    void *router;
    void *req;

    env_pair(env, ZMQ_ROUTER, &router, ZMQ_REQ, &req);
    set_int(router, ZMQ_LINGER, 0);
    send_text(req, "one", ZMQ_SNDMORE);
    send_text(req, "two", 0);
    (void)id_receive(router);
    expect_part(router, "", true);
    expect_part(router, "one", true);
    expect_part(router, "two", false);
}

static void a_reply_without_the_empty_part_is_passed_over(void **state)
{
    struct env *env = *state;
    struct id id;
    void *router;
    void *req;

    /* libzmq 4.3.4 hangs up on a peer that says this over a stream. */
    if (!is_ceromq() && env->transport->is_stream)
        skip();
    env_pair(env, ZMQ_ROUTER, &router, ZMQ_REQ, &req);
    send_text(req, "x", 0);
    id = id_receive(router);
    expect_part(router, "", true);
    expect_part(router, "x", false);
    id_send_text(router, &id, "bare");
    id_send(router, &id);
    send_text(router, "id?", ZMQ_SNDMORE);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, "wrapped", 0);
    id_send(router, &id);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, "right", 0);
    expect_part(req, "", true);
    expect_part(req, "right", false);
}

static void a_second_reply_is_thrown_away(void **state)
{
    struct env *env = *state;
    struct id id;
    void *router;
    void *req;

    env_pair(env, ZMQ_ROUTER, &router, ZMQ_REQ, &req);
    send_text(req, "x", 0);
    id = id_receive(router);
    expect_text(router, "");
    expect_text(router, "x");
    for (int i = 0; i < 3; i++) {
        id_send(router, &id);
        send_text(router, "", ZMQ_SNDMORE);
        send_text(router, i == 0 ? "first" : "more", 0);
    }
    expect_part(req, "first", false);
    send_text(req, "y", 0);
    (void)id_receive(router);
    expect_text(router, "");
    expect_text(router, "y");
    id_send(router, &id);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, "second", 0);
    expect_part(req, "second", false);
}

/* All replies come with one write, and so before the second request. */
static void a_second_reply_is_thrown_away_from_the_wire(void **state)
{
    struct env *env = *state;
    void *req = env_socket(env, ZMQ_REQ);
    struct zmtp_bytes bytes = {.size = 0};
    int fd = zmtp_dial(env, req);

    raw_handshake(fd, "REP");
    send_text(req, "x", 0);
    zmtp_expect(fd, "\1\0\0\1x", 5);
    for (int i = 0; i < 3; i++) {
        zmtp_put_frame(&bytes, ZMTP_MORE, "", 0);
        zmtp_put_frame(&bytes, 0, i == 0 ? "1st" : "any", 3);
    }
    zmtp_write(fd, &bytes);
    expect_part(req, "1st", false);
    send_text(req, "y", 0);
    zmtp_expect(fd, "\1\0\0\1y", 5);
    raw_write(fd,
              "\1\0\0\3"
              "2nd",
              7);
    expect_part(req, "2nd", false);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(requests_are_answered_in_turn),
        ON_EACH(a_bound_req_asks_whoever_connects),
        ON_EACH(requests_and_replies_may_be_empty),
        ON_EACH(nothing_can_be_received_before_a_request),
        ON_EACH(nothing_can_be_sent_before_the_reply),
        ON_EACH(only_the_last_part_ends_a_request),
        ON_EACH(only_the_last_part_ends_a_reply),
        ON_EACH(events_tell_the_state),
        ON_EACH(without_a_peer_nothing_is_sent_and_nothing_begun),
        ON_EACH(a_request_waits_for_a_peer),
        ON_EACH(a_reply_wakes_who_waits_for_it),
        ON_EACH(a_late_reply_is_still_the_reply),
        ON_EACH(the_end_of_the_context_ends_the_wait_for_a_reply),
        ON_EACH(an_empty_part_goes_before_a_request),
        ON_EACH(a_reply_without_the_empty_part_is_passed_over),
        ON(inproc, a_second_reply_is_thrown_away),
        ON_STREAMS(a_second_reply_is_thrown_away_from_the_wire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
