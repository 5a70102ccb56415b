/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory lent to the library comes back exactly once, whatever becomes of
 * the message and its sockets. When the context has ended, all is back.
 *
 * Thread: the main thread; the free function runs in any.
 */
#include "common/env.h"

#include "common/freed.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <unistd.h>

#define COUNT 40

static const size_t sizes[] = {0, 1, 33, 34, 300, 9000, 100000, 1048576};

#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

static void open_all(struct freed freed[COUNT])
{
    for (size_t i = 0; i < COUNT; i++)
        freed_open(&freed[i], sizes[i % SIZE_COUNT]);
}

/* Ends the context; by then every buffer has come back, and once. */
static void check_all(struct env *env, struct freed freed[COUNT])
{
    env_end(env);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(freed_count(&freed[i]), 1);
        freed_wait(&freed[i]);
        freed_close(&freed[i]);
    }
}

static void send_all(void *socket, struct freed freed[COUNT])
{
    for (size_t i = 0; i < COUNT; i++) {
        zmq_msg_t msg;

        freed_message(&freed[i], &msg);
        assert_int_equal(zmq_msg_send(&msg, socket, 0), freed[i].size);
        assert_ok(zmq_msg_close(&msg));
    }
}

static void buffers_that_were_read_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    zmq_msg_t msg;
    void *pull;
    void *push;

    open_all(freed);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_all(push, freed);
    zmq_msg_init(&msg);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(zmq_msg_recv(&msg, pull, 0), freed[i].size);
        assert_memory_equal(zmq_msg_data(&msg), freed[i].data, freed[i].size);
    }
    assert_ok(zmq_msg_close(&msg));
    check_all(env, freed);
}

static void buffers_nobody_reads_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    void *pull;
    void *push;

    open_all(freed);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_all(push, freed);
    wait_for(pull, ZMQ_POLLIN);
    check_all(env, freed);
}

static void buffers_queued_for_an_absent_peer_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);

    open_all(freed);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_all(push, freed);
    check_all(env, freed);
}

static void buffers_are_kept_until_they_are_sent(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    char endpoint[ENDPOINT_MAX];
    zmq_msg_t msg;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    open_all(freed);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_all(push, freed);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(freed_count(&freed[i]), 0);
    assert_ok(zmq_bind(pull, endpoint));
    zmq_msg_init(&msg);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(zmq_msg_recv(&msg, pull, 0), freed[i].size);
    /* Without any other call on the socket that sent them. */
    for (size_t i = 0; i < COUNT; i++)
        freed_wait(&freed[i]);
    assert_ok(zmq_msg_close(&msg));
    env_end(env);
    for (size_t i = 0; i < COUNT; i++)
        freed_close(&freed[i]);
}

/* Without any other call on the socket that sent them, and though nobody may
 * ever come in the peer's place. */
static void buffers_that_went_out_come_back_when_the_peer_goes(void **state)
{
    struct env *env = *state;

    for (int round = 0; round < 20; round++) {
        struct freed freed[COUNT];
        char endpoint[ENDPOINT_MAX];
        void *push = env_socket(env, ZMQ_PUSH);
        void *pull = env_socket(env, ZMQ_PULL);

        env_bind(env, pull, endpoint);
        assert_ok(zmq_connect(push, endpoint));
        wait_for(push, ZMQ_POLLOUT);
        for (size_t i = 0; i < COUNT; i++)
            freed_open(&freed[i], 40);
        send_all(push, freed);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(zmq_recv(pull, NULL, 0, 0), 40);
        env_close_socket(env, pull);
        for (size_t i = 0; i < COUNT; i++) {
            freed_wait(&freed[i]);
            freed_close(&freed[i]);
        }
        env_close_socket(env, push);
    }
}

static void buffers_of_a_steady_stream_come_back(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (int i = 0; i < 2000; i++) {
        struct freed freed;
        zmq_msg_t msg;
        bool has_two_parts = i % 3 == 0;

        freed_open(&freed, 40);
        freed_message(&freed, &msg);
        assert_int_equal(
            zmq_msg_send(&msg, push, has_two_parts ? ZMQ_SNDMORE : 0), 40);
        if (has_two_parts)
            send_text(push, "", 0);
        if (i % 2 == 0)
            assert_int_equal(zmq_recv(pull, NULL, 0, 0), 40);
        freed_wait(&freed);
        if (i % 2 != 0)
            assert_int_equal(zmq_recv(pull, NULL, 0, 0), 40);
        if (has_two_parts)
            expect_text(pull, "");
        freed_close(&freed);
    }
}

