/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_recviov while memory is short: a part for which there is none stays
 * where it was, for whatever call comes next.
 *
 * Thread: the main thread of a test. Owns: nothing.
 */
#include "unit/api/oom.h"

#include "common/socket.h"

#include <sys/uio.h>

enum { PARTS = 5, LARGE = 20000 };

static const size_t sizes[PARTS] = {5, 300, LARGE, 0, 40};
static char body[LARGE];

static void send_message(void *socket)
{
    for (int i = 0; i < PARTS; i++)
        MAKE(zmq_send(socket, body, sizes[i], i < PARTS - 1 ? ZMQ_SNDMORE : 0));
}

static void open_pair(struct env *env, void **ctx, void **one, void **two)
{
    char endpoint[ENDPOINT_MAX];

    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i % 251);
    *ctx = oom_ctx(1);
    *one = oom_socket(*ctx, ZMQ_PAIR);
    *two = oom_socket(*ctx, ZMQ_PAIR);
    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(*one, endpoint));
    MAKE(zmq_connect(*two, endpoint));
}

static void close_pair(void *ctx, void *one, void *two)
{
    assert_ok(zmq_close(one));
    assert_ok(zmq_close(two));
    assert_ok(zmq_ctx_term(ctx));
}

/* Goes on behind what it has until it has everything. */
static void receive_message(void *socket)
{
    struct iovec iov[PARTS];
    size_t have = 0;

    do {
        size_t count = PARTS - have;
        int rc = zmq_recviov(socket, iov + have, &count, 0);

        assert_true(rc == (int)count || (rc == -1 && errno == ENOMEM));
        have += count;
    } while (have < PARTS);
    assert_false(oom_has_more(socket));
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal(iov[i].iov_len, sizes[i]);
        assert_memory_equal(iov[i].iov_base, body, sizes[i]);
        free(iov[i].iov_base);
    }
}

static void pass_on(struct env *env)
{
    void *ctx, *one, *two;

    open_pair(env, &ctx, &one, &two);
    for (int i = 0; i < 2; i++)
        send_message(one);
    for (int i = 0; i < 2; i++)
        receive_message(two);
    close_pair(ctx, one, two);
}

static void no_part_is_lost(void **state)
{
    oom_play(*state, pass_on);
}

/* The memory for a part is refused, twice. */
static void fail_to_receive(void *socket)
{
    bool had_more = oom_has_more(socket);
    struct iovec iov;

    for (int i = 0; i < 2; i++) {
        size_t count = 1;

        cz_alloc_fail_at(1);
        assert_fails(zmq_recviov(socket, &iov, &count, 0), ENOMEM);
        assert_int_equal(count, 0);
        assert_int_equal(oom_has_more(socket), had_more);
        assert_true(is_ready(socket, ZMQ_POLLIN, 0));
    }
}

static void check_part(const void *data, size_t size, int i)
{
    assert_int_equal(size, sizes[i]);
    assert_memory_equal(data, body, size);
}

static void by_recv(void *socket, int i)
{
    static char buffer[LARGE];
    int size = zmq_recv(socket, buffer, LARGE, 0);

    assert_ok(size);
    check_part(buffer, (size_t)size, i);
}

/* It does not need memory either, for once. */
static void by_msg_recv(void *socket, int i)
{
    zmq_msg_t msg;

    assert_ok(zmq_msg_init(&msg));
    cz_alloc_fail_at(1);
    assert_ok(zmq_msg_recv(&msg, socket, 0));
    cz_alloc_fail_at(0);
    check_part(zmq_msg_data(&msg), zmq_msg_size(&msg), i);
    assert_ok(zmq_msg_close(&msg));
    assert_ok(zmq_msg_init(&msg));
    /* Makes another reserve. */
    assert_fails(zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT), EAGAIN);
    assert_ok(zmq_msg_close(&msg));
}

static void by_recviov(void *socket, int i)
{
    struct iovec iov;
    size_t count = 1;

    assert_int_equal(zmq_recviov(socket, &iov, &count, 0), 1);
    check_part(iov.iov_base, iov.iov_len, i);
    free(iov.iov_base);
}

static void another_call_gets_the_part(void **state)
{
    static void (*const ways[])(void *, int) = {by_recv, by_msg_recv,
                                                by_recviov};
    void *ctx, *one, *two;

    open_pair(*state, &ctx, &one, &two);
    /* The reserve is there from the first message on. */
    send_message(one);
    receive_message(two);
    for (int way = 0; way < 3; way++) {
        for (int i = 0; i < PARTS; i++) {
            MAKE(zmq_send(one, body, sizes[i], 0));
            fail_to_receive(two);
            ways[way](two, i);
            assert_false(oom_has_more(two));
            expect_nothing(two);
        }
    }
    close_pair(ctx, one, two);
}

static void a_part_that_nobody_takes_is_freed(void **state)
{
    void *ctx, *one, *two;

    open_pair(*state, &ctx, &one, &two);
    send_message(one);
    for (int i = 0; i < 2; i++)
        by_recviov(two, i);
    fail_to_receive(two);
    close_pair(ctx, one, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, no_part_is_lost),
        OOM_ON(inproc, another_call_gets_the_part),
        OOM_ON(inproc, a_part_that_nobody_takes_is_freed),
    };

    return cmocka_run_group_tests_name("oom_iov", tests, NULL, NULL);
}
