/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One PUSH to many PULL, and many PUSH to one PULL: a ventilator hands out
 * numbers in turn, workers square them, and a sink adds up what comes back.
 *
 * A program for ZeroMQ 2.1: see docs/classic.md.
 */
#include "check.h"

#include <pthread.h>

#define WORKERS 8
#define NUMBERS 1000

static void send_number(void *socket, long number)
{
    zmq_msg_t msg;
    int rc = zmq_msg_init_size(&msg, sizeof number);

    CHECK(rc == 0);
    memcpy(zmq_msg_data(&msg), &number, sizeof number);
    rc = zmq_send(socket, &msg, 0);
    CHECK(rc == 0);
    zmq_msg_close(&msg);
}

static long receive_number(void *socket)
{
    zmq_msg_t msg;
    long number;
    int rc = zmq_msg_init(&msg);

    CHECK(rc == 0);
    rc = zmq_recv(socket, &msg, 0);
    CHECK(rc == 0 && zmq_msg_size(&msg) == sizeof number);
    memcpy(&number, zmq_msg_data(&msg), sizeof number);
    zmq_msg_close(&msg);
    return number;
}

/* Squares as many as are its share: they are dealt out one by one. */
static void *worker_thread(void *context)
{
    void *pull = zmq_socket(context, ZMQ_PULL);
    void *push = zmq_socket(context, ZMQ_PUSH);
    int rc, i;

    CHECK(pull && push);
    rc = zmq_connect(push, "inproc://results");
    CHECK(rc == 0);
    rc = zmq_connect(pull, "inproc://numbers");
    CHECK(rc == 0);
    send_number(push, 0);
    for (i = 0; i < NUMBERS / WORKERS; i++) {
        long number = receive_number(pull);

        send_number(push, number * number);
    }
    zmq_close(pull);
    zmq_close(push);
    return NULL;
}

int main(void)
{
    pthread_t threads[WORKERS];
    void *context = zmq_init(1);
    void *push, *pull;
    long sum = 0;
    int rc, i;

    CHECK(context);
    push = zmq_socket(context, ZMQ_PUSH);
    pull = zmq_socket(context, ZMQ_PULL);
    CHECK(push && pull);
    rc = zmq_bind(push, "inproc://numbers");
    CHECK(rc == 0);
    rc = zmq_bind(pull, "inproc://results");
    CHECK(rc == 0);
    for (i = 0; i < WORKERS; i++) {
        rc = pthread_create(&threads[i], NULL, worker_thread, context);
        CHECK(rc == 0);
    }
    /* They get the same share if they are all there: each says 0 when it is. */
    for (i = 0; i < WORKERS; i++)
        CHECK(receive_number(pull) == 0);
    for (i = 1; i <= NUMBERS; i++)
        send_number(push, i);
    for (i = 1; i <= NUMBERS; i++)
        sum += receive_number(pull);
    printf("the squares of 1 to %d add up to %ld\n", NUMBERS, sum);
    for (i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    zmq_close(push);
    zmq_close(pull);
    rc = zmq_term(context);
    CHECK(rc == 0);
    return 0;
}
