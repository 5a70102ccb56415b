/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Requests and their answers: one ROUTER or REP, and DEALERs and REQs that
 * come and go, over connections that are slow and split but hold. Every
 * request is heard once, whole and in order, every answer comes to who asked,
 * and nobody waits for ever.
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

enum { SEEDS = 100, CLIENTS = 4, EACH = 12, WINDOW_MAX = 4, ID_MAX = 255 };

struct office {
    enum talk_transport transport;
    int type;       /* ROUTER or REP */
    bool has_marks; /* then there is no more than one request under way */
    void *ctx, *server;
    char endpoint[TALK_ENDPOINT_MAX];
    struct talk_book heard, answered;
};

struct client {
    struct office *office;
    unsigned index, visits;
    void *socket;
    bool is_req;
    struct cz_thread thread;
};

/* ---- Clients ---- */

static void client_open(struct client *client)
{
    struct office *office = client->office;
    char id[] = {'a', (char)('0' + client->index),
                 (char)('0' + client->visits++)};

    client->is_req = sim_random(2);
    client->socket =
        talk_socket(office->ctx, client->is_req ? ZMQ_REQ : ZMQ_DEALER);
    if (office->has_marks)
        talk_set_marks(client->socket);
    /* Never the same id twice: who is still there would be in its way. */
    if (sim_random(2))
        TALK_OK(zmq_setsockopt(client->socket, ZMQ_ROUTING_ID, id, sizeof id));
    if (client->is_req && sim_random(2)) {
        talk_set(client->socket, ZMQ_REQ_CORRELATE, 1);
        talk_set(client->socket, ZMQ_REQ_RELAXED, 1);
    }
    TALK_OK(zmq_connect(client->socket, office->endpoint));
}

static void client_ask(struct client *client, unsigned number)
{
    struct talk_message message = {client->index, number};

    if (!client->is_req) {
        TALK_OK(zmq_send(client->socket, "", 0, ZMQ_SNDMORE));
        SIM_CHECK(talk_try_send(client->socket, message, 0) == 0);
    } else {
        talk_send(client->socket, message);
    }
}

static void client_hear(struct client *client, unsigned number)
{
    struct talk_message message;
    char byte;

    if (!client->is_req) {
        SIM_CHECK(zmq_recv(client->socket, &byte, 1, 0) == 0);
        SIM_CHECK(talk_try_recv(client->socket, &message, 0) == 0);
    } else {
        SIM_CHECK(talk_recv(client->socket, &message, -1));
    }
    SIM_CHECK(message.sender == client->index && message.number == number);
    talk_book_enter(&client->office->answered, message);
}

static void client_run(void *arg)
{
    struct client *client = arg;
    unsigned number = 0, count, i;

    client_open(client);
    while (number < EACH) {
        if (sim_random(5) == 0) {
            TALK_OK(zmq_close(client->socket));
            client_open(client);
        }
        count = 1;
        if (!client->is_req && !client->office->has_marks)
            count += (unsigned)sim_random(WINDOW_MAX);
        if (count > EACH - number)
            count = EACH - number;
        for (i = 0; i < count; i++)
            client_ask(client, number + i);
        if (sim_random(4) == 0)
            sim_sleep_us(sim_random(3000));
        for (i = 0; i < count; i++)
            client_hear(client, number + i);
        number += count;
    }
    TALK_OK(zmq_close(client->socket));
}

/* ---- The server ---- */

/* Everything before the body, which goes back as it is. REP shows none. */
struct envelope {
    char frames[3][ID_MAX];
    int sizes[3];
    int count;
};

/* Waits in zmq_poll or in zmq_recv. */
static void read_envelope(void *server, struct envelope *envelope)
{
    zmq_pollitem_t item = {.socket = server, .events = ZMQ_POLLIN};
    int size = -1;

    if (sim_random(2))
        TALK_OK(zmq_poll(&item, 1, -1));
    while (size != 0) {
        SIM_CHECK(envelope->count < 3);
        size = zmq_recv(server, envelope->frames[envelope->count], ID_MAX, 0);
        TALK_OK(size);
        SIM_CHECK(talk_get(server, ZMQ_RCVMORE));
        envelope->sizes[envelope->count++] = size;
    }
}

static void write_envelope(void *server, const struct envelope *envelope)
{
    int i;

    for (i = 0; i < envelope->count; i++)
        TALK_OK(zmq_send(server, envelope->frames[i],
                         (size_t)envelope->sizes[i], ZMQ_SNDMORE));
}

static void office_serve(struct office *office)
{
    struct envelope envelope = {.count = 0};
    struct talk_message message;

    if (office->type == ZMQ_ROUTER) {
        read_envelope(office->server, &envelope);
        SIM_CHECK(talk_try_recv(office->server, &message, 0) == 0);
    } else {
        SIM_CHECK(talk_recv(office->server, &message, -1));
    }
    talk_book_enter(&office->heard, message);
    if (sim_random(8) == 0)
        sim_sleep_us(sim_random(2000));
    write_envelope(office->server, &envelope);
    SIM_CHECK(talk_try_send(office->server, message, 0) == 0);
}

static void office_run(void *arg)
{
    const struct office *plan = arg;
    struct office office = *plan;
    struct client clients[CLIENTS];
    unsigned i;

    office.ctx = talk_context();
    office.server = talk_socket(office.ctx, office.type);
    /* REP drops what there is no room for; a ROUTER may wait. */
    office.has_marks = office.type == ZMQ_ROUTER && sim_random(2);
    if (office.has_marks) {
        talk_set_marks(office.server);
        talk_set(office.server, ZMQ_ROUTER_MANDATORY, 1);
    }
    talk_bind(office.server, office.transport, 0, office.endpoint);
    for (i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.office = &office, .index = i};
        SIM_CHECK(cz_thread_start(&clients[i].thread, NULL, client_run,
                                  &clients[i]) == 0);
    }
    while (office.heard.total < CLIENTS * EACH)
        office_serve(&office);
    for (i = 0; i < CLIENTS; i++)
        cz_thread_join(&clients[i].thread);
    SIM_CHECK(office.answered.total == CLIENTS * EACH);
    TALK_OK(zmq_close(office.server));
    TALK_OK(zmq_ctx_term(office.ctx));
}

static void office_over_all(int type)
{
    struct sim_config config = sim_stormy();
    int transport;

    for (transport = 0; transport <= TALK_INPROC; transport++) {
        struct office plan = {
            .transport = (enum talk_transport)transport,
            .type = type,
        };

        sim_run_seeds(SEEDS, &config, office_run, &plan);
    }
}

static void router_hears_and_answers_all_who_come_and_go(void **state)
{
    (void)state;
    office_over_all(ZMQ_ROUTER);
}

static void rep_hears_and_answers_all_who_come_and_go(void **state)
{
    (void)state;
    office_over_all(ZMQ_REP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router_hears_and_answers_all_who_come_and_go),
        cmocka_unit_test(rep_hears_and_answers_all_who_come_and_go),
    };

    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
