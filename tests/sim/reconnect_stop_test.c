/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_RECONNECT_STOP: after which failures nobody is dialled again, and after
 * which others somebody is all the same.
 *
 * CTest: TIMEOUT 300
 * Thread: simulated ones. Owns: nothing.
 */
#define ZMQ_BUILD_DRAFT_API
#include "os/clock.h"
#include "sim/talk/events.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

enum {
    SEEDS = 30,
    REFUSED = ZMQ_RECONNECT_STOP_CONN_REFUSED,
    HANDSHAKE = ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED,
    IVL_MS = 100,
    SOON_MS = 5000,
    QUIET_MS = 600000,
};

static const struct talk_message message = {TALK_SMALL, 0};

/* A PUSH with something to send, for ever, and its monitor. */
struct scene {
    void *ctx, *push, *events;
    int listener; /* of a raw peer; -1 = none */
    uint16_t port;
    char endpoint[TALK_ENDPOINT_MAX];
};

static void scene_open(struct scene *scene, int stop)
{
    scene->ctx = talk_context();
    scene->push = talk_socket(scene->ctx, ZMQ_PUSH);
    scene->events = talk_monitor(scene->ctx, scene->push, "push");
    scene->port = 0;
    scene->listener = sim_listen(NULL, &scene->port);
    snprintf(scene->endpoint, sizeof scene->endpoint, "tcp://127.0.0.1:%u",
             scene->port);
    talk_set(scene->push, ZMQ_LINGER, -1);
    talk_set(scene->push, ZMQ_RECONNECT_IVL, IVL_MS);
    talk_set(scene->push, ZMQ_RECONNECT_STOP, stop);
}

static void scene_dial(struct scene *scene)
{
    TALK_OK(zmq_connect(scene->push, scene->endpoint));
    talk_send(scene->push, message);
}

static void scene_stop_listening(struct scene *scene)
{
    sim_close(scene->listener);
    scene->listener = -1;
}

/* What nobody will be sent holds nobody up. */
static void scene_close(struct scene *scene)
{
    uint64_t start_us = cz_clock_us();

    if (scene->listener >= 0)
        sim_close(scene->listener);
    TALK_OK(zmq_close(scene->push));
    TALK_OK(zmq_close(scene->events));
    TALK_OK(zmq_ctx_term(scene->ctx));
    SIM_CHECK(cz_clock_us() - start_us < SOON_MS * 1000ULL);
}

/* The socket still works, and so does the endpoint: somebody listens there, and
 * gets what was sent before if it is `dialled` again. */
static void expect_delivery(struct scene *scene, bool is_dialled)
{
    void *pull = talk_socket(scene->ctx, ZMQ_PULL);
    void *events = talk_monitor(scene->ctx, pull, "pull");
    struct talk_message got;

    if (scene->listener >= 0)
        scene_stop_listening(scene);
    TALK_OK(zmq_bind(pull, scene->endpoint));
    (void)talk_await_event(events, ZMQ_EVENT_LISTENING, SOON_MS);
    if (is_dialled) {
        SIM_CHECK(talk_recv(pull, &got, SOON_MS));
        SIM_CHECK(got.number == message.number);
    } else {
        SIM_CHECK(talk_next_event(events, QUIET_MS).event == 0);
        TALK_OK(zmq_disconnect(scene->push, scene->endpoint));
        scene_dial(scene);
        SIM_CHECK(talk_recv(pull, &got, SOON_MS));
    }
    TALK_OK(zmq_close(events));
    TALK_OK(zmq_close(pull));
}

/* The last that was heard is this event; nothing is tried again. */
static void expect_end(struct scene *scene, int event)
{
    (void)talk_await_event(scene->events, event, SOON_MS);
    SIM_CHECK(talk_next_event(scene->events, QUIET_MS).event == 0);
}

static void expect_retry(struct scene *scene, int event)
{
    (void)talk_await_event(scene->events, event, SOON_MS);
    SIM_CHECK(talk_next_event(scene->events, SOON_MS).event ==
              ZMQ_EVENT_CONNECT_RETRIED);
}

static void run_with_each(void (*run)(void *arg), const int *stops,
                          size_t count)
{
    struct sim_config config = sim_stormy();

    for (size_t i = 0; i < count; i++) {
        int stop = stops[i];

        sim_run_seeds(SEEDS, &config, run, &stop);
    }
}

