/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTER and raw peers: ids that are taken twice, taken over, or announced as
 * older protocols do, and peers that go.
 *
 * Thread: the main thread of a test.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/env.h"
#include "common/id.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void id_is_shown_and_taken_off_again(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < 2; i++) {
        void *router = env_socket(env, ZMQ_ROUTER);
        int fd = zmtp_attach(env, router, i);

        zmtp_greet_as(fd, "DEALER", "them");
        ZMTP_SAY(fd, "");
        expect_from(router, "them", "");
        ZMTP_SAY(fd, "", "a", "");
        expect_part(router, "them", true);
        expect_part(router, "", true);
        expect_part(router, "a", true);
        expect_part(router, "", false);
        send_text(router, "them", ZMQ_SNDMORE);
        send_text(router, "", ZMQ_SNDMORE);
        send_text(router, "b", 0);
        send_to(router, "nobody", "lost");
        send_text(router, "them", 0);
        send_to(router, "them", "");
        zmtp_expect(fd, "\1\0\0\1b\0\0", 7);
        zmtp_expect_silence(fd);
        close(fd);
    }
}

/* It hears nothing more and is not heard, but is not hung up on either. */
static void second_of_an_id_is_left_standing(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int first, second;

    env_bind(env, router, endpoint);
    first = raw_connect(endpoint);
    zmtp_greet_as(first, "DEALER", "them");
    ZMTP_SAY(first, "a");
    expect_from(router, "them", "a");
    second = raw_connect(endpoint);
    zmtp_greet_as(second, "DEALER", "them");
    ZMTP_SAY(second, "b");
    expect_nothing_for_a_while(router);
    send_to(router, "them", "c");
    zmtp_expect(first, "\0\1c", 3);
    zmtp_expect_silence(second);
    close(second);
    ZMTP_SAY(first, "d");
    expect_from(router, "them", "d");
    close(first);
}

/* A message of two parts. Who is not read takes no more at some point, and
 * reading is up to the thread that writes here. */
static void say_while_serving(void *router, int fd)
{
    static const unsigned char message[] = {1, 1, 'b', 0, 1, 'c'};
    int64_t deadline = now_ms() + PATIENCE_MS;
    size_t sent = 0;

    while (sent < sizeof(message)) {
        ssize_t n = send(fd, message + sent, sizeof(message) - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            sent += (size_t)n;
        else
            assert_true(errno == EAGAIN && now_ms() < deadline);
        (void)get_int(router, ZMQ_EVENTS);
    }
}

/* However much it says to nobody, its end is noticed. */
static void second_of_an_id_may_go(void **state)
{
    enum { MARK = 10, MESSAGES = 5000 };
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int first, second;

    set_int(router, ZMQ_RCVHWM, MARK);
    env_bind(env, router, endpoint);
    first = raw_connect(endpoint);
    zmtp_greet_as(first, "DEALER", "them");
    ZMTP_SAY(first, "a");
    expect_from(router, "them", "a");
    second = raw_connect(endpoint);
    zmtp_greet_as(second, "DEALER", "them");
    for (int i = 0; i < MESSAGES; i++)
        say_while_serving(router, second);
    assert_int_equal(shutdown(second, SHUT_WR), 0);
    wait_serving_fd(router, second);
    zmtp_expect_hung_up(second);
    ZMTP_SAY(first, "d");
    expect_from(router, "them", "d");
    close(first);
    close(second);
}

/* Sends to the id until it reaches this peer. */
static void send_until_it_reaches(void *router, const char *id, int fd)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    struct pollfd item = {.fd = fd, .events = POLLIN};

    do {
        assert_true(now_ms() < deadline);
        send_to(router, id, "e");
    } while (poll(&item, 1, 10) == 0);
    zmtp_expect(fd, "\0\1e", 3);
}

