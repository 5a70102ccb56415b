/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Names that take long to be looked up, or are not found: nobody waits for
 * them but the connection that needs them.
 *
 * CTest: TIMEOUT 300
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

#include <stdio.h>

enum {
    SEEDS = 60,
    LOOK_UP_US = 60000000,
    /* Far below a look-up. What takes this long has not waited for one. */
    SOON_US = 2000000,
    COUNT = 20,
    QUIET_MS = 600000,
};

/* A PULL that is bound, and a PUSH that knows its host by name. All I/O is on
 * one thread. */
struct scene {
    void *ctx;
    void *pull, *push;
    void *pull_events, *push_events;
    char endpoint[TALK_ENDPOINT_MAX]; /* of the PULL, by number */
    char named[TALK_ENDPOINT_MAX];    /* the same by name */
};

static void scene_open(struct scene *scene)
{
    scene->ctx = talk_context();
    TALK_OK(zmq_ctx_set(scene->ctx, ZMQ_IO_THREADS, 1));
    scene->pull = talk_socket(scene->ctx, ZMQ_PULL);
    scene->push = talk_socket(scene->ctx, ZMQ_PUSH);
    scene->pull_events = talk_monitor(scene->ctx, scene->pull, "pull");
    scene->push_events = talk_monitor(scene->ctx, scene->push, "push");
    TALK_OK(zmq_bind(scene->pull, "tcp://*:*"));
    TALK_OK(zmq_getsockopt(scene->pull, ZMQ_LAST_ENDPOINT, scene->endpoint,
                           &(size_t){sizeof scene->endpoint}));
    snprintf(scene->named, sizeof scene->named, "tcp://host.sim:%u",
             talk_port(scene->endpoint));
    snprintf(scene->endpoint, sizeof scene->endpoint, "tcp://127.0.0.1:%u",
             talk_port(scene->named));
}

static void scene_await_look_up(unsigned number)
{
    while (sim_names_begun() < number)
        sim_sleep_us(100);
}

/* Not the PUSH, which the test may have closed. */
static void scene_close(struct scene *scene)
{
    TALK_OK(zmq_close(scene->push_events));
    TALK_OK(zmq_close(scene->pull_events));
    TALK_OK(zmq_close(scene->pull));
    TALK_OK(zmq_ctx_term(scene->ctx));
}

static void expect_passing(void *push, void *pull, uint32_t sender)
{
    struct talk_message message;
    uint32_t i;

    for (i = 0; i < COUNT; i++)
        talk_send(push, (struct talk_message){sender, i});
    for (i = 0; i < COUNT; i++) {
        SIM_CHECK(talk_recv(pull, &message, -1));
        SIM_CHECK(message.sender == sender && message.number == i);
    }
}

static void expect_message(void *pull, uint32_t sender, uint32_t number)
{
    struct talk_message message;

    SIM_CHECK(talk_recv(pull, &message, -1));
    SIM_CHECK(message.sender == sender && message.number == number);
}

/* ---- Meanwhile ---- */

static void meanwhile_run(void *arg)
{
    struct scene scene;
    struct talk_message named = {TALK_SMALL + 1, 0};
    uint64_t start_us;
    void *other;

    (void)arg;
    scene_open(&scene);
    other = talk_socket(scene.ctx, ZMQ_PUSH);
    sim_slow_names(LOOK_UP_US, 0);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(scene.push, scene.named));
    talk_send(scene.push, named);
    scene_await_look_up(1);
    TALK_OK(zmq_connect(other, scene.endpoint));
    expect_passing(other, scene.pull, TALK_SMALL);
    SIM_CHECK(cz_clock_us() - start_us < SOON_US);
    SIM_CHECK(sim_names_begun() == 1 && sim_names_pending() == 1);
    expect_message(scene.pull, named.sender, named.number);
    SIM_CHECK(cz_clock_us() - start_us >= LOOK_UP_US);
    TALK_OK(zmq_close(other));
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
}

static void others_of_the_io_thread_go_on_during_a_look_up(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, meanwhile_run, NULL);
}

static void two_names_run(void *arg)
{
    struct scene scene;
    uint64_t start_us;
    void *other;

    (void)arg;
    scene_open(&scene);
    other = talk_socket(scene.ctx, ZMQ_PUSH);
    sim_slow_names(LOOK_UP_US, 0);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(scene.push, scene.named));
    scene_await_look_up(1);
    sim_slow_names(1000, 0);
    TALK_OK(zmq_connect(other, scene.named));
    expect_passing(other, scene.pull, TALK_SMALL);
    SIM_CHECK(cz_clock_us() - start_us < SOON_US);
    SIM_CHECK(sim_names_begun() == 2 && sim_names_pending() == 1);
    TALK_OK(zmq_close(other));
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
}

