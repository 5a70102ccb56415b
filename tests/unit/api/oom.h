/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Plays a scene again and again, each time with other allocations failing:
 * one, a few in a row, or many. The scene makes every call until it is not
 * out of memory, so that what it claims in the end must hold however short
 * memory was on the way, in whatever thread.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_UNIT_API_OOM_H
#define TESTS_UNIT_API_OOM_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "common/env.h"

#include <errno.h>
#include <unistd.h>

enum {
    OOM_PLAYS_MAX = 3000,
    /* No more allocations than this fail in a row. */
    OOM_BURST_MAX = 25,
    /* Every allocation has its turn; with ThreadSanitizer, which is slow and
     * looks for something else, every fourth. */
    OOM_STEP = CZ_TSAN ? 4 : 1,
};

static const uint64_t oom_bursts[] = {1, 4, OOM_BURST_MAX};

/* What is being played; shown when a claim fails. */
struct oom_place {
    uint64_t nth;
    uint64_t burst;
};

static struct oom_place oom_now;

typedef void oom_scene(struct env *env);

/* Plays until no allocation of the scene is left that has not failed. */
static inline void oom_play(struct env *env, oom_scene *scene)
{
    for (size_t i = 0; i < sizeof(oom_bursts) / sizeof(oom_bursts[0]); i++) {
        oom_now.burst = oom_bursts[i];
        oom_now.nth = 1;
        for (;;) {
            assert_true(oom_now.nth < OOM_PLAYS_MAX);
            alarm(60);
            cz_alloc_fail_range(oom_now.nth, oom_now.burst);
            scene(env);
            if (cz_alloc_calls() < oom_now.nth)
                break;
            oom_now.nth += OOM_STEP;
        }
        /* There was something that could fail. */
        assert_true(oom_now.nth > 1);
    }
    oom_now.nth = 0;
}

static inline int oom_close(void **state)
{
    if (oom_now.nth > 0)
        print_error("with allocation %d failing, %d in a row\n",
                    (int)oom_now.nth, (int)oom_now.burst);
    oom_now.nth = 0;
    cz_alloc_fail_at(0);
    return env_close(state);
}

/* A row of a test table: the scene, on one transport. */
#define OOM_ON(name, test)                                                     \
    {                                                                          \
#name " " #test, test, env_open, oom_close,                            \
            (void *)(uintptr_t)&transport_##name                               \
    }

/* True when the call that just failed may be made again. */
static inline bool oom_again(const char *call, unsigned *tries)
{
    if (errno == ENOMEM && ++*tries <= OOM_BURST_MAX)
        return true;
    print_error("%s failed with %s\n", call, zmq_strerror(errno));
    return false;
}

/* The call succeeds, at the latest when there is memory again, and meanwhile
 * says that there is none. */
#define MAKE(call)                                                             \
    do {                                                                       \
        unsigned tries_ = 0;                                                   \
                                                                               \
        while ((call) == -1)                                                   \
            assert_true(oom_again(#call, &tries_));                            \
    } while (0)

/* The same for a call that gives a pointer. */
#define GET(variable, call)                                                    \
    do {                                                                       \
        unsigned tries_ = 0;                                                   \
                                                                               \
        while (((variable) = (call)) == NULL)                                  \
            assert_true(oom_again(#call, &tries_));                            \
    } while (0)

static inline void *oom_ctx(int io_threads)
{
    void *ctx;

    GET(ctx, zmq_ctx_new());
    assert_ok(zmq_ctx_set(ctx, ZMQ_IO_THREADS, io_threads));
    return ctx;
}

static inline void oom_set(void *socket, int option, int value)
{
    MAKE(zmq_setsockopt(socket, option, &value, sizeof(value)));
}

static inline void *oom_socket(void *ctx, int type)
{
    void *socket;

    GET(socket, zmq_socket(ctx, type));
    oom_set(socket, ZMQ_LINGER, 0);
    oom_set(socket, ZMQ_RECONNECT_IVL, 1);
    oom_set(socket, ZMQ_RCVTIMEO, PATIENCE_MS);
    oom_set(socket, ZMQ_SNDTIMEO, PATIENCE_MS);
    return socket;
}

/* A name of the env's transport that has not been used for long. */
static inline void oom_endpoint(struct env *env, char endpoint[ENDPOINT_MAX])
{
    env->endpoint_count %= 8192;
    env_free_endpoint(env, endpoint);
}

static inline bool oom_is_readable(void *socket, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    MAKE(zmq_poll(&item, 1, timeout_ms));
    return item.revents;
}

/* Does a part follow the one that was received last? */
static inline bool oom_has_more(void *socket)
{
    int more = 0;
    size_t size = sizeof(more);

    assert_ok(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size));
    return more;
}

/* A connection that is hit may lose what is under way: sends a byte again
 * and again, until one has come. */
static inline void oom_send_until_received(void *from, void *to)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    char byte;

    do {
        assert_true(now_ms() < end_ms);
        MAKE(zmq_send(from, "x", 1, 0));
    } while (!oom_is_readable(to, 20));
    MAKE(zmq_recv(to, &byte, 1, 0));
}

#endif
