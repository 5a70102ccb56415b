/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STREAM that connects: to servers of bytes, by ids it is given or chooses,
 * and to other STREAMs.
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

static struct id current_id(void *stream)
{
    struct id id = {.size = sizeof(id.bytes)};

    assert_ok(zmq_getsockopt(stream, ZMQ_ROUTING_ID, id.bytes, &id.size));
    return id;
}

static void expect_from_id(void *stream, const struct id *id, const char *text)
{
    struct id from = id_receive_text(stream, text);

    assert_true(id_is_equal(&from, id));
}

/* A STREAM that dials a listener. */
static void *open_dialling(struct env *env, int *listener,
                           char endpoint[ENDPOINT_MAX])
{
    void *stream = env_socket(env, ZMQ_STREAM);

    set_int(stream, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    *listener = raw_listen(endpoint);
    return stream;
}

static void the_id_of_a_server_can_be_asked_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *stream = open_dialling(env, &listener, endpoint);
    struct id id;
    int fd;

    assert_ok(zmq_connect(stream, endpoint));
    id = current_id(stream);
    assert_true(id_is_generated(&id));
    fd = raw_accept(listener);
    expect_from_id(stream, &id, "");
    id_send_text(stream, &id, "question");
    zmtp_expect(fd, "question", 8);
    raw_write(fd, "answer", 6);
    expect_from_id(stream, &id, "answer");
    close(fd);
    expect_from_id(stream, &id, "");
    close(listener);
}

static void the_id_asked_for_is_that_of_the_last_server(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    int listeners[3];
    struct id ids[3];

    for (int i = 0; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];

        env_free_endpoint(env, endpoint);
        listeners[i] = raw_listen(endpoint);
        assert_ok(zmq_connect(stream, endpoint));
        ids[i] = current_id(stream);
        for (int k = 0; k < i; k++)
            assert_false(id_is_equal(&ids[i], &ids[k]));
    }
    for (int i = 0; i < 3; i++) {
        char digit[2] = {(char)('0' + i), '\0'};

        id_send_text(stream, &ids[i], digit);
    }
    for (int i = 0; i < 3; i++) {
        char digit = (char)('0' + i);
        int fd = raw_accept(listeners[i]);

        zmtp_expect(fd, &digit, 1);
        close(fd);
        close(listeners[i]);
    }
}

static void bytes_wait_for_a_server_that_is_not_there(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int listener;
    int fd;

    set_int(stream, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(stream, endpoint));
    id = current_id(stream);
    id_send_text(stream, &id, "early ");
    id_send_text(stream, &id, "bird");
    expect_nothing(stream);
    listener = raw_listen(endpoint);
    fd = raw_accept(listener);
    zmtp_expect(fd, "early bird", 10);
    expect_from_id(stream, &id, "");
    close(fd);
    close(listener);
}

static void a_server_can_be_named(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *stream = open_dialling(env, &listener, endpoint);
    int fd;

    set_text(stream, ZMQ_CONNECT_ROUTING_ID, "server");
    assert_ok(zmq_connect(stream, endpoint));
    send_to(stream, "server", "question");
    fd = raw_accept(listener);
    zmtp_expect(fd, "question", 8);
    expect_from(stream, "server", "");
    raw_write(fd, "answer", 6);
    expect_from(stream, "server", "answer");
    close(fd);
    expect_from(stream, "server", "");
    close(listener);
}

/* The id stays, and each connection is told of. */
static void a_lost_server_is_dialled_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *stream = open_dialling(env, &listener, endpoint);
    struct id id;

    assert_ok(zmq_connect(stream, endpoint));
    id = current_id(stream);
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);

        expect_from_id(stream, &id, "");
        raw_write(fd, "hello", 5);
        expect_from_id(stream, &id, "hello");
        id_send_text(stream, &id, "hello");
        zmtp_expect(fd, "hello", 5);
        close(fd);
        expect_from_id(stream, &id, "");
    }
    close(listener);
}

static void without_notices_only_bytes_come(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *stream = open_dialling(env, &listener, endpoint);
    struct id id;

    set_int(stream, ZMQ_STREAM_NOTIFY, 0);
    assert_ok(zmq_connect(stream, endpoint));
    id = current_id(stream);
    for (int i = 0; i < 2; i++) {
        int fd = raw_accept(listener);

        raw_write(fd, "hello", 5);
        expect_from_id(stream, &id, "hello");
        close(fd);
    }
    close(listener);
}

