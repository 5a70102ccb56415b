/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A sender that has gone, and a peer that was still talking to it: what comes
 * after a descriptor was closed is answered by the kernel with a reset, which
 * throws away what had not left yet.
 *
 * Thread: the main thread of a test, and one for the peer that writes.
 */
#include "common/call.h"
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COUNT = 300,
    SIZE = 1000,
    WIRE_SIZE = COUNT * (1 + 8 + SIZE),
    /* The sender's kernel takes all, the peer's window lets little through. */
    SENDER_BUFFER = 1 << 20,
    PEER_BUFFER = 4096,
};

struct talker {
    int fd;
    struct zmtp_bytes pongs;
    struct call call;
};

/* Until it is hung up on. */
static int talk(void *arg)
{
    const struct talker *talker = arg;

    while (raw_try_write(talker->fd, talker->pongs.bytes, talker->pongs.size))
        continue;
    return 0;
}

static int end_context(void *ctx)
{
    return zmq_ctx_term(ctx);
}

/* How many bytes come before the end. */
static size_t read_all(int fd)
{
    char bytes[4096];
    size_t total = 0;
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        total += (size_t)got;
    return total;
}

static void dial(struct talker *talker, const char *endpoint)
{
    int size = PEER_BUFFER;

    talker->fd = raw_socket(endpoint);
    assert_ok(
        setsockopt(talker->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
    raw_dial(talker->fd, endpoint);
    raw_handshake(talker->fd, "PULL");
    zmtp_put_command(&talker->pongs, "PONG", "", 0);
}

static void who_still_talks_gets_all_that_was_sent(void **state)
{
    static const char body[SIZE];
    struct env *env = *state;
    struct talker talker = {0};
    struct call term;
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    set_int(push, ZMQ_SNDBUF, SENDER_BUFFER);
    env_bind(env, push, endpoint);
    dial(&talker, endpoint);
    call_start(&talker.call, talk, &talker);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(zmq_send(push, body, SIZE, 0), SIZE);
    assert_ok(zmq_close(push));
    call_start(&term, end_context, ctx);
    assert_int_equal(read_all(talker.fd), WIRE_SIZE);
    assert_int_equal(call_join(&term), 0);
    assert_int_equal(call_join(&talker.call), 0);
    close(talker.fd);
}

/* Who never reads is waited for half a second, and no longer. */
static void who_never_reads_does_not_hold_up_the_end(void **state)
{
    static const char body[SIZE];
    struct env *env = *state;
    struct talker talker = {0};
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    set_int(push, ZMQ_SNDBUF, SENDER_BUFFER);
    env_bind(env, push, endpoint);
    dial(&talker, endpoint);
    for (int i = 0; i < COUNT / 3; i++)
        assert_int_equal(zmq_send(push, body, SIZE, 0), SIZE);
    assert_ok(zmq_close(push));
    assert_ok(zmq_ctx_term(ctx));
    close(talker.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(who_still_talks_gets_all_that_was_sent),
        ON(tcp, who_never_reads_does_not_hold_up_the_end),
    };

    return cmocka_run_group_tests_name("raw_farewell", tests, NULL, NULL);
}
