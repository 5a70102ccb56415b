/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Monitors and raw peers.
 *
 * Thread: simulated ones. Owns: nothing.
 */
#include "sim/talk/events.h"

#include "base/compiler.h"
#include "os/clock.h"
#include "sim/talk/talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *talk_monitor(void *ctx, void *socket, const char *name)
{
    char endpoint[TALK_ENDPOINT_MAX];
    void *monitor = talk_socket(ctx, ZMQ_PAIR);

    snprintf(endpoint, sizeof endpoint, "inproc://%s", name);
    TALK_OK(zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_ALL));
    TALK_OK(zmq_connect(monitor, endpoint));
    return monitor;
}

struct talk_event talk_next_event(void *monitor, int timeout_ms)
{
    struct talk_event event = {0};
    uint8_t bytes[TALK_ENDPOINT_MAX];
    uint16_t number;
    int size;

    talk_set(monitor, ZMQ_RCVTIMEO, timeout_ms);
    size = zmq_recv(monitor, bytes, sizeof bytes, 0);
    if (size == -1) {
        SIM_CHECK(zmq_errno() == EAGAIN);
        return event;
    }
    SIM_CHECK(size == 6);
    SIM_CHECK(talk_get(monitor, ZMQ_RCVMORE));
    memcpy(&number, bytes, sizeof number);
    memcpy(&event.value, bytes + 2, sizeof event.value);
    event.event = number;
    TALK_OK(zmq_recv(monitor, bytes, sizeof bytes, ZMQ_DONTWAIT));
    SIM_CHECK(!talk_get(monitor, ZMQ_RCVMORE));
    return event;
}

uint32_t talk_await_event(void *monitor, int event, int timeout_ms)
{
    uint64_t end_us = cz_clock_us() + (uint64_t)timeout_ms * 1000;
    uint64_t now_us;

    while ((now_us = cz_clock_us()) <= end_us) {
        struct talk_event next =
            talk_next_event(monitor, (int)((end_us - now_us + 999) / 1000));

        if (next.event == event)
            return next.value;
        if (next.event == 0)
            break;
    }
    sim_fail("event %#x has not come in %d ms", (unsigned)event, timeout_ms);
}

enum { GREETING_SIZE = 64, READY_SIZE = 28 };

void talk_raw_open(int fd, const char *type)
{
    static const uint8_t signature[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3};
    uint8_t bytes[GREETING_SIZE + 64] = {0};
    uint8_t *at = bytes + GREETING_SIZE;
    size_t length = strlen(type);

    memcpy(bytes, signature, sizeof signature);
    memcpy(bytes + 12, "NULL", 4);
    *at++ = 4; /* a command */
    *at++ = (uint8_t)(6 + 12 + 4 + length);
    memcpy(at, "\5READY\13Socket-Type\0\0\0", 21);
    at += 21;
    *at++ = (uint8_t)length;
    memcpy(at, type, length);
    at += length;
    SIM_CHECK(sim_send(fd, bytes, (size_t)(at - bytes)) == 0);
    SIM_CHECK(sim_recv(fd, bytes, GREETING_SIZE + READY_SIZE) ==
              GREETING_SIZE + READY_SIZE);
    SIM_CHECK(memcmp(bytes + GREETING_SIZE + 2, "\5READY", 6) == 0);
}

uint16_t talk_port(const char *endpoint)
{
    return (uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
}
