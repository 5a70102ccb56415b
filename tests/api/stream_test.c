/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STREAM that is bound: peers that speak bytes come, talk and go.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS 5

static void *open_bound(struct env *env, char endpoint[ENDPOINT_MAX])
{
    void *stream = env_socket(env, ZMQ_STREAM);

    env_bind(env, stream, endpoint);
    return stream;
}

/* Dials, and takes the notice of that. */
static int dial(void *stream, const char *endpoint, struct id *id)
{
    int fd = raw_connect(endpoint);

    *id = id_receive_text(stream, "");
    assert_true(id_is_generated(id));
    return fd;
}

static void expect_from_id(void *stream, const struct id *id, const char *text)
{
    struct id from = id_receive_text(stream, text);

    assert_true(id_is_equal(&from, id));
}

static void expect_bytes(int fd, const char *text)
{
    zmtp_expect(fd, text, strlen(text));
}

/* The peer is hung up on; libzmq does that when its socket is used. */
static void wait_hung_up(void *stream, int fd)
{
    while (!raw_is_hung_up(fd, 1))
        (void)get_int(stream, ZMQ_EVENTS);
}

/* ---- notices -------------------------------------------------------- */

static void who_comes_and_who_goes_is_told(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd;

    expect_nothing(stream);
    fd = dial(stream, endpoint, &id);
    expect_nothing_for_a_while(stream);
    close(fd);
    expect_from_id(stream, &id, "");
    expect_nothing_for_a_while(stream);
}

static void every_peer_has_an_id_of_its_own(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id ids[PEERS];
    int fds[PEERS];

    for (int i = 0; i < PEERS; i++) {
        fds[i] = dial(stream, endpoint, &ids[i]);
        for (int k = 0; k < i; k++)
            assert_false(id_is_equal(&ids[i], &ids[k]));
    }
    for (int i = 0; i < PEERS; i++) {
        raw_write(fds[i], "me", 2);
        expect_from_id(stream, &ids[i], "me");
    }
    for (int i = 0; i < PEERS; i++) {
        close(fds[i]);
        expect_from_id(stream, &ids[i], "");
    }
}

/* Nor is an id used again at once. */
static void who_comes_again_is_somebody_else(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id before = {.size = 0};

    for (int i = 0; i < PEERS; i++) {
        struct id id;
        int fd = dial(stream, endpoint, &id);

        assert_false(id_is_equal(&id, &before));
        close(fd);
        expect_from_id(stream, &id, "");
        before = id;
    }
}

static void notices_can_be_switched_off(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = env_socket(env, ZMQ_STREAM);
    struct id id;
    int fd;

    set_int(stream, ZMQ_STREAM_NOTIFY, 0);
    env_bind(env, stream, endpoint);
    fd = raw_connect(endpoint);
    expect_nothing_for_a_while(stream);
    raw_write(fd, "hello", 5);
    id = id_receive_text(stream, "hello");
    assert_true(id_is_generated(&id));
    id_send_text(stream, &id, "back");
    expect_bytes(fd, "back");
    close(fd);
    expect_nothing_for_a_while(stream);
}

/* What was said comes before the notice of the end. */
static void who_goes_is_heard_out(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd = dial(stream, endpoint, &id);

    raw_write(fd, "last words", 10);
    close(fd);
    expect_from_id(stream, &id, "last words");
    expect_from_id(stream, &id, "");
    expect_nothing(stream);
}

/* ---- talk ----------------------------------------------------------- */

static void bytes_go_both_ways(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd = dial(stream, endpoint, &id);

    for (int i = 0; i < 20; i++) {
        raw_write(fd, "ping", 4);
        expect_from_id(stream, &id, "ping");
        id_send_text(stream, &id, "pong!");
        expect_bytes(fd, "pong!");
    }
    zmtp_expect_silence(fd);
    close(fd);
}

/* Bytes go out as they are; nothing is put between two messages. */
static void nothing_is_added(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    char bytes[4];
    struct id id;
    int fd = dial(stream, endpoint, &id);

    id_send_text(stream, &id, "one");
    id_send_text(stream, &id, "two");
    id_send(stream, &id);
    assert_int_equal(zmq_send(stream, "\0\xff\0", 3, 0), 3);
    zmtp_expect(fd, "onetwo\0\xff\0", 9);
    raw_write(fd, "\0\xff\0", 3);
    (void)id_receive(stream);
    assert_int_equal(zmq_recv(stream, bytes, sizeof(bytes), 0), 3);
    assert_memory_equal(bytes, "\0\xff\0", 3);
    zmtp_expect_silence(fd);
    close(fd);
}

/* Not the second part's flag ends a message but its being the second. */
static void a_message_is_two_parts_whatever_is_said(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd = dial(stream, endpoint, &id);

    for (int i = 0; i < 3; i++) {
        id_send(stream, &id);
        send_text(stream, "part", ZMQ_SNDMORE);
    }
    expect_bytes(fd, "partpartpart");
    close(fd);
}

