/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Answers scrapers: a STREAM socket, and of HTTP (RFC 9112) no more than a GET
 * without a body, one to a connection.
 *
 * Thread: the main thread. Owns: the requests that are not complete yet.
 */
#include "attach.h"
#include "cero.h"
#include "link.h"
#include "prometheus.h"
#include "stop.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

enum { CLIENTS_MAX = 64, REQUEST_MAX = 8192, ID_MAX = 256 };

/* A connection that has said something, but not everything. */
struct client {
    size_t id_size; /* 0 = free */
    char id[ID_MAX];
    size_t size;
    char request[REQUEST_MAX];
};

static struct client *client_find(struct client *clients, const char *id,
                                  size_t size)
{
    struct client *free_one = &clients[0];

    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (clients[i].id_size == size && memcmp(clients[i].id, id, size) == 0)
            return &clients[i];
        if (clients[i].id_size == 0)
            free_one = &clients[i];
    }
    /* If all are taken, one who never got to the end has to go. */
    free_one->id_size = size;
    free_one->size = 0;
    memcpy(free_one->id, id, size);
    return free_one;
}

static void serve_send(void *socket, const struct client *client,
                       const char *data, size_t size)
{
    /* Who has gone does not get it. */
    if (zmq_send(socket, client->id, client->id_size,
                 ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(socket, data, size, ZMQ_DONTWAIT);
}

static void serve_answer(void *socket, struct client *client,
                         struct attach *attach)
{
    bool is_get = client->size > 4 && memcmp(client->request, "GET ", 4) == 0;
    char *body = NULL, *answer = NULL;
    size_t body_size = 0;
    FILE *out = open_memstream(&body, &body_size);
    int size = -1;

    if (out && is_get) {
        attach_sweep(attach);
        (void)attach_scan(attach);
        prometheus_print(attach, out);
    }
    if (out && fclose(out) == 0)
        size = asprintf(&answer,
                        "HTTP/1.1 %s\r\n"
                        "Content-Type: text/plain; version=0.0.4\r\n"
                        "Content-Length: %zu\r\n"
                        "Connection: close\r\n\r\n%s",
                        is_get ? "200 OK" : "405 Method Not Allowed", body_size,
                        body);
    if (size >= 0) {
        serve_send(socket, client, answer, (size_t)size);
        free(answer);
    }
    free(body);
    serve_send(socket, client, "", 0); /* hangs up */
    client->id_size = 0;
}

/* Takes what has come over one connection. False: there is nothing. */
static bool serve_receive(void *socket, struct client *clients,
                          struct attach *attach)
{
    char id[ID_MAX];
    char data[REQUEST_MAX];
    struct client *client;
    int id_size = zmq_recv(socket, id, sizeof id, ZMQ_DONTWAIT);
    int size = id_size > 0 ? zmq_recv(socket, data, sizeof data, 0) : -1;

    if (size < 0 || id_size > ID_MAX)
        return false;
    client = client_find(clients, id, (size_t)id_size);
    if (size == 0) { /* it has come, or gone */
        client->id_size = 0;
        return true;
    }
    if ((size_t)size > sizeof client->request - client->size)
        size = (int)(sizeof client->request - client->size);
    memcpy(client->request + client->size, data, (size_t)size);
    client->size += (size_t)size;
    if (client->size == sizeof client->request ||
        memmem(client->request, client->size, "\r\n\r\n", 4))
        serve_answer(socket, client, attach);
    return true;
}

static int serve_loop(void *socket, struct attach *attach)
{
    zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                              {.fd = stop_fd(), .events = ZMQ_POLLIN}};
    struct client *clients = calloc(CLIENTS_MAX, sizeof *clients);
    int code = CERO_OK;

    if (!clients)
        return CERO_ERROR;
    while (code == CERO_OK) {
        while (serve_receive(socket, clients, attach))
            continue;
        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR) {
            link_warn(errno, "cannot wait for scrapers", NULL);
            code = CERO_ERROR;
        }
        if (stop_signal())
            code = CERO_SIGNAL + stop_signal();
    }
    free(clients);
    return code;
}

int prometheus_serve(struct attach *attach, const char *address)
{
    void *ctx = zmq_ctx_new();
    void *socket = ctx ? zmq_socket(ctx, ZMQ_STREAM) : NULL;
    struct attachment attachment = {.is_bind = true};
    char *endpoint = NULL;
    int code = CERO_ERROR;

    if (!socket || asprintf(&endpoint, "tcp://%s", address) < 0) {
        link_warn(errno, "cannot serve", NULL);
    } else {
        attachment.endpoint = endpoint;
        if (link_attach(socket, &attachment, true) == 0)
            code = serve_loop(socket, attach);
        free(endpoint);
    }
    if (socket)
        zmq_close(socket);
    if (ctx)
        (void)link_close_ctx(ctx);
    return code;
}
