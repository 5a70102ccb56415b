/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ROUTER and REP, and clients that come and go: each opens a socket, asks for
 * a while and leaves, most of them when they have all their answers, some
 * without waiting for any. Every request is heard once, whole and in order,
 * and every answer that is waited for comes.
 *
 * The seed is printed; CZ_SEED repeats a run, as far as threads can.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread serves; each client has one of its own, in which
 * nothing is checked.
 */
#include "common/env.h"
#include "common/random.h"
#include "common/socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { CLIENTS = 6, VISITS = 100, REQUESTS_MAX = 20, PARTS_MAX = 3 };

struct request {
    uint32_t client;
    uint32_t visit;
    uint32_t number;
    uint32_t parts; /* that follow this one */
};

struct soak {
    void *ctx;
    char endpoint[ENDPOINT_MAX];
    _Atomic uint32_t sent;
    _Atomic uint32_t done; /* clients */
};

struct client {
    struct soak *soak;
    uint32_t index;
    uint64_t random;
    const char *fault;
    pthread_t thread;
};

/* ---- messages ------------------------------------------------------- */

/* How large a part is, and what is in it, follows from whose it is. */
static size_t part_size(const struct request *request, uint32_t part)
{
    uint32_t mixed = request->client * 7 + request->visit * 31 +
                     request->number * 101 + part * 257;

    return mixed % 50 == 0 ? 20000 : mixed % 300;
}

static int send_parts(void *socket, const struct request *request)
{
    char body[20000];
    int flags = request->parts ? ZMQ_SNDMORE : 0;

    memset(body, (int)request->number, sizeof(body));
    if (zmq_send(socket, request, sizeof(*request), flags) == -1)
        return -1;
    for (uint32_t i = 1; i <= request->parts; i++)
        if (zmq_send(socket, body, part_size(request, i),
                     i < request->parts ? ZMQ_SNDMORE : 0) == -1)
            return -1;
    return 0;
}

static bool has_more(void *socket)
{
    int more = 0;
    size_t size = sizeof(more);

    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

/* What is wrong with it, or NULL. */
static const char *receive_parts(void *socket, struct request *request)
{
    char body[20000];
    int size = zmq_recv(socket, request, sizeof(*request), 0);

    if (size == -1)
        return zmq_strerror(errno);
    if (size != sizeof(*request) || request->parts > PARTS_MAX)
        return "not a request";
    for (uint32_t i = 1; i <= request->parts; i++) {
        if (!has_more(socket))
            return "a part is missing";
        size = zmq_recv(socket, body, sizeof(body), 0);
        if (size != (int)part_size(request, i))
            return "a part has another size";
        if (size > 0 && (body[0] != (char)request->number ||
                         body[size - 1] != (char)request->number))
            return "a part is not this request's";
    }
    return has_more(socket) ? "there is a part too many" : NULL;
}

/* ---- clients: a DEALER makes its envelopes itself ------------------- */

static const char *await_answer(void *socket, bool is_req,
                                const struct request *request)
{
    struct request answer;
    const char *fault;
    char byte;

    if (!is_req && (zmq_recv(socket, &byte, 1, 0) != 0 || !has_more(socket)))
        return "an answer without its envelope";
    fault = receive_parts(socket, &answer);
    if (!fault && memcmp(&answer, request, sizeof(answer)) != 0)
        fault = "the answer to something else";
    return fault;
}

static const char *ask(struct client *client, void *socket, bool is_req,
                       const struct request *request)
{
    if (!is_req && zmq_send(socket, "", 0, ZMQ_SNDMORE) == -1)
        return "cannot send an envelope";
    if (send_parts(socket, request) == -1)
        return "cannot send a request";
    atomic_fetch_add(&client->soak->sent, 1);
    return NULL;
}

/* With one request after the other, or all of them ahead of the answers. */
static const char *visit_with(struct client *client, void *socket, bool is_req,
                              uint32_t visit)
{
    struct request requests[REQUESTS_MAX];
    uint32_t count = 1 + random_below(&client->random, REQUESTS_MAX);
    bool is_pipelined = !is_req && random_below(&client->random, 2);
    bool leaves_early = random_below(&client->random, 4) == 0;
    const char *fault = NULL;

    for (uint32_t i = 0; i < count && !fault; i++) {
        requests[i] = (struct request){
            .client = client->index,
            .visit = visit,
            .number = i,
            .parts = random_below(&client->random, PARTS_MAX + 1),
        };
        fault = ask(client, socket, is_req, &requests[i]);
        if (!fault && leaves_early && i + 1 == count)
            return NULL;
        if (!fault && !is_pipelined)
            fault = await_answer(socket, is_req, &requests[i]);
    }
    for (uint32_t i = 0; i < count && is_pipelined && !fault; i++)
        fault = await_answer(socket, is_req, &requests[i]);
    return fault;
}

static const char *visit(struct client *client, uint32_t number)
{
    bool is_req = random_below(&client->random, 2);
    void *socket = zmq_socket(client->soak->ctx, is_req ? ZMQ_REQ : ZMQ_DEALER);
    int patience = PATIENCE_MS;
    int linger = -1;
    const char *fault = NULL;
    char id[32];

    if (!socket)
        return "no socket";
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof(patience));
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof(patience));
    /* Never the same id twice: who is still there would be in its way. */
    snprintf(id, sizeof(id), "client %u, visit %u", client->index, number);
    if (random_below(&client->random, 2))
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, strlen(id));
    if (zmq_connect(socket, client->soak->endpoint) == -1)
        fault = "cannot connect";
    else
        fault = visit_with(client, socket, is_req, number);
    zmq_close(socket);
    return fault;
}

