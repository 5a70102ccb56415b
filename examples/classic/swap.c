/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A PUSH with ZMQ_SWAP whose reader is away: what is over the high-water mark
 * waits on the disk, until the reader comes.
 *
 *     swap [endpoint]
 *
 * A program for ZeroMQ 2.1: see docs/classic.md.
 */
#include "check.h"

#include <stdint.h>

#define MESSAGES 20000
#define SIZE 1000

/* False when it would have to wait. */
static int try_send(void *socket, long number)
{
    zmq_msg_t msg;
    int rc = zmq_msg_init_size(&msg, SIZE);

    CHECK(rc == 0);
    memset(zmq_msg_data(&msg), 0, SIZE);
    memcpy(zmq_msg_data(&msg), &number, sizeof number);
    rc = zmq_send(socket, &msg, ZMQ_NOBLOCK);
    CHECK(rc == 0 || zmq_errno() == EAGAIN);
    zmq_msg_close(&msg);
    return rc == 0;
}

static void expect(void *socket, long number)
{
    zmq_msg_t msg;
    int rc = zmq_msg_init(&msg);

    CHECK(rc == 0);
    rc = zmq_recv(socket, &msg, 0);
    CHECK(rc == 0 && zmq_msg_size(&msg) == SIZE);
    CHECK(memcmp(zmq_msg_data(&msg), &number, sizeof number) == 0);
    zmq_msg_close(&msg);
}

int main(int argc, char **argv)
{
    const char *endpoint = argc > 1 ? argv[1] : "tcp://127.0.0.1:5555";
    void *context = zmq_init(1);
    void *push, *pull;
    uint64_t mark = 100;
    int64_t swap = 64 * 1024 * 1024;
    long number;
    int rc;

    CHECK(context);
    push = zmq_socket(context, ZMQ_PUSH);
    CHECK(push);
    rc = zmq_setsockopt(push, ZMQ_HWM, &mark, sizeof mark);
    CHECK(rc == 0);
    rc = zmq_setsockopt(push, ZMQ_SWAP, &swap, sizeof swap);
    CHECK(rc == 0);
    rc = zmq_connect(push, endpoint);
    CHECK(rc == 0);
    for (number = 0; number < MESSAGES; number++)
        CHECK(try_send(push, number));
    printf("%d messages went over a mark of %d\n", MESSAGES, (int)mark);

    pull = zmq_socket(context, ZMQ_PULL);
    CHECK(pull);
    rc = zmq_bind(pull, endpoint);
    CHECK(rc == 0);
    for (number = 0; number < MESSAGES; number++)
        expect(pull, number);
    printf("and came in order when the reader was there\n");
    zmq_close(push);
    zmq_close(pull);
    rc = zmq_term(context);
    CHECK(rc == 0);
    return 0;
}
