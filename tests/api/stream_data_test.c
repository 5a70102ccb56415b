/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STREAM and much data: in pieces, from many peers at once, to peers that
 * do not read; and a talk in HTTP.
 *
 * Thread: the main thread, and one that reads or writes as a peer.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE 3000000
#define PIECE_MAX 8192
#define PEERS 20
#define SHORT_MS 50

/* A peer in another thread, and what it says or shall hear. */
struct talker {
    int fd;
    unsigned char *bytes;
    struct call call;
};

static unsigned char *open_bytes(void)
{
    unsigned char *bytes = malloc(LARGE);

    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (unsigned char)(i * 31 + i / 257);
    return bytes;
}

static void *open_bound(struct env *env, char endpoint[ENDPOINT_MAX])
{
    void *stream = env_socket(env, ZMQ_STREAM);

    env_bind(env, stream, endpoint);
    return stream;
}

static int dial(void *stream, const char *endpoint, struct id *id)
{
    int fd = raw_connect(endpoint);

    *id = id_receive_text(stream, "");
    return fd;
}

static int talk(void *arg)
{
    struct talker *talker = arg;

    return raw_try_write(talker->fd, talker->bytes, LARGE) ? 0 : -1;
}

static int listen_to_all(void *arg)
{
    struct talker *talker = arg;
    unsigned char bytes[16384];
    size_t size = 0;

    while (size < LARGE) {
        ssize_t n = read(talker->fd, bytes, sizeof(bytes));

        if (n <= 0 || memcmp(bytes, talker->bytes + size, (size_t)n) != 0)
            return -1;
        size += (size_t)n;
    }
    return size == LARGE ? 0 : -1;
}

/* One piece is what one read gave: never empty, never above 8192. */
static size_t receive_piece(void *stream, unsigned char bytes[PIECE_MAX])
{
    int size;

    (void)id_receive(stream);
    size = zmq_recv(stream, bytes, PIECE_MAX, 0);
    assert_in_range(size, 1, PIECE_MAX);
    assert_int_equal(get_int(stream, ZMQ_RCVMORE), 0);
    return (size_t)size;
}

/* ---- much data ------------------------------------------------------ */

static void much_comes_in_small_pieces(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct talker talker = {.bytes = open_bytes()};
    unsigned char piece[PIECE_MAX];
    struct id id;

    talker.fd = dial(stream, endpoint, &id);
    call_start(&talker.call, talk, &talker);
    for (size_t size = 0; size < LARGE;) {
        size_t n = receive_piece(stream, piece);

        assert_true(n <= LARGE - size);
        assert_memory_equal(piece, talker.bytes + size, n);
        size += n;
    }
    assert_ok(call_join(&talker.call));
    expect_nothing(stream);
    close(talker.fd);
    free(talker.bytes);
}

static void a_large_message_is_written_whole(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct talker talker = {.bytes = open_bytes()};
    struct id id;

    talker.fd = dial(stream, endpoint, &id);
    call_start(&talker.call, listen_to_all, &talker);
    id_send(stream, &id);
    assert_int_equal(zmq_send(stream, talker.bytes, LARGE, 0), LARGE);
    assert_ok(call_join(&talker.call));
    zmtp_expect_silence(talker.fd);
    close(talker.fd);
    free(talker.bytes);
}

static void many_messages_are_one_stream(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct talker talker = {.bytes = open_bytes()};
    struct id id;
    size_t size = 1;

    talker.fd = dial(stream, endpoint, &id);
    call_start(&talker.call, listen_to_all, &talker);
    for (size_t sent = 0; sent < LARGE; sent += size) {
        /* 1, 4, 13, 40 and so on, then from small again. */
        size = size * 3 + 1 > 50000 ? 1 : size * 3 + 1;
        if (size > LARGE - sent)
            size = LARGE - sent;
        id_send(stream, &id);
        assert_int_equal(zmq_send(stream, talker.bytes + sent, size, 0), size);
    }
    assert_ok(call_join(&talker.call));
    close(talker.fd);
    free(talker.bytes);
}

/* What was sent before the connection is closed by linger arrives. */
static void what_was_sent_arrives_though_the_socket_closes(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct talker talker = {.bytes = open_bytes()};
    struct id id;

    talker.fd = dial(stream, endpoint, &id);
    id_send(stream, &id);
    assert_int_equal(zmq_send(stream, talker.bytes, LARGE, 0), LARGE);
    env_close_socket(env, stream);
    call_start(&talker.call, listen_to_all, &talker);
    assert_ok(call_join(&talker.call));
    zmtp_expect_hung_up(talker.fd);
    close(talker.fd);
    free(talker.bytes);
}

