/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The end: what is still delivered, how long it may take in virtual time,
 * and that it always comes, whoever waits for whatever.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/thread.h"
#include "sim/talk/events.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 100, SLACK_US = 5000 };

/* ---- Without end ---- */

struct journey {
    enum talk_transport transport;
    uint32_t count;
    char endpoint[TALK_ENDPOINT_MAX];
    void *pull_ctx, *pull;
};

/* Binds when the messages have been sent and their socket is closed. */
static void journey_arrive(void *arg)
{
    struct journey *journey = arg;
    struct talk_message message;
    char bound[TALK_ENDPOINT_MAX];
    uint32_t i;

    sim_sleep_us(sim_random(3) * 700000);
    if (journey->transport == TALK_TCP)
        TALK_OK(zmq_bind(journey->pull, journey->endpoint));
    else
        talk_bind(journey->pull, journey->transport, 0, bound);
    for (i = 0; i < journey->count; i++) {
        SIM_CHECK(talk_recv(journey->pull, &message, -1));
        SIM_CHECK(message.number == i);
        if (sim_random(4) == 0)
            sim_sleep_us(10000);
    }
    TALK_OK(zmq_close(journey->pull));
}

static void journey_run(void *arg)
{
    struct journey journey = {.transport = *(const enum talk_transport *)arg};
    void *ctx = talk_context(), *push = talk_socket(ctx, ZMQ_PUSH);
    struct cz_thread thread;
    uint32_t i;

    journey.count = 1 + (uint32_t)sim_random(60);
    journey.pull_ctx = talk_context();
    journey.pull = talk_socket(journey.pull_ctx, ZMQ_PULL);
    talk_set_marks(journey.pull);
    if (journey.transport == TALK_TCP)
        snprintf(journey.endpoint, sizeof journey.endpoint,
                 "tcp://127.0.0.1:1234");
    else
        talk_address(journey.transport, 0, journey.endpoint);
    TALK_OK(zmq_connect(push, journey.endpoint));
    for (i = 0; i < journey.count; i++)
        talk_send(push, (struct talk_message){0, i});
    TALK_OK(zmq_close(push));
    SIM_CHECK(cz_thread_start(&thread, NULL, journey_arrive, &journey) == 0);
    TALK_OK(zmq_ctx_term(ctx));
    cz_thread_join(&thread);
    TALK_OK(zmq_ctx_term(journey.pull_ctx));
}

static void who_lingers_without_end_delivers_all(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC,
                                               TALK_ABSTRACT};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++)
        sim_run_seeds(SEEDS, &config, journey_run, &transports[i]);
    config.refuse_connect = 300;
    config.accept_no_fd = 300;
    config.accept_aborted = 200;
    for (i = 0; i < 3; i++)
        sim_run_seeds(SEEDS / 2, &config, journey_run, &transports[i]);
}

/* ---- In time ---- */

/* Why a message cannot be delivered. */
enum obstacle {
    NOBODY,  /* the port is closed */
    HANGING, /* the connect is never answered */
    SILENT,  /* the peer does not shake hands */
    STALLED, /* the peer does not read */
    PARTED,  /* the network takes nothing */
    OBSTACLES,
};

struct patience {
    enum obstacle obstacle;
    int linger_ms;
    bool by_disconnect;
};

static void obstacle_remove(int peer, int listener)
{
    sim_part_network(false);
    if (peer >= 0)
        sim_close(peer);
    if (listener >= 0)
        sim_close(listener);
}

/* The peer, or -1. */
static int obstacle_put(enum obstacle obstacle, int listener)
{
    int peer = -1;

    if (obstacle == SILENT || obstacle == STALLED)
        peer = sim_accept(listener);
    if (obstacle == STALLED)
        talk_raw_open(peer, "PULL");
    if (obstacle == PARTED)
        sim_part_network(true);
    return peer;
}

