/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What zmq_connect has said to be connected while memory was short is so for
 * good: it is dialled until it answers, and known by the id that it was given.
 *
 * CTest: TIMEOUT 300
 * Thread: the main thread of a test.
 * Owns: nothing.
 */
#include "common/id.h"
#include "common/raw.h"
#include "unit/api/oom.h"

#include <sys/socket.h>

enum { WAIT_MS = 5 };

/* ---- STREAM ----------------------------------------------------------- */

/* Sends back one message if it is more than a notice. */
static void echo(void *stream)
{
    char id[ID_GENERATED_SIZE], bytes[8];
    int size;

    assert_int_equal(zmq_recv(stream, id, sizeof(id), 0), sizeof(id));
    size = zmq_recv(stream, bytes, sizeof(bytes), 0);
    assert_in_range(size, 0, sizeof(bytes));
    if (size == 0)
        return;
    if (zmq_send(stream, id, sizeof(id), ZMQ_SNDMORE) != -1)
        MAKE(zmq_send(stream, bytes, (size_t)size, 0));
}

/* Says something until it comes back, or the connection ends. */
static bool asks(int fd, void *stream)
{
    zmq_pollitem_t items[2] = {{.socket = stream, .events = ZMQ_POLLIN},
                               {.fd = fd, .events = ZMQ_POLLIN}};
    char bytes[3];

    if (!raw_try_write(fd, "abc", 3))
        return false;
    do {
        MAKE(zmq_poll(items, 2, PATIENCE_MS));
        assert_true(items[0].revents || items[1].revents);
        if (items[0].revents)
            echo(stream);
    } while (!items[1].revents);
    if (recv(fd, bytes, 3, MSG_WAITALL) != 3)
        return false;
    assert_memory_equal(bytes, "abc", 3);
    return true;
}

static void talk_to_stream(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *stream = oom_socket(ctx, ZMQ_STREAM);
    int64_t end_ms = now_ms() + PATIENCE_MS;
    char endpoint[ENDPOINT_MAX];
    bool is_answered;

    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(stream, endpoint));
    do {
        int fd = raw_connect(endpoint);

        assert_true(now_ms() < end_ms);
        is_answered = asks(fd, stream);
        close(fd);
    } while (!is_answered);
    assert_ok(zmq_close(stream));
    assert_ok(zmq_ctx_term(ctx));
}

/* Sends to the id that zmq_connect has told of, until that is heard. */
static bool tells(void *stream, const char *id, int fd)
{
    zmq_pollitem_t items[2] = {{.socket = stream, .events = ZMQ_POLLIN},
                               {.fd = fd, .events = ZMQ_POLLIN}};
    char bytes[8];

    MAKE(zmq_send(stream, id, ID_GENERATED_SIZE, ZMQ_SNDMORE));
    MAKE(zmq_send(stream, "hello", 5, 0));
    do {
        MAKE(zmq_poll(items, 2, PATIENCE_MS));
        assert_true(items[0].revents || items[1].revents);
        if (items[0].revents) {
            assert_int_equal(zmq_recv(stream, bytes, sizeof(bytes), 0),
                             ID_GENERATED_SIZE);
            assert_memory_equal(bytes, id, ID_GENERATED_SIZE);
            assert_int_equal(zmq_recv(stream, bytes, sizeof(bytes), 0), 0);
        }
    } while (!items[1].revents);
    return recv(fd, bytes, 5, MSG_WAITALL) == 5 &&
           memcmp(bytes, "hello", 5) == 0;
}

static void talk_as_stream(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *stream = oom_socket(ctx, ZMQ_STREAM);
    char endpoint[ENDPOINT_MAX], id[ID_GENERATED_SIZE];
    size_t size = sizeof(id);
    int64_t end_ms = now_ms() + PATIENCE_MS;
    bool is_told;
    int listener;

    oom_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    MAKE(zmq_connect(stream, endpoint));
    MAKE(zmq_getsockopt(stream, ZMQ_ROUTING_ID, id, &size));
    assert_int_equal(size, sizeof(id));
    do {
        int fd = raw_accept(listener);

        assert_true(now_ms() < end_ms);
        is_told = tells(stream, id, fd);
        close(fd);
    } while (!is_told);
    close(listener);
    assert_ok(zmq_close(stream));
    assert_ok(zmq_ctx_term(ctx));
}

/* ---- ROUTER ----------------------------------------------------------- */

/* Sends until something has come; what is refused comes later. */
static void tell(void *router, const char *id, void *dealer)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    char bytes[8];

    do {
        assert_true(now_ms() < end_ms);
        if (zmq_send(router, id, 5, ZMQ_SNDMORE) == 5)
            MAKE(zmq_send(router, "hello", 5, 0));
    } while (!oom_is_readable(dealer, WAIT_MS));
    assert_int_equal(zmq_recv(dealer, bytes, sizeof(bytes), 0), 5);
}

static void talk_as_router(struct env *env, bool is_given)
{
    void *ctx = oom_ctx(1);
    void *router = oom_socket(ctx, ZMQ_ROUTER);
    void *dealer = oom_socket(ctx, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    oom_endpoint(env, endpoint);
    oom_set(router, ZMQ_ROUTER_MANDATORY, 1);
    MAKE(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "owner", 5));
    MAKE(zmq_bind(dealer, endpoint));
    if (is_given)
        MAKE(zmq_setsockopt(router, ZMQ_CONNECT_ROUTING_ID, "given", 5));
    MAKE(zmq_connect(router, endpoint));
    tell(router, is_given ? "given" : "owner", dealer);
    assert_ok(zmq_close(router));
    assert_ok(zmq_close(dealer));
    assert_ok(zmq_ctx_term(ctx));
}

static void talk_by_given_id(struct env *env)
{
    talk_as_router(env, true);
}

static void talk_by_own_id(struct env *env)
{
    talk_as_router(env, false);
}

/* ---- claims ----------------------------------------------------------- */

static void stream_answers(void **state)
{
    oom_play(*state, talk_to_stream);
}

static void stream_is_heard_by_whom_it_connects_to(void **state)
{
    oom_play(*state, talk_as_stream);
}

static void router_knows_whom_it_connects_to(void **state)
{
    oom_play(*state, talk_by_given_id);
    oom_play(*state, talk_by_own_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(tcp, stream_answers),
        OOM_ON(tcp, stream_is_heard_by_whom_it_connects_to),
        OOM_ON(tcp, router_knows_whom_it_connects_to),
        OOM_ON(inproc, router_knows_whom_it_connects_to),
    };

    return cmocka_run_group_tests_name("oom_connect", tests, NULL, NULL);
}
