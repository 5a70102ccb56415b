/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Contexts: their options, limits and threads, and that they come and go
 * without a trace. Their end with sockets in use is in term_test.c.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/proc.h"
#include "common/socket.h"

#include <errno.h>

static void options_begin_with_their_defaults(void **state)
{
    struct env *env = *state;

    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_IO_THREADS), 1);
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_MAX_SOCKETS), 1023);
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_SOCKET_LIMIT), 65535);
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_MAX_MSGSZ), INT32_MAX);
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_MSG_T_SIZE), 64);
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_IPV6), 0);
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_BLOCKY), 1);
}

static void options_keep_what_is_set(void **state)
{
    static const struct {
        int option;
        int value;
    } rows[] = {
        {ZMQ_IO_THREADS, 0}, {ZMQ_IO_THREADS, 4},   {ZMQ_MAX_SOCKETS, 1},
        {ZMQ_IPV6, 1},       {ZMQ_MAX_SOCKETS, 99}, {ZMQ_MAX_MSGSZ, 0},
        {ZMQ_BLOCKY, 0},     {ZMQ_MAX_MSGSZ, 5000},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_ok(zmq_ctx_set(env->ctx, rows[i].option, rows[i].value));
        assert_int_equal(zmq_ctx_get(env->ctx, rows[i].option), rows[i].value);
    }
}

static void options_refuse_bad_values(void **state)
{
    static const struct {
        int option;
        int value;
    } rows[] = {
        {ZMQ_IO_THREADS, -1},
        {ZMQ_MAX_SOCKETS, 0},
        {ZMQ_MAX_SOCKETS, -1},
        {ZMQ_MAX_MSGSZ, -1},
        {ZMQ_IPV6, -1},
        {ZMQ_BLOCKY, -1},
        {ZMQ_THREAD_PRIORITY, -1},
        {ZMQ_THREAD_SCHED_POLICY, -1},
        {ZMQ_THREAD_AFFINITY_CPU_ADD, -1},
        {ZMQ_THREAD_AFFINITY_CPU_REMOVE, -1},
        {ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1},
        {ZMQ_MSG_T_SIZE, 64},
        {-1, 1},
        {99, 1},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_fails(zmq_ctx_set(env->ctx, rows[i].option, rows[i].value),
                     EINVAL);
    assert_fails(zmq_ctx_get(env->ctx, -1), EINVAL);
    assert_fails(zmq_ctx_get(env->ctx, 99), EINVAL);
    assert_fails(zmq_ctx_get(env->ctx, ZMQ_THREAD_AFFINITY_CPU_ADD), EINVAL);
    assert_fails(zmq_ctx_get(env->ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE), EINVAL);
}

static void thread_options_do_not_hinder_messages(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    /* The usual policy, SCHED_OTHER, has the one priority 0. */
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_SCHED_POLICY, 0));
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_THREAD_SCHED_POLICY), 0);
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_PRIORITY, 0));
    assert_int_equal(zmq_ctx_get(env->ctx, ZMQ_THREAD_PRIORITY), 65535);
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, 1));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1));
    assert_fails(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1),
                 EINVAL);
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_NAME_PREFIX, 17));
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void setting_threads_after_the_first_socket_is_harmless(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 3));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_MAX_SOCKETS, 1));
    assert_non_null(env_socket(env, ZMQ_PAIR));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void without_io_threads_only_inproc_works(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull;
    void *push;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 0));
    pull = env_socket(env, ZMQ_PULL);
    push = env_socket(env, ZMQ_PUSH);
    env_free_endpoint(env, endpoint);
    if (env->transport->is_stream) {
        assert_fails(zmq_bind(pull, endpoint), EMTHREAD);
        assert_fails(zmq_connect(push, endpoint), EMTHREAD);
    }
    assert_ok(zmq_bind(pull, "inproc://x"));
    assert_ok(zmq_connect(push, "inproc://x"));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void an_affinity_that_no_thread_has_is_refused(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    uint64_t affinity = 2;
    void *pull = env_socket(env, ZMQ_PULL);

    assert_ok(zmq_setsockopt(pull, ZMQ_AFFINITY, &affinity, sizeof(affinity)));
    env_free_endpoint(env, endpoint);
    assert_fails(zmq_bind(pull, endpoint), EMTHREAD);
    assert_fails(zmq_connect(pull, endpoint), EMTHREAD);
    affinity = 1;
    assert_ok(zmq_setsockopt(pull, ZMQ_AFFINITY, &affinity, sizeof(affinity)));
    assert_ok(zmq_bind(pull, endpoint));
}

static void many_io_threads_share_many_connections(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push[16];
    void *pull;
    uint32_t seen = 0;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 5));
    pull = env_socket(env, ZMQ_PULL);
    env_bind(env, pull, endpoint);
    for (uint32_t i = 0; i < 16; i++) {
        uint64_t affinity = i % 6 == 5 ? 0 : (uint64_t)1 << i % 6;

        push[i] = env_socket(env, ZMQ_PUSH);
        assert_ok(
            zmq_setsockopt(push[i], ZMQ_AFFINITY, &affinity, sizeof(affinity)));
        assert_ok(zmq_connect(push[i], endpoint));
        send_number(push[i], i);
    }
    for (uint32_t i = 0; i < 16; i++)
        seen |= (uint32_t)1 << receive_number(pull);
    assert_int_equal(seen, 0xffff);
}

