/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The greeting, to the byte, against raw peers of ZMTP 3.1, 3.0 and what
 * is to come: stages, READY of each type, versions, mechanisms, and peers
 * that never finish. Peers of 1.0 and 2.0 are in raw_old_test.c.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <poll.h>
#include <unistd.h>

#define GREETING_EVENTS                                                        \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |    \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |   \
     ZMQ_EVENT_DISCONNECTED)

/* What follows the revision in our greeting: 53 octets. */
static const unsigned char greeting_tail[53] = {1, 'N', 'U', 'L', 'L'};

/* The message "hi" from a peer whose handshake is done. */
static const unsigned char hi_frame[] = {0, 2, 'h', 'i'};

static void greeting_is_staged(struct env *env, bool is_dialling)
{
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_attach(env, pull, is_dialling);
    struct zmtp_bytes ready = {.size = 0};

    zmtp_expect(fd, "\xff\0\0\0\0\0\0\0\1\x7f", 10);
    zmtp_expect_silence(fd);
    raw_write(fd, zmtp_signature, 10);
    zmtp_expect(fd, "\3", 1);
    zmtp_expect_silence(fd);
    raw_write(fd, "\3", 1);
    /* With the rest goes READY, which waits for nothing (RFC 23). */
    zmtp_expect(fd, greeting_tail, sizeof(greeting_tail));
    zmtp_expect(fd, "\x04\x1a\5READY\x0bSocket-Type\0\0\0\4PULL", 28);
    zmtp_expect_silence(fd);
    raw_write(fd, greeting_tail, sizeof(greeting_tail));
    zmtp_expect_silence(fd);
    zmtp_put_ready(&ready, "PUSH", NULL);
    zmtp_write(fd, &ready);
    raw_write(fd, hi_frame, sizeof(hi_frame));
    expect_part(pull, "hi", false);
    close(fd);
}

static void greeting_leaves_in_stages_when_bound(void **state)
{
    greeting_is_staged(*state, true);
}

static void greeting_leaves_in_stages_when_connected(void **state)
{
    greeting_is_staged(*state, false);
}

static void greeting_of_64_bytes_at_once_is_accepted(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    struct zmtp_bytes opening = {.size = 0};

    zmtp_put_opening(&opening, "PUSH");
    zmtp_write(fd, &opening);
    zmtp_expect_opening(fd, "PULL");
    raw_write(fd, hi_frame, sizeof(hi_frame));
    expect_part(pull, "hi", false);
    close(fd);
}

static void greeting_and_message_may_come_in_single_bytes(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    struct zmtp_bytes opening = {.size = 0};
    struct zmtp_bytes messages = {.size = 0};

    zmtp_put_opening(&opening, "PUSH");
    zmtp_write_pieces(fd, &opening, 1);
    zmtp_expect_opening(fd, "PULL");
    zmtp_put_frame(&messages, ZMTP_MORE, "first", 5);
    zmtp_put_long_frame(&messages, ZMTP_MORE, "", 0);
    zmtp_put_long_frame(&messages, 0, "third", 5);
    zmtp_put_frame(&messages, 0, "single", 6);
    zmtp_write_pieces(fd, &messages, 1);
    expect_part(pull, "first", true);
    expect_part(pull, "", true);
    expect_part(pull, "third", false);
    expect_part(pull, "single", false);
    close(fd);
}

static void ready_of_each_type_is_exact(void **state)
{
    static const struct {
        int type;
        const char *peer_name;
        const char *ready;
        size_t size;
    } rows[] = {
        {ZMQ_PUSH, "PULL", "\x04\x1a\5READY\x0bSocket-Type\0\0\0\4PUSH", 28},
        {ZMQ_PULL, "PUSH", "\x04\x1a\5READY\x0bSocket-Type\0\0\0\4PULL", 28},
        {ZMQ_PAIR, "PAIR", "\x04\x1a\5READY\x0bSocket-Type\0\0\0\4PAIR", 28},
        {ZMQ_DEALER, "ROUTER",
         "\x04\x29\5READY\x0bSocket-Type\0\0\0\6DEALER"
         "\x08Identity\0\0\0\0",
         43},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *socket = env_socket(env, rows[i].type);
        int fd = zmtp_attach(env, socket, i % 2 == 0);
        struct zmtp_bytes greeting = {.size = 0};

        zmtp_put_greeting(&greeting, 3, 1, "NULL");
        zmtp_write(fd, &greeting);
        zmtp_expect_bytes(fd, &greeting);
        zmtp_expect(fd, rows[i].ready, rows[i].size);
        close(fd);
    }
}

static void
routing_id_is_counted_in_the_signature_and_told_in_ready(void **state)
{
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    struct zmtp_bytes greeting = {.size = 0};
    int fd;

    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "abcde", 5));
    fd = zmtp_answer(env, dealer);
    zmtp_put_greeting(&greeting, 3, 1, "NULL");
    zmtp_write(fd, &greeting);
    zmtp_expect(fd, "\xff\0\0\0\0\0\0\0\6\x7f\3", 11);
    zmtp_expect(fd, greeting_tail, sizeof(greeting_tail));
    zmtp_expect(fd,
                "\x04\x2e\5READY\x0bSocket-Type\0\0\0\6DEALER"
                "\x08Identity\0\0\0\5"
                "abcde",
                48);
    close(fd);
}

