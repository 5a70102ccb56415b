/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Routing ids.
 *
 * Thread: the main thread of a test.
 */
#include "common/id.h"

#include "common/socket.h"

#include <errno.h>

void set_text(void *socket, int option, const char *text)
{
    assert_ok(zmq_setsockopt(socket, option, text, strlen(text)));
}

struct id id_receive(void *socket)
{
    struct id id = {.size = 0};
    int size = zmq_recv(socket, id.bytes, sizeof(id.bytes), 0);

    assert_ok(size);
    assert_in_range(size, 1, ID_MAX);
    assert_int_equal(get_int(socket, ZMQ_RCVMORE), 1);
    id.size = (size_t)size;
    return id;
}

struct id id_receive_text(void *socket, const char *text)
{
    struct id id = id_receive(socket);

    expect_part(socket, text, false);
    return id;
}

void id_send(void *socket, const struct id *id)
{
    assert_int_equal(zmq_send(socket, id->bytes, id->size, ZMQ_SNDMORE),
                     id->size);
}

void id_send_text(void *socket, const struct id *id, const char *text)
{
    id_send(socket, id);
    send_text(socket, text, 0);
}

bool id_is_generated(const struct id *id)
{
    return id->size == ID_GENERATED_SIZE && id->bytes[0] == 0;
}

bool id_is_equal(const struct id *a, const struct id *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

void wait_unknown(void *socket, const void *id, size_t size)
{
    int flags = ZMQ_SNDMORE | ZMQ_DONTWAIT;

    for (;;) {
        if (zmq_send(socket, id, size, flags) != -1)
            send_text(socket, "there?", 0);
        else if (zmq_errno() != EAGAIN)
            break;
        /* libzmq learns from reading who has gone, and a peer may be full
         * till then. */
        expect_nothing(socket);
    }
    assert_int_equal(zmq_errno(), EHOSTUNREACH);
}

void send_to(void *socket, const char *id, const char *text)
{
    send_text(socket, id, ZMQ_SNDMORE);
    send_text(socket, text, 0);
}

void expect_from(void *socket, const char *id, const char *text)
{
    expect_part(socket, id, true);
    expect_part(socket, text, false);
}