/* What was being read is read to its end, what waited behind it is not. */
static void message_that_is_read_outlives_a_handover(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int first, second;

    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    env_bind(env, router, endpoint);
    first = raw_connect(endpoint);
    zmtp_greet_as(first, "DEALER", "them");
    ZMTP_SAY(first, "a", "b", "c");
    ZMTP_SAY(first, "unheard");
    expect_part(router, "them", true);
    expect_part(router, "a", true);
    second = raw_connect(endpoint);
    zmtp_greet_as(second, "DEALER", "them");
    ZMTP_SAY(second, "d");
    send_until_it_reaches(router, "them", second);
    expect_part(router, "b", true);
    expect_part(router, "c", false);
    expect_from(router, "them", "d");
    expect_nothing_for_a_while(router);
    close(first);
    ZMTP_SAY(second, "f");
    expect_from(router, "them", "f");
    close(second);
}

static void messages_of_a_closed_peer_are_still_shown(void **state)
{
    enum { MESSAGES = 10 };
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int fd;

    env_bind(env, router, endpoint);
    fd = raw_connect(endpoint);
    zmtp_greet_as(fd, "DEALER", "them");
    for (int i = 0; i < MESSAGES; i++)
        ZMTP_SAY(fd, "a", "b");
    expect_part(router, "them", true);
    close(fd);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    for (int i = 0; i < MESSAGES; i++) {
        if (i > 0)
            expect_part(router, "them", true);
        expect_part(router, "a", true);
        expect_part(router, "b", false);
    }
    expect_nothing_for_a_while(router);
    assert_fails(zmq_send(router, "them", 4, ZMQ_SNDMORE), EHOSTUNREACH);
}

static void identities_of_old_peers_are_routing_ids(void **state)
{
    static const unsigned char revision_and_type[2] = {1, ZMQ_DEALER};
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int old, older;

    env_bind(env, router, endpoint);
    old = raw_connect(endpoint);
    raw_write(old, zmtp_signature, sizeof(zmtp_signature));
    raw_write(old, revision_and_type, 2);
    raw_write(old, "\0\3old", 5);
    raw_write(old, "\0\1a", 3);
    expect_from(router, "old", "a");
    older = raw_connect(endpoint);
    raw_write(older, "\6\0older", 7);
    raw_write(older, "\2\0b", 3);
    expect_from(router, "older", "b");
    close(old);
    close(older);
}

/* An empty message when a peer comes, and one when it has gone, behind all
 * that it sent; half a message is not shown. */
static void comings_and_goings_are_told_if_asked_for(void **state)
{
    struct env *env = *state;

    for (int notify = 0; notify < 4; notify++) {
        void *router = env_socket(env, ZMQ_ROUTER);
        char endpoint[ENDPOINT_MAX];

        set_int(router, ZMQ_ROUTER_NOTIFY, notify);
        assert_int_equal(get_int(router, ZMQ_ROUTER_NOTIFY), notify);
        env_bind(env, router, endpoint);
        for (int i = 0; i < 2; i++) {
            int fd = raw_connect(endpoint);

            zmtp_greet_as(fd, "DEALER", "them");
            ZMTP_SAY(fd, "a");
            raw_write_frame(fd, ZMTP_MORE, "half", 4);
            close(fd);
            if (notify & ZMQ_NOTIFY_CONNECT)
                expect_from(router, "them", "");
            expect_from(router, "them", "a");
            if (notify & ZMQ_NOTIFY_DISCONNECT)
                expect_from(router, "them", "");
            expect_nothing_for_a_while(router);
        }
    }
}

static void connecting_router_is_told_of_every_connection(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    int listener;

    set_int(router, ZMQ_ROUTER_NOTIFY,
            ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT);
    set_int(router, ZMQ_RECONNECT_IVL, 10);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(router, endpoint));
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);

        zmtp_greet_as(fd, "DEALER", "them");
        expect_from(router, "them", "");
        close(fd);
        expect_from(router, "them", "");
    }
    close(listener);
}