static void patience_run(void *arg)
{
    const struct patience *patience = arg;
    struct sim_config faults = sim_stormy();
    char endpoint[TALK_ENDPOINT_MAX];
    uint16_t port = 0;
    int listener = sim_listen(NULL, &port), peer;
    void *ctx = talk_context(), *push = talk_socket(ctx, ZMQ_PUSH);
    uint64_t linger_us, start_us, took_us;
    uint32_t i;

    if (patience->obstacle == NOBODY) {
        sim_close(listener);
        listener = -1;
    }
    if (patience->obstacle == HANGING)
        faults.hang_connect = 1000;
    sim_set_faults(&faults);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    talk_set(push, ZMQ_LINGER, patience->linger_ms);
    TALK_OK(zmq_connect(push, endpoint));
    for (i = 0; i < 300; i++)
        talk_send(push, (struct talk_message){0, i});
    peer = obstacle_put(patience->obstacle, listener);
    if (sim_random(2))
        sim_sleep_us(sim_random(1000000));
    start_us = cz_clock_us();
    if (patience->by_disconnect) {
        /* Disconnecting does not wait; closing then has only that left. */
        TALK_OK(zmq_disconnect(push, endpoint));
        SIM_CHECK(cz_clock_us() - start_us <= SLACK_US);
    }
    TALK_OK(zmq_close(push));
    SIM_CHECK(cz_clock_us() - start_us <= SLACK_US);
    TALK_OK(zmq_ctx_term(ctx));
    took_us = cz_clock_us() - start_us;
    linger_us = (uint64_t)patience->linger_ms * 1000;
    if (took_us > linger_us + SLACK_US)
        sim_fail("linger %d ms, and it took %llu us", patience->linger_ms,
                 (unsigned long long)took_us);
    SIM_CHECK(took_us >= linger_us);
    obstacle_remove(peer, listener);
}

static void no_obstacle_holds_up_the_end_beyond_linger(void **state)
{
    static const int lingers_ms[] = {0, 1, 300, 5000};
    /* A small one, so that a peer that does not read is noticed. */
    struct sim_config config = {.buffer_bytes = 700};
    struct patience patience;
    size_t i;
    int obstacle;

    (void)state;
    for (obstacle = 0; obstacle < OBSTACLES; obstacle++)
        for (i = 0; i < 4; i++) {
            patience = (struct patience){
                .obstacle = (enum obstacle)obstacle,
                .linger_ms = lingers_ms[i],
            };
            sim_run_seeds(SEEDS / 4, &config, patience_run, &patience);
            patience.by_disconnect = true;
            sim_run_seeds(SEEDS / 4, &config, patience_run, &patience);
        }
}

/* The peer wants a mechanism that we do not speak, and always will. */
static void stranger_run(void *arg)
{
    static const uint8_t greeting[64] = {0xff, 0, 0, 0,   0,   0,   0,   0,  1,
                                         0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
    const char *path = arg;
    char endpoint[TALK_ENDPOINT_MAX];
    uint16_t port = 0;
    int listener = sim_listen(path, &port), peer;
    void *ctx = talk_context(), *push = talk_socket(ctx, ZMQ_PUSH);
    uint64_t start_us;

    if (path)
        snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    else
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    TALK_OK(zmq_connect(push, endpoint));
    talk_send(push, (struct talk_message){0, 0});
    peer = sim_accept(listener);
    SIM_CHECK(sim_send(peer, greeting, sizeof greeting) == 0);
    if (sim_random(2))
        sim_sleep_us(100000);
    TALK_OK(zmq_close(push));
    start_us = cz_clock_us();
    TALK_OK(zmq_ctx_term(ctx));
    SIM_CHECK(cz_clock_us() - start_us < 100000);
    sim_close(peer);
    sim_close(listener);
}

static void nobody_lingers_for_a_peer_of_another_tongue(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, stranger_run, NULL);
    sim_run_seeds(SEEDS, &config, stranger_run, (void *)"@stranger");
}

