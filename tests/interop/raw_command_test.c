/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Commands after the handshake: PING and PONG to the byte, heartbeats of
 * our own, and commands that mean nothing here, alone and between the
 * parts of a message.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

#define LIFE_EVENTS                                                            \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |                  \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                                    \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

/* Dials a bound socket and does the whole handshake. */
static int dial(struct env *env, void *socket, const char *peer_type)
{
    int fd = zmtp_dial(env, socket);

    raw_handshake(fd, peer_type);
    return fd;
}

static void put_ping(struct zmtp_bytes *to, const char *context)
{
    struct zmtp_bytes data = {.size = 0};

    zmtp_put(&data, "\0\0", 2);
    zmtp_put(&data, context, strlen(context));
    zmtp_put_command(to, "PING", data.bytes, data.size);
}

static void ping_is_answered_with_its_context(void **state)
{
    static const struct {
        const char *context;
        const char *pong;
        size_t size;
    } rows[] = {
        {"", "\4\5\4PONG", 7},
        {"x", "\4\6\4PONGx", 8},
        {"0123456789abcde", "\4\24\4PONG0123456789abcde", 22},
        {"0123456789abcdef", "\4\25\4PONG0123456789abcdef", 23},
        {"0123456789abcdefg", "\4\25\4PONG0123456789abcdef", 23},
    };
    struct env *env = *state;

    for (size_t t = 0; t < ZMTP_TYPES; t++) {
        void *socket = env_socket(env, zmtp_types[t].type);
        int fd = dial(env, socket, zmtp_types[t].peer_name);

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct zmtp_bytes ping = {.size = 0};

            put_ping(&ping, rows[i].context);
            zmtp_write_pieces(fd, &ping, i % 2 ? 1 : 64);
            zmtp_expect(fd, rows[i].pong, rows[i].size);
        }
        zmtp_expect_silence(fd);
        close(fd);
    }
}

/* A peer that says 3.0 is answered as well. */
static void ping_of_a_3_0_peer_is_answered(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = zmtp_dial(env, pull);
    struct zmtp_bytes bytes = {.size = 0};

    zmtp_put_greeting(&bytes, 3, 0, "NULL");
    zmtp_put_ready(&bytes, "PUSH", NULL);
    zmtp_write(fd, &bytes);
    zmtp_expect_opening(fd, "PULL");
    raw_write(fd, "\4\7\4PING\0\0", 9);
    zmtp_expect(fd, "\4\5\4PONG", 7);
    close(fd);
}

/* Commands may stand between the frames of a message. */
static void ping_within_a_message_is_answered_and_leaves_it_whole(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");

    raw_write_frame(fd, ZMTP_MORE, "a", 1);
    raw_write(fd, "\4\7\4PING\0\0", 9);
    zmtp_expect(fd, "\4\5\4PONG", 7);
    expect_nothing(pull);
    raw_write_frame(fd, ZMTP_MORE, "b", 1);
    raw_write(fd, "\4\10\4PING\0\0z", 10);
    raw_write_frame(fd, 0, "c", 1);
    zmtp_expect(fd, "\4\6\4PONGz", 8);
    expect_part(pull, "a", true);
    expect_part(pull, "b", true);
    expect_part(pull, "c", false);
    close(fd);
}

/* The PONG comes at some frame boundary of what the socket sends. */
static void ping_is_answered_while_messages_are_sent(void **state)
{
    enum { COUNT = 500 };
    struct env *env = *state;
    void *pair = env_socket(env, ZMQ_PAIR);
    int fd = dial(env, pair, "PAIR");
    int message_count = 0;
    int pong_count = 0;

    for (int i = 0; i < COUNT; i++) {
        send_text(pair, "head", ZMQ_SNDMORE);
        send_text(pair, "tail", 0);
        if (i == COUNT / 2)
            raw_write(fd, "\4\7\4PING\0\0", 9);
    }
    while (message_count < COUNT || pong_count < 1) {
        char body[64];
        int flags;
        size_t size = raw_read_frame(fd, &flags, body, sizeof(body));

        if (flags == ZMTP_COMMAND) {
            assert_int_equal(size, 5);
            assert_memory_equal(body, "\4PONG", 5);
            pong_count++;
            continue;
        }
        assert_int_equal(size, 4);
        assert_memory_equal(body, flags ? "head" : "tail", 4);
        message_count += flags == 0;
    }
    assert_int_equal(pong_count, 1);
    close(fd);
}

