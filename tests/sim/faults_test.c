/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A network and a system that refuse, hang, run out or fall apart: each
 * costs no more than the time that was asked for, and then all goes on.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/socket.h"
#include "sim/talk/events.h"
#include "sim/talk/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

enum { SEEDS = 60 };

/* ---- Dialling ---- */

static void refused_run(void *arg)
{
    struct stage stage;
    int delay_ms = 100;
    unsigned i;

    stage_open(&stage, *(const enum talk_transport *)arg);
    talk_set(stage.push, ZMQ_RECONNECT_IVL, 100);
    talk_set(stage.push, ZMQ_RECONNECT_IVL_MAX, 1000);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    for (i = 0; i < 8; i++) {
        uint32_t told_ms = talk_await_event(stage.push_events,
                                            ZMQ_EVENT_CONNECT_RETRIED, 2000);

        SIM_CHECK(told_ms == (uint32_t)delay_ms);
        delay_ms = delay_ms * 2 > 1000 ? 1000 : delay_ms * 2;
    }
    stage_end_faults();
    talk_await_event(stage.push_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 2000);
    stage_expect_passing(&stage, 0, 10);
    stage_close(&stage);
}

static void who_is_refused_tries_again_ever_more_slowly(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC,
                                               TALK_ABSTRACT};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    config.refuse_connect = 1000;
    for (i = 0; i < 3; i++)
        sim_run_seeds(SEEDS, &config, refused_run, &transports[i]);
}

static void hanging_run(void *arg)
{
    struct stage stage;
    uint64_t start_us;
    unsigned i;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    talk_set(stage.push, ZMQ_CONNECT_TIMEOUT, 700);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    for (i = 0; i < 3; i++) {
        talk_await_event(stage.push_events, ZMQ_EVENT_CONNECT_DELAYED, 300);
        start_us = cz_clock_us();
        talk_await_event(stage.push_events, ZMQ_EVENT_CLOSED, 701);
        SIM_CHECK(cz_clock_us() - start_us >= 699000);
    }
    stage_end_faults();
    stage_expect_passing(&stage, 0, 10);
    stage_close(&stage);
}

static void a_connect_that_hangs_is_given_up_in_time(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    config.hang_connect = 1000;
    sim_run_seeds(SEEDS, &config, hanging_run, NULL);
}

/* ---- Accepting ---- */

static void no_fd_run(void *arg)
{
    struct stage stage;
    struct talk_event event;
    unsigned failures = 0;

    stage_open(&stage, *(const enum talk_transport *)arg);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    SIM_CHECK(talk_await_event(stage.pull_events, ZMQ_EVENT_ACCEPT_FAILED,
                               1000) == EMFILE);
    sim_sleep_us(2000000);
    stage_end_faults();
    while ((event = talk_next_event(stage.pull_events, 0)).event ==
           ZMQ_EVENT_ACCEPT_FAILED) {
        SIM_CHECK(event.value == EMFILE);
        failures++;
    }
    /* It rests in between, and the connection has waited all the time. */
    SIM_CHECK(failures >= 5 && failures <= 50);
    stage_expect_passing(&stage, 0, 10);
    stage_close(&stage);
}

static void without_descriptors_accepting_pauses_and_resumes(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    config.accept_no_fd = 1000;
    for (i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &config, no_fd_run, &transports[i]);
}

static void all_taken_run(void *arg)
{
    struct stage stage;
    int fds[64];
    unsigned count = 0, i;
    int peer;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    peer = sim_dial(NULL, talk_port(stage.endpoint));
    SIM_CHECK(peer >= 0);
    while ((fds[count] = cz_sock_open(AF_INET, SOCK_STREAM)) >= 0)
        SIM_CHECK(++count < 64);
    SIM_CHECK(fds[count] == -EMFILE);
    /* Neither dialling nor accepting is possible now. */
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    talk_await_event(stage.push_events, ZMQ_EVENT_CONNECT_RETRIED, 1000);
    sim_sleep_us(1000000);
    for (i = 0; i < count; i++)
        sim_close(fds[i]);
    stage_expect_passing(&stage, 0, 10);
    sim_close(peer);
    stage_close(&stage);
}

static void when_descriptors_are_back_all_goes_on(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    config.fds_max = 40;
    sim_run_seeds(SEEDS, &config, all_taken_run, NULL);
}

static void aborted_run(void *arg)
{
    struct stage stage;

    stage_open(&stage, *(const enum talk_transport *)arg);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    SIM_CHECK(talk_await_event(stage.pull_events, ZMQ_EVENT_ACCEPT_FAILED,
                               1000) == ECONNABORTED);
    stage_end_faults();
    stage_expect_passing(&stage, 0, 10);
    stage_close(&stage);
}

static void a_connection_aborted_before_accept_is_made_anew(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    config.accept_aborted = 1000;
    for (i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &config, aborted_run, &transports[i]);
}

/* ---- The network in two parts ---- */

static void parted_run(void *arg)
{
    struct stage stage;
    struct talk_message message;
    uint32_t i;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    stage_expect_passing(&stage, 0, 10);
    sim_part_network(true);
    for (i = 10; i < 30; i++)
        talk_send(stage.push, (struct talk_message){TALK_SMALL, i});
    SIM_CHECK(!talk_recv(stage.pull, &message, 60000));
    sim_part_network(false);
    for (i = 10; i < 30; i++) {
        SIM_CHECK(talk_recv(stage.pull, &message, -1));
        SIM_CHECK(message.number == i);
    }
    stage_close(&stage);
}

static void a_parted_network_loses_nothing(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, parted_run, NULL);
}

static void heartbeat_run(void *arg)
{
    struct stage stage;
    uint64_t start_us;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    talk_set(stage.push, ZMQ_HEARTBEAT_IVL, 200);
    talk_set(stage.push, ZMQ_HEARTBEAT_TIMEOUT, 500);
    talk_set(stage.push, ZMQ_HANDSHAKE_IVL, 1000);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    stage_expect_passing(&stage, 0, 10);
    /* Nobody says anything for a while, and yet nothing is lost. */
    sim_sleep_us(5000000);
    talk_await_event(stage.push_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 10);
    SIM_CHECK(talk_next_event(stage.push_events, 0).event == 0);
    sim_part_network(true);
    start_us = cz_clock_us();
    talk_await_event(stage.push_events, ZMQ_EVENT_DISCONNECTED, 710);
    SIM_CHECK(cz_clock_us() - start_us >= 290000);
    sim_part_network(false);
    talk_await_event(stage.push_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 5000);
    stage_expect_passing(&stage, 10, 10);
    stage_close(&stage);
}

static void a_heartbeat_notices_the_parting_in_time(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, heartbeat_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_refused_tries_again_ever_more_slowly),
        cmocka_unit_test(a_connect_that_hangs_is_given_up_in_time),
        cmocka_unit_test(without_descriptors_accepting_pauses_and_resumes),
        cmocka_unit_test(when_descriptors_are_back_all_goes_on),
        cmocka_unit_test(a_connection_aborted_before_accept_is_made_anew),
        cmocka_unit_test(a_parted_network_loses_nothing),
        cmocka_unit_test(a_heartbeat_notices_the_parting_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
