/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connections that nothing happens to, but that bytes are split and late,
 * descriptors lie, and threads overtake each other anywhere: every message
 * arrives once, whole, and in the order of its sender.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SEEDS = 60, TRANSPORTS = TALK_INPROC + 1 };

/* Senders and receivers, each with a thread and a socket of its own. Those
 * of one side bind, and all of the other side connect to all of them. */
struct scene {
    enum talk_transport transport;
    bool senders_bind;
    unsigned senders, receivers;
    unsigned each; /* messages of a sender */

    void *send_ctx, *recv_ctx;
    char endpoints[TALK_SENDERS_MAX][TALK_ENDPOINT_MAX];
    struct talk_book book;
};

struct actor {
    struct scene *scene;
    unsigned index;
    void *socket;
    struct cz_thread thread;
};

static bool scene_is_over(const struct scene *scene)
{
    return scene->book.total == scene->senders * scene->each;
}

static void actor_connect(struct actor *actor, bool is_sender)
{
    struct scene *scene = actor->scene;
    unsigned count = is_sender ? scene->receivers : scene->senders, i;

    if (is_sender == scene->senders_bind)
        return;
    for (i = 0; i < count; i++)
        TALK_OK(zmq_connect(actor->socket, scene->endpoints[i]));
}

static void sender_run(void *arg)
{
    struct actor *actor = arg;
    unsigned i;

    actor_connect(actor, true);
    for (i = 0; i < actor->scene->each; i++) {
        if (sim_random(10) == 0)
            talk_set_marks(actor->socket);
        talk_send(actor->socket, (struct talk_message){actor->index, i});
    }
    TALK_OK(zmq_close(actor->socket));
}

static void receiver_run(void *arg)
{
    struct actor *actor = arg;
    struct scene *scene = actor->scene;
    struct talk_order order = {{0}};
    struct talk_message message;
    /* Who is the only one waits without end, and a lost wake-up shows. */
    int timeout_ms = scene->receivers == 1 ? -1 : 50;

    actor_connect(actor, false);
    while (!scene_is_over(scene)) {
        if (sim_random(10) == 0)
            talk_set_marks(actor->socket);
        if (!talk_recv(actor->socket, &message, timeout_ms))
            continue;
        talk_order_check(&order, message);
        talk_book_enter(&scene->book, message);
    }
    SIM_CHECK(!talk_recv(actor->socket, &message, 0));
    TALK_OK(zmq_close(actor->socket));
}

static void actor_prepare(struct actor *actor, struct scene *scene,
                          unsigned index, bool is_sender)
{
    int type = is_sender ? ZMQ_PUSH : ZMQ_PULL;

    actor->scene = scene;
    actor->index = index;
    actor->socket =
        talk_socket(is_sender ? scene->send_ctx : scene->recv_ctx, type);
    talk_set_marks(actor->socket);
    if (is_sender == scene->senders_bind)
        talk_bind(actor->socket, scene->transport, index,
                  scene->endpoints[index]);
}

static void scene_run(struct scene *scene)
{
    struct actor actors[2 * TALK_SENDERS_MAX];
    unsigned count = scene->senders + scene->receivers, i;
    bool is_shared = scene->transport == TALK_INPROC || sim_random(4) == 0;

    scene->send_ctx = talk_context();
    scene->recv_ctx = is_shared ? scene->send_ctx : talk_context();
    for (i = 0; i < count; i++)
        actor_prepare(&actors[i], scene,
                      i < scene->senders ? i : i - scene->senders,
                      i < scene->senders);
    for (i = 0; i < count; i++)
        SIM_CHECK(
            cz_thread_start(&actors[i].thread, NULL,
                            i < scene->senders ? sender_run : receiver_run,
                            &actors[i]) == 0);
    for (i = 0; i < count; i++)
        cz_thread_join(&actors[i].thread);
    TALK_OK(zmq_ctx_term(scene->send_ctx));
    if (!is_shared)
        TALK_OK(zmq_ctx_term(scene->recv_ctx));
}