/* What is in the length, as-server and filler octets is nobody's concern. */
static void unused_octets_of_the_greeting_are_ignored(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    struct zmtp_bytes opening = {.size = 0};

    zmtp_put_opening(&opening, "PUSH");
    memset(opening.bytes + 1, 0xa5, 8);
    opening.bytes[9] = 0xff;
    opening.bytes[32] = 1;
    memset(opening.bytes + 33, 0x5a, 31);
    zmtp_write(fd, &opening);
    zmtp_expect_opening(fd, "PULL");
    raw_write(fd, hi_frame, sizeof(hi_frame));
    expect_part(pull, "hi", false);
    close(fd);
}

static void later_and_3_0_versions_are_spoken_to_as_3(void **state)
{
    static const unsigned char versions[][2] = {
        {3, 0}, {3, 1}, {3, 2}, {3, 255}, {4, 0}, {2, 0}, {5, 7}, {255, 0},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        void *pair = env_socket(env, ZMQ_PAIR);
        int fd = zmtp_attach(env, pair, i % 2 == 0);
        struct zmtp_bytes opening = {.size = 0};

        zmtp_put_greeting(&opening, versions[i][0], versions[i][1], "NULL");
        zmtp_put_ready(&opening, "PAIR", NULL);
        zmtp_write(fd, &opening);
        zmtp_expect_opening(fd, "PAIR");
        raw_write(fd, hi_frame, sizeof(hi_frame));
        expect_part(pair, "hi", false);
        send_text(pair, "hi", 0);
        zmtp_expect(fd, hi_frame, sizeof(hi_frame));
        close(fd);
    }
}

/* After a fatal end: no other connection attempt, and no other event. */
static void expect_no_reconnect(int listener, void *monitor)
{
    struct pollfd item = {.fd = listener, .events = POLLIN};

    monitor_expect_nothing(monitor);
    assert_int_equal(poll(&item, 1, 0), 0);
}

static void other_mechanism_is_refused_for_good(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, GREETING_EVENTS);
    char endpoint[ENDPOINT_MAX];
    struct zmtp_bytes greeting = {.size = 0};
    struct monitor_event event;
    int listener;
    int fd;

    set_int(push, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(push, endpoint));
    fd = raw_accept(listener);
    zmtp_put_greeting(&greeting, 3, 1, "PLAIN");
    zmtp_write(fd, &greeting);
    event = monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    assert_int_equal(event.value, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    expect_no_reconnect(listener, monitor);
    close(fd);
    close(listener);
}

/* Also when only what comes after the name's end differs. */
static void mechanism_name_is_compared_with_its_padding(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, GREETING_EVENTS);
    struct zmtp_bytes opening = {.size = 0};
    int fd = zmtp_dial(env, pull);

    zmtp_put_opening(&opening, "PUSH");
    opening.bytes[31] = 'x';
    zmtp_write(fd, &opening);
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    close(fd);
}

/* The handshake may stop at any stage: the peer is given up. */
static void unfinished_handshake_ends_after_its_interval(void **state)
{
    static const size_t stages[] = {0, 1, 9, 10, 11, 12, 63, 64, 70};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        void *monitor = monitor_open(env, pull, GREETING_EVENTS);
        struct zmtp_bytes opening = {.size = 0};
        int fd;

        set_int(pull, ZMQ_HANDSHAKE_IVL, 30);
        fd = zmtp_dial(env, pull);
        zmtp_put_opening(&opening, "PUSH");
        raw_write(fd, opening.bytes, stages[i]);
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
        close(fd);
    }
}

static void connecting_side_dials_again_after_a_silent_peer(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    struct zmtp_bytes opening = {.size = 0};
    int listener;
    int fd;

    set_int(push, ZMQ_HANDSHAKE_IVL, 400);
    set_int(push, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "hi", 0);
    fd = raw_accept(listener);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    close(fd);
    fd = raw_accept(listener);
    zmtp_put_opening(&opening, "PULL");
    zmtp_write(fd, &opening);
    zmtp_expect_opening(fd, "PUSH");
    zmtp_expect(fd, hi_frame, sizeof(hi_frame));
    close(fd);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(greeting_leaves_in_stages_when_bound),
        ON_STREAMS(greeting_leaves_in_stages_when_connected),
        ON_STREAMS(greeting_of_64_bytes_at_once_is_accepted),
        ON_STREAMS(greeting_and_message_may_come_in_single_bytes),
        ON_STREAMS(ready_of_each_type_is_exact),
        ON_STREAMS(routing_id_is_counted_in_the_signature_and_told_in_ready),
        ON_STREAMS(unused_octets_of_the_greeting_are_ignored),
        ON_STREAMS(later_and_3_0_versions_are_spoken_to_as_3),
        ON_STREAMS(other_mechanism_is_refused_for_good),
        ON_STREAMS(mechanism_name_is_compared_with_its_padding),
        ON_STREAMS(unfinished_handshake_ends_after_its_interval),
        ON_STREAMS(connecting_side_dials_again_after_a_silent_peer),
    };

    return cmocka_run_group_tests_name("raw_greeting", tests, NULL, NULL);
}
