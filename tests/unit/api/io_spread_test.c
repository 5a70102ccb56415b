/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Where connections are served: on the I/O thread with the least to do among
 * those that ZMQ_AFFINITY allows, however fast they come. Only the loads of
 * the threads, which zmq.h does not show, tell.
 *
 * Thread: the main thread; the library's I/O threads.
 * Owns: descriptors of peers that say nothing.
 */
#include "common/env.h"

#include "common/raw.h"
#include "core/ctx.h"
#include "core/io_thread.h"

#include <sched.h>
#include <unistd.h>

enum { THREADS = 4, PEERS = 60 };

static uint32_t load_of(struct env *env, int index)
{
    struct cz_ctx *ctx = env->ctx;

    return atomic_load(&ctx->io[index]->load);
}

static uint32_t load_of_all(struct env *env)
{
    uint32_t sum = 0;

    for (int i = 0; i < THREADS; i++)
        sum += load_of(env, i);
    return sum;
}

/* Accepting happens elsewhere: the test's alarm ends what never comes. */
static void wait_for_load(struct env *env, uint32_t sum)
{
    while (load_of_all(env) != sum)
        sched_yield();
}

/* Each has its share, as exactly as it can be. */
static void assert_even(struct env *env, uint32_t sum)
{
    assert_int_equal(load_of_all(env), sum);
    for (int i = 0; i < THREADS; i++)
        assert_in_range(load_of(env, i), sum / THREADS,
                        (sum + THREADS - 1) / THREADS);
}

static void set_affinity(void *socket, uint64_t affinity)
{
    assert_ok(zmq_setsockopt(socket, ZMQ_AFFINITY, &affinity, sizeof affinity));
}

static void *open_socket(struct env *env, int type, uint64_t affinity)
{
    void *socket;

    if (env->socket_count == 0)
        assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, THREADS));
    socket = env_socket(env, type);
    set_affinity(socket, affinity);
    return socket;
}

static void dial(const char *endpoint, int fds[PEERS])
{
    for (int i = 0; i < PEERS; i++)
        fds[i] = raw_connect(endpoint);
}

static void hang_up(const int fds[PEERS])
{
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
}

static void accepted_connections_are_spread_evenly(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(env, ZMQ_PULL, 0);
    int fds[PEERS];

    env_bind(env, pull, endpoint);
    dial(endpoint, fds);
    wait_for_load(env, PEERS + 1);
    assert_even(env, PEERS + 1);
    hang_up(fds);
    wait_for_load(env, 1);
}

/* A thread that is busy starts nothing; what is on its way to it counts. */
static void a_burst_is_spread_evenly_beside_a_busy_thread(void **state)
{
    struct env *env = *state;
    struct cz_ctx *ctx = env->ctx;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(env, ZMQ_PULL, 0);
    int fds[PEERS];

    env_bind(env, pull, endpoint);
    /* The listener is on the first one. */
    assert_int_equal(load_of(env, 0), 1);
    cz_io_lock(ctx->io[2]);
    dial(endpoint, fds);
    wait_for_load(env, PEERS + 1);
    assert_even(env, PEERS + 1);
    cz_io_unlock(ctx->io[2]);
    hang_up(fds);
    wait_for_load(env, 1);
}

static void accepted_connections_stay_within_the_affinity(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(env, ZMQ_PULL, 2 | 8);
    int fds[PEERS];

    env_bind(env, pull, endpoint);
    dial(endpoint, fds);
    wait_for_load(env, PEERS + 1);
    assert_int_equal(load_of(env, 0), 0);
    assert_int_equal(load_of(env, 2), 0);
    assert_in_range(load_of(env, 1), PEERS / 2, PEERS / 2 + 1);
    hang_up(fds);
    wait_for_load(env, 1);
}

static void an_affinity_counts_for_what_is_bound_after_it(void **state)
{
    struct env *env = *state;
    char endpoint[2][ENDPOINT_MAX];
    void *pull = open_socket(env, ZMQ_PULL, 4);
    int fds[PEERS];

    env_bind(env, pull, endpoint[0]);
    set_affinity(pull, 1);
    env_bind(env, pull, endpoint[1]);
    dial(endpoint[0], fds);
    wait_for_load(env, PEERS + 2);
    assert_int_equal(load_of(env, 2), PEERS + 1);
    assert_int_equal(load_of(env, 0), 1);
    hang_up(fds);
    wait_for_load(env, 2);
}

static void connecting_endpoints_are_spread_evenly(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(env, ZMQ_PUSH, 0);

    for (int i = 0; i < PEERS; i++) {
        env_free_endpoint(env, endpoint);
        assert_ok(zmq_connect(push, endpoint));
        assert_even(env, (uint32_t)i + 1);
    }
    env_close_socket(env, push);
    wait_for_load(env, 0);
}

static void connecting_endpoints_go_where_the_affinity_says(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(env, ZMQ_PUSH, 0);

    for (int i = 0; i < THREADS; i++) {
        set_affinity(push, (uint64_t)1 << i);
        for (int k = 0; k < 5 * (i + 1); k++) {
            env_free_endpoint(env, endpoint);
            assert_ok(zmq_connect(push, endpoint));
        }
        assert_int_equal(load_of(env, i), 5 * (i + 1));
    }
    assert_int_equal(load_of_all(env), 5 + 10 + 15 + 20);
}

/* The load of what others have is looked at, too. */
static void sockets_make_room_for_each_other(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pinned = open_socket(env, ZMQ_PUSH, 1);
    void *push = open_socket(env, ZMQ_PUSH, 0);

    for (int i = 0; i < PEERS; i++) {
        env_free_endpoint(env, endpoint);
        assert_ok(zmq_connect(i < PEERS / 4 ? pinned : push, endpoint));
    }
    assert_even(env, PEERS);
}

/* Blocks that go round on one thread do not meet those of another. */
static void every_thread_has_a_pool_of_its_own(void **state)
{
    struct env *env = *state;
    struct cz_ctx *ctx = env->ctx;
    char endpoint[ENDPOINT_MAX];

    env_bind(env, open_socket(env, ZMQ_PULL, 0), endpoint);
    for (int i = 0; i < THREADS; i++) {
        assert_non_null(ctx->io[i]->pool);
        assert_ptr_not_equal(ctx->io[i]->pool, ctx->pool);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(ctx->io[i]->pool, ctx->io[k]->pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(accepted_connections_are_spread_evenly),
        ON_STREAMS(a_burst_is_spread_evenly_beside_a_busy_thread),
        ON_STREAMS(accepted_connections_stay_within_the_affinity),
        ON_STREAMS(an_affinity_counts_for_what_is_bound_after_it),
        ON_STREAMS(connecting_endpoints_are_spread_evenly),
        ON_STREAMS(connecting_endpoints_go_where_the_affinity_says),
        ON_STREAMS(sockets_make_room_for_each_other),
        ON(tcp, every_thread_has_a_pool_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