static void pipeline_run(void *arg)
{
    const struct scene *plan = arg;
    struct scene scene = *plan;

    scene.senders_bind = sim_random(2);
    scene_run(&scene);
}

static void pipeline_over_all(unsigned senders, unsigned receivers,
                              unsigned each)
{
    struct sim_config config = sim_stormy();
    int transport;

    for (transport = 0; transport < TRANSPORTS; transport++) {
        struct scene plan = {
            .transport = (enum talk_transport)transport,
            .senders = senders,
            .receivers = receivers,
            .each = each,
        };

        sim_run_seeds(SEEDS, &config, pipeline_run, &plan);
    }
}

static void what_is_pushed_is_pulled_once_whole_and_in_order(void **state)
{
    (void)state;
    pipeline_over_all(1, 1, 40);
}

static void several_pushers_keep_their_orders(void **state)
{
    (void)state;
    pipeline_over_all(4, 1, 12);
}

static void several_pullers_share_and_miss_nothing(void **state)
{
    (void)state;
    pipeline_over_all(1, 3, 30);
}

static void all_to_all_misses_nothing(void **state)
{
    (void)state;
    pipeline_over_all(3, 3, 12);
}

/* ---- Both ways at once ---- */

/* Number 0 is the dealer that binds; it spreads what it sends over the
 * others, which all send to it. Over inproc, PAIR: there is one other. */
struct exchange {
    enum talk_transport transport;
    int type;
    unsigned others;
    unsigned each;
    void *ctx;
    char endpoint[TALK_ENDPOINT_MAX];
    struct talk_book book; /* what the others have sent, and what they got */
};

struct party {
    struct exchange *exchange;
    unsigned index;
    void *socket;
    struct cz_thread thread;
};

static unsigned exchange_total(const struct exchange *exchange)
{
    return 2 * exchange->others * exchange->each;
}

static void party_take(struct party *party, struct talk_order *order,
                       int timeout_ms)
{
    struct talk_message message;

    if (!talk_recv(party->socket, &message, timeout_ms))
        return;
    SIM_CHECK((message.sender == 0) == (party->index != 0));
    talk_order_check(order, message);
    talk_book_enter(&party->exchange->book, message);
}

static void party_run(void *arg)
{
    struct party *party = arg;
    struct exchange *exchange = party->exchange;
    unsigned sends =
        party->index == 0 ? exchange->others * exchange->each : exchange->each;
    struct talk_order order = {{0}};
    unsigned sent = 0;

    if (party->index != 0)
        TALK_OK(zmq_connect(party->socket, exchange->endpoint));
    while (sent < sends) {
        struct talk_message message = {party->index, sent};
        zmq_pollitem_t item = {.socket = party->socket,
                               .events = ZMQ_POLLIN | ZMQ_POLLOUT};

        TALK_OK(zmq_poll(&item, 1, -1));
        if (item.revents & ZMQ_POLLIN)
            party_take(party, &order, 0);
        if (item.revents & ZMQ_POLLOUT && sim_random(3) > 0) {
            SIM_CHECK(talk_try_send(party->socket, message, ZMQ_DONTWAIT) == 0);
            sent++;
        }
    }
    while (exchange->book.total < exchange_total(exchange))
        party_take(party, &order, 50);
    TALK_OK(zmq_close(party->socket));
}

static void exchange_run(void *arg)
{
    const struct exchange *plan = arg;
    struct exchange exchange = *plan;
    struct party parties[TALK_SENDERS_MAX];
    unsigned i;

    exchange.ctx = talk_context();
    for (i = 0; i <= exchange.others; i++) {
        parties[i].exchange = &exchange;
        parties[i].index = i;
        parties[i].socket = talk_socket(exchange.ctx, exchange.type);
        talk_set_marks(parties[i].socket);
    }
    talk_bind(parties[0].socket, exchange.transport, 0, exchange.endpoint);
    for (i = 0; i <= exchange.others; i++)
        SIM_CHECK(cz_thread_start(&parties[i].thread, NULL, party_run,
                                  &parties[i]) == 0);
    for (i = 0; i <= exchange.others; i++)
        cz_thread_join(&parties[i].thread);
    TALK_OK(zmq_ctx_term(exchange.ctx));
}

