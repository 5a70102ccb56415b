/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How far a sender of large messages gets ahead of the network, and how long it
 * is kept waiting for that.
 *
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <ceromq.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    SEEDS = 8,
    COUNT = 400,
    SIZE = 65536,
    PEERS_MAX = 2,
    /* Both halves of what may lie in the pipe, see core/pipe_io.c. */
    AHEAD_MAX = 2 * (4 << 20) / SIZE + 1,
    /* A sender waits 2 ms for a peer that takes nothing, then once in 2, 4, 8,
     * ... of the later messages. */
    DELAY_US_MAX = 9 * 2000 + 1000,
};

static const struct sim_config roomy = {.buffer_bytes = 1 << 20,
                                        .time_us_max = 100000000};

struct receiver {
    void *pull;
    struct cz_thread thread;
};

static void receive_all(void *arg)
{
    static char body[SIZE];
    struct receiver *receiver = arg;

    for (int i = 0; i < COUNT; i++)
        SIM_CHECK(zmq_recv(receiver->pull, body, SIZE, 0) == SIZE);
}

static void send_one(void *push, int flags)
{
    static const char body[SIZE];

    SIM_CHECK(zmq_send(push, body, SIZE, flags) == SIZE);
}

/* The most of what was queued in a pipe of the sender's context. */
static int take_record(const cero_stats_t *record, void *arg)
{
    uint64_t *most = arg;

    if (record->kind == CERO_STATS_PIPE && record->queued_out_max > *most)
        *most = record->queued_out_max;
    return 0;
}

static uint64_t queued_max(void *ctx)
{
    uint64_t most = 0;

    TALK_OK(cero_stats(ctx, take_record, &most));
    return most;
}

static void step_run(void *arg)
{
    char endpoint[TALK_ENDPOINT_MAX];
    void *ctx = talk_context(), *far_ctx = talk_context();
    void *push = talk_socket(ctx, ZMQ_PUSH);
    struct receiver receiver = {.pull = talk_socket(far_ctx, ZMQ_PULL)};

    talk_bind(receiver.pull, *(const enum talk_transport *)arg, 0, endpoint);
    TALK_OK(zmq_connect(push, endpoint));
    SIM_CHECK(cz_thread_start(&receiver.thread, NULL, receive_all, &receiver) ==
              0);
    for (int i = 0; i < COUNT; i++)
        send_one(push, 0);
    cz_thread_join(&receiver.thread);
    SIM_CHECK(queued_max(ctx) > 0 && queued_max(ctx) <= AHEAD_MAX);
    TALK_OK(zmq_close(push));
    TALK_OK(zmq_close(receiver.pull));
    TALK_OK(zmq_ctx_term(ctx));
    TALK_OK(zmq_ctx_term(far_ctx));
}

static void a_sender_keeps_step_with_a_peer_that_reads(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &roomy, step_run, &transports[i]);
}

/* To whom, and how. */
struct manner {
    int flags;
    int timeout_ms;
    int peers;
    bool conflates;
};

/* Nobody reads. */
static uint64_t time_to_send(const struct manner *manner)
{
    char endpoint[TALK_ENDPOINT_MAX];
    void *ctx = talk_context(), *far_ctx = talk_context();
    void *push = talk_socket(ctx, ZMQ_PUSH);
    void *pulls[PEERS_MAX];
    uint64_t begun_us, ended_us;

    talk_set(push, ZMQ_SNDTIMEO, manner->timeout_ms);
    talk_set(push, ZMQ_LINGER, 0);
    talk_set(push, ZMQ_CONFLATE, manner->conflates);
    for (int i = 0; i < manner->peers; i++) {
        pulls[i] = talk_socket(far_ctx, ZMQ_PULL);
        talk_set(pulls[i], ZMQ_RCVHWM, 1);
        talk_bind(pulls[i], TALK_TCP, i, endpoint);
        TALK_OK(zmq_connect(push, endpoint));
    }
    begun_us = cz_clock_us();
    for (int i = 0; i < COUNT; i++)
        send_one(push, manner->flags);
    ended_us = cz_clock_us();
    TALK_OK(zmq_close(push));
    for (int i = 0; i < manner->peers; i++)
        TALK_OK(zmq_close(pulls[i]));
    TALK_OK(zmq_ctx_term(ctx));
    TALK_OK(zmq_ctx_term(far_ctx));
    return ended_us - begun_us;
}

static void waiting_run(void *arg)
{
    const struct manner manner = {.timeout_ms = *(int *)arg, .peers = 1};
    uint64_t delay_us = time_to_send(&manner);

    SIM_CHECK(delay_us > 2000 && delay_us <= DELAY_US_MAX);
}

static void
a_peer_that_takes_nothing_delays_its_sender_by_milliseconds(void **state)
{
    static int timeouts_ms[] = {-1, INT_MAX};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &roomy, waiting_run, &timeouts_ms[i]);
}

/* The clock goes on for spinning only. */
static void hasty_run(void *arg)
{
    SIM_CHECK(time_to_send(arg) < 1000);
}

static void who_may_not_wait_is_not_delayed(void **state)
{
    static struct manner manners[] = {
        {.flags = ZMQ_DONTWAIT, .timeout_ms = -1, .peers = 1},
        {.timeout_ms = 0, .peers = 1},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &roomy, hasty_run, &manners[i]);
}

/* One message waits at most, however many were sent. */
static void who_conflates_is_not_delayed(void **state)
{
    static struct manner manner = {
        .timeout_ms = -1, .peers = 1, .conflates = true};

    (void)state;
    sim_run_seeds(SEEDS, &roomy, hasty_run, &manner);
}

/* The next message is for another one, which may have nothing to do. */
static void who_has_other_peers_is_not_delayed_by_one(void **state)
{
    static struct manner manner = {.timeout_ms = -1, .peers = PEERS_MAX};

    (void)state;
    sim_run_seeds(SEEDS, &roomy, hasty_run, &manner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_keeps_step_with_a_peer_that_reads),
        cmocka_unit_test(
            a_peer_that_takes_nothing_delays_its_sender_by_milliseconds),
        cmocka_unit_test(who_may_not_wait_is_not_delayed),
        cmocka_unit_test(who_conflates_is_not_delayed),
        cmocka_unit_test(who_has_other_peers_is_not_delayed_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
