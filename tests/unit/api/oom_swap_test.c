/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap without memory: each allocation fails in its turn, and what was sent
 * comes all the same, in order, or its connection is given up.
 *
 * CTest: TIMEOUT 180
 * Thread: the main thread, and those of the library.
 */
#include "unit/api/oom.h"

#include "common/swap.h"

#include <ceromq.h>

enum { COUNT = 40, SIZE_MAX_SENT = 60000 };

static void *swap_socket(void *ctx, struct env *env, int type, bool is_durable)
{
    void *socket = oom_socket(ctx, type);
    int64_t size = SWAP_PLENTY;

    MAKE(zmq_setsockopt(socket, ZMQ_SWAP, &size, sizeof(size)));
    oom_set(socket, ZMQ_SNDHWM, 2);
    oom_set(socket, ZMQ_RCVHWM, 2);
    if (!is_durable)
        return socket;
    oom_set(socket, CERO_SWAP_DURABLE, 1);
    oom_set(socket, CERO_SWAP_SYNC, -1);
    MAKE(zmq_setsockopt(socket, CERO_SWAP_DIR, env->directory,
                        strlen(env->directory)));
    return socket;
}

/* Sends before anybody is there, so that much of it waits. */
static void play(struct env *env, bool is_durable)
{
    static uint8_t body[SIZE_MAX_SENT], expected[SIZE_MAX_SENT];
    char endpoint[ENDPOINT_MAX];
    void *ctx = oom_ctx(1);
    void *push = swap_socket(ctx, env, ZMQ_PUSH, is_durable);
    void *pull = oom_socket(ctx, ZMQ_PULL);

    oom_endpoint(env, endpoint);
    oom_set(pull, ZMQ_RCVHWM, 2);
    MAKE(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < COUNT; i++) {
        size_t size = swap_fill(body, i, SIZE_MAX_SENT);

        MAKE(zmq_send(push, body, size, ZMQ_DONTWAIT));
    }
    MAKE(zmq_bind(pull, endpoint));
    /* A connection that was hit may have lost what was under way. */
    for (uint32_t i = 0; i < COUNT; i++) {
        int size = zmq_recv(pull, body, sizeof(body), 0);
        uint32_t number;

        while (size == -1) {
            assert_int_equal(errno, ENOMEM);
            size = zmq_recv(pull, body, sizeof(body), 0);
        }
        memcpy(&number, body, sizeof(number));
        assert_true(is_durable ? number <= i : number >= i && number < COUNT);
        assert_int_equal(size, swap_fill(expected, number, SIZE_MAX_SENT));
        assert_memory_equal(body, expected, (size_t)size);
        i = number;
    }
    assert_ok(zmq_close(push));
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(ctx));
}

static void play_plain(struct env *env)
{
    play(env, false);
}

static void play_durable(struct env *env)
{
    play(env, true);
}

static void a_swap_without_memory(void **state)
{
    oom_play(*state, play_plain);
}

static void a_durable_swap_without_memory(void **state)
{
    oom_play(*state, play_durable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, a_swap_without_memory),
        OOM_ON(inproc, a_durable_swap_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