static void a_disconnected_server_is_unknown(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *stream = open_dialling(env, &listener, endpoint);
    struct id id;
    int fd;

    assert_ok(zmq_connect(stream, endpoint));
    id = current_id(stream);
    fd = raw_accept(listener);
    expect_from_id(stream, &id, "");
    id_send_text(stream, &id, "good-bye");
    assert_ok(zmq_disconnect(stream, endpoint));
    zmtp_expect(fd, "good-bye", 8);
    while (!raw_is_hung_up(fd, 1))
        (void)get_int(stream, ZMQ_EVENTS);
    assert_fails(zmq_send(stream, id.bytes, id.size, ZMQ_SNDMORE),
                 EHOSTUNREACH);
    close(fd);
    close(listener);
}

/* ---- STREAM to STREAM ----------------------------------------------- */

static void two_streams_talk(void **state)
{
    struct env *env = *state;
    void *server;
    void *client;
    struct id to_server;
    struct id to_client;

    env_pair(env, ZMQ_STREAM, &server, ZMQ_STREAM, &client);
    to_server = current_id(client);
    expect_from_id(client, &to_server, "");
    to_client = id_receive_text(server, "");
    for (int i = 0; i < 20; i++) {
        id_send_text(client, &to_server, "question");
        expect_from_id(server, &to_client, "question");
        id_send_text(server, &to_client, "answer");
        expect_from_id(client, &to_server, "answer");
    }
}

static void one_stream_hears_of_the_end_of_the_other(void **state)
{
    struct env *env = *state;
    void *server;
    void *client;
    struct id to_client;

    env_pair(env, ZMQ_STREAM, &server, ZMQ_STREAM, &client);
    to_client = id_receive_text(server, "");
    env_close_socket(env, client);
    expect_from_id(server, &to_client, "");
    expect_nothing(server);
}

/* The same socket is a server and a client, here of itself. */
static void a_stream_is_bound_and_connected(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    struct id ids[2];
    char endpoint[ENDPOINT_MAX];

    env_bind(env, stream, endpoint);
    assert_ok(zmq_connect(stream, endpoint));
    for (int i = 0; i < 2; i++)
        ids[i] = id_receive_text(stream, "");
    assert_false(id_is_equal(&ids[0], &ids[1]));
    id_send_text(stream, &ids[0], "there");
    expect_from_id(stream, &ids[1], "there");
    id_send_text(stream, &ids[1], "back");
    expect_from_id(stream, &ids[0], "back");
}

/* Reads bytes, in whatever pieces, until so many have come. */
static void expect_size(void *stream, size_t expected)
{
    char bytes[1024];
    size_t size = 0;

    while (size < expected) {
        int part;

        (void)id_receive(stream);
        part = zmq_recv(stream, bytes, sizeof(bytes), 0);
        assert_in_range(part, 1, sizeof(bytes));
        size += (size_t)part;
    }
    assert_int_equal(size, expected);
}

/* A STREAM can speak ZMTP itself, byte by byte, to another type. */
static void a_stream_can_speak_to_a_dealer(void **state)
{
    struct env *env = *state;
    void *dealer;
    void *stream;
    struct zmtp_bytes opening = {.size = 0};
    struct id id;

    env_pair(env, ZMQ_DEALER, &dealer, ZMQ_STREAM, &stream);
    id = current_id(stream);
    expect_from_id(stream, &id, "");
    zmtp_put_opening(&opening, "DEALER");
    id_send(stream, &id);
    assert_int_equal(zmq_send(stream, opening.bytes, opening.size, 0),
                     opening.size);
    /* READY has an Identity, which is empty. */
    expect_size(stream, ZMTP_GREETING_SIZE + 43);
    id_send(stream, &id);
    assert_int_equal(zmq_send(stream, "\0\5hello", 7, 0), 7);
    expect_part(dealer, "hello", false);
    send_text(dealer, "back", 0);
    expect_size(stream, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(the_id_of_a_server_can_be_asked_for),
        ON_STREAMS(the_id_asked_for_is_that_of_the_last_server),
        ON_STREAMS(bytes_wait_for_a_server_that_is_not_there),
        ON_STREAMS(a_server_can_be_named),
        ON_STREAMS(a_lost_server_is_dialled_again),
        ON_STREAMS(without_notices_only_bytes_come),
        ON_STREAMS(a_disconnected_server_is_unknown),
        ON_STREAMS(two_streams_talk),
        ON_STREAMS(one_stream_hears_of_the_end_of_the_other),
        ON_STREAMS(a_stream_is_bound_and_connected),
        ON_STREAMS(a_stream_can_speak_to_a_dealer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
