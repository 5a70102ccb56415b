/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Receives the events of a socket, and knows what they mean.
 *
 * Thread: one owner.
 * Owns: nothing.
 */
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#define WATCH_ENDPOINT "inproc://cero-watch"

static const struct watch_kind watch_kinds[] = {
    {ZMQ_EVENT_CONNECTED, "connected", "connected to", WATCH_FD, true},
    {ZMQ_EVENT_CONNECT_DELAYED, "connect_delayed", NULL, WATCH_NOTHING, false},
    {ZMQ_EVENT_CONNECT_RETRIED, "connect_retried", NULL, WATCH_MS, false},
    {ZMQ_EVENT_LISTENING, "listening", NULL, WATCH_FD, false},
    {ZMQ_EVENT_BIND_FAILED, "bind_failed", NULL, WATCH_ERROR, false},
    {ZMQ_EVENT_ACCEPTED, "accepted", "accepted a peer at", WATCH_FD, true},
    {ZMQ_EVENT_ACCEPT_FAILED, "accept_failed", NULL, WATCH_ERROR, false},
    {ZMQ_EVENT_CLOSED, "closed", NULL, WATCH_FD, false},
    {ZMQ_EVENT_CLOSE_FAILED, "close_failed", NULL, WATCH_ERROR, false},
    {ZMQ_EVENT_DISCONNECTED, "disconnected", "lost the peer at", WATCH_FD,
     false},
    {ZMQ_EVENT_MONITOR_STOPPED, "monitor_stopped", NULL, WATCH_NOTHING, false},
    {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, "handshake_succeeded", "ready with",
     WATCH_NOTHING, true},
    {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, "handshake_failed_no_detail",
     "no handshake with", WATCH_ERROR, false},
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, "handshake_failed_protocol",
     "not a ZeroMQ peer at", WATCH_CODE, false},
    {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, "handshake_failed_auth",
     "not admitted at", WATCH_CODE, false},
};

static const struct watch_kind watch_unknown = {
    .name = "unknown",
    .value = WATCH_CODE,
};

enum { WATCH_KINDS = sizeof watch_kinds / sizeof watch_kinds[0] };

void *watch_open(void *ctx, void *socket)
{
    void *watch;
    int error;

    if (zmq_socket_monitor(socket, WATCH_ENDPOINT, ZMQ_EVENT_ALL) != 0)
        return NULL;
    watch = zmq_socket(ctx, ZMQ_PAIR);
    if (watch && zmq_connect(watch, WATCH_ENDPOINT) == 0)
        return watch;
    error = errno;
    if (watch)
        zmq_close(watch);
    errno = error;
    return NULL;
}

static const struct watch_kind *watch_find(int number)
{
    for (int i = 0; i < WATCH_KINDS; i++) {
        if (watch_kinds[i].number == number)
            return &watch_kinds[i];
    }
    return &watch_unknown;
}

/* An event is two frames: its number in 16 bits and its value in 32, then
 * the endpoint. */
bool watch_receive(void *watch, struct watch_event *event)
{
    size_t room = sizeof event->endpoint - 1;
    unsigned char head[6];
    uint16_t number;
    int size = zmq_recv(watch, head, sizeof head, ZMQ_DONTWAIT);

    if (size < (int)sizeof head)
        return false;
    memcpy(&number, head, sizeof number);
    memcpy(&event->value, head + sizeof number, sizeof event->value);
    event->kind = watch_find(number);
    size = zmq_recv(watch, event->endpoint, room, 0);
    if (size < 0)
        return false;
    event->endpoint[(size_t)size < room ? (size_t)size : room] = '\0';
    return true;
}

void watch_describe(const struct watch_event *event, char *text, size_t size)
{
    const char *endpoint = event->endpoint[0] ? event->endpoint : "-";

    switch (event->kind->value) {
    case WATCH_FD:
        snprintf(text, size, "%s fd %u", endpoint, event->value);
        break;
    case WATCH_ERROR:
        snprintf(text, size, "%s: %s", endpoint,
                 event->value ? zmq_strerror((int)event->value) : "closed");
        break;
    case WATCH_MS:
        snprintf(text, size, "%s %u ms", endpoint, event->value);
        break;
    case WATCH_CODE:
        snprintf(text, size, "%s 0x%x", endpoint, event->value);
        break;
    case WATCH_NOTHING:
        snprintf(text, size, "%s", endpoint);
        break;
    }
}
