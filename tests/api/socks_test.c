/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connecting through a SOCKS5 proxy: the proxy is this test, and so is the
 * peer that it leads to.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ZMQ_SOCKS_USERNAME
#define ZMQ_SOCKS_USERNAME 99 /* Of the draft interface. */
#define ZMQ_SOCKS_PASSWORD 100
#endif

#define SUCCESS "\5\0\0\1\0\0\0\0\0\0"

struct stage {
    int listener;
    char proxy[ENDPOINT_MAX]; /* "host:port" */
    void *push;
    void *events;
};

static void set_text(void *socket, int option, const char *text)
{
    assert_ok(zmq_setsockopt(socket, option, text, strlen(text)));
}

static void stage_open(struct env *env, struct stage *stage)
{
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    stage->listener = raw_listen(endpoint);
    snprintf(stage->proxy, sizeof(stage->proxy), "%s", endpoint + 6);
    stage->push = env_socket(env, ZMQ_PUSH);
    set_text(stage->push, ZMQ_SOCKS_PROXY, stage->proxy);
    set_int(stage->push, ZMQ_RECONNECT_IVL, 1);
    stage->events = monitor_open(env, stage->push, ZMQ_EVENT_ALL);
}

/* The socket first: libzmq ends the process where a proxy has gone. */
static void stage_close(struct env *env, struct stage *stage, int fd)
{
    env_end(env);
    close(fd);
    close(stage->listener);
}

static void expect_bytes(int fd, const char *expected, size_t size)
{
    char got[600];

    assert_true(size <= sizeof(got));
    raw_read(fd, got, size);
    assert_memory_equal(got, expected, size);
}

/* What the proxy hears of one who has no name, and says, up to its reply. */
static int accept_anonymous(struct stage *stage, const char *request,
                            size_t size)
{
    int fd = raw_accept(stage->listener);

    expect_bytes(fd, "\5\1\0", 3);
    raw_write(fd, "\5\0", 2);
    expect_bytes(fd, request, size);
    return fd;
}

/* From here on the proxy is the peer. */
static void expect_message(int fd, const char *text)
{
    char body[64];
    int flags;
    size_t size;

    raw_handshake(fd, "PULL");
    size = raw_read_frame(fd, &flags, body, sizeof(body));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(body, text, size);
}

static void the_proxy_leads_to_the_peer(void **state)
{
    struct env *env = *state;
    struct monitor_event event;
    struct stage stage;
    int fd;

    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
    send_text(stage.push, "hello", 0);
    fd = accept_anonymous(&stage, "\5\1\0\1\1\2\3\4\x12\x34", 10);
    raw_write(fd, SUCCESS, 10);
    expect_message(fd, "hello");
    event = monitor_wait(stage.events, ZMQ_EVENT_CONNECTED);
    /* libzmq names the proxy. */
    if (is_ceromq())
        assert_string_equal(event.address, "tcp://1.2.3.4:4660");
    monitor_wait(stage.events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    stage_close(env, &stage, fd);
}

static void names_are_for_the_proxy_to_resolve(void **state)
{
    struct env *env = *state;
    struct stage stage;
    int fd;

    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://no-such-host.invalid:4660"));
    fd = accept_anonymous(&stage, "\5\1\0\3\x14no-such-host.invalid\x12\x34",
                          27);
    raw_write(fd, SUCCESS, 10);
    send_text(stage.push, "hello", 0);
    expect_message(fd, "hello");
    stage_close(env, &stage, fd);
}

static void ipv6_numbers_are_numbers(void **state)
{
    struct env *env = *state;
    struct stage stage;
    int fd;

    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://[::1]:4660"));
    fd = accept_anonymous(
        &stage, "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34", 22);
    stage_close(env, &stage, fd);
}

static void a_user_name_and_a_password_are_shown(void **state)
{
    struct env *env = *state;
    struct stage stage;
    int fd;

    stage_open(env, &stage);
    set_text(stage.push, ZMQ_SOCKS_USERNAME, "name");
    set_text(stage.push, ZMQ_SOCKS_PASSWORD, "secret");
    assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
    fd = raw_accept(stage.listener);
    expect_bytes(fd, "\5\1\2", 3);
    raw_write(fd, "\5\2", 2);
    expect_bytes(fd, "\1\4name\6secret", 13);
    raw_write(fd, "\1\0", 2);
    expect_bytes(fd, "\5\1\0\1\1\2\3\4\x12\x34", 10);
    raw_write(fd, SUCCESS, 10);
    send_text(stage.push, "hello", 0);
    expect_message(fd, "hello");
    stage_close(env, &stage, fd);
}

/* Whatever the proxy says, and how it says it: its reply in single bytes, or
 * in one piece with the peer's greeting. */
static void the_peer_begins_where_the_reply_ends(void **state)
{
    struct env *env = *state;
    unsigned char greeting[RAW_GREETING_SIZE];
    char together[10 + RAW_GREETING_SIZE];
    unsigned char body[64];
    struct stage stage;
    int fd, flags;

    raw_greeting(greeting);
    memcpy(together, SUCCESS, 10);
    memcpy(together + 10, greeting, sizeof(greeting));
    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
    fd = raw_accept(stage.listener);
    expect_bytes(fd, "\5\1\0", 3);
    raw_write(fd, "\5", 1);
    raw_write(fd, "\0", 1);
    expect_bytes(fd, "\5\1\0\1\1\2\3\4\x12\x34", 10);
    raw_write(fd, together, sizeof(together));
    raw_read(fd, greeting, sizeof(greeting));
    raw_read_frame(fd, &flags, body, sizeof(body));
    assert_int_equal(flags, 4);
    assert_memory_equal(body, "\5READY", 6);
    stage_close(env, &stage, fd);
}

static void who_is_not_let_through_comes_again(void **state)
{
    static const struct {
        const char *choice;
        const char *reply;
        size_t reply_size;
    } rows[] = {
        {"\5\xff", NULL, 0},
        {"\4\0", NULL, 0},
        {"\5\0", "\5\1\0\1\0\0\0\0\0\0", 10},
        {"\5\0", "\5\5\0\1\0\0\0\0\0\0", 10},
        {"\5\0", "\4\0\0\1\0\0\0\0\0\0", 10},
        {"\5\0", "", 0},
    };
    struct env *env = *state;
    struct stage stage;
    int fd;

    if (!is_ceromq())
        skip(); /* Ends the process. */
    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fd = raw_accept(stage.listener);
        expect_bytes(fd, "\5\1\0", 3);
        raw_write(fd, rows[i].choice, 2);
        if (rows[i].reply != NULL) {
            expect_bytes(fd, "\5\1\0\1\1\2\3\4\x12\x34", 10);
            raw_write(fd, rows[i].reply, rows[i].reply_size);
        }
        if (rows[i].reply == NULL || rows[i].reply_size > 0)
            assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        close(fd);
        monitor_wait(stage.events, ZMQ_EVENT_CLOSED);
        monitor_wait(stage.events, ZMQ_EVENT_CONNECT_RETRIED);
    }
    fd = accept_anonymous(&stage, "\5\1\0\1\1\2\3\4\x12\x34", 10);
    raw_write(fd, SUCCESS, 10);
    send_text(stage.push, "hello", 0);
    expect_message(fd, "hello");
    stage_close(env, &stage, fd);
}

