/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a message tells of the peer it came from: Peer-Address, Socket-Type,
 * the peer's routing id, the properties that the peer set by ZMQ_METADATA,
 * and the descriptor.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ZMQ_METADATA
#define ZMQ_METADATA 95 /* Of the draft interface. */
#endif

static int add_property(void *socket, const char *text)
{
    return zmq_setsockopt(socket, ZMQ_METADATA, text, strlen(text));
}

static void receive(void *socket, zmq_msg_t *msg)
{
    assert_ok(zmq_msg_init(msg));
    assert_ok(zmq_msg_recv(msg, socket, 0));
}

static void expect_property(zmq_msg_t *msg, const char *name,
                            const char *expected)
{
    const char *value = zmq_msg_gets(msg, name);

    if (value == NULL)
        fail_msg("no %s", name);
    assert_string_equal(value, expected);
}

/* A message of a DEALER "me" with two properties, at a ROUTER or DEALER. */
static void send_one(struct env *env, int type, void **to, void **from)
{
    *to = env_socket(env, type);
    *from = env_socket(env, ZMQ_DEALER);
    assert_ok(zmq_setsockopt(*from, ZMQ_ROUTING_ID, "me", 2));
    assert_ok(add_property(*from, "X-one:first"));
    assert_ok(add_property(*from, "X-two:second:third"));
    env_link(env, *to, *from);
    send_text(*from, "body", 0);
}

static void a_message_knows_its_peer(void **state)
{
    struct env *env = *state;
    char expected[64];
    zmq_msg_t msg;
    void *to, *from;

    send_one(env, ZMQ_DEALER, &to, &from);
    receive(to, &msg);
    expect_property(&msg, "Socket-Type", "DEALER");
    expect_property(&msg, "Identity", "me");
    expect_property(&msg, "X-one", "first");
    expect_property(&msg, "X-two", "second:third");
    snprintf(expected, sizeof(expected), "localhost:%u:%u:%d",
             (unsigned)getuid(), (unsigned)getgid(), (int)getpid());
    if (strcmp(env->transport->name, "ipc") == 0)
        expect_property(&msg, "Peer-Address", expected);
    else /* Where the connection comes from, a number without a port. */
        expect_property(&msg, "Peer-Address", "127.0.0.1");
    assert_null_fails(zmq_msg_gets(&msg, "X-three"), EINVAL);
    assert_null_fails(zmq_msg_gets(&msg, "socket-type"), EINVAL);
    assert_null_fails(zmq_msg_gets(&msg, "User-Id"), EINVAL);
    if (is_ceromq()) /* The name in zmq.h, which libzmq does not find. */
        expect_property(&msg, "Routing-Id", "me");
    zmq_msg_close(&msg);
}

static void a_message_knows_its_descriptor(void **state)
{
    struct env *env = *state;
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    zmq_msg_t msg;
    void *to, *from;
    int fd;

    send_one(env, ZMQ_DEALER, &to, &from);
    (void)from;
    receive(to, &msg);
    fd = zmq_msg_get(&msg, ZMQ_SRCFD);
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
    zmq_msg_close(&msg);
}

static void properties_go_with_copies_and_moves(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg, copy, moved;
    void *to, *from;

    send_one(env, ZMQ_DEALER, &to, &from);
    receive(to, &msg);
    zmq_msg_init(&copy);
    zmq_msg_init(&moved);
    assert_ok(zmq_msg_copy(&copy, &msg));
    assert_ok(zmq_msg_move(&moved, &msg));
    zmq_msg_close(&msg);
    env_close_socket(env, from);
    env_close_socket(env, to);
    expect_property(&copy, "X-one", "first");
    expect_property(&moved, "X-one", "first");
    assert_int_equal(zmq_msg_get(&copy, ZMQ_SRCFD),
                     zmq_msg_get(&moved, ZMQ_SRCFD));
    zmq_msg_close(&copy);
    zmq_msg_close(&moved);
}

static void properties_do_not_go_on_to_others(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg;
    void *to, *from;

    send_one(env, ZMQ_DEALER, &to, &from);
    receive(to, &msg);
    assert_ok(zmq_msg_send(&msg, to, 0));
    receive(from, &msg);
    assert_null_fails(zmq_msg_gets(&msg, "X-one"), EINVAL);
    expect_property(&msg, "Socket-Type", "DEALER");
    expect_property(&msg, "Identity", "");
    zmq_msg_close(&msg);
}

static void each_part_knows_its_peer(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg;
    void *to, *from;

    send_one(env, ZMQ_ROUTER, &to, &from);
    receive(to, &msg); /* the routing id */
    expect_property(&msg, "X-one", "first");
    zmq_msg_close(&msg);
    receive(to, &msg);
    expect_property(&msg, "X-one", "first");
    zmq_msg_close(&msg);
}

