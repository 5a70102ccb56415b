/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Endpoints that come and go under traffic, and what monitors tell of it.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "base/compiler.h"
#include "os/thread.h"
#include "sim/talk/events.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

enum { SEEDS = 100 };

/* ---- Comings and goings that lose nothing ---- */

/* A PULL that stops and resumes listening; PUSHes that leave and come back.
 * Whoever leaves lingers, so all arrives, but on another connection perhaps
 * before what was sent earlier. */
struct market {
    enum talk_transport transport;
    void *ctx, *pull;
    char endpoint[TALK_ENDPOINT_MAX];
    struct talk_book book;
    unsigned pushes, each;
};

struct visitor {
    struct market *market;
    unsigned index;
    struct cz_thread thread;
};

static void visitor_run(void *arg)
{
    struct visitor *visitor = arg;
    struct market *market = visitor->market;
    void *push = talk_socket(market->ctx, ZMQ_PUSH);
    unsigned i;

    talk_set_marks(push);
    TALK_OK(zmq_connect(push, market->endpoint));
    for (i = 0; i < market->each; i++) {
        if (sim_random(4) == 0) {
            TALK_OK(zmq_disconnect(push, market->endpoint));
            TALK_OK(zmq_connect(push, market->endpoint));
        }
        if (sim_random(6) == 0) {
            TALK_OK(zmq_close(push));
            push = talk_socket(market->ctx, ZMQ_PUSH);
            TALK_OK(zmq_connect(push, market->endpoint));
        }
        talk_send(push, (struct talk_message){visitor->index, i});
        if (sim_random(4) == 0)
            sim_sleep_us(sim_random(3000));
    }
    TALK_OK(zmq_close(push));
}

/* The old listener may take a moment to go. */
static void market_reopen(struct market *market)
{
    while (zmq_bind(market->pull, market->endpoint) == -1) {
        SIM_CHECK(zmq_errno() == EADDRINUSE);
        sim_sleep_us(100);
    }
}

static void market_run(void *arg)
{
    const struct market *plan = arg;
    struct market market = *plan;
    struct visitor visitors[TALK_SENDERS_MAX];
    struct talk_message message;
    bool is_bound = true;
    unsigned i;

    market.ctx = talk_context();
    market.pull = talk_socket(market.ctx, ZMQ_PULL);
    talk_set_marks(market.pull);
    talk_bind(market.pull, market.transport, 0, market.endpoint);
    for (i = 0; i < market.pushes; i++) {
        visitors[i] = (struct visitor){.market = &market, .index = i};
        SIM_CHECK(cz_thread_start(&visitors[i].thread, NULL, visitor_run,
                                  &visitors[i]) == 0);
    }
    while (market.book.total < market.pushes * market.each) {
        if (sim_random(5) == 0) {
            if (is_bound)
                TALK_OK(zmq_unbind(market.pull, market.endpoint));
            else
                market_reopen(&market);
            is_bound = !is_bound;
        }
        if (talk_recv(market.pull, &message, 20))
            talk_book_enter(&market.book, message);
    }
    SIM_CHECK(!talk_recv(market.pull, &message, 500));
    for (i = 0; i < market.pushes; i++)
        cz_thread_join(&visitors[i].thread);
    TALK_OK(zmq_close(market.pull));
    TALK_OK(zmq_ctx_term(market.ctx));
}

static void whoever_leaves_and_returns_loses_nothing(void **state)
{
    struct sim_config config = sim_stormy();
    int transport;

    (void)state;
    for (transport = 0; transport <= TALK_INPROC; transport++) {
        struct market plan = {
            .transport = (enum talk_transport)transport,
            .pushes = 3,
            .each = 15,
        };

        sim_run_seeds(SEEDS, &config, market_run, &plan);
    }
}

/* ---- What monitors tell ---- */

/* A dialling socket with one endpoint goes round here, and nowhere else:
 *
 *   IDLE -> DELAYED -> CONNECTED -> READY
 *     ^        |           |          |
 *     |        v           v          v
 *     +----- RETRIED <- CLOSED or DISCONNECTED
 */
enum dial_state { IDLE, DELAYED, CONNECTED, FAILED, READY, LOST };