static void after_a_loss_the_proxy_is_asked_again(void **state)
{
    struct env *env = *state;
    struct stage stage;
    int fd;

    if (!is_ceromq())
        skip(); /* Ends the process. */
    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
    for (int i = 0; i < 3; i++) {
        fd = accept_anonymous(&stage, "\5\1\0\1\1\2\3\4\x12\x34", 10);
        raw_write(fd, SUCCESS, 10);
        raw_handshake(fd, "PULL");
        close(fd);
    }
    close(stage.listener);
}

static void a_source_is_where_the_proxy_is_dialled_from(void **state)
{
    struct env *env = *state;
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    struct stage stage;
    int fd;

    if (!is_ceromq())
        skip(); /* Takes it for a part of the name. */
    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://127.0.0.7:0;1.2.3.4:4660"));
    fd = accept_anonymous(&stage, "\5\1\0\1\1\2\3\4\x12\x34", 10);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&from, &size), 0);
    assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f000007);
    stage_close(env, &stage, fd);
}

static void a_silent_proxy_is_given_up(void **state)
{
    /* Without a time of its own it has that of a handshake. */
    static const int options[] = {ZMQ_CONNECT_TIMEOUT, ZMQ_HANDSHAKE_IVL};
    struct env *env = *state;
    struct stage stage;

    if (!is_ceromq())
        skip(); /* Waits for the proxy for ever. */
    for (int i = 0; i < 2; i++) {
        stage_open(env, &stage);
        set_int(stage.push, options[i], 50);
        assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
        for (int attempt = 0; attempt < 2; attempt++) {
            int fd = raw_accept(stage.listener);

            expect_bytes(fd, "\5\1\0", 3);
            raw_write(fd, "\5", 1);
            assert_true(raw_is_hung_up(fd, PATIENCE_MS));
            close(fd);
        }
        env_close_socket(env, stage.push);
        close(stage.listener);
    }
}

static void closing_does_not_wait_for_the_proxy(void **state)
{
    struct env *env = *state;
    struct stage stage;
    int fd;

    stage_open(env, &stage);
    assert_ok(zmq_connect(stage.push, "tcp://1.2.3.4:4660"));
    fd = raw_accept(stage.listener);
    expect_bytes(fd, "\5\1\0", 3);
    env_end(env);
    assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    stage_close(env, &stage, fd);
}

static void what_is_no_address_is_no_proxy(void **state)
{
    static const char *const wrong[] = {"nonsense", "host:port", "tcp://a:1",
                                        "*:80",     "a;b:80",    "host:99999"};
    struct env *env = *state;
    char longest[600];

    if (!is_ceromq())
        skip(); /* Ends the process. */
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        void *push = env_socket(env, ZMQ_PUSH);

        set_text(push, ZMQ_SOCKS_PROXY, wrong[i]);
        assert_fails(zmq_connect(push, "tcp://127.0.0.1:9"), EINVAL);
        memset(longest, 'h', sizeof(longest));
        assert_ok(
            zmq_setsockopt(push, ZMQ_SOCKS_PROXY, longest, sizeof(longest)));
        assert_fails(zmq_connect(push, "tcp://127.0.0.1:9"), EINVAL);
        /* Other transports have no use for one. */
        assert_ok(zmq_connect(push, "inproc://here"));
        assert_ok(zmq_setsockopt(push, ZMQ_SOCKS_PROXY, NULL, 0));
        assert_ok(zmq_connect(push, "tcp://127.0.0.1:9"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(tcp, the_proxy_leads_to_the_peer),
        ON(tcp, names_are_for_the_proxy_to_resolve),
        ON(tcp, ipv6_numbers_are_numbers),
        ON(tcp, a_user_name_and_a_password_are_shown),
        ON(tcp, the_peer_begins_where_the_reply_ends),
        ON(tcp, who_is_not_let_through_comes_again),
        ON(tcp, after_a_loss_the_proxy_is_asked_again),
        ON(tcp, a_source_is_where_the_proxy_is_dialled_from),
        ON(tcp, a_silent_proxy_is_given_up),
        ON(tcp, closing_does_not_wait_for_the_proxy),
        ON(tcp, what_is_no_address_is_no_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
