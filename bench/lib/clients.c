/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Asynchronous clients as bare descriptors. Requests and replies are frames
 * of one size, so counting bytes counts frames.
 *
 * Thread: one.
 * Owns:   see lib/clients.h.
 */
#include "lib/clients.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/bench.h"
#include "lib/wire.h"

#define EVENTS_MAX 256
#define READ_MAX 65536

struct bench_client {
    int fd;
    size_t partial; /* bytes of a reply that has not come completely */
};

static void watch(struct bench_clients *clients, int fd, void *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

    bench_check(epoll_ctl(clients->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0,
                "epoll_ctl");
}

void bench_clients_open(struct bench_clients *clients, const char *endpoint)
{
    size_t bytes;

    clients->frame_size = wire_frame_size(clients->size);
    bytes = READ_MAX + clients->in_flight * clients->frame_size;
    clients->requests = calloc(1, bytes);
    clients->clients = calloc(clients->count, sizeof *clients->clients);
    bench_check(clients->requests && clients->clients, "allocate clients");
    wire_frames(clients->requests, bytes / clients->frame_size, clients->size);
    clients->epoll_fd = epoll_create1(0);
    clients->echo_fd = -1;
    bench_check(clients->epoll_fd >= 0, "epoll_create1");
    for (size_t i = 0; i < clients->count; i++) {
        clients->clients[i].fd = wire_greet(endpoint, "DEALER");
        watch(clients, clients->clients[i].fd, &clients->clients[i]);
    }
}

void bench_clients_add_echo(struct bench_clients *clients, const char *endpoint)
{
    clients->echo_fd = wire_greet(endpoint, "DEALER");
    watch(clients, clients->echo_fd, NULL);
}

static void request(struct bench_clients *clients, struct bench_client *client,
                    size_t count)
{
    wire_write(client->fd, clients->requests, count * clients->frame_size);
}

void bench_clients_start(struct bench_clients *clients)
{
    for (size_t i = 0; i < clients->count; i++)
        request(clients, &clients->clients[i], clients->in_flight);
}

static void take_replies(struct bench_clients *clients,
                         struct bench_client *client)
{
    uint8_t bytes[READ_MAX];
    ssize_t more = read(client->fd, bytes, sizeof bytes);
    size_t have, replies;

    bench_check(more > 0, "read replies");
    have = client->partial + (size_t)more;
    replies = have / clients->frame_size;
    client->partial = have % clients->frame_size;
    clients->replies += replies;
    if (replies > 0)
        request(clients, client, replies);
}

static void echo(struct bench_clients *clients)
{
    uint8_t bytes[READ_MAX];
    ssize_t more = read(clients->echo_fd, bytes, sizeof bytes);

    bench_check(more > 0, "read requests");
    wire_write(clients->echo_fd, bytes, (size_t)more);
}

void bench_clients_turn(struct bench_clients *clients)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(clients->epoll_fd, events, EVENTS_MAX, 10000);

    bench_check(count > 0, "wait for replies");
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            take_replies(clients, events[i].data.ptr);
        else
            echo(clients);
    }
}
