/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sys://stats: snapshots come in time, say what cero_stats says, and are
 * missed, with a count, by who does not read.
 *
 * Thread: the main thread.
 * Owns: nothing.
 */
#include "common/env.h"

#include "ceromq.h"
#include "common/socket.h"

#include <errno.h>

enum { INTERVAL_MS = 20, BODY_MAX = 100000 };

static void *subscribe_every(struct env *env, int interval_ms)
{
    void *sub = env_socket(env, ZMQ_SUB);

    assert_ok(zmq_ctx_set(env->ctx, CERO_STATS_IVL, interval_ms));
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "stats", 5));
    assert_ok(zmq_connect(sub, "sys://stats"));
    return sub;
}

/* The next snapshot; valid until the next call. */
static const char *next(void *sub)
{
    static char body[BODY_MAX];
    int size;

    expect_part(sub, "stats", true);
    size = zmq_recv(sub, body, sizeof body - 1, 0);
    assert_in_range(size, 2, sizeof body - 1);
    body[size] = '\0';
    assert_memory_equal(body, "{\"time\":", 8);
    assert_string_equal(body + size - 2, "]}");
    return body;
}

/* Snapshots come until one says this. */
static void expect_soon(void *sub, const char *part)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;

    while (!strstr(next(sub), part))
        assert_true(now_ms() < end_ms);
}

static void the_first_comes_at_once_and_others_in_time(void **state)
{
    struct env *env = *state;
    void *sub = subscribe_every(env, 60000);
    int64_t since_ms = now_ms();

    next(sub);
    assert_true(now_ms() - since_ms < 30000);
    expect_nothing(sub);
    env_close_socket(env, sub);
    sub = subscribe_every(env, INTERVAL_MS);
    since_ms = now_ms();
    for (int i = 0; i < 5; i++)
        next(sub);
    assert_true(now_ms() - since_ms >= 3 * INTERVAL_MS);
}

static void they_say_what_is_counted(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char part[ENDPOINT_MAX + 40];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *sub = subscribe_every(env, INTERVAL_MS);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 123; i++)
        send_number(push, i);
    for (uint32_t i = 0; i < 123; i++)
        receive_number(pull);
    snprintf(part, sizeof part, "{\"endpoint\":\"%s\",\"peer\":", endpoint);
    expect_soon(sub, part);
    expect_soon(sub, "\"messages_in\":123,\"messages_out\":0,\"bytes_in\":738");
    expect_soon(sub, "\"type\":\"PUSH\",\"id\":");
    expect_soon(sub, "{\"endpoint\":\"sys://stats\"");
    env_close_socket(env, push);
    expect_soon(sub, "\"sockets\":2,");
}

static void a_snapshot_may_be_large(void **state)
{
    struct env *env = *state;
    void *sub;

    for (int i = 0; i < 100; i++) {
        char endpoint[ENDPOINT_MAX];
        void *push = env_socket(env, ZMQ_PUSH);

        env_free_endpoint(env, endpoint);
        assert_ok(zmq_connect(push, endpoint));
    }
    sub = subscribe_every(env, INTERVAL_MS);
    assert_true(strlen(next(sub)) > 16384);
    expect_soon(sub, "\"sockets\":101,");
}

static void who_does_not_read_learns_how_many_it_missed(void **state)
{
    struct env *env = *state;
    void *sub = env_socket(env, ZMQ_SUB);
    void *other = subscribe_every(env, INTERVAL_MS);

    set_int(sub, ZMQ_RCVHWM, 1);
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0));
    assert_ok(zmq_connect(sub, "sys://stats"));
    for (int i = 0; i < 10; i++) {
        next(other);
        wait_for(sub, ZMQ_POLLIN);
    }
    assert_null(strstr(next(sub), "\"lost\":"));
    expect_soon(sub, "\"lost\":");
}

static void who_subscribes_to_something_else_gets_nothing(void **state)
{
    struct env *env = *state;
    void *sub = env_socket(env, ZMQ_SUB);
    void *other = subscribe_every(env, INTERVAL_MS);

    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "statistics", 10));
    assert_ok(zmq_connect(sub, "sys://stats"));
    for (int i = 0; i < 3; i++)
        next(other);
    expect_nothing(sub);
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "s", 1));
    next(sub);
    assert_ok(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "s", 1));
    while (is_ready(sub, ZMQ_POLLIN, 0))
        next(sub);
    for (int i = 0; i < 3; i++)
        next(other);
    expect_nothing(sub);
}

static void a_disconnected_one_gets_no_more(void **state)
{
    struct env *env = *state;
    void *sub = subscribe_every(env, INTERVAL_MS);

    next(sub);
    assert_ok(zmq_disconnect(sub, "sys://stats"));
    assert_fails(zmq_disconnect(sub, "sys://stats"), ENOENT);
    expect_nothing_for_a_while(sub);
    assert_ok(zmq_connect(sub, "sys://stats"));
    next(sub);
}

static void the_interval_is_at_least_a_millisecond(void **state)
{
    struct env *env = *state;

    assert_int_equal(zmq_ctx_get(env->ctx, CERO_STATS_IVL),
                     CERO_STATS_IVL_DFLT);
    assert_fails(zmq_ctx_set(env->ctx, CERO_STATS_IVL, 0), EINVAL);
    next(subscribe_every(env, 1));
}

static void the_end_of_the_context_waits_for_nobody(void **state)
{
    struct env *env = *state;

    subscribe_every(env, INTERVAL_MS);
    subscribe_every(env, 60000);
    env_end(env);
}

/* The same without a thread that could do it. */
static int open_alone(void **state)
{
    int rc = env_open(state);
    struct env *env = *state;

    return rc == 0 ? zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 0) : rc;
}

#define ALONE(test)                                                            \
    {                                                                          \
        "alone " #test, test, open_alone, env_close,                           \
            (void *)(uintptr_t)&transport_inproc                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, the_first_comes_at_once_and_others_in_time),
        ON_EACH(they_say_what_is_counted),
        ALONE(the_first_comes_at_once_and_others_in_time),
        ALONE(they_say_what_is_counted),
        ON(tcp, a_snapshot_may_be_large),
        ALONE(a_snapshot_may_be_large),
        ON(inproc, who_does_not_read_learns_how_many_it_missed),
        ALONE(who_does_not_read_learns_how_many_it_missed),
        ON(inproc, who_subscribes_to_something_else_gets_nothing),
        ALONE(who_subscribes_to_something_else_gets_nothing),
        ON(inproc, a_disconnected_one_gets_no_more),
        ALONE(a_disconnected_one_gets_no_more),
        ON(inproc, the_interval_is_at_least_a_millisecond),
        ALONE(the_interval_is_at_least_a_millisecond),
        ON(inproc, the_end_of_the_context_waits_for_nobody),
        ALONE(the_end_of_the_context_waits_for_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