static void a_look_up_does_not_wait_for_another(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, two_names_run, NULL);
}

/* ---- Calling off ---- */

static void disconnect_run(void *arg)
{
    struct scene scene;
    uint64_t start_us;

    (void)arg;
    scene_open(&scene);
    sim_slow_names(LOOK_UP_US, 0);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(scene.push, scene.named));
    scene_await_look_up(1);
    TALK_OK(zmq_disconnect(scene.push, scene.named));
    TALK_OK(zmq_connect(scene.push, scene.endpoint));
    expect_passing(scene.push, scene.pull, TALK_SMALL);
    SIM_CHECK(cz_clock_us() - start_us < SOON_US);
    SIM_CHECK(sim_names_pending() == 1);
    (void)talk_await_event(scene.pull_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED,
                           1000);
    /* Nobody dials when the answer comes. */
    SIM_CHECK(talk_next_event(scene.pull_events, QUIET_MS).event == 0);
    SIM_CHECK(sim_names_begun() == 1 && sim_names_pending() == 0);
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
}

static void a_disconnect_does_not_wait_for_a_look_up(void **state)
{
    (void)state;
    sim_run_seeds(SEEDS, NULL, disconnect_run, NULL);
}

static void close_run(void *arg)
{
    struct scene scene;
    uint64_t start_us;

    (void)arg;
    scene_open(&scene);
    sim_slow_names(LOOK_UP_US, 0);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(scene.push, scene.named));
    scene_await_look_up(1);
    TALK_OK(zmq_close(scene.push));
    (void)talk_await_event(scene.push_events, ZMQ_EVENT_MONITOR_STOPPED, 1000);
    (void)talk_await_event(scene.pull_events, ZMQ_EVENT_LISTENING, 1000);
    SIM_CHECK(cz_clock_us() - start_us < SOON_US);
    SIM_CHECK(sim_names_pending() == 1);
    SIM_CHECK(talk_next_event(scene.pull_events, QUIET_MS).event == 0);
    SIM_CHECK(sim_names_begun() == 1 && sim_names_pending() == 0);
    scene_close(&scene);
}

static void a_close_does_not_wait_for_a_look_up(void **state)
{
    (void)state;
    sim_run_seeds(SEEDS, NULL, close_run, NULL);
}

/* The look-up ends when there is no context any more. */
static void term_run(void *arg)
{
    int linger_ms = *(const int *)arg;
    struct scene scene;
    uint64_t start_us, spent_us;

    scene_open(&scene);
    sim_slow_names(LOOK_UP_US, 0);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(scene.push, scene.named));
    talk_set(scene.push, ZMQ_LINGER, linger_ms);
    talk_send(scene.push, (struct talk_message){TALK_SMALL, 0});
    scene_await_look_up(1);
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
    spent_us = cz_clock_us() - start_us;
    SIM_CHECK(spent_us >= (uint64_t)linger_ms * 1000);
    SIM_CHECK(spent_us < (uint64_t)linger_ms * 1000 + SOON_US);
    SIM_CHECK(sim_names_pending() == 1);
}

static void a_term_waits_for_linger_and_not_for_a_look_up(void **state)
{
    static int lingers_ms[] = {0, 5000};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, NULL, term_run, &lingers_ms[i]);
}

static void linger_run(void *arg)
{
    struct scene scene;
    uint64_t start_us;

    (void)arg;
    scene_open(&scene);
    sim_slow_names(LOOK_UP_US, 0);
    start_us = cz_clock_us();
    TALK_OK(zmq_connect(scene.push, scene.named));
    talk_set(scene.push, ZMQ_LINGER, -1);
    talk_send(scene.push, (struct talk_message){TALK_SMALL, 0});
    scene_await_look_up(1);
    TALK_OK(zmq_close(scene.push));
    SIM_CHECK(cz_clock_us() - start_us < SOON_US);
    expect_message(scene.pull, TALK_SMALL, 0);
    SIM_CHECK(sim_names_begun() == 1 && sim_names_pending() == 0);
    scene_close(&scene);
}

static void what_is_left_by_a_close_is_sent_after_the_look_up(void **state)
{
    (void)state;
    sim_run_seeds(SEEDS, NULL, linger_run, NULL);
}

/* Until the answer is there and the thread that asked is about to hand it
 * over, or shortly before or after. */
static void await_about_an_answer(void)
{
    uint64_t points = sim_random(30);

    scene_await_look_up(1);
    while (sim_random(200) > 0 && sim_names_pending() > 0)
        cz_cpu_relax();
    while (points-- > 0)
        cz_sim_point();
}

