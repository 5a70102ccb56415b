/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One socket for everybody: a service that is bound over tcp for other hosts,
 * over ipc for other programs and over inproc for its own threads, and that
 * connects to a client that waits to be called. It reads one socket and never
 * knows who came how; and it can leave any of these places without missing a
 * request.
 *
 * docs/multi-endpoint.md walks through it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define CHECK(is_true)                                                         \
    do {                                                                       \
        if (!(is_true)) {                                                      \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #is_true,   \
                    zmq_strerror(zmq_errno()));                                \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

enum { CLIENTS = 4, REQUESTS = 1000 };

struct client {
    void *socket;
    pthread_t thread;
};

/* The name that an endpoint with a wildcard was given. */
static void last_endpoint(void *socket, char endpoint[128])
{
    size_t size = 128;

    CHECK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
}

/* Asks, and has to hear the next number each time. */
static void *ask(void *arg)
{
    void *req = ((struct client *)arg)->socket;

    for (int i = 0; i < REQUESTS; i++) {
        int number = i, answer = 0;

        CHECK(zmq_send(req, &number, sizeof number, 0) != -1);
        CHECK(zmq_recv(req, &answer, sizeof answer, 0) != -1);
        CHECK(answer == number + 1);
    }
    return NULL;
}

static void answer(void *rep, int count)
{
    for (int i = 0; i < count; i++) {
        int number = 0;

        CHECK(zmq_recv(rep, &number, sizeof number, 0) == sizeof number);
        number++;
        CHECK(zmq_send(rep, &number, sizeof number, 0) != -1);
    }
}

int main(void)
{
    static const char *const places[3] = {"tcp://127.0.0.1:*", "ipc://*",
                                          "inproc://service"};
    char endpoints[3][128], callback[128];
    struct client clients[CLIENTS];
    void *context = zmq_ctx_new();
    void *rep = zmq_socket(context, ZMQ_REP);

    CHECK(rep != NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i].socket = zmq_socket(context, ZMQ_REQ);
    /* Three clients come to the service... */
    for (int i = 0; i < 3; i++) {
        CHECK(zmq_bind(rep, places[i]) == 0);
        last_endpoint(rep, endpoints[i]);
        CHECK(zmq_connect(clients[i].socket, endpoints[i]) == 0);
    }
    /* ...and it goes to the fourth. */
    CHECK(zmq_bind(clients[3].socket, "tcp://127.0.0.1:*") == 0);
    last_endpoint(clients[3].socket, callback);
    CHECK(zmq_connect(rep, callback) == 0);

    for (int i = 0; i < CLIENTS; i++)
        CHECK(pthread_create(&clients[i].thread, NULL, ask, &clients[i]) == 0);
    answer(rep, CLIENTS * REQUESTS / 2);
    /* No more new clients. Those that are there do not notice. */
    for (int i = 0; i < 3; i++)
        CHECK(zmq_unbind(rep, endpoints[i]) == 0);
    answer(rep, CLIENTS * REQUESTS / 2);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    CHECK(zmq_disconnect(rep, callback) == 0);
    printf("%d clients were answered %d times each\n", CLIENTS, REQUESTS);

    for (int i = 0; i < CLIENTS; i++)
        CHECK(zmq_close(clients[i].socket) == 0);
    CHECK(zmq_close(rep) == 0);
    CHECK(zmq_ctx_term(context) == 0);
    return 0;
}