static void *client_run(void *arg)
{
    struct client *client = arg;

    for (uint32_t i = 0; i < VISITS && !client->fault; i++)
        client->fault = visit(client, i);
    atomic_fetch_add(&client->soak->done, 1);
    return NULL;
}

/* ---- the server ----------------------------------------------------- */

/* What has been heard last of each client. */
struct book {
    struct request last[CLIENTS];
    bool has_come[CLIENTS];
    uint32_t count;
};

/* Within a visit there is an order; between two there is none, since each has
 * a connection of its own. */
static void book_enter(struct book *book, const struct request *request)
{
    const struct request *last;

    assert_true(request->client < CLIENTS);
    last = &book->last[request->client];
    if (book->has_come[request->client] && last->visit == request->visit)
        assert_true(request->number > last->number);
    book->has_come[request->client] = true;
    book->last[request->client] = *request;
    book->count++;
}

/* A ROUTER sees the envelope, and gives it back: id and delimiter. */
static void serve_one(void *server, int type, struct book *book)
{
    struct request request;
    unsigned char id[255];
    int id_size = 0;
    const char *fault;

    if (type == ZMQ_ROUTER) {
        id_size = zmq_recv(server, id, sizeof(id), 0);
        assert_true(id_size > 0);
        assert_true(has_more(server));
        expect_part(server, "", true);
    }
    fault = receive_parts(server, &request);
    if (fault)
        fail_msg("%s", fault);
    book_enter(book, &request);
    if (type == ZMQ_ROUTER) {
        assert_ok(zmq_send(server, id, (size_t)id_size, ZMQ_SNDMORE));
        send_text(server, "", ZMQ_SNDMORE);
    }
    assert_ok(send_parts(server, &request));
}

static void soak(struct env *env, int type)
{
    struct soak soak = {.ctx = env->ctx};
    struct client clients[CLIENTS];
    struct book book = {.count = 0};
    void *server = env_socket(env, type);
    int64_t deadline = now_ms() + PATIENCE_MS;
    uint64_t seed = random_seed();

    if (!is_ceromq())
        skip(); /* it has been seen to abort here */
    env_bind(env, server, soak.endpoint);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.soak = &soak, .index = i};
        clients[i].random = seed + i * 1000003;
        assert_int_equal(
            pthread_create(&clients[i].thread, NULL, client_run, &clients[i]),
            0);
    }
    while (atomic_load(&soak.done) < CLIENTS ||
           book.count < atomic_load(&soak.sent)) {
        assert_true(now_ms() < deadline);
        if (is_ready(server, ZMQ_POLLIN, 10))
            serve_one(server, type, &book);
    }
    assert_int_equal(book.count, atomic_load(&soak.sent));
    expect_nothing(server);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        if (clients[i].fault)
            fail_msg("client %u: %s", i, clients[i].fault);
    }
}

static void router_hears_and_answers_all_who_come_and_go(void **state)
{
    soak(*state, ZMQ_ROUTER);
}

static void rep_hears_and_answers_all_who_come_and_go(void **state)
{
    soak(*state, ZMQ_REP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(router_hears_and_answers_all_who_come_and_go),
        ON_EACH(rep_hears_and_answers_all_who_come_and_go),
    };

    return cmocka_run_group_tests_name("route_soak", tests, NULL, NULL);
}
