/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Peers that misbehave: each loses its own connection, and nothing else
 * suffers. A well-behaved peer is served before, meanwhile and after.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A bound PULL, a PUSH that is served all the time, and the monitor. */
struct scene {
    void *pull;
    void *push;
    void *monitor;
    char endpoint[ENDPOINT_MAX];
};

static void scene_check(struct scene *scene)
{
    send_text(scene->push, "served", 0);
    expect_part(scene->pull, "served", false);
}

static void scene_open(struct env *env, struct scene *scene)
{
    scene->pull = env_socket(env, ZMQ_PULL);
    scene->push = env_socket(env, ZMQ_PUSH);
    env_bind(env, scene->pull, scene->endpoint);
    assert_ok(zmq_connect(scene->push, scene->endpoint));
    scene_check(scene);
    scene->monitor = monitor_open(env, scene->pull, ZMQ_EVENT_DISCONNECTED);
}

/* The bytes, and then the peer has hung up. */
static void scene_refuses(struct scene *scene, const void *bytes, size_t size)
{
    int peer = raw_connect(scene->endpoint);

    (void)raw_try_write(peer, bytes, size);
    scene_check(scene);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    close(peer);
    monitor_expect(scene->monitor, ZMQ_EVENT_DISCONNECTED);
    scene_check(scene);
}

/* The same, after the handshake. */
static void scene_refuses_frame(struct scene *scene, const void *bytes,
                                size_t size)
{
    int peer = raw_connect(scene->endpoint);

    raw_handshake(peer, "PUSH");
    raw_write_frame(peer, 0, "good", 4);
    expect_part(scene->pull, "good", false);
    (void)raw_try_write(peer, bytes, size);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    close(peer);
    monitor_expect(scene->monitor, ZMQ_EVENT_DISCONNECTED);
    scene_check(scene);
    expect_nothing(scene->pull);
}

static void greetings_of_another_mechanism_are_refused(void **state)
{
    struct scene scene;
    unsigned char greeting[RAW_GREETING_SIZE];

    scene_open(*state, &scene);
    raw_greeting(greeting);
    memcpy(greeting + 12, "PLAIN", 5);
    scene_refuses(&scene, greeting, sizeof(greeting));
    memset(greeting + 12, 0xff, 20);
    scene_refuses(&scene, greeting, sizeof(greeting));
    memset(greeting + 12, 0, 20);
    scene_refuses(&scene, greeting, sizeof(greeting));
}

static void a_handshake_of_nonsense_is_refused(void **state)
{
    static const struct {
        size_t size;
        const char *bytes;
    } rows[] = {
        {12, "\4\12\5READYxxxx"}, /* A name that runs over the end. */
        {7, "\4\5\4HELO"},        /* A command nobody knows. */
        {2, "\4\0"},              /* A command without a name. */
        {6, "\0\4data"},          /* A message too early. */
        {9, "\6\377\377\377\377\377\377\377\377"}, /* Longer than all. */
    };
    struct scene scene;

    scene_open(*state, &scene);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char bytes[RAW_GREETING_SIZE + 16];

        raw_greeting(bytes);
        memcpy(bytes + RAW_GREETING_SIZE, rows[i].bytes, rows[i].size);
        scene_refuses(&scene, bytes, RAW_GREETING_SIZE + rows[i].size);
    }
}

static void a_peer_of_a_type_that_does_not_match_is_refused(void **state)
{
    static const char *const names[] = {"PULL", "SUB", "nonsense", "DEALER"};
    struct scene scene;

    scene_open(*state, &scene);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unsigned char bytes[RAW_GREETING_SIZE + 64];
        size_t size = strlen(names[i]);
        unsigned char *at = bytes + RAW_GREETING_SIZE;

        raw_greeting(bytes);
        *at++ = 4;
        *at++ = (unsigned char)(22 + size);
        memcpy(at, "\5READY\13Socket-Type\0\0\0", 21);
        at += 21;
        *at++ = (unsigned char)size;
        memcpy(at, names[i], size);
        at += size;
        scene_refuses(&scene, bytes, (size_t)(at - bytes));
    }
}