#define RUN_WITH_EACH(run, ...)                                                \
    run_with_each(run, (const int[]){__VA_ARGS__},                             \
                  sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* ---- Nobody listens ---- */

static void refused_run(void *arg)
{
    int stop = *(const int *)arg;
    struct scene scene;

    scene_open(&scene, stop);
    scene_stop_listening(&scene);
    scene_dial(&scene);
    if (stop & REFUSED)
        expect_end(&scene, ZMQ_EVENT_CLOSED);
    else
        for (int i = 0; i < 5; i++)
            expect_retry(&scene, ZMQ_EVENT_CLOSED);
    if (sim_random(2) || !(stop & REFUSED))
        expect_delivery(&scene, !(stop & REFUSED));
    scene_close(&scene);
}

static void a_refusal_is_the_end_where_it_is_to_be(void **state)
{
    (void)state;
    RUN_WITH_EACH(refused_run, REFUSED, REFUSED | HANDSHAKE);
}

static void a_refusal_is_not_the_end_otherwise(void **state)
{
    (void)state;
    RUN_WITH_EACH(refused_run, 0, HANDSHAKE,
                  HANDSHAKE | ZMQ_RECONNECT_STOP_AFTER_DISCONNECT);
}

/* The peer goes, and only then is nobody there. */
static void refused_later_run(void *arg)
{
    int stop = *(const int *)arg, fd;
    struct scene scene;

    scene_open(&scene, stop);
    scene_dial(&scene);
    fd = sim_accept(scene.listener);
    talk_raw_open(fd, "PULL");
    scene_stop_listening(&scene);
    sim_close(fd);
    expect_retry(&scene, ZMQ_EVENT_DISCONNECTED);
    expect_end(&scene, ZMQ_EVENT_CLOSED);
    scene_close(&scene);
}

static void a_refusal_after_a_connection_is_the_end_too(void **state)
{
    (void)state;
    RUN_WITH_EACH(refused_later_run, REFUSED);
}

/* No answer is no refusal, and a name that is not found neither. */
static void other_failures_run(void *arg)
{
    int stop = *(const int *)arg;
    struct sim_config faults = {.hang_connect = 1000};
    struct scene scene;
    char endpoint[TALK_ENDPOINT_MAX];

    scene_open(&scene, stop);
    snprintf(endpoint, sizeof endpoint, "tcp://host.sim:%u", scene.port);
    talk_set(scene.push, ZMQ_CONNECT_TIMEOUT, 50);
    sim_slow_names(1000, 2);
    sim_set_faults(&faults);
    TALK_OK(zmq_connect(scene.push, endpoint));
    for (int i = 0; i < 2; i++)
        SIM_CHECK(talk_next_event(scene.events, SOON_MS).event ==
                  ZMQ_EVENT_CONNECT_RETRIED);
    for (int i = 0; i < 3; i++)
        expect_retry(&scene, ZMQ_EVENT_CLOSED);
    scene_close(&scene);
}

static void other_failures_of_dialling_are_no_refusals(void **state)
{
    (void)state;
    RUN_WITH_EACH(other_failures_run, 0, REFUSED, REFUSED | HANDSHAKE);
}

/* ---- The handshake fails ---- */

/* Accepts, and gives the peer up in one of several ways. */
static void break_handshake(struct scene *scene)
{
    static const char greeting[] = "\xff\0\0\0\0\0\0\0\1\x7f";
    int fd = sim_accept(scene->listener);

    switch (sim_random(4)) {
    case 0: /* says nothing */
        break;
    case 1:
        SIM_CHECK(sim_send(fd, greeting, 1 + sim_random(10)) == 0);
        break;
    case 2:
        sim_reset(fd);
        break;
    default: /* says nothing, for too long */
        sim_sleep_us(1000000);
        break;
    }
    sim_close(fd);
}

static void handshake_run(void *arg)
{
    int stop = *(const int *)arg;
    struct scene scene;

    scene_open(&scene, stop);
    talk_set(scene.push, ZMQ_HANDSHAKE_IVL, 500);
    scene_dial(&scene);
    if (stop & HANDSHAKE) {
        break_handshake(&scene);
        expect_end(&scene, ZMQ_EVENT_DISCONNECTED);
    } else {
        for (int i = 0; i < 3; i++) {
            break_handshake(&scene);
            expect_retry(&scene, ZMQ_EVENT_DISCONNECTED);
        }
    }
    if ((stop & HANDSHAKE) && sim_random(2))
        expect_delivery(&scene, false);
    if (!(stop & HANDSHAKE) && !(stop & REFUSED))
        expect_delivery(&scene, true);
    talk_set(scene.push, ZMQ_LINGER, stop & HANDSHAKE ? -1 : 0);
    scene_close(&scene);
}

static void a_failed_handshake_is_the_end_where_it_is_to_be(void **state)
{
    (void)state;
    RUN_WITH_EACH(handshake_run, HANDSHAKE, REFUSED | HANDSHAKE);
}

static void a_failed_handshake_is_not_the_end_otherwise(void **state)
{
    (void)state;
    RUN_WITH_EACH(handshake_run, 0, REFUSED,
                  REFUSED | ZMQ_RECONNECT_STOP_AFTER_DISCONNECT);
}

/* The connection was a good one. */
static void lost_run(void *arg)
{
    int stop = *(const int *)arg;
    struct scene scene;

    scene_open(&scene, stop);
    scene_dial(&scene);
    for (int i = 0; i < 3; i++) {
        int fd = sim_accept(scene.listener);

        talk_raw_open(fd, "PULL");
        (void)talk_await_event(scene.events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED,
                               SOON_MS);
        sim_close(fd);
        expect_retry(&scene, ZMQ_EVENT_DISCONNECTED);
    }
    talk_set(scene.push, ZMQ_LINGER, 0);
    scene_close(&scene);
}

static void a_connection_that_was_lost_is_made_again(void **state)
{
    (void)state;
    RUN_WITH_EACH(lost_run, 0, REFUSED, HANDSHAKE, REFUSED | HANDSHAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_the_end_where_it_is_to_be),
        cmocka_unit_test(a_refusal_is_not_the_end_otherwise),
        cmocka_unit_test(a_refusal_after_a_connection_is_the_end_too),
        cmocka_unit_test(other_failures_of_dialling_are_no_refusals),
        cmocka_unit_test(a_failed_handshake_is_the_end_where_it_is_to_be),
        cmocka_unit_test(a_failed_handshake_is_not_the_end_otherwise),
        cmocka_unit_test(a_connection_that_was_lost_is_made_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