/* ---- From another thread ---- */

enum wait {
    IN_RECV,
    IN_SEND,
    IN_POLL,
    IN_POLL_OF_TWO,
    IN_RECV_OF_INPROC,
    IN_RECV_CONNECTED,
    WAITS,
};

struct waiter {
    enum wait wait;
    void *ctx, *socket, *second;
    struct cz_thread thread;
};

static void waiter_prepare(struct waiter *waiter, unsigned index)
{
    char address[TALK_ENDPOINT_MAX];

    waiter->socket =
        talk_socket(waiter->ctx, waiter->wait == IN_SEND ? ZMQ_PUSH : ZMQ_PULL);
    waiter->second = NULL;
    switch (waiter->wait) {
    case IN_POLL_OF_TWO:
        waiter->second = talk_socket(waiter->ctx, ZMQ_DEALER);
        break;
    case IN_RECV_OF_INPROC:
        talk_address(TALK_INPROC, index, address);
        TALK_OK(zmq_bind(waiter->socket, address));
        break;
    case IN_RECV_CONNECTED:
        talk_address(TALK_IPC, index, address);
        TALK_OK(zmq_connect(waiter->socket, address));
        break;
    default:
        talk_bind(waiter->socket, TALK_TCP, index, address);
        break;
    }
}

/* One blocking call; its errno. */
static int waiter_wait(struct waiter *waiter)
{
    zmq_pollitem_t items[] = {
        {.socket = waiter->socket, .events = ZMQ_POLLIN},
        {.socket = waiter->second, .events = ZMQ_POLLIN},
    };
    char byte;
    int rc;

    switch (waiter->wait) {
    case IN_SEND:
        rc = zmq_send(waiter->socket, "x", 1, 0);
        break;
    case IN_POLL:
        rc = zmq_poll(items, 1, -1);
        break;
    case IN_POLL_OF_TWO:
        rc = zmq_poll(items, 2, -1);
        break;
    default:
        rc = zmq_recv(waiter->socket, &byte, 1, 0);
        break;
    }
    SIM_CHECK(rc == -1);
    return zmq_errno();
}

static void waiter_run(void *arg)
{
    struct waiter *waiter = arg;

    SIM_CHECK(waiter_wait(waiter) == ETERM);
    /* And so does everything else from now on. */
    SIM_CHECK(waiter_wait(waiter) == ETERM);
    SIM_CHECK(zmq_bind(waiter->socket, "inproc://late") == -1);
    SIM_CHECK(zmq_errno() == ETERM);
    sim_sleep_us(sim_random(2) * 5000);
    TALK_OK(zmq_close(waiter->socket));
    if (waiter->second)
        TALK_OK(zmq_close(waiter->second));
}

static void wake_run(void *arg)
{
    struct waiter waiters[5];
    void *ctx = talk_context();
    unsigned i;

    (void)arg;
    for (i = 0; i < 5; i++) {
        waiters[i].ctx = ctx;
        waiters[i].wait = (enum wait)sim_random(WAITS);
        waiter_prepare(&waiters[i], i);
        SIM_CHECK(cz_thread_start(&waiters[i].thread, NULL, waiter_run,
                                  &waiters[i]) == 0);
    }
    sim_sleep_us(sim_random(3) * 1000);
    if (sim_random(2))
        TALK_OK(zmq_ctx_shutdown(ctx));
    TALK_OK(zmq_ctx_term(ctx));
    for (i = 0; i < 5; i++)
        cz_thread_join(&waiters[i].thread);
}

static void term_wakes_whoever_waits(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(4 * SEEDS, &config, wake_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_lingers_without_end_delivers_all),
        cmocka_unit_test(no_obstacle_holds_up_the_end_beyond_linger),
        cmocka_unit_test(nobody_lingers_for_a_peer_of_another_tongue),
        cmocka_unit_test(term_wakes_whoever_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