static void exchange_over_all(int type, unsigned others, unsigned each)
{
    struct sim_config config = sim_stormy();
    int transport;

    for (transport = 0; transport < TRANSPORTS; transport++) {
        struct exchange plan = {
            .transport = (enum talk_transport)transport,
            .type = type,
            .others = others,
            .each = each,
        };

        sim_run_seeds(SEEDS, &config, exchange_run, &plan);
    }
}

static void two_dealers_talk_both_ways_at_once(void **state)
{
    (void)state;
    exchange_over_all(ZMQ_DEALER, 1, 20);
}

static void a_dealer_deals_to_three_and_hears_them_all(void **state)
{
    (void)state;
    exchange_over_all(ZMQ_DEALER, 3, 10);
}

static void a_pair_talks_both_ways_at_once(void **state)
{
    (void)state;
    exchange_over_all(ZMQ_PAIR, 1, 20);
}

/* ---- In no time ---- */

/* Far less than one lease of the reactor or one nap of the I/O thread. */
enum { ROUNDS = 30, ROUNDS_US_MAX = 500 };

/* Sends back what comes. */
static void echo_run(void *arg)
{
    struct talk_message message;
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        SIM_CHECK(talk_recv(arg, &message, -1));
        talk_send(arg, message);
    }
    /* Who has answered many and neither waits nor sends may let the last
     * answer rest: so this one waits. */
    SIM_CHECK(talk_recv(arg, &message, -1));
}

static void ping_run(void *arg)
{
    enum talk_transport transport = *(const enum talk_transport *)arg;
    void *ctx = talk_context();
    void *ping = talk_socket(ctx, ZMQ_DEALER);
    void *pong = talk_socket(ctx, ZMQ_DEALER);
    char endpoint[TALK_ENDPOINT_MAX];
    struct talk_message message;
    struct cz_thread thread;
    uint64_t start_us;
    unsigned i;

    talk_bind(pong, transport, 0, endpoint);
    TALK_OK(zmq_connect(ping, endpoint));
    SIM_CHECK(cz_thread_start(&thread, NULL, echo_run, pong) == 0);
    start_us = cz_clock_us();
    for (i = 0; i < ROUNDS; i++) {
        talk_send(ping, (struct talk_message){TALK_SMALL, i});
        SIM_CHECK(talk_recv(ping, &message, -1));
        SIM_CHECK(message.number == i);
    }
    SIM_CHECK(cz_clock_us() - start_us < ROUNDS_US_MAX);
    talk_send(ping, (struct talk_message){TALK_SMALL, ROUNDS});
    cz_thread_join(&thread);
    TALK_OK(zmq_close(ping));
    TALK_OK(zmq_close(pong));
    TALK_OK(zmq_ctx_term(ctx));
}

static void a_round_trip_waits_for_no_clock(void **state)
{
    /* Plenty of room, so that nothing waits for it either. */
    struct sim_config config = {.buffer_bytes = 65536};
    int transport;

    (void)state;
    for (transport = 0; transport < TRANSPORTS; transport++) {
        enum talk_transport which = (enum talk_transport)transport;

        sim_run_seeds(SEEDS, &config, ping_run, &which);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_pushed_is_pulled_once_whole_and_in_order),
        cmocka_unit_test(several_pushers_keep_their_orders),
        cmocka_unit_test(several_pullers_share_and_miss_nothing),
        cmocka_unit_test(all_to_all_misses_nothing),
        cmocka_unit_test(two_dealers_talk_both_ways_at_once),
        cmocka_unit_test(a_dealer_deals_to_three_and_hears_them_all),
        cmocka_unit_test(a_pair_talks_both_ways_at_once),
        cmocka_unit_test(a_round_trip_waits_for_no_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
