/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Subscriptions outlive connections: whoever comes back is told again, and
 * whoever is gone counts no more.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/pubsub.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Binding again may need a moment where the old listener closes late. */
static void bind_again(void *socket, const char *endpoint)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (zmq_bind(socket, endpoint) == -1) {
        assert_int_equal(errno, EADDRINUSE);
        assert_true(now_ms() < deadline);
    }
}

/* The subscription or cancel that comes next, in whatever form. Others than
 * PINGs and subscriptions do not come. */
static void expect_raw(int fd, bool is_wanted, const char *topic)
{
    char body[256] = "";
    const char *name = is_wanted ? "\11SUBSCRIBE" : "\6CANCEL";
    int flags = 0;
    size_t size = raw_read_frame(fd, &flags, body, sizeof(body) - 1);

    body[size] = '\0';
    if ((flags & ZMTP_COMMAND) == 0) {
        assert_int_equal(body[0], is_wanted);
        assert_string_equal(body + 1, topic);
        return;
    }
    assert_true(size >= strlen(name));
    assert_memory_equal(body, name, strlen(name));
    assert_string_equal(body + strlen(name), topic);
}

static void a_new_publisher_is_told_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(sub, ZMQ_RECONNECT_IVL, 5);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "a");
    subscribe(sub, "end");
    for (int i = 0; i < 5; i++) {
        void *pub = env_socket(env, ZMQ_PUB);

        bind_again(pub, endpoint);
        settle_one(pub, sub);
        send_text(pub, "b", 0);
        send_text(pub, "a", ZMQ_SNDMORE);
        send_text(pub, "more", 0);
        expect_part(sub, "a", true);
        expect_part(sub, "more", false);
        expect_only_the_end(pub, sub);
        env_close_socket(env, pub);
    }
}

/* Once for each topic, however often it was subscribed, and not for those
 * that were cancelled meanwhile. */
static void only_what_still_counts_is_told_again(void **state)
{
    enum { COUNT = 100 };
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char topic[8];
    bool is_told[COUNT] = {false};
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);
    void *monitor = monitor_open(env, sub, ZMQ_EVENT_DISCONNECTED);

    set_int(sub, ZMQ_RECONNECT_IVL, 5);
    env_bind(env, xpub, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    for (int i = 0; i < COUNT; i++) {
        snprintf(topic, sizeof(topic), "%02d", i);
        subscribe(sub, topic);
        subscribe(sub, topic);
        expect_subscribed(xpub, topic);
    }
    for (int i = 0; i < COUNT; i += 2) {
        snprintf(topic, sizeof(topic), "%02d", i);
        unsubscribe(sub, topic);
    }
    env_close_socket(env, xpub);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    for (int i = 0; i < COUNT; i += 2) {
        snprintf(topic, sizeof(topic), "%02d", i);
        unsubscribe(sub, topic);
    }
    xpub = env_socket(env, ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    bind_again(xpub, endpoint);
    wait_serving(sub, xpub);
    for (int i = 0; i < COUNT / 2; i++) {
        char event[8] = "";
        int number = COUNT;

        assert_int_equal(zmq_recv(xpub, event, sizeof(event) - 1, 0), 3);
        assert_int_equal(event[0], 1);
        assert_int_equal(sscanf(event + 1, "%d", &number), 1);
        assert_in_range(number, 0, COUNT - 1);
        assert_int_equal(number % 2, 1);
        assert_false(is_told[number]);
        is_told[number] = true;
    }
    subscribe(sub, "last");
    expect_subscribed(xpub, "last");
    expect_nothing(xpub);
}

/* The connection ends without a word, as when a process is killed. */
static void a_publisher_that_was_cut_off_is_told_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(sub, ZMQ_RECONNECT_IVL, 5);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "a");
    for (int i = 0; i < 5; i++) {
        int fd = raw_accept(listener);

        raw_handshake(fd, "PUB");
        wait_serving_fd(sub, fd);
        expect_raw(fd, true, "a");
        subscribe(sub, "x");
        expect_raw(fd, true, "x");
        unsubscribe(sub, "x");
        expect_raw(fd, false, "x");
        raw_write_frame(fd, 0, "ab", 2);
        expect_text(sub, "ab");
        zmtp_expect_silence(fd);
        zmtp_reset(fd);
    }
    close(listener);
}

/* Half a message from a connection that died is not gone on with. */
static void half_a_message_is_dropped_with_its_connection(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int listener;
    int fd;
    void *sub = env_socket(env, ZMQ_SUB);

    set_int(sub, ZMQ_RECONNECT_IVL, 5);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "a");
    fd = raw_accept(listener);
    raw_handshake(fd, "PUB");
    wait_serving_fd(sub, fd);
    expect_raw(fd, true, "a");
    raw_write_frame(fd, ZMTP_MORE, "a1", 2);
    zmtp_reset(fd);
    fd = raw_accept(listener);
    raw_handshake(fd, "PUB");
    wait_serving_fd(sub, fd);
    expect_raw(fd, true, "a");
    raw_write_frame(fd, 0, "b", 1);
    raw_write_frame(fd, ZMTP_MORE, "a2", 2);
    raw_write_frame(fd, 0, "more", 4);
    expect_part(sub, "a2", true);
    expect_part(sub, "more", false);
    close(fd);
    close(listener);
}