/* What is left then is found by the sanitizers, and as an open descriptor. */
static void race_run(void *arg)
{
    struct scene scene;
    bool closes = sim_random(2);

    (void)arg;
    scene_open(&scene);
    sim_slow_names(110, (unsigned)sim_random(2));
    talk_set(scene.push, ZMQ_LINGER, 0);
    TALK_OK(zmq_connect(scene.push, scene.named));
    await_about_an_answer();
    if (!closes) {
        TALK_OK(zmq_disconnect(scene.push, scene.named));
        TALK_OK(zmq_connect(scene.push, scene.endpoint));
        expect_passing(scene.push, scene.pull, TALK_SMALL);
    }
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
}

static void a_look_up_may_end_while_it_is_called_off(void **state)
{
    (void)state;
    sim_run_seeds(1000, NULL, race_run, NULL);
}

/* ---- Failing ---- */

enum { FAILING = 5, IVL_MS = 100 };

/* The delays are told, and the next look-up does not begin before. */
static void expect_retries(struct scene *scene, int max_ms)
{
    uint32_t expected_ms = IVL_MS;

    for (unsigned i = 1; i <= FAILING; i++) {
        struct talk_event event = talk_next_event(scene->push_events, 60000);
        uint64_t told_us = cz_clock_us();

        SIM_CHECK(event.event == ZMQ_EVENT_CONNECT_RETRIED);
        SIM_CHECK(sim_names_begun() == i);
        if (max_ms > 0)
            SIM_CHECK(event.value == expected_ms);
        else
            SIM_CHECK(event.value >= IVL_MS && event.value < 2 * IVL_MS);
        scene_await_look_up(i + 1);
        SIM_CHECK(cz_clock_us() - told_us + 1000 >=
                  (uint64_t)event.value * 1000);
        SIM_CHECK(cz_clock_us() - told_us <
                  (uint64_t)event.value * 1000 + 20000);
        expected_ms *= 2;
        if ((int)expected_ms > max_ms)
            expected_ms = (uint32_t)max_ms;
    }
}

static void retry_run(void *arg)
{
    int max_ms = *(const int *)arg;
    struct scene scene;

    scene_open(&scene);
    talk_set(scene.push, ZMQ_RECONNECT_IVL, IVL_MS);
    talk_set(scene.push, ZMQ_RECONNECT_IVL_MAX, max_ms);
    sim_slow_names(30000, FAILING);
    TALK_OK(zmq_connect(scene.push, scene.named));
    expect_retries(&scene, max_ms);
    SIM_CHECK(talk_next_event(scene.push_events, 1000).event ==
              ZMQ_EVENT_CONNECT_DELAYED);
    SIM_CHECK(talk_next_event(scene.push_events, 1000).event ==
              ZMQ_EVENT_CONNECTED);
    SIM_CHECK(talk_next_event(scene.push_events, 1000).event ==
              ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    SIM_CHECK(sim_names_begun() == FAILING + 1);
    expect_passing(scene.push, scene.pull, TALK_SMALL);
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
}

static void a_failed_look_up_is_tried_again_with_back_off(void **state)
{
    static int maxima_ms[] = {0, 500};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, NULL, retry_run, &maxima_ms[i]);
}

static void no_retry_run(void *arg)
{
    struct scene scene;

    (void)arg;
    scene_open(&scene);
    talk_set(scene.push, ZMQ_RECONNECT_IVL, -1);
    sim_slow_names(1000, 1);
    TALK_OK(zmq_connect(scene.push, scene.named));
    talk_send(scene.push, (struct talk_message){TALK_SMALL, 0});
    SIM_CHECK(talk_next_event(scene.push_events, QUIET_MS).event == 0);
    SIM_CHECK(sim_names_begun() == 1 && sim_names_pending() == 0);
    /* What nobody will send holds nobody up. */
    TALK_OK(zmq_close(scene.push));
    scene_close(&scene);
}

static void a_failed_look_up_is_the_last_without_reconnecting(void **state)
{
    (void)state;
    sim_run_seeds(SEEDS, NULL, no_retry_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_of_the_io_thread_go_on_during_a_look_up),
        cmocka_unit_test(a_look_up_does_not_wait_for_another),
        cmocka_unit_test(a_disconnect_does_not_wait_for_a_look_up),
        cmocka_unit_test(a_close_does_not_wait_for_a_look_up),
        cmocka_unit_test(a_term_waits_for_linger_and_not_for_a_look_up),
        cmocka_unit_test(what_is_left_by_a_close_is_sent_after_the_look_up),
        cmocka_unit_test(a_look_up_may_end_while_it_is_called_off),
        cmocka_unit_test(a_failed_look_up_is_tried_again_with_back_off),
        cmocka_unit_test(a_failed_look_up_is_the_last_without_reconnecting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