/* What we do not know, what comes too late, and what is too short. */
static void commands_without_meaning_are_dropped(void **state)
{
    static const struct {
        const char *frame;
        size_t size;
    } rows[] = {
        {"\4\5\4NOPE", 7},
        {"\4\5\4ping", 7},
        {"\4\4\3PIN", 6},
        {"\4\6\5PINGS", 8},
        {"\4\5\4PONG", 7},
        {"\4\11\4PONGabcd", 11},
        {"\4\6\5READY", 8},
        {"\4\7\5ERROR\0", 9},
        {"\4\13\5ERROR\003400!", 13},
        {"\4\6\5HELLO", 8},
        {"\4\5\4JOIN", 7},
        {"\4\0", 2},
        {"\4\1\0", 3},
        {"\4\1\4", 3},
        {"\4\3\4PI", 5},
        {"\4\2\xffx", 4},
        {"\6\0\0\0\0\0\0\0\5\4NOPE", 14},
    };
    struct env *env = *state;
    void *pair = env_socket(env, ZMQ_PAIR);
    void *monitor = monitor_open(env, pair, LIFE_EVENTS);
    int fd = dial(env, pair, "PAIR");

    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        raw_write(fd, rows[i].frame, rows[i].size);
        raw_write_frame(fd, ZMTP_MORE, "head", 4);
        raw_write(fd, rows[i].frame, rows[i].size);
        raw_write_frame(fd, 0, "tail", 4);
        expect_part(pair, "head", true);
        expect_part(pair, "tail", false);
        send_text(pair, "answer", 0);
        zmtp_expect(fd, "\0\6answer", 8);
    }
    close(fd);
}

/* Only PUB and XPUB have a use for them; libzmq hands them out as if they
 * were messages. */
static void subscriptions_are_dropped(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull, "PUSH");

    if (!is_ceromq())
        skip();
    raw_write(fd, "\4\15\11SUBSCRIBEabc", 15);
    raw_write(fd, "\4\12\6CANCELabc", 12);
    raw_write_frame(fd, 0, "hi", 2);
    expect_part(pull, "hi", false);
    close(fd);
}

/* A PING needs two octets of TTL. It is dropped or ends the connection,
 * and is never answered with what is not there. */
static void ping_without_ttl_harms_nobody_else(void **state)
{
    static const char *const pings[] = {"\4\5\4PING", "\4\6\4PING\1"};
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    int good;

    if (!is_ceromq())
        skip();
    env_bind(env, pull, endpoint);
    good = raw_connect(endpoint);
    raw_handshake(good, "PUSH");
    for (size_t i = 0; i < 2; i++) {
        int fd = raw_connect(endpoint);

        raw_handshake(fd, "PUSH");
        raw_write(fd, pings[i], 7 + i);
        raw_write_frame(good, 0, "hi", 2);
        expect_part(pull, "hi", false);
        close(fd);
    }
    close(good);
}

static void heartbeat_is_sent_and_an_answer_keeps_the_connection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, LIFE_EVENTS);
    int fd;

    set_int(pull, ZMQ_HEARTBEAT_IVL, 20);
    set_int(pull, ZMQ_HEARTBEAT_TTL, 65400);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, PATIENCE_MS);
    fd = dial(env, pull, "PUSH");
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    for (int i = 0; i < 5; i++) {
        zmtp_expect(fd, "\4\7\4PING\x02\x8e", 9);
        raw_write(fd, "\4\5\4PONG", 7);
    }
    raw_write_frame(fd, 0, "hi", 2);
    expect_part(pull, "hi", false);
    close(fd);
}

static void unanswered_heartbeat_ends_the_connection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, LIFE_EVENTS);
    int fd;

    set_int(pull, ZMQ_HEARTBEAT_IVL, 20);
    fd = dial(env, pull, "PUSH");
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmtp_expect(fd, "\4\7\4PING\0\0", 9);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    close(fd);
}

/* The peer's own TTL holds for us as well: it promised to speak. */
static void ttl_of_a_ping_ends_a_silent_connection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, LIFE_EVENTS);
    int fd = dial(env, pull, "PUSH");

    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    raw_write(fd, "\4\7\4PING\0\1", 9);
    zmtp_expect(fd, "\4\5\4PONG", 7);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(ping_is_answered_with_its_context),
        ON_STREAMS(ping_of_a_3_0_peer_is_answered),
        ON_STREAMS(ping_within_a_message_is_answered_and_leaves_it_whole),
        ON_STREAMS(ping_is_answered_while_messages_are_sent),
        ON_STREAMS(commands_without_meaning_are_dropped),
        ON_STREAMS(subscriptions_are_dropped),
        ON_STREAMS(ping_without_ttl_harms_nobody_else),
        ON_STREAMS(heartbeat_is_sent_and_an_answer_keeps_the_connection),
        ON_STREAMS(unanswered_heartbeat_ends_the_connection),
        ON_STREAMS(ttl_of_a_ping_ends_a_silent_connection),
    };

    return cmocka_run_group_tests_name("raw_command", tests, NULL, NULL);
}
