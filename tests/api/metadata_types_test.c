/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What messages tell of their senders, type by type: the name of the type,
 * a routing id where the type has one, the address and the descriptor; also
 * from peers that come again, from STREAM and from old peers.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct row {
    int from;
    const char *name;
    int to;
    bool has_id; /* The type announces a routing id, be it empty. */
    bool needs_request;
};

static const struct row rows[] = {
    {ZMQ_PAIR, "PAIR", ZMQ_PAIR, false, false},
    {ZMQ_PUB, "PUB", ZMQ_SUB, false, false},
    {ZMQ_PUB, "PUB", ZMQ_XSUB, false, false},
    {ZMQ_XPUB, "XPUB", ZMQ_SUB, false, false},
    {ZMQ_XSUB, "XSUB", ZMQ_XPUB, false, false},
    {ZMQ_PUSH, "PUSH", ZMQ_PULL, false, false},
    {ZMQ_DEALER, "DEALER", ZMQ_DEALER, true, false},
    {ZMQ_DEALER, "DEALER", ZMQ_ROUTER, true, false},
    {ZMQ_REQ, "REQ", ZMQ_REP, true, false},
    {ZMQ_REQ, "REQ", ZMQ_ROUTER, true, false},
    {ZMQ_REP, "REP", ZMQ_REQ, false, true},
    {ZMQ_REP, "REP", ZMQ_DEALER, false, true},
};

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

static const char *own_address(const struct env *env, char text[64])
{
    if (strcmp(env->transport->name, "ipc") == 0)
        snprintf(text, 64, "localhost:%u:%u:%d", (unsigned)getuid(),
                 (unsigned)getgid(), (int)getpid());
    else
        snprintf(text, 64, "127.0.0.1");
    return text;
}

/* Sends until something arrives: subscriptions take their time. */
static void send_until_heard(void *from, void *to)
{
    if (get_int(to, ZMQ_TYPE) == ZMQ_SUB)
        set_text(to, ZMQ_SUBSCRIBE, "");
    else if (get_int(to, ZMQ_TYPE) == ZMQ_XSUB)
        send_text(to, "\1", 0);
    do {
        send_text(from, "word", 0);
        if (get_int(from, ZMQ_TYPE) == ZMQ_REQ)
            break;
    } while (!is_ready(to, ZMQ_POLLIN, 1));
}

static void send_in_reply(void *from, void *to)
{
    if (get_int(to, ZMQ_TYPE) == ZMQ_DEALER)
        send_text(to, "", ZMQ_SNDMORE);
    send_text(to, "question", 0);
    expect_text(from, "question");
    send_text(from, "word", 0);
}

static void expect_sender(struct env *env, const struct row *row, void *to)
{
    char address[64];
    zmq_msg_t msg;
    int more;

    /* After a poll, libzmq's ROUTER shows ids without properties. */
    if (row->to == ZMQ_ROUTER && !is_ceromq())
        (void)id_receive(to);
    do {
        receive(to, &msg);
        more = zmq_msg_more(&msg);
        expect_property(&msg, "Socket-Type", row->name);
        if (row->has_id)
            expect_property(&msg, "Identity", "myself");
        else
            assert_null(zmq_msg_gets(&msg, "Identity"));
        /* Who is dialled has the address that was dialled. */
        if (strcmp(env->transport->name, "ipc") == 0)
            expect_property(&msg, "Peer-Address", own_address(env, address));
        else
            assert_memory_equal(zmq_msg_gets(&msg, "Peer-Address"), "127.", 4);
        assert_true(zmq_msg_get(&msg, ZMQ_SRCFD) >= 0);
        zmq_msg_close(&msg);
    } while (more);
}

static void check_row(struct env *env, const struct row *row, bool is_bound)
{
    void *from = env_socket(env, row->from);
    void *to = env_socket(env, row->to);

    set_text(from, ZMQ_ROUTING_ID, "myself");
    if (is_bound)
        env_link(env, from, to);
    else
        env_link(env, to, from);
    if (row->needs_request)
        send_in_reply(from, to);
    else
        send_until_heard(from, to);
    expect_sender(env, row, to);
}

