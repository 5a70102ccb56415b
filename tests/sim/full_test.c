/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A receiver at its high-water mark: the connection that stops there goes on
 * when there is room, however the two threads that decide about it meet. The
 * kernel holds more than one read takes, so that a read that fills the pipe is
 * followed by another look for room.
 *
 * CTest: TIMEOUT 240
 * CTest: SLOW
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 100, COUNT = 400, BODY_MAX = 20000 };

struct sender {
    void *ctx;
    const char *endpoint;
    size_t size; /* of each message: enough to be received by reference */
    struct cz_thread thread;
};

static void send_all(void *arg)
{
    static char body[BODY_MAX];
    struct sender *sender = arg;
    void *push = talk_socket(sender->ctx, ZMQ_PUSH);

    TALK_OK(zmq_connect(push, sender->endpoint));
    for (uint32_t i = 0; i < COUNT; i++) {
        memcpy(body, &i, sizeof(i));
        TALK_OK(zmq_send(push, body, sender->size, 0));
    }
    TALK_OK(zmq_close(push));
}

static void full_run(void *arg)
{
    enum talk_transport transport = *(const enum talk_transport *)arg;
    static char body[BODY_MAX];
    char endpoint[TALK_ENDPOINT_MAX];
    void *ctx = zmq_ctx_new();
    void *pull = talk_socket(ctx, ZMQ_PULL);
    struct sender sender = {.ctx = ctx, .endpoint = endpoint};
    uint32_t number;

    talk_set(pull, ZMQ_RCVHWM, 1 + (int)sim_random(2));
    talk_bind(pull, transport, 0, endpoint);
    sender.size = 16384 + sim_random(BODY_MAX - 16384);
    SIM_CHECK(cz_thread_start(&sender.thread, NULL, send_all, &sender) == 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        TALK_OK(zmq_recv(pull, body, sizeof(body), 0));
        memcpy(&number, body, sizeof(number));
        SIM_CHECK(number == i);
    }
    cz_thread_join(&sender.thread);
    TALK_OK(zmq_close(pull));
    TALK_OK(zmq_ctx_term(ctx));
}

/* Where a look for room and the news of it cross is a matter of two or three
 * blocks of code. */
static void a_connection_that_stopped_goes_on(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC};
    const struct sim_config config = {.buffer_bytes = 1 << 20,
                                      .blocks_mean = 3};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &config, full_run, &transports[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_stopped_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
