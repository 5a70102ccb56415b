/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Many asynchronous clients in one thread: bare descriptors that speak ZMTP as
 * DEALER peers, each with so many requests under way. For every reply they
 * send the next request.
 *
 * Thread: one.
 * Owns:   its descriptors; they end with the process.
 */
#ifndef BENCH_LIB_CLIENTS_H
#define BENCH_LIB_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_clients {
    size_t count;
    size_t in_flight; /* requests, each */
    size_t size;      /* of a request's body */
    size_t frame_size;
    int epoll_fd;
    int echo_fd; /* a peer that sends back what it gets, or -1 */
    uint8_t *requests;
    struct bench_client *clients;
    uint64_t replies; /* to all of them */
};

/* Connects them all; each shakes hands and waits for the answer. */
void bench_clients_open(struct bench_clients *clients, const char *endpoint);

/* Besides, one more that sends back every byte. */
void bench_clients_add_echo(struct bench_clients *clients,
                            const char *endpoint);

/* Sends the first requests. */
void bench_clients_start(struct bench_clients *clients);

/* Waits for replies and answers them. */
void bench_clients_turn(struct bench_clients *clients);

#endif