static void buffers_queued_at_disconnect_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);

    open_all(freed);
    set_int(push, ZMQ_LINGER, 0);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_all(push, freed);
    assert_ok(zmq_disconnect(push, endpoint));
    check_all(env, freed);
}

static void buffers_of_an_unfinished_message_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    void *pull;
    void *push;

    open_all(freed);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (size_t i = 0; i < COUNT; i++) {
        zmq_msg_t msg;

        freed_message(&freed[i], &msg);
        assert_int_equal(zmq_msg_send(&msg, push, ZMQ_SNDMORE), freed[i].size);
    }
    env_close_socket(env, push);
    expect_nothing(pull);
    check_all(env, freed);
}

static void buffers_half_read_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    zmq_msg_t msg;
    void *pull;
    void *push;

    open_all(freed);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (size_t i = 0; i < COUNT; i++) {
        freed_message(&freed[i], &msg);
        assert_int_equal(
            zmq_msg_send(&msg, push, i + 1 < COUNT ? ZMQ_SNDMORE : 0),
            freed[i].size);
    }
    zmq_msg_init(&msg);
    for (size_t i = 0; i < COUNT / 2; i++)
        assert_int_equal(zmq_msg_recv(&msg, pull, 0), freed[i].size);
    assert_ok(zmq_msg_close(&msg));
    check_all(env, freed);
}

static void buffers_sent_and_kept_come_back_when_closed(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    zmq_msg_t kept[COUNT];
    void *pull;
    void *push;

    open_all(freed);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (size_t i = 0; i < COUNT; i++) {
        zmq_msg_t msg;

        freed_message(&freed[i], &kept[i]);
        zmq_msg_init(&msg);
        assert_ok(zmq_msg_copy(&msg, &kept[i]));
        assert_int_equal(zmq_msg_send(&msg, push, 0), freed[i].size);
        assert_int_equal(zmq_recv(pull, NULL, 0, 0), freed[i].size);
        assert_int_equal(freed_count(&freed[i]), 0);
        assert_memory_equal(zmq_msg_data(&kept[i]), freed[i].data,
                            freed[i].size);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_ok(zmq_msg_close(&kept[i]));
    check_all(env, freed);
}

/* Many messages of one buffer: what a publisher of constants does. */
static void a_buffer_in_many_messages_comes_back_once(void **state)
{
    struct env *env = *state;
    struct freed freed;
    zmq_msg_t kept;
    void *pull;
    void *push;

    freed_open(&freed, 20000);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    freed_message(&freed, &kept);
    for (int i = 0; i < 200; i++) {
        zmq_msg_t msg;

        zmq_msg_init(&msg);
        assert_ok(zmq_msg_copy(&msg, &kept));
        assert_int_equal(zmq_msg_send(&msg, push, 0), 20000);
    }
    assert_ok(zmq_msg_close(&kept));
    for (int i = 0; i < 100; i++)
        assert_int_equal(zmq_recv(pull, NULL, 0, 0), 20000);
    env_end(env);
    assert_int_equal(freed_count(&freed), 1);
    freed_wait(&freed);
    freed_close(&freed);
}

static void buffers_for_a_peer_that_resets_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    char endpoint[ENDPOINT_MAX];
    int listener;
    int peer;
    void *push = env_socket(env, ZMQ_PUSH);

    open_all(freed);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(push, endpoint));
    peer = raw_accept(listener);
    raw_handshake(peer, "PULL");
    send_all(push, freed);
    /* Its input unread: the kernel answers the next bytes with a reset. */
    close(peer);
    close(listener);
    check_all(env, freed);
}

static void buffers_on_their_way_at_shutdown_come_back(void **state)
{
    struct env *env = *state;
    struct freed freed[COUNT];
    int linger = 0;
    void *pull;
    void *push;

    open_all(freed);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_ok(zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof(linger)));
    send_all(push, freed);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    check_all(env, freed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(buffers_that_were_read_come_back),
        ON_EACH(buffers_nobody_reads_come_back),
        ON_EACH(buffers_queued_for_an_absent_peer_come_back),
        ON_STREAMS(buffers_are_kept_until_they_are_sent),
        ON_STREAMS(buffers_that_went_out_come_back_when_the_peer_goes),
        ON_STREAMS(buffers_of_a_steady_stream_come_back),
        ON_STREAMS(buffers_queued_at_disconnect_come_back),
        ON_EACH(buffers_of_an_unfinished_message_come_back),
        ON_EACH(buffers_half_read_come_back),
        ON_EACH(buffers_sent_and_kept_come_back_when_closed),
        ON_EACH(a_buffer_in_many_messages_comes_back_once),
        ON_STREAMS(buffers_for_a_peer_that_resets_come_back),
        ON_EACH(buffers_on_their_way_at_shutdown_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
