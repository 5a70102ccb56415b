/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REP and envelopes: what comes before the first empty part of a request is
 * kept, not shown, and goes before the reply. What has no empty part is no
 * request.
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

#define DEEP 40
#define LARGE 70000

/* POLLIN may be there for what turns out to be no request. */
static void expect_no_request(void *rep)
{
    char byte;

    set_int(rep, ZMQ_RCVTIMEO, GLANCE_MS);
    assert_fails(zmq_recv(rep, &byte, 1, 0), EAGAIN);
    set_int(rep, ZMQ_RCVTIMEO, PATIENCE_MS);
}

static void the_envelope_is_kept_and_goes_back(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    send_text(dealer, "a", ZMQ_SNDMORE);
    send_text(dealer, "longer than b", ZMQ_SNDMORE);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "one", ZMQ_SNDMORE);
    send_text(rep, "two", 0);
    expect_part(dealer, "a", true);
    expect_part(dealer, "longer than b", true);
    expect_part(dealer, "", true);
    expect_part(dealer, "one", true);
    expect_part(dealer, "two", false);
}

static void the_envelope_may_be_the_empty_part_alone(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "answer", 0);
    expect_part(dealer, "", true);
    expect_part(dealer, "answer", false);
}

static void only_the_first_empty_part_ends_the_envelope(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    send_text(dealer, "a", ZMQ_SNDMORE);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "b", ZMQ_SNDMORE);
    send_text(dealer, "", 0);
    expect_part(rep, "", true);
    expect_part(rep, "b", true);
    expect_part(rep, "", false);
    send_text(rep, "", 0);
    expect_part(dealer, "a", true);
    expect_part(dealer, "", true);
    expect_part(dealer, "", false);
}

static void an_envelope_may_be_deep(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    for (uint32_t i = 0; i < DEEP; i++)
        assert_int_equal(zmq_send(dealer, &i, sizeof(i), ZMQ_SNDMORE), 4);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "answer", 0);
    for (uint32_t i = 0; i < DEEP; i++)
        assert_int_equal(receive_number(dealer), i);
    expect_part(dealer, "", true);
    expect_part(dealer, "answer", false);
}

static void parts_of_an_envelope_may_be_large(void **state)
{
    struct env *env = *state;
    unsigned char *sent = malloc(LARGE);
    unsigned char *back = malloc(LARGE);
    void *rep;
    void *dealer;

    assert_non_null(sent);
    assert_non_null(back);
    for (size_t i = 0; i < LARGE; i++)
        sent[i] = (unsigned char)(i * 7 + i / 251);
    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(zmq_send(dealer, sent, LARGE, ZMQ_SNDMORE), LARGE);
        send_text(dealer, "", ZMQ_SNDMORE);
        send_text(dealer, "question", 0);
        expect_part(rep, "question", false);
        send_text(rep, "answer", 0);
        memset(back, 0, LARGE);
        assert_int_equal(zmq_recv(dealer, back, LARGE, 0), LARGE);
        assert_memory_equal(back, sent, LARGE);
        expect_part(dealer, "", true);
        expect_part(dealer, "answer", false);
    }
    free(sent);
    free(back);
}

/* Each reply has the envelope of its own request. */
static void envelopes_do_not_mix(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    for (uint32_t i = 0; i < 50; i++) {
        for (uint32_t k = 0; k < i % 5; k++) {
            uint32_t number = 100 * i + k;

            assert_int_equal(zmq_send(dealer, &number, 4, ZMQ_SNDMORE), 4);
        }
        send_text(dealer, "", ZMQ_SNDMORE);
        send_number(dealer, i);
    }
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(receive_number(rep), i);
        send_number(rep, 7000 + i);
    }
    for (uint32_t i = 0; i < 50; i++) {
        for (uint32_t k = 0; k < i % 5; k++)
            assert_int_equal(receive_number(dealer), 100 * i + k);
        expect_part(dealer, "", true);
        assert_int_equal(receive_number(dealer), 7000 + i);
    }
}

/* ---- what is no request --------------------------------------------- */

