/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Messages that do not end: with CERO_MAXPARTSSIZE, a peer that sends one is
 * hung up on, whatever its parts are like, and what is within the limit comes.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <ceromq.h>
#include <unistd.h>

enum { LIMIT = 1 << 20, LARGE = 100000 };

static char body[LARGE];

static void *open_limited(struct env *env, char endpoint[ENDPOINT_MAX])
{
    void *pull = env_socket(env, ZMQ_PULL);
    int64_t limit = LIMIT;

    assert_ok(zmq_setsockopt(pull, CERO_MAXPARTSSIZE, &limit, sizeof(limit)));
    env_bind(env, pull, endpoint);
    return pull;
}

/* Says one message in parts of this size, until it is hung up on. */
static void expect_refused(int fd, size_t part)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    struct zmtp_bytes bytes = {.size = 0};
    bool is_small = part < 256;

    while (is_small && bytes.size + part + 2 <= ZMTP_BYTES_MAX)
        zmtp_put_frame(&bytes, ZMTP_MORE, body, part);
    if (!is_small)
        zmtp_put(&bytes, "\3\0\0\0\0\0\1\206\240", 9); /* LARGE */
    do
        assert_true(now_ms() < end_ms);
    while (raw_try_write(fd, bytes.bytes, bytes.size) &&
           (is_small || raw_try_write(fd, body, LARGE)));
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    close(fd);
}

static int dial(const char *endpoint)
{
    int fd = raw_connect(endpoint);

    raw_handshake(fd, "PUSH");
    return fd;
}

static int dial_old(const char *endpoint)
{
    unsigned char greeting[2];
    int fd = raw_connect(endpoint);

    /* The other side talks as if to a new one before it hears this. */
    raw_write(fd, "\1\0", 2);
    raw_read(fd, greeting, 2);
    return fd;
}

static void a_message_that_does_not_end_is_refused(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_limited(env, endpoint);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);

    expect_refused(dial(endpoint), LARGE);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    expect_refused(dial(endpoint), 100);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    expect_refused(dial(endpoint), 0);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    expect_nothing(pull);
}

static void an_old_peer_is_refused_too(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_limited(env, endpoint);
    unsigned char frame[2 + 200] = {201, 1};
    int fd = dial_old(endpoint);

    while (raw_try_write(fd, frame, sizeof(frame)))
        continue;
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    close(fd);
    expect_nothing(pull);
}

/* Of each message only its own parts count. */
static void many_messages_within_the_limit_come(void **state)
{
    enum { ROUNDS = 30, PARTS = 9 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_limited(env, endpoint);
    int fd = dial(endpoint);

    for (int i = 0; i < ROUNDS; i++) {
        for (int n = 0; n < PARTS; n++)
            raw_write_frame(fd, ZMTP_MORE, body, n % 2 ? LARGE : 1000);
        raw_write_frame(fd, 0, "end", 3);
        for (int n = 0; n < PARTS; n++)
            assert_int_equal(zmq_recv(pull, body, LARGE, 0),
                             n % 2 ? LARGE : 1000);
        expect_part(pull, "end", false);
    }
    close(fd);
}

static void there_is_no_limit_if_none_is_set(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    int64_t limit = 0;
    size_t size = sizeof(limit);

    assert_ok(zmq_getsockopt(pull, CERO_MAXPARTSSIZE, &limit, &size));
    assert_int_equal(limit, -1);
    raw_handshake(fd, "PUSH");
    for (int i = 0; i < 50; i++)
        raw_write_frame(fd, ZMTP_MORE, body, LARGE);
    raw_write_frame(fd, 0, "end", 3);
    for (int i = 0; i < 50; i++)
        assert_int_equal(zmq_recv(pull, body, LARGE, 0), LARGE);
    expect_part(pull, "end", false);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_message_that_does_not_end_is_refused),
        ON_STREAMS(an_old_peer_is_refused_too),
        ON_STREAMS(many_messages_within_the_limit_come),
        ON_STREAMS(there_is_no_limit_if_none_is_set),
    };

    return cmocka_run_group_tests_name("raw_endless", tests, NULL, NULL);
}
