/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Opens, watches and closes the tool's one socket.
 *
 * Thread: the main thread.
 * Owns: the context, the socket and the socket that carries its events.
 */
#include "link.h"

#include "buffer.h"
#include "stop.h"
#include "watch.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

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

enum { LINK_ADVICE = sizeof link_advice / sizeof link_advice[0] };

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

static int link_set_text(struct link *link, int option, const char *text)
{
    return zmq_setsockopt(link->socket, option, text, strlen(text));
}

/* An XSUB socket subscribes by a message. */
static int link_subscribe(struct link *link, int type, const char *topic)
{
    struct buffer message = {0};
    int rc = -1;

    if (type == ZMQ_SUB)
        return link_set_text(link, ZMQ_SUBSCRIBE, topic);
    if (buffer_append(&message, "\1", 1) == 0 &&
        buffer_append(&message, topic, strlen(topic)) == 0)
        rc = zmq_send(link->socket, message.data, buffer_size(&message), 0);
    buffer_fini(&message);
    return rc < 0 ? -1 : 0;
}

static int link_configure(struct link *link, const struct options *options)
{
    const struct pattern *pattern = options->pattern;

    if (options->hwm >= 0 && (link_set(link, ZMQ_SNDHWM, options->hwm) ||
                              link_set(link, ZMQ_RCVHWM, options->hwm)))
        return -1;
    if (options->id && link_set_text(link, ZMQ_ROUTING_ID, options->id))
        return -1;
    if (options->peer_id &&
        link_set_text(link, ZMQ_CONNECT_ROUTING_ID, options->peer_id))
        return -1;
    if (pattern->switched_on && link_set(link, pattern->switched_on, 1))
        return -1;
    for (size_t i = 0; i < options->topic_count; i++) {
        if (link_subscribe(link, pattern->type, options->topics[i]))
            return -1;
    }
    return 0;
}

/* Without a watch the tool still works; it then only takes it for granted
 * that somebody is there. */
static void link_open_watch(struct link *link)
{
    link->watch = watch_open(link->ctx, link->socket);
    link->had_peer = !link->watch;
    if (!link->watch && !link->hears)
        link->peer_count = UINT64_MAX;
}

int link_attach(void *socket, const struct attachment *attachment,
                bool is_verbose)
{
    const char *endpoint = attachment->endpoint;
    char bound[1024];
    size_t size = sizeof bound;
    int rc = attachment->is_bind ? zmq_bind(socket, endpoint)
                                 : zmq_connect(socket, endpoint);

    if (rc != 0) {
        int error = errno;

        link_warn(error,
                  attachment->is_bind ? "cannot bind" : "cannot connect to",
                  endpoint);
        return -error;
    }
    if (!is_verbose || !attachment->is_bind)
        return 0;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size) == 0)
        endpoint = bound;
    warnx("listening at %s", endpoint);
    return 0;
}

int link_open(struct link *link, const struct options *options)
{
    const struct pattern *pattern = options->pattern;
    int error = 0;

    *link = (struct link){
        .is_verbose = options->is_verbose,
        .hears = pattern->traits & PATTERN_HEARS,
    };
    link->ctx = zmq_ctx_new();
    if (link->ctx)
        link->socket = zmq_socket(
            link->ctx, pattern->stand_in ? pattern->stand_in : pattern->type);
    if (!link->socket || link_configure(link, options) != 0) {
        error = errno;
        link_warn(error, "cannot open a socket", NULL);
        goto fail;
    }
    link_open_watch(link);
    for (size_t i = 0; i < options->attachment_count; i++) {
        error = -link_attach(link->socket, &options->attachments[i],
                             options->is_verbose);
        if (error != 0)
            goto fail;
    }
    return 0;
fail:
    link_close(link, 0);
    return -error;
}

void link_update(struct link *link)
{
    struct watch_event event;

    while (link->watch && watch_receive(link->watch, &event)) {
        link->had_peer |= event.kind->is_peer;
        link->peer_count +=
            !link->hears && event.kind->number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        if (link->is_verbose && event.kind->told)
            warnx("%s %s", event.kind->told, event.endpoint);
    }
}

int link_close_ctx(void *ctx)
{
    /* A signal before this one is the reason that we are here. */
    int before = stop_signal();
    int rc;

    do {
        rc = zmq_ctx_term(ctx) == 0 ? 0 : -errno;
    } while (rc == -EINTR && stop_signal() == before);
    return rc;
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
    if (link->ctx)
        rc = link_close_ctx(link->ctx);
    *link = (struct link){0};
    return rc;
}