static void frames_that_cannot_be_are_refused(void **state)
{
    static const unsigned char endless[] = {2,    0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff};
    static const unsigned char huge[] = {2,    0x7f, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff};
    struct scene scene;

    scene_open(*state, &scene);
    scene_refuses_frame(&scene, endless, sizeof(endless));
    scene_refuses_frame(&scene, huge, sizeof(huge));
}

static void a_message_cut_short_is_dropped(void **state)
{
    static const char *const cuts[] = {
        "\0",
        "\0\10",
        "\0\10half",
        "\1\4more",
        "\1\4more\0\4las",
        "\2\0\0\0\0\0\0\1",
        "\1\4more\1\4more",
    };
    static const size_t sizes[] = {1, 2, 6, 6, 11, 8, 12};
    struct scene scene;

    scene_open(*state, &scene);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int peer = raw_connect(scene.endpoint);

        raw_handshake(peer, "PUSH");
        raw_write_frame(peer, 0, "good", 4);
        raw_write(peer, cuts[i], sizes[i]);
        expect_part(scene.pull, "good", false);
        close(peer);
        monitor_expect(scene.monitor, ZMQ_EVENT_DISCONNECTED);
        scene_check(&scene);
        expect_nothing(scene.pull);
    }
}

/* Every byte may be the last: what came whole is kept, no more. */
static void a_reset_at_any_byte_loses_only_that_peer(void **state)
{
    struct linger reset = {.l_onoff = 1};
    unsigned char bytes[RAW_GREETING_SIZE + 28 + 6];
    struct scene scene;

    scene_open(*state, &scene);
    raw_greeting(bytes);
    memcpy(bytes + RAW_GREETING_SIZE,
           "\4\32\5READY\13Socket-Type\0\0\0\4PUSH\0\4data", 34);
    for (size_t size = 0; size < sizeof(bytes); size++) {
        int peer = raw_connect(scene.endpoint);

        raw_write(peer, bytes, size);
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(peer);
    }
    scene_check(&scene);
    expect_nothing(scene.pull);
}

static void a_peer_may_send_one_byte_at_a_time(void **state)
{
    struct env *env = *state;
    unsigned char bytes[RAW_GREETING_SIZE + 28];
    char endpoint[ENDPOINT_MAX];
    int peer;
    int flags;
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    peer = raw_connect(endpoint);
    raw_greeting(bytes);
    memcpy(bytes + RAW_GREETING_SIZE, "\4\32\5READY\13Socket-Type\0\0\0\4PUSH",
           28);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        raw_write(peer, bytes + i, 1);
        assert_false(is_ready(pull, ZMQ_POLLIN, i % 8 == 0));
    }
    /* libzmq refuses messages that come before it has said READY. */
    raw_read(peer, bytes, RAW_GREETING_SIZE);
    raw_read_frame(peer, &flags, bytes, sizeof(bytes));
    for (size_t i = 0; i < 5; i++) {
        raw_write(peer, "\0\4data" + i, 1);
        assert_false(is_ready(pull, ZMQ_POLLIN, i % 2 == 0));
    }
    raw_write(peer, "a", 1);
    expect_text(pull, "data");
    close(peer);
}

static void frames_over_the_limit_close_their_connection(void **state)
{
    struct env *env = *state;
    int64_t limit = 100;
    char body[256] = "";
    char endpoint[ENDPOINT_MAX];
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);

    assert_ok(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    assert_int_equal(zmq_send(push, body, 100, 0), 100);
    assert_int_equal(zmq_recv(pull, body, 256, 0), 100);

    peer = raw_connect(endpoint);
    raw_handshake(peer, "PUSH");
    raw_write_frame(peer, 0, body, 100);
    assert_int_equal(zmq_recv(pull, body, 256, 0), 100);
    /* Its first two bytes are enough to hang up. */
    (void)raw_try_write(peer, "\0\145", 2);
    (void)raw_try_write(peer, body, 101);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    close(peer);
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);

    assert_int_equal(zmq_send(push, body, 100, 0), 100);
    assert_int_equal(zmq_recv(pull, body, 256, 0), 100);
    expect_nothing(pull);
}

