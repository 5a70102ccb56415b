/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STREAM and ROUTER without ZMTP hang up: what was sent before arrives first.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <unistd.h>

enum { PIECE = 100000, PIECES = 100 };

/* A peer that has said something, and its id. */
static int open_peer(struct env *env, void *socket, struct id *id)
{
    char endpoint[ENDPOINT_MAX];
    char byte = 0;
    int fd;

    env_bind(env, socket, endpoint);
    fd = raw_connect(endpoint);
    raw_write(fd, "?", 1);
    while (byte != '?') {
        *id = id_receive(socket);
        assert_true(zmq_recv(socket, &byte, 1, 0) >= 0);
    }
    return fd;
}

static void send_pieces_and_hang_up(void *socket, const struct id *id)
{
    char *piece = calloc(1, PIECE);

    assert_non_null(piece);
    for (int i = 0; i < PIECES; i++) {
        id_send(socket, id);
        assert_int_equal(zmq_send(socket, piece, PIECE, 0), PIECE);
    }
    free(piece);
    id_send_text(socket, id, "");
}

static void expect_all_of_it(int fd)
{
    static char bytes[PIECE];

    for (int i = 0; i < PIECES; i++)
        raw_read(fd, bytes, PIECE);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    close(fd);
}

static void a_stream_hangs_up_when_all_is_sent(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    struct id id;
    int fd = open_peer(env, stream, &id);

    send_pieces_and_hang_up(stream, &id);
    expect_all_of_it(fd);
}

static void a_raw_router_hangs_up_when_all_is_sent(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    struct id id;
    int fd;

    set_int(router, ZMQ_ROUTER_RAW, 1);
    fd = open_peer(env, router, &id);
    send_pieces_and_hang_up(router, &id);
    expect_all_of_it(fd);
}

/* Who does not read does not hold up the end of the context. */
static void closing_does_not_wait_for_who_was_hung_up_on(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    struct id id;
    int fd = open_peer(env, stream, &id);

    send_pieces_and_hang_up(stream, &id);
    env_end(env);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(tcp, a_stream_hangs_up_when_all_is_sent),
        ON(tcp, a_raw_router_hangs_up_when_all_is_sent),
        ON(tcp, closing_does_not_wait_for_who_was_hung_up_on),
    };

    return cmocka_run_group_tests_name("raw_hang_up", tests, NULL, NULL);
}