static void the_limit_of_messages_is_not_for_bytes(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = env_socket(env, ZMQ_STREAM);
    int64_t limit = 4;
    struct id id;
    int fd;

    assert_ok(zmq_setsockopt(stream, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    env_bind(env, stream, endpoint);
    fd = dial(stream, endpoint, &id);
    raw_write(fd, "more than four", 14);
    (void)id_receive_text(stream, "more than four");
    id_send_text(stream, &id, "more than four, too");
    zmtp_expect(fd, "more than four, too", 19);
    close(fd);
}

/* ---- peers that do not read ----------------------------------------- */

static void a_peer_that_does_not_read_is_full(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = env_socket(env, ZMQ_STREAM);
    unsigned char *bytes = open_bytes();
    unsigned char *got = open_bytes();
    struct id ids[2];
    int fds[2];
    size_t sent = 0;

    set_int(stream, ZMQ_SNDHWM, 2);
    env_bind(env, stream, endpoint);
    for (int i = 0; i < 2; i++)
        fds[i] = dial(stream, endpoint, &ids[i]);
    set_int(stream, ZMQ_SNDTIMEO, SHORT_MS);
    while (zmq_send(stream, ids[0].bytes, 5, ZMQ_SNDMORE) != -1) {
        assert_int_equal(zmq_send(stream, bytes, 100000, 0), 100000);
        sent += 100000;
        assert_true(sent < 100000000);
    }
    assert_int_equal(zmq_errno(), EAGAIN);
    set_int(stream, ZMQ_SNDTIMEO, PATIENCE_MS);
    /* The other one is not held up. */
    id_send_text(stream, &ids[1], "you read");
    zmtp_expect(fds[1], "you read", 8);
    for (; sent > 0; sent -= 100000) {
        raw_read(fds[0], got, 100000);
        assert_memory_equal(got, bytes, 100000);
    }
    id_send_text(stream, &ids[0], "at last");
    zmtp_expect(fds[0], "at last", 7);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    free(bytes);
    free(got);
}

/* The mark on the way in: the peer waits, and nothing is lost. */
static void a_stream_that_does_not_read_holds_up_its_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = env_socket(env, ZMQ_STREAM);
    struct talker talker = {.bytes = open_bytes()};
    unsigned char piece[PIECE_MAX];
    int small = 10000;

    set_int(stream, ZMQ_RCVHWM, 2);
    set_int(stream, ZMQ_RCVBUF, small);
    env_bind(env, stream, endpoint);
    talker.fd = raw_socket(endpoint);
    assert_int_equal(
        setsockopt(talker.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    raw_dial(talker.fd, endpoint);
    (void)id_receive_text(stream, "");
    call_start(&talker.call, talk, &talker);
    call_wait_blocked(&talker.call);
    assert_false(call_returns_within(&talker.call, SHORT_MS));
    for (size_t size = 0; size < LARGE;) {
        size_t n = receive_piece(stream, piece);

        assert_memory_equal(piece, talker.bytes + size, n);
        size += n;
    }
    assert_ok(call_join(&talker.call));
    close(talker.fd);
    free(talker.bytes);
}

/* ---- many peers ----------------------------------------------------- */

static int find_peer(const struct id ids[PEERS], const struct id *id)
{
    for (int i = 0; i < PEERS; i++) {
        if (id_is_equal(&ids[i], id))
            return i;
    }
    return -1;
}

/* All write at once; the STREAM sends everybody's bytes back. */
static void many_peers_are_echoed(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);
    struct id ids[PEERS];
    int fds[PEERS];
    size_t echoed = 0;

    for (int i = 0; i < PEERS; i++)
        fds[i] = dial(stream, endpoint, &ids[i]);
    for (int i = 0; i < PEERS; i++) {
        char bytes[1000];

        memset(bytes, 'a' + i, sizeof(bytes));
        raw_write(fds[i], bytes, sizeof(bytes));
    }
    while (echoed < 1000 * PEERS) {
        struct id id = id_receive(stream);
        zmq_msg_t msg;
        int who = find_peer(ids, &id);

        assert_in_range(who, 0, PEERS - 1);
        assert_ok(zmq_msg_init(&msg));
        assert_ok(zmq_msg_recv(&msg, stream, 0));
        assert_int_equal(*(char *)zmq_msg_data(&msg), 'a' + who);
        echoed += zmq_msg_size(&msg);
        id_send(stream, &id);
        assert_ok(zmq_msg_send(&msg, stream, 0));
    }
    for (int i = 0; i < PEERS; i++) {
        char bytes[1000];

        memset(bytes, 'a' + i, sizeof(bytes));
        zmtp_expect(fds[i], bytes, sizeof(bytes));
        close(fds[i]);
    }
}

/* ---- HTTP ----------------------------------------------------------- */

/* Collects a request until its empty line, in whatever pieces it comes. */
static struct id receive_request(void *stream, char request[1024])
{
    struct id id;
    size_t size = 0;

    do {
        int n;

        id = id_receive(stream);
        n = zmq_recv(stream, request + size, 1023 - size, 0);
        assert_ok(n);
        size += (size_t)n;
        request[size] = '\0';
    } while (strstr(request, "\r\n\r\n") == NULL);
    return id;
}

static void a_stream_can_serve_http(void **state)
{
    static const char request[] = "GET /index.html HTTP/1.1\r\n"
                                  "Host: localhost\r\n\r\n";
    static const char response[] = "HTTP/1.0 200 OK\r\n"
                                   "Content-Type: text/plain\r\n\r\n"
                                   "Hello, World!";
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_bound(env, endpoint);

    for (size_t cut = 0; cut < sizeof(request) - 1; cut += 13) {
        char received[1024];
        struct id id;
        int fd = dial(stream, endpoint, &id);

        raw_write(fd, request, cut);
        raw_write(fd, request + cut, sizeof(request) - 1 - cut);
        id = receive_request(stream, received);
        assert_string_equal(received, request);
        id_send_text(stream, &id, response);
        zmtp_expect(fd, response, sizeof(response) - 1);
        id_send_text(stream, &id, "");
        while (!raw_is_hung_up(fd, 1))
            (void)get_int(stream, ZMQ_EVENTS);
        close(fd);
        expect_nothing(stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(much_comes_in_small_pieces),
        ON_STREAMS(a_large_message_is_written_whole),
        ON_STREAMS(many_messages_are_one_stream),
        ON_STREAMS(what_was_sent_arrives_though_the_socket_closes),
        ON_STREAMS(the_limit_of_messages_is_not_for_bytes),
        ON_STREAMS(a_peer_that_does_not_read_is_full),
        ON_STREAMS(a_stream_that_does_not_read_holds_up_its_peer),
        ON_STREAMS(many_peers_are_echoed),
        ON_STREAMS(a_stream_can_serve_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
