/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The events of a socket, read one by one.
 *
 * Thread: the main thread of a test.
 */
#include "common/monitor.h"

#include "common/socket.h"

#include <errno.h>

#define MONITOR_EVENT_SIZE 6

void *monitor_open(struct env *env, void *socket, int events)
{
    char endpoint[ENDPOINT_MAX];
    void *monitor = env_socket(env, ZMQ_PAIR);

    snprintf(endpoint, sizeof(endpoint), "inproc://monitor-%u",
             env->endpoint_count++);
    assert_ok(zmq_socket_monitor(socket, endpoint, events));
    assert_ok(zmq_connect(monitor, endpoint));
    return monitor;
}

bool monitor_next(void *monitor, struct monitor_event *event, int timeout_ms)
{
    unsigned char head[MONITOR_EVENT_SIZE];
    uint16_t number;
    int size;

    if (!is_ready(monitor, ZMQ_POLLIN, timeout_ms))
        return false;
    assert_int_equal(zmq_recv(monitor, head, sizeof(head), 0), sizeof(head));
    assert_int_equal(get_int(monitor, ZMQ_RCVMORE), 1);
    memcpy(&number, head, sizeof(number));
    memcpy(&event->value, head + sizeof(number), sizeof(event->value));
    event->event = number;
    size = zmq_recv(monitor, event->address, ENDPOINT_MAX - 1, 0);
    assert_in_range(size, 0, ENDPOINT_MAX - 1);
    assert_int_equal(get_int(monitor, ZMQ_RCVMORE), 0);
    event->address[size] = '\0';
    assert_int_equal(strlen(event->address), size);
    return true;
}

struct monitor_event monitor_expect(void *monitor, int event)
{
    struct monitor_event got = {.event = 0};

    assert_true(monitor_next(monitor, &got, PATIENCE_MS));
    assert_int_equal(got.event, event);
    return got;
}

struct monitor_event monitor_wait(void *monitor, int event)
{
    struct monitor_event got = {.event = 0};

    do {
        assert_true(monitor_next(monitor, &got, PATIENCE_MS));
    } while (got.event != event);
    return got;
}

void monitor_expect_nothing(void *monitor)
{
    struct monitor_event got = {.event = 0};

    if (monitor_next(monitor, &got, GLANCE_MS))
        fail_msg("unexpected event %#x of %s", (unsigned)got.event,
                 got.address);
}