/* ZMQ_ROUTER_RAW: bytes as they come, and an empty part hangs up. */
static void raw_router_speaks_bytes(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    set_int(router, ZMQ_ROUTER_RAW, 1);
    env_bind(env, router, endpoint);
    fd = raw_connect(endpoint);
    id = id_receive_text(router, "");
    assert_true(id_is_generated(&id));
    raw_write(fd, "GET /", 5);
    (void)id_receive_text(router, "GET /");
    id_send(router, &id);
    send_text(router, "200 OK", 0);
    zmtp_expect(fd, "200 OK", 6);
    id_send(router, &id);
    send_text(router, "more", ZMQ_SNDMORE);
    zmtp_expect(fd, "more", 4);
    id_send_text(router, &id, "");
    zmtp_expect_hung_up(fd);
    id_send_text(router, &id, "to nobody");
    close(fd);
}

static int come_as(int fd, const char *id)
{
    zmtp_greet_as(fd, "DEALER", id);
    return fd;
}

/* A ROUTER that has dialled a peer of an id that is another's by now. */
static int open_stranded(struct env *env, void *router, int listener,
                         const char *endpoint, bool is_taken_over)
{
    char own[ENDPOINT_MAX];
    int fd = -1, other;

    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(router, ZMQ_ROUTER_HANDOVER, is_taken_over);
    set_int(router, ZMQ_RECONNECT_IVL, 10);
    env_bind(env, router, own);
    if (is_taken_over) {
        assert_ok(zmq_connect(router, endpoint));
        fd = come_as(raw_accept(listener), "them");
        ZMTP_SAY(fd, "first");
        expect_from(router, "them", "first");
    }
    other = come_as(raw_connect(own), "them");
    ZMTP_SAY(other, "other");
    expect_from(router, "them", "other");
    if (!is_taken_over) {
        assert_ok(zmq_connect(router, endpoint));
        fd = come_as(raw_accept(listener), "them");
    }
    ZMTP_SAY(fd, "lost");
    expect_nothing_for_a_while(router);
    close(other);
    wait_unknown(router, "them", 4);
    return fd;
}

static void stranded_pipe_may_be_of_use_to_the_next_connection(void **state)
{
    static const char *const ids[] = {"them", "they", NULL};
    struct env *env = *state;

    for (int i = 0; i < 6; i++) {
        void *router = env_socket(env, ZMQ_ROUTER);
        char endpoint[ENDPOINT_MAX];
        struct id id;
        int listener, fd;

        env_free_endpoint(env, endpoint);
        listener = raw_listen(endpoint);
        fd = open_stranded(env, router, listener, endpoint, i % 2);
        close(fd);
        fd = come_as(raw_accept(listener), ids[i / 2]);
        ZMTP_SAY(fd, "again");
        id = id_receive_text(router, "again");
        assert_int_equal(id_is_generated(&id), ids[i / 2] == NULL);
        if (ids[i / 2])
            assert_memory_equal(id.bytes, ids[i / 2], 4);
        id_send_text(router, &id, "welcome");
        zmtp_expect(fd, "\0\7welcome", 9);
        close(fd);
        close(listener);
        env_close_socket(env, router);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(id_is_shown_and_taken_off_again),
        ON_STREAMS(second_of_an_id_is_left_standing),
        ON_STREAMS(second_of_an_id_may_go),
        ON_STREAMS(message_that_is_read_outlives_a_handover),
        ON_STREAMS(messages_of_a_closed_peer_are_still_shown),
        ON_STREAMS(identities_of_old_peers_are_routing_ids),
        ON_STREAMS(comings_and_goings_are_told_if_asked_for),
        ON_STREAMS(connecting_router_is_told_of_every_connection),
        ON_STREAMS(raw_router_speaks_bytes),
        ON_STREAMS(stranded_pipe_may_be_of_use_to_the_next_connection),
    };

    return cmocka_run_group_tests_name("raw_routing", tests, NULL, NULL);
}
