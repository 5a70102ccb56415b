/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connections that are reset by chance under traffic, again and again:
 * nothing comes twice or torn, and when the weather is fair again, all that
 * is sent arrives.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* So many messages are sent before the weather turns. */
enum { STORM = 30 };

struct weather {
    enum talk_transport transport;
    bool push_listens;
    unsigned pushes, pulls;
    void *ctx;
    char endpoints[TALK_SENDERS_MAX][TALK_ENDPOINT_MAX];
    struct talk_book book;
    bool is_fair;                      /* no resets are planned any more */
    bool is_through[TALK_SENDERS_MAX]; /* something sent since has come */
};

struct walker {
    struct weather *weather;
    unsigned index;
    void *socket;
    struct cz_thread thread;
};

static bool weather_is_over(const struct weather *weather)
{
    unsigned i;

    for (i = 0; i < weather->pushes; i++)
        if (!weather->is_through[i])
            return false;
    return true;
}

static void walker_connect(struct walker *walker, bool is_push)
{
    struct weather *weather = walker->weather;
    unsigned count = is_push ? weather->pulls : weather->pushes, i;

    if (is_push == weather->push_listens)
        return;
    for (i = 0; i < count; i++)
        TALK_OK(zmq_connect(walker->socket, weather->endpoints[i]));
}

static void walker_push(void *arg)
{
    struct walker *walker = arg;
    struct weather *weather = walker->weather;
    uint32_t number = 0;

    walker_connect(walker, true);
    while (!weather->is_through[walker->index]) {
        struct talk_message message = {walker->index, number};

        SIM_CHECK(number < TALK_COUNT_MAX);
        /* Fair weather from now on, but for the connections that there are. */
        if (number == STORM)
            sim_set_faults(&(struct sim_config){.split_read = 100});
        talk_send(walker->socket, message);
        sim_sleep_us(number++ < STORM ? sim_random(3) * 1000 : 100000);
    }
    talk_set(walker->socket, ZMQ_LINGER, 0);
    TALK_OK(zmq_close(walker->socket));
}

static void walker_pull(void *arg)
{
    struct walker *walker = arg;
    struct weather *weather = walker->weather;
    struct talk_order order = {{0}};
    struct talk_message message;

    walker_connect(walker, false);
    while (!weather_is_over(weather)) {
        if (!talk_recv(walker->socket, &message, 50))
            continue;
        /* Two connections of one peer, the lost one and the next, are two
         * queues to a PULL that listens: each is in order. */
        if (weather->push_listens)
            talk_order_check(&order, message);
        talk_book_enter(&weather->book, message);
        if (message.number >= STORM)
            weather->is_through[message.sender] = true;
    }
    talk_set(walker->socket, ZMQ_LINGER, 0);
    TALK_OK(zmq_close(walker->socket));
}

static void weather_run(void *arg)
{
    const struct weather *plan = arg;
    struct weather weather = *plan;
    struct walker walkers[2 * TALK_SENDERS_MAX];
    unsigned count = weather.pushes + weather.pulls, i;

    weather.ctx = talk_context();
    weather.push_listens = sim_random(2);
    for (i = 0; i < count; i++) {
        struct walker *walker = &walkers[i];
        bool is_push = i < weather.pushes;

        walker->weather = &weather;
        walker->index = is_push ? i : i - weather.pushes;
        walker->socket =
            talk_socket(weather.ctx, is_push ? ZMQ_PUSH : ZMQ_PULL);
        if (is_push == weather.push_listens)
            talk_bind(walker->socket, weather.transport, walker->index,
                      weather.endpoints[walker->index]);
    }
    for (i = 0; i < count; i++)
        SIM_CHECK(
            cz_thread_start(&walkers[i].thread, NULL,
                            i < weather.pushes ? walker_push : walker_pull,
                            &walkers[i]) == 0);
    for (i = 0; i < count; i++)
        cz_thread_join(&walkers[i].thread);
    TALK_OK(zmq_ctx_term(weather.ctx));
}

static void nothing_comes_twice_or_torn_in_any_weather(void **state)
{
    static const enum talk_transport transports[] = {TALK_TCP, TALK_IPC};
    struct sim_config config = sim_stormy();
    size_t i;

    (void)state;
    config.reset = 500;
    config.reset_bytes_max = 1500;
    for (i = 0; i < 2; i++) {
        struct weather one = {
            .transport = transports[i], .pushes = 1, .pulls = 1};
        struct weather many = {
            .transport = transports[i], .pushes = 3, .pulls = 2};

        sim_run_seeds(150, &config, weather_run, &one);
        sim_run_seeds(50, &config, weather_run, &many);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_comes_twice_or_torn_in_any_weather),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
