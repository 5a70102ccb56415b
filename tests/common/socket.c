/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Short forms of what tests do with a socket.
 *
 * Thread: the main thread of a test.
 */
#include "common/socket.h"

#include <errno.h>

#define SOCKET_TEXT_MAX 256

void set_int(void *socket, int option, int value)
{
    assert_ok(zmq_setsockopt(socket, option, &value, sizeof(value)));
}

int get_int(void *socket, int option)
{
    int value = -12345;
    size_t size = sizeof(value);

    assert_ok(zmq_getsockopt(socket, option, &value, &size));
    assert_int_equal(size, sizeof(value));
    return value;
}

void last_endpoint(void *socket, char endpoint[256])
{
    size_t size = 256;

    assert_ok(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

void send_text(void *socket, const char *text, int flags)
{
    size_t size = strlen(text);

    assert_int_equal(zmq_send(socket, text, size, flags), size);
}

void expect_text(void *socket, const char *text)
{
    char buffer[SOCKET_TEXT_MAX + 1] = "";
    int size = zmq_recv(socket, buffer, SOCKET_TEXT_MAX, 0);

    assert_ok(size);
    assert_true(size <= SOCKET_TEXT_MAX);
    buffer[size] = '\0';
    assert_string_equal(buffer, text);
}

void expect_part(void *socket, const char *text, bool has_more)
{
    expect_text(socket, text);
    assert_int_equal(get_int(socket, ZMQ_RCVMORE), has_more);
}

void send_number(void *socket, uint32_t number)
{
    assert_int_equal(zmq_send(socket, &number, sizeof(number), 0),
                     sizeof(number));
}

uint32_t receive_number(void *socket)
{
    uint32_t number = 0;
    int size = zmq_recv(socket, &number, sizeof(number), 0);

    assert_ok(size);
    assert_int_equal(size, sizeof(number));
    return number;
}

void expect_nothing(void *socket)
{
    char byte;

    assert_fails(zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
}

void expect_nothing_for_a_while(void *socket)
{
    assert_false(is_ready(socket, ZMQ_POLLIN, GLANCE_MS));
    expect_nothing(socket);
}

bool is_ready(void *socket, short event, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = event};
    int count = zmq_poll(&item, 1, timeout_ms);

    assert_ok(count);
    return count == 1 && (item.revents & event) != 0;
}

void wait_for(void *socket, short event)
{
    assert_true(is_ready(socket, event, PATIENCE_MS));
}

void limit_buffers(void *sender, void *receiver)
{
    set_int(sender, ZMQ_SNDHWM, 100);
    set_int(sender, ZMQ_SNDBUF, 4096);
    set_int(receiver, ZMQ_RCVHWM, 100);
    set_int(receiver, ZMQ_RCVBUF, 4096);
}

uint32_t send_until_full(void *socket, uint32_t limit, int timeout_ms)
{
    uint32_t count = 0;

    for (;;) {
        while (zmq_send(socket, &count, sizeof(count), ZMQ_DONTWAIT) != -1) {
            count++;
            assert_true(count <= limit);
        }
        assert_int_equal(zmq_errno(), EAGAIN);
        if (timeout_ms == 0 || !is_ready(socket, ZMQ_POLLOUT, timeout_ms))
            return count;
    }
}