static void the_limit_counts_for_each_part(void **state)
{
    struct env *env = *state;
    int64_t limit = 64; /* Enough for the commands of the handshake. */
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)));
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 20; i++)
        send_text(push, "a part of twenty-nine letters", ZMQ_SNDMORE);
    send_text(push, "end", 0);
    for (int i = 0; i < 20; i++)
        expect_part(pull, "a part of twenty-nine letters", true);
    expect_part(pull, "end", false);
}

static void a_silent_peer_is_given_up_in_time(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    set_int(pull, ZMQ_HANDSHAKE_IVL, 50);
    env_bind(env, pull, endpoint);
    peer = raw_connect(endpoint);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    monitor_wait(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    close(peer);
    peer = raw_connect(endpoint);
    raw_write(peer, "\377\0\0\0\0\0\0\0\1\177\3", 11);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    close(peer);
}

static void a_dead_peer_misses_its_heartbeat(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);

    set_int(pull, ZMQ_HEARTBEAT_IVL, 20);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, 50);
    env_bind(env, pull, endpoint);
    peer = raw_connect(endpoint);
    raw_handshake(peer, "PUSH");
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    close(peer);
}

/* How long a side may be silent: on a busy machine, all of its threads. */
#ifdef __SANITIZE_THREAD__
enum { SHORT_MS = 1500 };
#else
enum { SHORT_MS = 300 };
#endif

/* A receiver that is full reads no PONG, and must not take that for death. One
 * that reads again may, so a busy machine can keep the times. */
static void a_full_receiver_keeps_its_sender(void **state)
{
    enum { COUNT_MAX = 200000 };
    struct env *env = *state;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    uint32_t count;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);

    if (!is_ceromq())
        skip(); /* Hangs up, and loses what the kernel holds. */
    set_int(pull, ZMQ_RCVHWM, 1);
    set_int(pull, ZMQ_HEARTBEAT_IVL, 20);
    set_int(pull, ZMQ_HEARTBEAT_TIMEOUT, SHORT_MS);
    set_int(push, ZMQ_HEARTBEAT_IVL, 20);
    set_int(push, ZMQ_HEARTBEAT_TTL, SHORT_MS);
    set_int(push, ZMQ_HEARTBEAT_TIMEOUT, 0);
    set_int(push, ZMQ_SNDHWM, 10);
    set_int(push, ZMQ_SNDBUF, 8192);
    set_int(pull, ZMQ_RCVBUF, 8192);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    count = send_until_full(push, COUNT_MAX, GLANCE_MS);
    assert_false(monitor_next(monitor, &event, 3 * SHORT_MS));
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_number(pull), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_peer_may_send_one_byte_at_a_time),
        ON_STREAMS(greetings_of_another_mechanism_are_refused),
        ON_STREAMS(a_handshake_of_nonsense_is_refused),
        ON_STREAMS(a_peer_of_a_type_that_does_not_match_is_refused),
        ON_STREAMS(frames_that_cannot_be_are_refused),
        ON_STREAMS(a_message_cut_short_is_dropped),
        ON_STREAMS(a_reset_at_any_byte_loses_only_that_peer),
        ON_STREAMS(frames_over_the_limit_close_their_connection),
        ON_STREAMS(the_limit_counts_for_each_part),
        ON_STREAMS(a_silent_peer_is_given_up_in_time),
        ON_STREAMS(a_dead_peer_misses_its_heartbeat),
        ON_STREAMS(a_full_receiver_keeps_its_sender),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
