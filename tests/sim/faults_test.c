/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Peers and a system that refuse, hang, run out, say nothing or say half:
 * each costs that one connection and no more, within the time that was
 * asked for, and all the others go on.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/file.h"
#include "os/socket.h"
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

enum { SEEDS = 60, OPENING = 64 + 28 };

/* A PULL that is bound and watched, and a PUSH that dials it. */
struct stage {
    void *ctx;
    void *pull, *push;
    void *pull_events, *push_events;
    char endpoint[TALK_ENDPOINT_MAX];
};

static void stage_open(struct stage *stage, enum talk_transport transport)
{
    stage->ctx = talk_context();
    stage->pull = talk_socket(stage->ctx, ZMQ_PULL);
    stage->push = talk_socket(stage->ctx, ZMQ_PUSH);
    stage->pull_events = talk_monitor(stage->ctx, stage->pull, "pull");
    stage->push_events = talk_monitor(stage->ctx, stage->push, "push");
    talk_bind(stage->pull, transport, 0, stage->endpoint);
}

static void stage_close(struct stage *stage)
{
    TALK_OK(zmq_close(stage->push_events));
    TALK_OK(zmq_close(stage->pull_events));
    TALK_OK(zmq_close(stage->push));
    TALK_OK(zmq_close(stage->pull));
    TALK_OK(zmq_ctx_term(stage->ctx));
}

/* Messages pass, from the first one on. */
static void expect_passing(struct stage *stage, uint32_t from, uint32_t count)
{
    struct talk_message message;
    uint32_t i;

    for (i = from; i < from + count; i++)
        talk_send(stage->push, (struct talk_message){TALK_SMALL, i});
    for (i = from; i < from + count; i++) {
        SIM_CHECK(talk_recv(stage->pull, &message, -1));
        SIM_CHECK(message.number == i);
    }
}

static void set_fair(void)
{
    struct sim_config fair = sim_stormy();

    sim_set_faults(&fair);
}

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
    set_fair();
    talk_await_event(stage.push_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 2000);
    expect_passing(&stage, 0, 10);
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
    set_fair();
    expect_passing(&stage, 0, 10);
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
    set_fair();
    while ((event = talk_next_event(stage.pull_events, 0)).event ==
           ZMQ_EVENT_ACCEPT_FAILED) {
        SIM_CHECK(event.value == EMFILE);
        failures++;
    }
    /* It rests in between, and the connection has waited all the time. */
    SIM_CHECK(failures >= 5 && failures <= 50);
    expect_passing(&stage, 0, 10);
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
    expect_passing(&stage, 0, 10);
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
    set_fair();
    expect_passing(&stage, 0, 10);
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

/* ---- Raw peers ---- */

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
    expect_passing(&stage, 0, 5);
    talk_await_event(stage.pull_events, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                     410);
    SIM_CHECK(cz_clock_us() - start_us >= 395000);
    talk_await_event(stage.pull_events, ZMQ_EVENT_DISCONNECTED, 10);
    SIM_CHECK(sim_recv(peer, bytes, sizeof bytes) < (ssize_t)sizeof bytes);
    expect_passing(&stage, 5, 5);
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
    expect_passing(&stage, 0, 10);
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

/* ---- The network in two parts ---- */

static void parted_run(void *arg)
{
    struct stage stage;
    struct talk_message message;
    uint32_t i;

    (void)arg;
    stage_open(&stage, TALK_TCP);
    TALK_OK(zmq_connect(stage.push, stage.endpoint));
    expect_passing(&stage, 0, 10);
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
    expect_passing(&stage, 0, 10);
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
    expect_passing(&stage, 10, 10);
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
        cmocka_unit_test(who_dials_and_says_half_is_dropped_in_time),
        cmocka_unit_test(who_listens_and_says_half_is_dialled_anew),
        cmocka_unit_test(the_first_connection_has_all_its_time),
        cmocka_unit_test(a_half_closed_peer_is_heard_to_its_last_whole_message),
        cmocka_unit_test(a_hang_up_does_not_overtake_what_nobody_has_read_yet),
        cmocka_unit_test(a_parted_network_loses_nothing),
        cmocka_unit_test(a_heartbeat_notices_the_parting_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
