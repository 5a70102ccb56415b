/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_ROUTER_RAW: a ROUTER whose peers speak bytes, from the time before
 * there was STREAM.
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

static void *open_raw(struct env *env)
{
    void *router = env_socket(env, ZMQ_ROUTER);

    set_int(router, ZMQ_ROUTER_RAW, 1);
    return router;
}

/* Dials, and takes the notice of that. */
static int dial(void *router, const char *endpoint, struct id *id)
{
    int fd = raw_connect(endpoint);

    *id = id_receive_text(router, "");
    assert_true(id_is_generated(id));
    return fd;
}

static void expect_from_id(void *router, const struct id *id, const char *text)
{
    struct id from = id_receive_text(router, text);

    assert_true(id_is_equal(&from, id));
}

static void bytes_go_both_ways(void **state)
{
    struct env *env = *state;
    void *router = open_raw(env);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    env_bind(env, router, endpoint);
    fd = dial(router, endpoint, &id);
    for (int i = 0; i < 10; i++) {
        raw_write(fd, "ping", 4);
        expect_from_id(router, &id, "ping");
        id_send_text(router, &id, "pong!");
        zmtp_expect(fd, "pong!", 5);
    }
    zmtp_expect_silence(fd);
    close(fd);
}

/* As STREAM does, though ZMQ_STREAM_NOTIFY is for STREAM alone. */
static void who_comes_and_who_goes_is_told(void **state)
{
    struct env *env = *state;
    void *router = open_raw(env);
    char endpoint[ENDPOINT_MAX];
    struct id ids[PEERS];
    int fds[PEERS];
    int off = 0;

    assert_fails(zmq_setsockopt(router, ZMQ_STREAM_NOTIFY, &off, sizeof(off)),
                 EINVAL);
    env_bind(env, router, endpoint);
    for (int i = 0; i < PEERS; i++) {
        fds[i] = dial(router, endpoint, &ids[i]);
        for (int k = 0; k < i; k++)
            assert_false(id_is_equal(&ids[i], &ids[k]));
    }
    for (int i = 0; i < PEERS; i++) {
        raw_write(fds[i], "me", 2);
        expect_from_id(router, &ids[i], "me");
        close(fds[i]);
        expect_from_id(router, &ids[i], "");
    }
    expect_nothing(router);
}

static void an_empty_part_closes_the_connection(void **state)
{
    struct env *env = *state;
    void *router = open_raw(env);
    char endpoint[ENDPOINT_MAX];
    struct id ids[2];
    int fds[2];

    env_bind(env, router, endpoint);
    for (int i = 0; i < 2; i++)
        fds[i] = dial(router, endpoint, &ids[i]);
    id_send_text(router, &ids[0], "");
    /* libzmq does that when its socket is used. */
    while (!raw_is_hung_up(fds[0], 1))
        (void)get_int(router, ZMQ_EVENTS);
    expect_nothing_for_a_while(router);
    id_send_text(router, &ids[1], "you stay");
    zmtp_expect(fds[1], "you stay", 8);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
}

/* The second part is the last, whatever its flag says. */
static void a_message_is_two_parts_whatever_is_said(void **state)
{
    struct env *env = *state;
    void *router = open_raw(env);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    env_bind(env, router, endpoint);
    fd = dial(router, endpoint, &id);
    for (int i = 0; i < 3; i++) {
        id_send(router, &id);
        send_text(router, "part", ZMQ_SNDMORE);
    }
    zmtp_expect(fd, "partpartpart", 12);
    close(fd);
}

/* Here it is a ROUTER, not a STREAM. */
static void what_is_for_nobody_is_dropped(void **state)
{
    struct env *env = *state;
    void *router = open_raw(env);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    env_bind(env, router, endpoint);
    send_to(router, "nobody", "lost");
    fd = dial(router, endpoint, &id);
    send_to(router, "nobody", "lost");
    id_send_text(router, &id, "found");
    zmtp_expect(fd, "found", 5);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    assert_fails(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    close(fd);
    expect_from_id(router, &id, "");
    wait_unknown(router, id.bytes, id.size);
}

static void a_raw_router_may_connect(void **state)
{
    struct env *env = *state;
    void *router = open_raw(env);
    char endpoint[ENDPOINT_MAX];
    int listener;
    int fd;

    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "server");
    assert_ok(zmq_connect(router, endpoint));
    send_to(router, "server", "question");
    fd = raw_accept(listener);
    zmtp_expect(fd, "question", 8);
    expect_from(router, "server", "");
    raw_write(fd, "answer", 6);
    expect_from(router, "server", "answer");
    close(fd);
    close(listener);
}

/* One socket, with a listener of each kind. */
static void raw_is_for_what_is_bound_later(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    env_bind(env, router, endpoint);
    set_text(dealer, ZMQ_ROUTING_ID, "zmtp");
    assert_ok(zmq_connect(dealer, endpoint));
    send_text(dealer, "hello", 0);
    expect_from(router, "zmtp", "hello");
    assert_ok(zmq_unbind(router, endpoint));
    set_int(router, ZMQ_ROUTER_RAW, 1);
    env_bind(env, router, endpoint);
    fd = dial(router, endpoint, &id);
    raw_write(fd, "bytes", 5);
    expect_from_id(router, &id, "bytes");
    id_send_text(router, &id, "bytes");
    zmtp_expect(fd, "bytes", 5);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(bytes_go_both_ways),
        ON_STREAMS(who_comes_and_who_goes_is_told),
        ON_STREAMS(an_empty_part_closes_the_connection),
        ON_STREAMS(a_message_is_two_parts_whatever_is_said),
        ON_STREAMS(what_is_for_nobody_is_dropped),
        ON_STREAMS(a_raw_router_may_connect),
        ON_STREAMS(raw_is_for_what_is_bound_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