static void within_a_process_nothing_is_known(void **state)
{
    struct env *env = *state;
    zmq_msg_t msg;
    void *to, *from;

    send_one(env, ZMQ_DEALER, &to, &from);
    (void)from;
    receive(to, &msg);
    assert_null_fails(zmq_msg_gets(&msg, "Socket-Type"), EINVAL);
    assert_null_fails(zmq_msg_gets(&msg, "Identity"), EINVAL);
    assert_null_fails(zmq_msg_gets(&msg, "X-one"), EINVAL);
    assert_fails(zmq_msg_get(&msg, ZMQ_SRCFD), EINVAL);
    zmq_msg_close(&msg);
}

/* READY with these properties behind Socket-Type. */
static void expect_ready(int fd, const char *properties, size_t size)
{
    unsigned char greeting[RAW_GREETING_SIZE];
    struct zmtp_bytes body = {.size = 0};
    unsigned char got[1024];
    int flags;

    raw_greeting(greeting);
    raw_write(fd, greeting, sizeof(greeting));
    raw_read(fd, greeting, sizeof(greeting));
    zmtp_put(&body, "\5READY\13Socket-Type\0\0\0\4PULL", 26);
    zmtp_put(&body, properties, size);
    assert_int_equal(raw_read_frame(fd, &flags, got, sizeof(got)), body.size);
    assert_int_equal(flags, ZMTP_COMMAND);
    assert_memory_equal(got, body.bytes, body.size);
}

static void properties_are_sent_in_the_order_of_their_names(void **state)
{
    static const char expected[] = "\3X-a\0\0\0\2c:"
                                   "\4X-a0\0\0\0\1z"
                                   "\3X-b\0\0\0\3abc"
                                   "\5X-b b\0\0\0\2\xff\1";
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    int fd;

    assert_ok(add_property(pull, "X-b:abc"));
    assert_ok(add_property(pull, "X-a:c:"));
    assert_ok(add_property(pull, "X-b b:\xff\1"));
    assert_ok(add_property(pull, "X-a0:z"));
    /* The first value stays. */
    assert_ok(add_property(pull, "X-b:other"));
    env_bind(env, pull, endpoint);
    /* What is set later concerns later endpoints. */
    assert_ok(add_property(pull, "X-c:late"));
    fd = raw_connect(endpoint);
    expect_ready(fd, expected, sizeof(expected) - 1);
    close(fd);
}

static void a_property_is_a_name_and_a_value(void **state)
{
    static const char *const wrong[] = {
        "",        "X-a",      "X-a:",    "name:value", "x-a:value",
        "X:value", "X-:a",     ":value",  "-X-a:value", "Socket-Type:PUB",
        "X",       " X-a:val", "XX-a:val"};
    struct env *env = *state;
    char large[600];
    void *pull = env_socket(env, ZMQ_PULL);
    size_t size;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_fails(add_property(pull, wrong[i]), EINVAL);
    assert_fails(zmq_setsockopt(pull, ZMQ_METADATA, NULL, 0), EINVAL);
    size = sizeof(large);
    assert_fails(zmq_getsockopt(pull, ZMQ_METADATA, large, &size), EINVAL);
    memset(large, 'v', sizeof(large));
    memcpy(large, "X-long:", 7);
    assert_ok(zmq_setsockopt(pull, ZMQ_METADATA, large, sizeof(large)));
    memset(large, 'n', sizeof(large));
    memcpy(large, "X-", 2);
    large[255] = ':';
    assert_ok(zmq_setsockopt(pull, ZMQ_METADATA, large, sizeof(large)));
    large[255] = 'n';
    large[256] = ':';
    assert_fails(zmq_setsockopt(pull, ZMQ_METADATA, large, sizeof(large)),
                 EINVAL);
}

static void there_is_a_limit_to_properties(void **state)
{
    struct env *env = *state;
    char text[2000];
    void *pull = env_socket(env, ZMQ_PULL);
    int count = 0;

    if (!is_ceromq())
        skip(); /* Sends any amount, for the peer to refuse. */
    do {
        int size = snprintf(text, sizeof(text), "X-%d:", count);

        memset(text + size, 'v', sizeof(text) - (size_t)size);
        assert_true(count++ < 1000);
    } while (zmq_setsockopt(pull, ZMQ_METADATA, text, sizeof(text)) == 0);
    assert_int_equal(errno, EINVAL);
    assert_true(count > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_message_knows_its_peer),
        ON_STREAMS(a_message_knows_its_descriptor),
        ON_STREAMS(properties_go_with_copies_and_moves),
        ON_STREAMS(properties_do_not_go_on_to_others),
        ON_STREAMS(each_part_knows_its_peer),
        ON(inproc, within_a_process_nothing_is_known),
        ON(tcp, properties_are_sent_in_the_order_of_their_names),
        ON(inproc, a_property_is_a_name_and_a_value),
        ON(inproc, there_is_a_limit_to_properties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