static const struct dial_step {
    enum dial_state from;
    int event;
    enum dial_state to;
} dial_steps[] = {
    {IDLE, ZMQ_EVENT_CONNECT_DELAYED, DELAYED},
    {IDLE, ZMQ_EVENT_CONNECTED, CONNECTED}, /* ipc: at once */
    {IDLE, ZMQ_EVENT_CLOSED, LOST},
    {DELAYED, ZMQ_EVENT_CONNECTED, CONNECTED},
    {DELAYED, ZMQ_EVENT_CLOSED, LOST},
    {CONNECTED, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, READY},
    {CONNECTED, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, FAILED},
    {FAILED, ZMQ_EVENT_DISCONNECTED, LOST},
    {READY, ZMQ_EVENT_DISCONNECTED, LOST},
    {LOST, ZMQ_EVENT_CONNECT_RETRIED, IDLE},
};

static enum dial_state dial_follow(enum dial_state state, int event)
{
    size_t i;

    for (i = 0; i < CZ_COUNT_OF(dial_steps); i++)
        if (dial_steps[i].from == state && dial_steps[i].event == event)
            return dial_steps[i].to;
    sim_fail("event %#x in state %d of a dialling socket", (unsigned)event,
             (int)state);
}

/* Each descriptor that was accepted comes to an end before its number is
 * given again. */
enum { FD_COUNT = 1200 };

static void listen_follow(uint8_t is_open[FD_COUNT], struct talk_event event,
                          unsigned *ready, unsigned *accepted)
{
    switch (event.event) {
    case ZMQ_EVENT_ACCEPTED:
        SIM_CHECK(event.value < FD_COUNT && !is_open[event.value]);
        is_open[event.value] = true;
        ++*accepted;
        break;
    case ZMQ_EVENT_DISCONNECTED:
        SIM_CHECK(event.value < FD_COUNT && is_open[event.value]);
        is_open[event.value] = false;
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        SIM_CHECK(++*ready <= *accepted);
        break;
    case ZMQ_EVENT_LISTENING:
    case ZMQ_EVENT_ACCEPT_FAILED:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        break;
    default:
        sim_fail("event %#x of a listening socket", (unsigned)event.event);
    }
}

struct watch {
    void *dial_events, *listen_events;
    enum dial_state state;
    uint8_t is_open[FD_COUNT];
    unsigned dials, ready, accepted;
};

static void watch_look(struct watch *watch)
{
    struct talk_event event;

    while ((event = talk_next_event(watch->dial_events, 0)).event) {
        watch->state = dial_follow(watch->state, event.event);
        watch->dials += watch->state == READY;
    }
    while ((event = talk_next_event(watch->listen_events, 0)).event)
        listen_follow(watch->is_open, event, &watch->ready, &watch->accepted);
}

static void watch_run(void *arg)
{
    enum talk_transport transport = *(const enum talk_transport *)arg;
    struct watch watch = {.state = IDLE};
    char endpoint[TALK_ENDPOINT_MAX];
    void *ctx = talk_context();
    void *listening = talk_socket(ctx, ZMQ_DEALER);
    void *dialling = talk_socket(ctx, ZMQ_DEALER);
    struct talk_message message;
    uint32_t i;

    watch.listen_events = talk_monitor(ctx, listening, "listening");
    watch.dial_events = talk_monitor(ctx, dialling, "dialling");
    talk_bind(listening, transport, 0, endpoint);
    TALK_OK(zmq_connect(dialling, endpoint));
    for (i = 0; i < TALK_COUNT_MAX && watch.dials < 4; i++) {
        talk_send(dialling, (struct talk_message){TALK_SMALL, i});
        (void)talk_recv(listening, &message, 20);
        watch_look(&watch);
    }
    SIM_CHECK(watch.dials >= 4);
    talk_set(dialling, ZMQ_LINGER, 0);
    TALK_OK(zmq_disconnect(dialling, endpoint));
    TALK_OK(zmq_close(dialling));
    TALK_OK(zmq_close(listening));
    TALK_OK(zmq_close(watch.dial_events));
    TALK_OK(zmq_close(watch.listen_events));
    TALK_OK(zmq_ctx_term(ctx));
}

static void monitors_tell_each_step_and_in_order(void **state)
{
    static enum talk_transport transports[] = {TALK_TCP, TALK_IPC};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    config.reset = 1000;
    config.reset_bytes_max = 800;
    config.refuse_connect = 200;
    config.accept_aborted = 100;
    config.accept_no_fd = 100;
    for (i = 0; i < 2; i++)
        sim_run_seeds(SEEDS, &config, watch_run, &transports[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_leaves_and_returns_loses_nothing),
        cmocka_unit_test(monitors_tell_each_step_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
