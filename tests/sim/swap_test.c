/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap on a disk that fails, in a process that is killed and on a machine that
 * loses its power, at any moment that the seed likes: what was sent comes, in
 * order, and nothing else does.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "ceromq.h"
#include "os/clock.h"
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

enum { SEEDS = 100, COUNT_MAX = 200, NEVER_DURABLE = -2 };

/* ---- One sender, one receiver ---- */

struct scene {
    enum talk_transport transport;
    int sync_ms;             /* or NEVER_DURABLE */
    bool is_again_and_again; /* the sender closes its socket, and opens one */
    uint32_t count;

    void *ctx, *pull;
    char endpoint[TALK_ENDPOINT_MAX];
    uint32_t sent;
    uint32_t received; /* all before this number */
    uint64_t sent_us[COUNT_MAX];
};

static void *scene_dial(struct scene *scene)
{
    void *push = talk_socket(scene->ctx, ZMQ_PUSH);
    int64_t size = 1 << 24;
    int rc;

    talk_set(push, ZMQ_SNDHWM, 2);
    TALK_OK(zmq_setsockopt(push, ZMQ_SWAP, &size, sizeof size));
    TALK_OK(zmq_setsockopt(push, CERO_SWAP_DIR, "/tmp", 4));
    if (scene->sync_ms != NEVER_DURABLE) {
        talk_set(push, CERO_SWAP_DURABLE, 1);
        talk_set(push, CERO_SWAP_SYNC, scene->sync_ms);
        talk_set(push, ZMQ_LINGER, 0);
    }
    while ((rc = zmq_connect(push, scene->endpoint)) == -1) {
        SIM_CHECK(zmq_errno() == EBUSY || zmq_errno() == EIO ||
                  zmq_errno() == ENOSPC);
        /* The one before is not closed yet. */
        sim_sleep_us(1000);
    }
    return push;
}

static void scene_send(void *arg)
{
    struct scene *scene = arg;
    void *push = scene_dial(scene);

    while (scene->sent < scene->count) {
        talk_send(push, (struct talk_message){0, scene->sent});
        scene->sent_us[scene->sent] = cz_clock_us();
        scene->sent++;
        if (sim_random(10) == 0)
            sim_sleep_us(sim_random(20000));
        /* The receiver takes part in ending a connection, while it receives. */
        if (scene->is_again_and_again && scene->sent < scene->count &&
            sim_random(20) == 0) {
            TALK_OK(zmq_close(push));
            push = scene_dial(scene);
        }
    }
    /* What a durable one has when it is closed is for the next one. */
    while (scene->received < scene->count)
        sim_sleep_us(1000);
    TALK_OK(zmq_close(push));
}

/* The next one, or one from which on they come again. */
static void scene_receive(struct scene *scene, uint32_t until)
{
    uint32_t next = scene->received;
    struct talk_message message;

    while (scene->received < until) {
        if (!talk_recv(scene->pull, &message, 5000))
            sim_fail("message %u of %u has not come", scene->received, until);
        SIM_CHECK(message.number <= next);
        SIM_CHECK(message.number == next || scene->is_again_and_again);
        next = message.number + 1;
        if (next > scene->received)
            scene->received = next;
        if (sim_random(10) == 0)
            sim_sleep_us(sim_random(20000));
    }
}

static void scene_open(struct scene *scene)
{
    scene->ctx = talk_context();
    scene->pull = talk_socket(scene->ctx, ZMQ_PULL);
    talk_set(scene->pull, ZMQ_RCVHWM, 2);
    talk_bind(scene->pull, scene->transport, 0, scene->endpoint);
}

static void scene_close(struct scene *scene)
{
    TALK_OK(zmq_close(scene->pull));
    TALK_OK(zmq_ctx_term(scene->ctx));
}

/* ---- The disk fails ---- */

static void failing_run(void *arg)
{
    struct scene scene = *(const struct scene *)arg;
    struct cz_thread sender;

    scene.count = COUNT_MAX;
    scene_open(&scene);
    SIM_CHECK(cz_thread_start(&sender, NULL, scene_send, &scene) == 0);
    scene_receive(&scene, scene.count);
    cz_thread_join(&sender);
    scene_close(&scene);
}

static void fail_with(const struct scene *scene)
{
    static const enum talk_transport transports[] = {TALK_INPROC, TALK_TCP,
                                                     TALK_IPC};
    struct sim_config config = sim_stormy();

    config.file_write = 200;
    config.file_sync = 200;
    for (size_t i = 0; i < 3; i++) {
        struct scene here = *scene;

        here.transport = transports[i];
        sim_run_seeds(SEEDS, &config, failing_run, &here);
    }
}

