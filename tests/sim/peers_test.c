/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Peers that say nothing, say half, or hang up at the wrong moment: each
 * costs that one connection and no more, in the time that was asked for.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "sim/talk/events.h"
#include "sim/talk/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { SEEDS = 60, OPENING = 64 + 28 };

/* Speaks the beginning of an opening, as far as the seed goes, then not. */
static void half_open(int fd)
{
    uint8_t bytes[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3};

    memcpy(bytes + 12, "NULL", 4);
    SIM_CHECK(sim_send(fd, bytes, sim_random(sizeof bytes + 1)) == 0);
}

static void silent_dialler_run(void *arg)
{
    struct stage stage;
    uint64_t start_us = 0;
    uint8_t bytes[200];
    int peer;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    TALK_OK(zmq_unbind(stage.pull, stage.endpoint));
    talk_set(stage.pull, ZMQ_HANDSHAKE_IVL, 400);
    talk_bind(stage.pull, TALK_TCP, 0, stage.endpoint);
    peer = sim_dial(NULL, talk_port(stage.endpoint));
    SIM_CHECK(peer >= 0);
    half_open(peer);
    talk_await_event(stage.pull_events, ZMQ_EVENT_ACCEPTED, 100);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    stage_expect_passing(&stage, 0, 5);
    talk_await_event(stage.pull_events, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                     410);
    SIM_CHECK(cz_clock_us() - start_us >= 395000);
    talk_await_event(stage.pull_events, ZMQ_EVENT_DISCONNECTED, 10);
    SIM_CHECK(sim_recv(peer, bytes, sizeof bytes) < (ssize_t)sizeof bytes);
    stage_expect_passing(&stage, 5, 5);
    sim_close(peer);
    stage_close(&stage);
}

static void who_dials_and_says_half_is_dropped_in_time(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, silent_dialler_run, NULL);
}

static void silent_listener_run(void *arg)
{
    const char *path = arg;
    char endpoint[TALK_ENDPOINT_MAX];
    uint16_t port = 0;
    int listener = sim_listen(path, &port), peer;
    void *ctx = talk_context(), *push = talk_socket(ctx, ZMQ_PUSH);
    uint8_t bytes[OPENING + 6];
    unsigned i;

    if (path)
        snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    else
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    talk_set(push, ZMQ_HANDSHAKE_IVL, 300);
    TALK_OK(zmq_connect(push, endpoint));
    TALK_OK(zmq_send(push, "last", 4, 0));
    for (i = 0; i < 3; i++) {
        uint64_t start_us;

        peer = sim_accept(listener);
        start_us = cz_clock_us();
        half_open(peer);
        SIM_CHECK(sim_recv(peer, bytes, sizeof bytes) < (ssize_t)sizeof bytes);
        SIM_CHECK(cz_clock_us() - start_us <= 305000);
        sim_close(peer);
    }
    peer = sim_accept(listener);
    talk_raw_open(peer, "PULL");
    SIM_CHECK(sim_recv(peer, bytes, 6) == 6);
    SIM_CHECK(memcmp(bytes, "\0\4last", 6) == 0);
    TALK_OK(zmq_close(push));
    TALK_OK(zmq_ctx_term(ctx));
    sim_close(peer);
    sim_close(listener);
}

static void who_listens_and_says_half_is_dialled_anew(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, silent_listener_run, NULL);
    sim_run_seeds(SEEDS, &config, silent_listener_run, (void *)"@raw");
}

/* The connection is made while the I/O thread still starts. */
static void first_run(void *arg)
{
    int listener = sim_listen("@raw", NULL), peer;
    unsigned i;

    (void)arg;
    for (i = 0; i < 20; i++) {
        void *ctx = zmq_ctx_new(), *push = talk_socket(ctx, ZMQ_PUSH);

        talk_set(push, ZMQ_HANDSHAKE_IVL, 500);
        TALK_OK(zmq_connect(push, "ipc://@raw"));
        peer = sim_accept(listener);
        talk_raw_open(peer, "PULL");
        TALK_OK(zmq_close(push));
        TALK_OK(zmq_ctx_term(ctx));
        sim_close(peer);
    }
    sim_close(listener);
}

static void the_first_connection_has_all_its_time(void **state)
{
    (void)state;
    sim_run_seeds(400, NULL, first_run, NULL);
}

static void half_closed_run(void *arg)
{
    struct stage stage;
    char text[8] = {0};
    int peer;
    unsigned i;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    peer = sim_dial(NULL, talk_port(stage.endpoint));
    talk_raw_open(peer, "PUSH");
    for (i = 0; i < 3; i++)
        SIM_CHECK(sim_send(peer, "\0\4text", 6) == 0);
    /* The beginning of a message that will have no end. */
    SIM_CHECK(sim_send(peer, "\1\4part\0\4te", 10) == 0);
    sim_half_close(peer);
    for (i = 0; i < 3; i++)
        SIM_CHECK(zmq_recv(stage.pull, text, sizeof text, 0) == 4);
    talk_await_event(stage.pull_events, ZMQ_EVENT_DISCONNECTED, 1000);
    SIM_CHECK(sim_recv(peer, text, 1) <= 0);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    stage_expect_passing(&stage, 0, 10);
    sim_close(peer);
    stage_close(&stage);
}

static void a_half_closed_peer_is_heard_to_its_last_whole_message(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, half_closed_run, NULL);
}

/* The far end says all it has and hangs up, while nobody takes messages: the
 * I/O thread must wait for that, and not spin on the hang-up. */
static void deaf_run(void *arg)
{
    enum { COUNT = 300 };
    enum talk_transport transport = *(const enum talk_transport *)arg;
    struct stage stage;
    struct talk_message message;
    void *other = talk_context(), *push = talk_socket(other, ZMQ_PUSH);
    uint32_t i;

    stage_open(&stage, transport);
    TALK_OK(zmq_unbind(stage.pull, stage.endpoint));
    talk_set(stage.pull, ZMQ_RCVHWM, 1 + (int)sim_random(20));
    talk_bind(stage.pull, transport, 1, stage.endpoint);
    TALK_OK(zmq_connect(push, stage.endpoint));
    for (i = 0; i < COUNT; i++)
        talk_send(push, (struct talk_message){TALK_SMALL, i});
    TALK_OK(zmq_close(push));
    sim_sleep_us(60000000);
    for (i = 0; i < COUNT; i++) {
        SIM_CHECK(talk_recv(stage.pull, &message, -1));
        SIM_CHECK(message.number == i);
    }
    TALK_OK(zmq_ctx_term(other));
    stage_close(&stage);
}

static void a_hang_up_does_not_overtake_what_nobody_has_read_yet(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &config, deaf_run, &transports[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_dials_and_says_half_is_dropped_in_time),
        cmocka_unit_test(who_listens_and_says_half_is_dialled_anew),
        cmocka_unit_test(the_first_connection_has_all_its_time),
        cmocka_unit_test(a_half_closed_peer_is_heard_to_its_last_whole_message),
        cmocka_unit_test(a_hang_up_does_not_overtake_what_nobody_has_read_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