static void what_has_no_empty_part_is_no_request(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    send_text(dealer, "bare", 0);
    send_text(dealer, "two", ZMQ_SNDMORE);
    send_text(dealer, "parts", 0);
    expect_no_request(rep);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "answer", 0);
    expect_part(dealer, "", true);
    expect_part(dealer, "answer", false);
    expect_nothing(dealer);
}

/* Nor is it the beginning of the next one. */
static void what_was_no_request_leaves_no_envelope(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    send_text(dealer, "stray", ZMQ_SNDMORE);
    send_text(dealer, "parts", 0);
    send_text(dealer, "mine", ZMQ_SNDMORE);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "answer", 0);
    expect_part(dealer, "mine", true);
    expect_part(dealer, "", true);
    expect_part(dealer, "answer", false);
}

static void an_envelope_without_a_letter_is_no_request(void **state)
{
    struct env *env = *state;
    void *rep;
    void *dealer;

    env_pair(env, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    send_text(dealer, "", 0);
    send_text(dealer, "a", ZMQ_SNDMORE);
    send_text(dealer, "", 0);
    expect_no_request(rep);
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "question", 0);
    expect_part(rep, "question", false);
}

static void an_unfinished_request_is_not_seen(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    int fd = zmtp_dial(env, rep);

    raw_handshake(fd, "DEALER");
    raw_write(fd, "\1\1a\1\0\1\1b", 8);
    expect_no_request(rep);
    raw_write(fd, "\0\1c", 3);
    expect_part(rep, "b", true);
    expect_part(rep, "c", false);
    send_text(rep, "d", 0);
    zmtp_expect(fd, "\1\1a\1\0\0\1d", 8);
    /* The next one is never finished. */
    raw_write(fd, "\1\1a\1\0\1\1b", 8);
    close(fd);
    expect_no_request(rep);
}

/* ---- other peers ---------------------------------------------------- */

static void a_router_may_ask_a_rep(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *router = env_socket(env, ZMQ_ROUTER);

    /* Over a stream the two do not talk. */
    set_text(rep, ZMQ_ROUTING_ID, "server");
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    env_link(env, rep, router);
    send_text(router, "server", ZMQ_SNDMORE);
    send_text(router, "", ZMQ_SNDMORE);
    send_text(router, "question", 0);
    expect_part(rep, "question", false);
    send_text(rep, "answer", 0);
    expect_part(router, "server", true);
    expect_part(router, "", true);
    expect_part(router, "answer", false);
}

/* Nor does it make room for more replies than there may wait. */
static void what_is_no_request_lends_nothing(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_int(rep, ZMQ_SNDHWM, 1);
    set_int(dealer, ZMQ_RCVHWM, 1);
    env_link(env, rep, dealer);
    for (uint32_t i = 0; i < 10; i++) {
        send_text(dealer, "no", ZMQ_SNDMORE);
        send_text(dealer, "request", 0);
        send_text(dealer, "", ZMQ_SNDMORE);
        send_number(dealer, i);
        assert_int_equal(receive_number(rep), i);
        send_number(rep, i);
    }
    for (uint32_t i = 0; i < 2; i++) {
        expect_text(dealer, "");
        assert_int_equal(receive_number(dealer), i);
    }
    expect_nothing(dealer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(the_envelope_is_kept_and_goes_back),
        ON_EACH(the_envelope_may_be_the_empty_part_alone),
        ON_EACH(only_the_first_empty_part_ends_the_envelope),
        ON_EACH(an_envelope_may_be_deep),
        ON_EACH(parts_of_an_envelope_may_be_large),
        ON_EACH(envelopes_do_not_mix),
        ON_EACH(what_has_no_empty_part_is_no_request),
        ON_EACH(what_was_no_request_leaves_no_envelope),
        ON_EACH(an_envelope_without_a_letter_is_no_request),
        ON_STREAMS(an_unfinished_request_is_not_seen),
        ON(inproc, a_router_may_ask_a_rep),
        ON(inproc, what_is_no_request_lends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