static void a_subscriber_that_was_cut_off_counts_no_more(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);

    env_bind(env, xpub, endpoint);
    for (int i = 0; i < 5; i++) {
        int fd = raw_connect(endpoint);

        raw_handshake(fd, "SUB");
        raw_write_frame(fd, ZMTP_COMMAND, "\11SUBSCRIBEa", 11);
        raw_write_frame(fd, 0, "\1b", 2);
        expect_subscribed(xpub, "a");
        expect_subscribed(xpub, "b");
        send_text(xpub, "a", 0);
        zmtp_expect(fd, "\0\1a", 3);
        zmtp_reset(fd);
        if (i % 2 == 0)
            send_text(xpub, "a", 0);
        expect_cancelled(xpub, "a");
        expect_cancelled(xpub, "b");
    }
    expect_nothing(xpub);
}

/* The subscriber that dials the publisher loses nothing by an unbind that
 * is followed by a bind: the connection lives on, or is made again. */
static void a_publisher_may_unbind_and_bind_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = env_socket(env, ZMQ_PUB);
    void *subs[2] = {env_socket(env, ZMQ_SUB), env_socket(env, ZMQ_SUB)};

    env_bind(env, pub, endpoint);
    set_int(subs[0], ZMQ_RECONNECT_IVL, 5);
    subscribe(subs[0], "a");
    assert_ok(zmq_connect(subs[0], endpoint));
    settle_one(pub, subs[0]);
    assert_ok(zmq_unbind(pub, endpoint));
    bind_again(pub, endpoint);
    subscribe(subs[1], "a");
    assert_ok(zmq_connect(subs[1], endpoint));
    settle_one(pub, subs[1]);
    /* libzmq ends the first connection with the unbind: wait for the next. */
    settle_one(pub, subs[0]);
    settle_one(pub, subs[0]);
    send_text(pub, "a", 0);
    expect_text(subs[0], "a");
    expect_text(subs[1], "a");
}

static void disconnect_and_connect_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);

    env_bind(env, xpub, endpoint);
    subscribe(sub, "a");
    for (int i = 0; i < 3; i++) {
        assert_ok(zmq_connect(sub, endpoint));
        expect_subscribed(xpub, "a");
        send_text(xpub, "a", 0);
        expect_text(sub, "a");
        assert_ok(zmq_disconnect(sub, endpoint));
        wait_serving(sub, xpub);
        expect_cancelled(xpub, "a");
        send_text(xpub, "a", 0);
        expect_nothing(sub);
    }
}

/* Where the publisher dials, each of its connections is a new peer. */
static void a_bound_subscriber_tells_whoever_comes(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *sub = env_socket(env, ZMQ_SUB);

    env_bind(env, sub, endpoint);
    subscribe(sub, "a");
    for (int i = 0; i < 5; i++) {
        void *xpub = env_socket(env, ZMQ_XPUB);

        assert_ok(zmq_connect(xpub, endpoint));
        wait_serving(sub, xpub);
        expect_subscribed(xpub, "a");
        send_text(xpub, "a", 0);
        expect_text(sub, "a");
        env_close_socket(env, xpub);
    }
}

/* The child knows nothing of our context: it makes its own. */
static void child_publish(const char *endpoint)
{
    void *ctx = zmq_ctx_new();
    void *pub = zmq_socket(ctx, ZMQ_PUB);

    if (zmq_bind(pub, endpoint) == -1)
        _exit(1);
    while (zmq_send(pub, "alive", 5, 0) == 5)
        zmq_poll(NULL, 0, 1);
    _exit(2);
}

static void a_killed_process_is_replaced(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char text[8];
    void *sub;

#ifdef __SANITIZE_THREAD__
    skip(); /* no threads in a forked child, and a context has some */
#endif
    sub = env_socket(env, ZMQ_SUB);
    set_int(sub, ZMQ_RECONNECT_IVL, 5);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "al");
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();

        if (pid == 0)
            child_publish(endpoint);
        assert_true(pid > 0);
        expect_text(sub, "alive");
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (is_ready(sub, ZMQ_POLLIN, 0))
            assert_int_equal(zmq_recv(sub, text, sizeof(text), 0), 5);
    }
}

/* What an XSUB is in the middle of saying goes to the new publisher or gets
 * lost; its subscriptions do not. */
static void a_new_publisher_is_told_in_the_middle_of_a_message(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char part[8] = "";
    void *monitor;
    void *xpub;
    void *xsub = env_socket(env, ZMQ_XSUB);

    set_int(xsub, ZMQ_RECONNECT_IVL, 5);
    xpub = env_socket(env, ZMQ_XPUB);
    env_bind(env, xpub, endpoint);
    monitor = monitor_open(env, xsub, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_ok(zmq_connect(xsub, endpoint));
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    subscribe(xsub, "a");
    expect_subscribed(xpub, "a");
    send_text(xsub, "begun", ZMQ_SNDMORE);
    env_close_socket(env, xpub);
    xpub = env_socket(env, ZMQ_XPUB);
    bind_again(xpub, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    expect_nothing_for_a_while(xsub);
    send_text(xsub, "ended", 0);
    while (memcmp(part, "\1a", 2) != 0)
        assert_true(zmq_recv(xpub, part, sizeof(part), 0) > 0);
    send_text(xpub, "a", 0);
    expect_text(xsub, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_new_publisher_is_told_again),
        ON_STREAMS(only_what_still_counts_is_told_again),
        ON_STREAMS(a_publisher_that_was_cut_off_is_told_again),
        ON_STREAMS(half_a_message_is_dropped_with_its_connection),
        ON_STREAMS(a_subscriber_that_was_cut_off_counts_no_more),
        ON_STREAMS(a_publisher_may_unbind_and_bind_again),
        ON_EACH(disconnect_and_connect_again),
        ON_EACH(a_bound_subscriber_tells_whoever_comes),
        ON_STREAMS(a_killed_process_is_replaced),
        ON_STREAMS(a_new_publisher_is_told_in_the_middle_of_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