static void a_message_names_the_type_it_came_from(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row(*state, &rows[i], true);
        check_row(*state, &rows[i], false);
    }
}

static void a_subscription_names_its_subscriber(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);
    zmq_msg_t msg;

    set_text(sub, ZMQ_SUBSCRIBE, "topic");
    env_link(env, xpub, sub);
    receive(xpub, &msg);
    assert_int_equal(zmq_msg_size(&msg), 6);
    expect_property(&msg, "Socket-Type", "SUB");
    assert_true(zmq_msg_get(&msg, ZMQ_SRCFD) >= 0);
    zmq_msg_close(&msg);
}

static void a_stream_knows_addresses_alone(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    char endpoint[ENDPOINT_MAX];
    char address[64];
    int fd;

    env_bind(env, stream, endpoint);
    fd = raw_connect(endpoint);
    /* The notice with its id, and bytes with theirs. */
    for (int i = 0; i < 4; i++) {
        zmq_msg_t msg;

        if (i == 2)
            raw_write(fd, "bytes", 5);
        receive(stream, &msg);
        expect_property(&msg, "Peer-Address", own_address(env, address));
        assert_null_fails(zmq_msg_gets(&msg, "Socket-Type"), EINVAL);
        assert_null_fails(zmq_msg_gets(&msg, "Identity"), EINVAL);
        assert_true(zmq_msg_get(&msg, ZMQ_SRCFD) >= 0);
        zmq_msg_close(&msg);
    }
    close(fd);
}

/* The descriptor is that of the connection: its far end is the peer's. */
static void the_descriptor_is_that_of_the_connection(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    struct sockaddr_storage near = {0};
    struct sockaddr_storage far = {0};
    socklen_t near_size = sizeof(near);
    socklen_t far_size = sizeof(far);
    zmq_msg_t msg;
    int fd;

    env_bind(env, pull, endpoint);
    fd = raw_connect(endpoint);
    raw_handshake(fd, "PUSH");
    raw_write(fd, "\0\1x", 3);
    receive(pull, &msg);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&near, &near_size), 0);
    assert_int_equal(getpeername(zmq_msg_get(&msg, ZMQ_SRCFD),
                                 (struct sockaddr *)&far, &far_size),
                     0);
    assert_int_equal(near_size, far_size);
    assert_memory_equal(&near, &far, near_size);
    zmq_msg_close(&msg);
    close(fd);
}

/* A message keeps what it knows; the next connection is another one. */
static void each_connection_has_properties_of_its_own(void **state)
{
    static const char *const ids[] = {"first", "second"};
    struct env *env = *state;
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    zmq_msg_t msgs[2];
    int listener;

    set_int(dealer, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 2; i++) {
        struct zmtp_bytes bytes = {.size = 0};
        int fd = raw_accept(listener);
        char ready[256];
        int flags;

        zmtp_put_greeting(&bytes, 3, 1, "NULL");
        zmtp_put_ready(&bytes, i == 0 ? "DEALER" : "ROUTER", ids[i]);
        zmtp_write(fd, &bytes);
        raw_read(fd, bytes.bytes, ZMTP_GREETING_SIZE);
        raw_read_frame(fd, &flags, ready, sizeof(ready));
        raw_write(fd, "\0\1x", 3);
        receive(dealer, &msgs[i]);
        close(fd);
    }
    expect_property(&msgs[0], "Socket-Type", "DEALER");
    expect_property(&msgs[1], "Socket-Type", "ROUTER");
    for (int i = 0; i < 2; i++) {
        expect_property(&msgs[i], "Identity", ids[i]);
        zmq_msg_close(&msgs[i]);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(a_message_names_the_type_it_came_from),
        ON_STREAMS(a_subscription_names_its_subscriber),
        ON_STREAMS(a_stream_knows_addresses_alone),
        ON_STREAMS(the_descriptor_is_that_of_the_connection),
        ON_STREAMS(each_connection_has_properties_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