static void a_swap_loses_nothing_when_the_disk_fails(void **state)
{
    (void)state;
    fail_with(&(struct scene){.sync_ms = NEVER_DURABLE});
}

static void a_durable_swap_loses_nothing_when_the_disk_fails(void **state)
{
    (void)state;
    fail_with(&(struct scene){.sync_ms = -1});
    fail_with(&(struct scene){.sync_ms = 0});
    fail_with(&(struct scene){.sync_ms = 10});
}

/* Over tcp and ipc, what the kernel has is lost with the connection. */
static void what_is_left_is_sent_by_the_next_socket(void **state)
{
    struct sim_config config = sim_stormy();
    struct scene scene = {
        .transport = TALK_INPROC, .sync_ms = -1, .is_again_and_again = true};

    (void)state;
    sim_run_seeds(SEEDS, &config, failing_run, &scene);
    config.file_write = 200;
    config.file_sync = 200;
    sim_run_seeds(SEEDS, &config, failing_run, &scene);
}

/* ---- The process or the machine does ---- */

/* How it was then. */
struct crash {
    uint32_t received, sent;
};

/* Messages before this number are to survive. */
static uint32_t scene_promises(const struct scene *scene, bool without_power)
{
    /* Threads that spin let the clock go on a little. */
    uint64_t sync_us = (uint64_t)scene->sync_ms * 1000 + 1000;
    uint32_t sent = scene->sent;

    if (!without_power || scene->sync_ms == 0)
        return sent;
    while (sent > 0 && scene->sent_us[sent - 1] + sync_us > cz_clock_us())
        sent--;
    return sent;
}

static void first_life(struct scene *scene, bool without_power,
                       struct crash *crash)
{
    struct cz_thread sender;

    scene_open(scene);
    SIM_CHECK(cz_thread_start(&sender, NULL, scene_send, scene) == 0);
    if (sim_random(4) > 0)
        scene_receive(scene, (uint32_t)sim_random(scene->count));
    for (uint64_t steps = sim_random(300); steps > 0; steps--)
        cz_sim_point();
    if (sim_random(2))
        sim_sleep_us(sim_random(100000));
    crash->received = scene->received;
    crash->sent = scene_promises(scene, without_power);
    sim_disk_save(without_power);
    scene_receive(scene, scene->count);
    cz_thread_join(&sender);
    scene_close(scene);
}

/* Only what the disk has. */
static void second_life(struct scene *scene, const struct crash *crash)
{
    struct talk_message message;
    uint32_t next = crash->received;
    void *push;

    scene_open(scene);
    push = scene_dial(scene);
    for (bool is_first = true; talk_recv(scene->pull, &message, 1000);
         is_first = false) {
        SIM_CHECK(is_first ? message.number <= next : message.number == next);
        next = message.number + 1;
    }
    if (next < crash->sent)
        sim_fail("%u was sent, and before it %u have survived", crash->sent,
                 next);
    TALK_OK(zmq_close(push));
    scene_close(scene);
}

static void crash_run(void *arg, bool without_power)
{
    struct scene scene = *(const struct scene *)arg;
    struct crash crash;

    scene.count = COUNT_MAX;
    first_life(&scene, without_power, &crash);
    sim_disk_restore();
    second_life(&scene, &crash);
}

static void kill_run(void *arg)
{
    crash_run(arg, false);
}

static void power_run(void *arg)
{
    crash_run(arg, true);
}

static void what_was_sent_survives_the_process(void **state)
{
    struct sim_config config = sim_stormy();
    struct scene scene = {.transport = TALK_INPROC, .sync_ms = -1};

    (void)state;
    sim_run_seeds(SEEDS, &config, kill_run, &scene);
    config.file_write = 200;
    sim_run_seeds(SEEDS, &config, kill_run, &scene);
}

static void what_was_synced_survives_the_power(void **state)
{
    struct sim_config config = sim_stormy();
    struct scene scene = {.transport = TALK_INPROC, .sync_ms = 0};

    (void)state;
    sim_run_seeds(SEEDS, &config, power_run, &scene);
    config.file_write = 200;
    sim_run_seeds(SEEDS, &config, power_run, &scene);
    scene.sync_ms = 10;
    sim_run_seeds(SEEDS, &config, power_run, &scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_loses_nothing_when_the_disk_fails),
        cmocka_unit_test(a_durable_swap_loses_nothing_when_the_disk_fails),
        cmocka_unit_test(what_is_left_is_sent_by_the_next_socket),
        cmocka_unit_test(what_was_sent_survives_the_process),
        cmocka_unit_test(what_was_synced_survives_the_power),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
