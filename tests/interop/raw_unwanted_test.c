/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Peers that send what nobody wants, without end: a call returns when its time
 * is over, one that does not wait returns at once, and what is wanted is found
 * among the rest.
 *
 * Thread: the main thread of a test, one for the call, one for the peer.
 */
#include "common/call.h"
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { TIMEOUT_MS = 50, MANY = 100000 };

/* A type, its peer, and a message that is passed over; `wanted` is not, and
 * "wanted" is what the application sees of it. */
struct row {
    int type;
    const char *peer;
    size_t size, wanted_size;
    const char *unwanted, *wanted;
};

static const struct row rows[] = {
    {ZMQ_SUB, "PUB", 3, 8, "\0\1x", "\0\6wanted"},
    {ZMQ_REQ, "REP", 3, 10, "\0\1x", "\1\0\0\6wanted"},
    {ZMQ_REP, "REQ", 3, 10, "\0\1x", "\1\0\0\6wanted"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct flood {
    int fd;
    struct zmtp_bytes bytes;
    struct call call;
};

/* A socket that waits for a message from the peer. */
static void *open_waiting(struct env *env, const struct row *row, int *fd)
{
    void *socket = env_socket(env, row->type);
    unsigned char request[16];

    *fd = zmtp_dial(env, socket);
    raw_handshake(*fd, row->peer);
    if (row->type == ZMQ_SUB)
        assert_ok(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "wanted", 6));
    if (row->type == ZMQ_REQ) {
        send_text(socket, "?", 0);
        raw_read(*fd, request, 5);
    }
    return socket;
}

static int flood_run(void *arg)
{
    struct flood *flood = arg;

    while (raw_try_write(flood->fd, flood->bytes.bytes, flood->bytes.size))
        continue;
    return 0;
}

static void flood_start(struct flood *flood, const struct row *row, int fd)
{
    flood->fd = fd;
    flood->bytes.size = 0;
    while (flood->bytes.size + row->size <= ZMTP_BYTES_MAX)
        zmtp_put(&flood->bytes, row->unwanted, row->size);
    call_start(&flood->call, flood_run, flood);
}

static void flood_stop(struct env *env, void *socket, struct flood *flood)
{
    env_close_socket(env, socket);
    assert_int_equal(call_join(&flood->call), 0);
    close(flood->fd);
}

static int receive_in_time(void *socket)
{
    char byte;

    return zmq_recv(socket, &byte, 1, 0);
}

static int receive_at_once(void *socket)
{
    char byte;

    return zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT);
}

static int poll_in_time(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, TIMEOUT_MS);
}

static void check_returns(struct env *env, int (*run)(void *), int result)
{
    static struct flood flood;
    struct call call;

    for (size_t i = 0; i < ROWS; i++) {
        int fd;
        void *socket = open_waiting(env, &rows[i], &fd);

        set_int(socket, ZMQ_RCVTIMEO, TIMEOUT_MS);
        flood_start(&flood, &rows[i], fd);
        for (int n = 0; n < 10; n++) {
            call_start(&call, run, socket);
            assert_true(call_returns_within(&call, PATIENCE_MS));
            assert_int_equal(call_join(&call), result);
            if (result == -1)
                assert_int_equal(errno, EAGAIN);
        }
        flood_stop(env, socket, &flood);
    }
}

static void a_call_returns_when_its_time_is_over(void **state)
{
    check_returns(*state, receive_in_time, -1);
}

static void a_call_that_does_not_wait_returns(void **state)
{
    check_returns(*state, receive_at_once, -1);
}

static void polling_returns_when_its_time_is_over(void **state)
{
    check_returns(*state, poll_in_time, 0);
}

static int wait_by_fd(void *socket)
{
    struct pollfd item = {.fd = get_int(socket, ZMQ_FD), .events = POLLIN};

    while (!(get_int(socket, ZMQ_EVENTS) & ZMQ_POLLIN))
        if (poll(&item, 1, PATIENCE_MS) != 1)
            return -1;
    return 0;
}

static int receive_by_fd(void *socket)
{
    struct pollfd item = {.fd = get_int(socket, ZMQ_FD), .events = POLLIN};
    char text[8];
    int rc;

    while ((rc = zmq_recv(socket, text, sizeof(text), ZMQ_DONTWAIT)) == -1)
        if (errno != EAGAIN || poll(&item, 1, PATIENCE_MS) != 1)
            return -1;
    return rc;
}

static int receive_waiting(void *socket)
{
    char text[8];

    return zmq_recv(socket, text, sizeof(text), 0);
}

/* Many in the pipe, and one behind them. */
static void check_finds(struct env *env, int (*run)(void *), int result)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct zmtp_bytes bytes = {.size = 0};
        struct call call;
        int fd;
        void *socket = open_waiting(env, &rows[i], &fd);

        while (bytes.size + rows[i].size <= ZMTP_BYTES_MAX)
            zmtp_put(&bytes, rows[i].unwanted, rows[i].size);
        call_start(&call, run, socket);
        for (size_t n = 0; n < MANY; n += bytes.size / rows[i].size)
            zmtp_write(fd, &bytes);
        raw_write(fd, rows[i].wanted, rows[i].wanted_size);
        assert_int_equal(call_join(&call), result);
        close(fd);
        env_close_socket(env, socket);
    }
}

static void what_is_wanted_is_found_by_waiting(void **state)
{
    check_finds(*state, receive_waiting, 6);
}

static void what_is_wanted_is_found_by_descriptor(void **state)
{
    check_finds(*state, wait_by_fd, 0);
    check_finds(*state, receive_by_fd, 6);
}

/* A pipe that is put off may be one whose connection has ended. */
static void what_was_said_last_is_found(void **state)
{
    struct env *env = *state;
    struct zmtp_bytes bytes = {.size = 0};
    int fd;
    void *sub = open_waiting(env, &rows[0], &fd);

    while (bytes.size + rows[0].size <= ZMTP_BYTES_MAX)
        zmtp_put(&bytes, rows[0].unwanted, rows[0].size);
    set_int(sub, ZMQ_RCVHWM, 0);
    for (int n = 0; n < 8; n++)
        zmtp_write(fd, &bytes);
    raw_write(fd, rows[0].wanted, rows[0].wanted_size);
    close(fd);
    expect_text(sub, "wanted");
    expect_nothing(sub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_call_returns_when_its_time_is_over),
        ON_STREAMS(a_call_that_does_not_wait_returns),
        ON_STREAMS(polling_returns_when_its_time_is_over),
        ON_STREAMS(what_is_wanted_is_found_by_waiting),
        ON_STREAMS(what_is_wanted_is_found_by_descriptor),
        ON_STREAMS(what_was_said_last_is_found),
    };

    return cmocka_run_group_tests_name("raw_unwanted", tests, NULL, NULL);
}
