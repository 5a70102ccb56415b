/* SPDX-License-Identifier: MPL-2.0 */
/*
 * REP whose durable swap cannot be read any more: its requester gets no reply,
 * and REP goes on as if that were gone. docs/swap.md.
 *
 * libzmq has nothing like it, so these tests are for this library alone.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>

enum { REPLIES = 5000 };

/* A REP, one requester to which its replies go by way of a durable swap, and
 * one that needs none. */
struct scene {
    struct env *env;
    void *rep;
    void *monitor;
    void *unlucky;
    void *other;
};

static void *scene_dial(struct scene *scene)
{
    void *dealer = env_socket(scene->env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    swap_narrow(dealer);
    env_bind(scene->env, dealer, endpoint);
    assert_ok(zmq_connect(scene->rep, endpoint));
    return dealer;
}

static void scene_open(struct scene *scene, struct env *env)
{
    scene->env = env;
    scene->rep = env_socket(env, ZMQ_REP);
    scene->monitor = monitor_open(env, scene->rep, CERO_EVENT_SWAP);
    swap_set_durable(env, scene->rep);
    scene->unlucky = scene_dial(scene);
    set_int(scene->rep, CERO_SWAP_DURABLE, 0);
    scene->other = scene_dial(scene);
}

static void ask(struct scene *scene, void *dealer)
{
    send_text(dealer, "", ZMQ_SNDMORE);
    send_text(dealer, "request", 0);
    expect_text(scene->rep, "request");
}

static void answer(struct scene *scene)
{
    uint8_t body[SWAP_BODY_SIZE] = {0};

    assert_int_equal(zmq_send(scene->rep, body, sizeof(body), ZMQ_DONTWAIT),
                     sizeof(body));
}

/* What waits in the file turns out to be damaged when the requester gets so
 * far. */
static void scene_break(struct scene *scene)
{
    zmq_pollitem_t items[2] = {
        {.socket = scene->monitor, .events = ZMQ_POLLIN},
        {.socket = scene->unlucky, .events = ZMQ_POLLIN},
    };
    uint8_t body[SWAP_BODY_SIZE];

    swap_damage(scene->env, -100);
    while (!(items[0].revents & ZMQ_POLLIN)) {
        if (items[1].revents & ZMQ_POLLIN)
            assert_ok(zmq_recv(scene->unlucky, body, sizeof(body), 0));
        assert_ok(zmq_poll(items, 2, PATIENCE_MS));
    }
    assert_int_equal(monitor_expect(scene->monitor, CERO_EVENT_SWAP).value,
                     EBADMSG);
}

/* All states are left as they are without it. */
static void expect_service(struct scene *scene)
{
    char body[SWAP_BODY_SIZE];

    assert_fails(zmq_send(scene->rep, "x", 1, ZMQ_DONTWAIT), EFSM);
    ask(scene, scene->other);
    answer(scene);
    expect_part(scene->other, "", true);
    assert_int_equal(zmq_recv(scene->other, body, sizeof(body), 0),
                     sizeof(body));
}

/* What is answered and not received waits in the swap. */
static void fill_swap(struct scene *scene)
{
    for (int i = 0; i < REPLIES; i++) {
        ask(scene, scene->unlucky);
        answer(scene);
    }
}

static void a_request_is_taken_and_its_reply_is_dropped(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    fill_swap(&scene);
    scene_break(&scene);
    expect_service(&scene);
    for (int i = 0; i < 2; i++) {
        ask(&scene, scene.unlucky);
        send_text(scene.rep, "part", ZMQ_SNDMORE);
        answer(&scene);
        expect_service(&scene);
    }
}

static void a_reply_that_was_due_is_dropped(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    fill_swap(&scene);
    ask(&scene, scene.unlucky);
    scene_break(&scene);
    answer(&scene);
    expect_service(&scene);
}

static void a_reply_that_was_begun_is_dropped(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    fill_swap(&scene);
    ask(&scene, scene.unlucky);
    send_text(scene.rep, "part", ZMQ_SNDMORE);
    scene_break(&scene);
    send_text(scene.rep, "part", ZMQ_SNDMORE);
    answer(&scene);
    expect_service(&scene);
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON_EACH(a_request_is_taken_and_its_reply_is_dropped),
        ON_EACH(a_reply_that_was_due_is_dropped),
        ON_EACH(a_reply_that_was_begun_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
