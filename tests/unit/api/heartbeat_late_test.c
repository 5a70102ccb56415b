/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Heartbeats where the I/O thread is held up: a peer that has answered in time
 * is alive, even if nobody has come to read that before the time was over. The
 * hold-up is made by holding the helm, so the test looks inside.
 *
 * Thread: the main thread; the library's I/O thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "os/clock.h"

#include <poll.h>
#include <unistd.h>

enum { INTERVAL_MS = 50, TIMEOUT_MS = 50, HELD_UP_MS = 120 };

/* A peer that has had its first PING and has not answered. */
static void open_peer(struct env *env, void **pull, void **monitor, int *peer)
{
    char endpoint[ENDPOINT_MAX];
    unsigned char ping[64];
    int flags;

    *pull = env_socket(env, ZMQ_PULL);
    *monitor = monitor_open(env, *pull, ZMQ_EVENT_DISCONNECTED);
    set_int(*pull, ZMQ_HEARTBEAT_IVL, INTERVAL_MS);
    set_int(*pull, ZMQ_HEARTBEAT_TIMEOUT, TIMEOUT_MS);
    env_bind(env, *pull, endpoint);
    *peer = raw_connect(endpoint);
    raw_handshake(*peer, "PUSH");
    raw_read_frame(*peer, &flags, ping, sizeof(ping));
    assert_memory_equal(ping, "\4PING", 5);
}

/* Passing time is what is tested here: all timers are over when it ends. */
static void hold_up(struct cz_io_thread *io, int peer, bool answers)
{
    cz_io_lock(io);
    if (answers)
        raw_write_frame(peer, 0, "here", 4);
    (void)!poll(NULL, 0, HELD_UP_MS);
    io->now_us = cz_clock_us();
    cz_timers_run(&io->timers, io->now_us);
    cz_io_unlock(io);
}

static struct cz_io_thread *io_of(struct env *env)
{
    struct cz_ctx *ctx = env->ctx;

    return ctx->io[0];
}

static void an_answer_that_nobody_has_read_yet_is_life(void **state)
{
    struct env *env = *state;
    void *pull, *monitor;
    char body[8];
    int peer;

    open_peer(env, &pull, &monitor, &peer);
    hold_up(io_of(env), peer, true);
    assert_int_equal(zmq_recv(pull, body, sizeof(body), 0), 4);
    close(peer);
}

static void without_an_answer_the_peer_is_given_up(void **state)
{
    struct env *env = *state;
    void *pull, *monitor;
    int peer;

    open_peer(env, &pull, &monitor, &peer);
    hold_up(io_of(env), peer, false);
    assert_true(raw_is_hung_up(peer, PATIENCE_MS));
    monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(an_answer_that_nobody_has_read_yet_is_life),
        ON_STREAMS(without_an_answer_the_peer_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