static void the_limit_of_sockets_is_kept(void **state)
{
    struct env *env = *state;
    void *sockets[3];

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_MAX_SOCKETS, 3));
    for (size_t i = 0; i < 3; i++)
        sockets[i] = env_socket(env, ZMQ_PAIR);
    assert_null_fails(zmq_socket(env->ctx, ZMQ_PAIR), EMFILE);
    env_close_socket(env, sockets[1]);
    /* The slot is free again when the closed socket is gone for good,
     * which may happen in another thread. */
    for (;;) {
        void *socket = zmq_socket(env->ctx, ZMQ_PAIR);

        if (socket != NULL) {
            assert_ok(zmq_close(socket));
            break;
        }
        assert_int_equal(zmq_errno(), EMFILE);
    }
}

static void legacy_names_begin_and_end_a_context(void **state)
{
    void *ctx;

    (void)state;
    assert_null_fails(zmq_init(-1), EINVAL);
    ctx = zmq_init(2);
    assert_non_null(ctx);
    assert_int_equal(zmq_ctx_get(ctx, ZMQ_IO_THREADS), 2);
    assert_ok(zmq_term(ctx));
    ctx = zmq_init(0);
    assert_non_null(ctx);
    assert_int_equal(zmq_ctx_get(ctx, ZMQ_IO_THREADS), 0);
    assert_ok(zmq_ctx_destroy(ctx));
}

static void not_blocky_means_no_linger(void **state)
{
    struct env *env = *state;
    void *before = env_plain_socket(env, ZMQ_PUSH);
    void *after;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_BLOCKY, 0));
    after = env_plain_socket(env, ZMQ_PUSH);
    assert_int_equal(get_int(before, ZMQ_LINGER), -1);
    assert_int_equal(get_int(after, ZMQ_LINGER), 0);
}

static void sockets_inherit_ipv6(void **state)
{
    struct env *env = *state;

    assert_int_equal(get_int(env_socket(env, ZMQ_PULL), ZMQ_IPV6), 0);
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IPV6, 1));
    assert_int_equal(get_int(env_socket(env, ZMQ_PULL), ZMQ_IPV6), 1);
}

static void a_context_without_sockets_has_no_threads(void **state)
{
    struct proc_numbers threads = proc_threads();
    int files = proc_descriptors().count;
    void *ctx = zmq_ctx_new();

    (void)state;
    assert_int_equal(proc_threads_since(&threads), 0);
    assert_ok(zmq_ctx_term(ctx));
    assert_int_equal(proc_descriptors().count, files);
}

static void contexts_leave_no_threads_or_descriptors(void **state)
{
    struct env *env = *state;
    struct proc_numbers threads = proc_threads();
    int files = proc_descriptors().count;

    for (int i = 0; i < 50; i++) {
        void *ctx = zmq_ctx_new();
        void *pull = zmq_socket(ctx, ZMQ_PULL);
        void *push = zmq_socket(ctx, ZMQ_PUSH);
        char endpoint[ENDPOINT_MAX];

        env_bind(env, pull, endpoint);
        assert_ok(zmq_connect(push, endpoint));
        send_text(push, "x", 0);
        expect_text(pull, "x");
        assert_ok(zmq_close(push));
        assert_ok(zmq_close(pull));
        assert_ok(zmq_ctx_term(ctx));
    }
    assert_int_equal(proc_descriptors().count, files);
    proc_await_no_threads_since(&threads);
}

static void contexts_do_not_see_each_other(void **state)
{
    struct env *env = *state;
    void *other = zmq_ctx_new();
    void *here = env_socket(env, ZMQ_PULL);
    void *there = zmq_socket(other, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_bind(there, "inproc://name"));
    assert_ok(zmq_bind(here, "inproc://name"));
    assert_ok(zmq_connect(push, "inproc://name"));
    send_text(push, "x", 0);
    expect_text(here, "x");
    expect_nothing(there);
    assert_ok(zmq_close(there));
    assert_ok(zmq_ctx_term(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, options_begin_with_their_defaults),
        ON(inproc, options_keep_what_is_set),
        ON(inproc, options_refuse_bad_values),
        ON_EACH(thread_options_do_not_hinder_messages),
        ON_EACH(setting_threads_after_the_first_socket_is_harmless),
        ON_EACH(without_io_threads_only_inproc_works),
        ON_STREAMS(an_affinity_that_no_thread_has_is_refused),
        ON_EACH(many_io_threads_share_many_connections),
        ON(inproc, the_limit_of_sockets_is_kept),
        ON(inproc, legacy_names_begin_and_end_a_context),
        ON(inproc, not_blocky_means_no_linger),
        ON(inproc, sockets_inherit_ipv6),
        ON(inproc, a_context_without_sockets_has_no_threads),
        ON_EACH(contexts_leave_no_threads_or_descriptors),
        ON(inproc, contexts_do_not_see_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
