/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Opens, watches and closes the tool's one socket.
 *
 * Thread: the main thread.
 * Owns: the context, the socket and the socket that carries its events.
 */
#include "link.h"

#include "stop.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#define LINK_WATCH_ENDPOINT "inproc://cero-watch"

static const struct {
    int error;
    const char *advice;
} link_advice[] = {
    {EINVAL, "write it as TRANSPORT://ADDRESS, for example "
             "tcp://127.0.0.1:5555, tcp://*:5555 or ipc:///tmp/jobs"},
    {EPROTONOSUPPORT, "this library does not know that transport; "
                      "tcp://HOST:PORT and ipc://PATH always work"},
    {ENOCOMPATPROTO, "this kind of socket cannot use that transport; "
                     "tcp://HOST:PORT and ipc://PATH work"},
    {EADDRINUSE, "another socket listens there; choose another address, "
                 "or * as the port to get a free one"},
    {EADDRNOTAVAIL, "this machine has no such address; "
                    "* listens on all that it has"},
    {ENODEV, "this machine has no such network interface; "
             "* listens on all that it has"},
    {EACCES, "permission denied; below port 1024, or in that directory, "
             "only root may listen"},
    {ENOENT, "the directory does not exist; create it first"},
    {ENAMETOOLONG, "the path is too long; choose one under 100 characters"},
    {EMFILE, "too many open files; raise the limit with ulimit -n"},
};

static const struct {
    int event;
    bool is_peer; /* it proves that a peer is there */
    const char *text;
} link_events[] = {
    {ZMQ_EVENT_CONNECTED, true, "connected to"},
    {ZMQ_EVENT_ACCEPTED, true, "accepted a peer at"},
    {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, true, "ready with"},
    {ZMQ_EVENT_DISCONNECTED, false, "lost the peer at"},
    {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, false, "no handshake with"},
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, false, "not a ZeroMQ peer at"},
    {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, false, "not admitted at"},
};

enum {
    LINK_ADVICE = sizeof link_advice / sizeof link_advice[0],
    LINK_EVENTS = sizeof link_events / sizeof link_events[0]
};

void link_warn(int error, const char *action, const char *endpoint)
{
    const char *advice = NULL;

    for (int i = 0; i < LINK_ADVICE && endpoint; i++) {
        if (link_advice[i].error == error)
            advice = link_advice[i].advice;
    }
    warnx("%s%s%s: %s%s%s", action, endpoint ? " " : "",
          endpoint ? endpoint : "", zmq_strerror(error), advice ? ": " : "",
          advice ? advice : "");
}

static int link_set(struct link *link, int option, int value)
{
    return zmq_setsockopt(link->socket, option, &value, sizeof value);
}

static int link_configure(struct link *link, const struct options *options)
{
    if (options->hwm >= 0 && (link_set(link, ZMQ_SNDHWM, options->hwm) ||
                              link_set(link, ZMQ_RCVHWM, options->hwm)))
        return -1;
    if (options->id && zmq_setsockopt(link->socket, ZMQ_ROUTING_ID, options->id,
                                      strlen(options->id)))
        return -1;
    return 0;
}

/* Without a watch the tool still works; it then only takes it for granted
 * that somebody is there. */
static void link_open_watch(struct link *link)
{
    int events = 0;

    for (int i = 0; i < LINK_EVENTS; i++)
        events |= link_events[i].event;
    link->had_peer = true;
    if (zmq_socket_monitor(link->socket, LINK_WATCH_ENDPOINT, events) != 0)
        return;
    link->watch = zmq_socket(link->ctx, ZMQ_PAIR);
    if (!link->watch)
        return;
    if (zmq_connect(link->watch, LINK_WATCH_ENDPOINT) != 0) {
        zmq_close(link->watch);
        link->watch = NULL;
        return;
    }
    link->had_peer = false;
}

static int link_attach(struct link *link, const struct attachment *attachment)
{
    const char *endpoint = attachment->endpoint;
    char bound[1024];
    size_t size = sizeof bound;
    int rc = attachment->is_bind ? zmq_bind(link->socket, endpoint)
                                 : zmq_connect(link->socket, endpoint);

    if (rc != 0) {
        int error = errno;

        link_warn(error,
                  attachment->is_bind ? "cannot bind" : "cannot connect to",
                  endpoint);
        return -error;
    }
    if (!link->is_verbose || !attachment->is_bind)
        return 0;
    if (zmq_getsockopt(link->socket, ZMQ_LAST_ENDPOINT, bound, &size) == 0)
        endpoint = bound;
    warnx("listening at %s", endpoint);
    return 0;
}

int link_open(struct link *link, int type, const struct options *options)
{
    int error = 0;

    *link = (struct link){.is_verbose = options->is_verbose};
    link->ctx = zmq_ctx_new();
    if (link->ctx)
        link->socket = zmq_socket(link->ctx, type);
    if (!link->socket || link_configure(link, options) != 0) {
        error = errno;
        link_warn(error, "cannot open a socket", NULL);
        goto fail;
    }
    link_open_watch(link);
    for (size_t i = 0; i < options->attachment_count; i++) {
        error = -link_attach(link, &options->attachments[i]);
        if (error != 0)
            goto fail;
    }
    return 0;
fail:
    link_close(link, 0);
    return -error;
}

/* An event is two frames: its number in the first 16 bits, then the
 * endpoint. */
static bool link_receive_event(struct link *link, int *event, char *endpoint,
                               size_t capacity)
{
    unsigned char head[6];
    uint16_t number;
    int size;

    if (zmq_recv(link->watch, head, sizeof head, ZMQ_DONTWAIT) < 2)
        return false;
    memcpy(&number, head, sizeof number);
    *event = number;
    size = zmq_recv(link->watch, endpoint, capacity - 1, 0);
    if (size < 0)
        return false;
    endpoint[(size_t)size < capacity - 1 ? (size_t)size : capacity - 1] = '\0';
    return true;
}

void link_update(struct link *link)
{
    char endpoint[256];
    int event;

    if (!link->watch)
        return;
    while (link_receive_event(link, &event, endpoint, sizeof endpoint)) {
        for (int i = 0; i < LINK_EVENTS; i++) {
            if (link_events[i].event != event)
                continue;
            link->had_peer |= link_events[i].is_peer;
            if (link->is_verbose)
                warnx("%s %s", link_events[i].text, endpoint);
        }
    }
}

int link_close(struct link *link, int linger_ms)
{
    int rc = 0;

    if (link->socket) {
        link_set(link, ZMQ_LINGER, linger_ms);
        zmq_socket_monitor(link->socket, NULL, 0);
        zmq_close(link->socket);
    }
    if (link->watch)
        zmq_close(link->watch);
    if (link->ctx) {
        /* A signal before this one is the reason that we are here. */
        int before = stop_signal();

        do {
            rc = zmq_ctx_term(link->ctx) == 0 ? 0 : -errno;
        } while (rc == -EINTR && stop_signal() == before);
    }
    *link = (struct link){0};
    return rc;
}