static void bytes_go_to_the_peer_that_is_named(void **state)
{
    static const char *const words[PEERS] = {"a", "bb", "ccc", "dddd", "e"};
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id ids[PEERS];
    int fds[PEERS];

    for (int i = 0; i < PEERS; i++)
        fds[i] = dial(stream, endpoint, &ids[i]);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PEERS; i++)
            id_send_text(stream, &ids[i], words[i]);
        for (int i = 0; i < PEERS; i++)
            expect_bytes(fds[i], words[i]);
    }
    for (int i = 0; i < PEERS; i++) {
        zmtp_expect_silence(fds[i]);
        close(fds[i]);
    }
}

static void an_unknown_id_is_refused(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd;

    assert_fails(zmq_send(stream, "\0\1\2\3\4", 5, ZMQ_SNDMORE), EHOSTUNREACH);
    fd = dial(stream, endpoint, &id);
    assert_fails(zmq_send(stream, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    assert_fails(zmq_send(stream, id.bytes, 4, ZMQ_SNDMORE), EHOSTUNREACH);
    id_send_text(stream, &id, "after all");
    expect_bytes(fd, "after all");
    close(fd);
    expect_from_id(stream, &id, "");
    wait_unknown(stream, id.bytes, id.size);
}

/* ---- ends ----------------------------------------------------------- */

static void an_empty_part_closes_the_connection(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id ids[2];
    int fds[2];

    for (int i = 0; i < 2; i++)
        fds[i] = dial(stream, endpoint, &ids[i]);
    id_send_text(stream, &ids[0], "");
    wait_hung_up(stream, fds[0]);
    wait_unknown(stream, ids[0].bytes, ids[0].size);
    /* Whoever closes is not told of it. */
    expect_nothing_for_a_while(stream);
    id_send_text(stream, &ids[1], "you stay");
    expect_bytes(fds[1], "you stay");
    close(fds[0]);
    close(fds[1]);
}

static void a_peer_that_resets_has_gone_too(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd = dial(stream, endpoint, &id);

    zmtp_reset(fd);
    expect_from_id(stream, &id, "");
    fd = dial(stream, endpoint, &id);
    close(fd);
}

static void the_end_of_the_socket_ends_its_connections(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd = dial(stream, endpoint, &id);

    id_send_text(stream, &id, "last words");
    env_close_socket(env, stream);
    expect_bytes(fd, "last words");
    zmtp_expect_hung_up(fd);
    close(fd);
}

static void unbinding_leaves_the_connections(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id id;
    int fd;

    /* libzmq 4.3.4 ends accepted connections together with the name. */
    if (!is_ceromq())
        skip();
    fd = dial(stream, endpoint, &id);
    assert_ok(zmq_unbind(stream, endpoint));
    raw_write(fd, "still", 5);
    expect_from_id(stream, &id, "still");
    id_send_text(stream, &id, "here");
    expect_bytes(fd, "here");
    close(fd);
}

/* ---- events --------------------------------------------------------- */

static void a_stream_can_always_be_written(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = env_socket(env, ZMQ_STREAM);
    struct id id;
    int fd;

    assert_int_equal(get_int(stream, ZMQ_EVENTS), ZMQ_POLLOUT);
    env_bind(env, stream, endpoint);
    fd = raw_connect(endpoint);
    wait_for(stream, ZMQ_POLLIN);
    assert_int_equal(get_int(stream, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    id = id_receive(stream);
    assert_int_equal(get_int(stream, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    expect_part(stream, "", false);
    assert_int_equal(get_int(stream, ZMQ_EVENTS), ZMQ_POLLOUT);
    id_send_text(stream, &id, "x");
    expect_bytes(fd, "x");
    close(fd);
}

/* There is no handshake that could succeed. */
static void a_monitor_sees_connections_without_handshake(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    void *monitor = monitor_open(env, stream, ZMQ_EVENT_ALL);
    struct id id;
    int fd = dial(stream, endpoint, &id);

    monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
    close(fd);
    /* libzmq says that the handshake failed when a connection ends. */
    if (!is_ceromq())
        monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    expect_from_id(stream, &id, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(who_comes_and_who_goes_is_told),
        ON_STREAMS(every_peer_has_an_id_of_its_own),
        ON_STREAMS(who_comes_again_is_somebody_else),
        ON_STREAMS(notices_can_be_switched_off),
        ON_STREAMS(who_goes_is_heard_out),
        ON_STREAMS(bytes_go_both_ways),
        ON_STREAMS(nothing_is_added),
        ON_STREAMS(a_message_is_two_parts_whatever_is_said),
        ON_STREAMS(bytes_go_to_the_peer_that_is_named),
        ON_STREAMS(an_unknown_id_is_refused),
        ON_STREAMS(an_empty_part_closes_the_connection),
        ON(tcp, a_peer_that_resets_has_gone_too),
        ON_STREAMS(the_end_of_the_socket_ends_its_connections),
        ON_STREAMS(unbinding_leaves_the_connections),
        ON_STREAMS(a_stream_can_always_be_written),
        ON_STREAMS(a_monitor_sees_connections_without_handshake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
