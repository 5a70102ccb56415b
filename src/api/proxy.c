/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Proxies: zmq_proxy(3), zmq_proxy_steerable(3), zmq_device.
 *
 * A proxy is two lanes, one each way. A lane that has something to move
 * waits until the far socket has room and meanwhile does not look at the
 * near one, so that a full side holds up its own lane only and nothing
 * spins. A message is taken only when it can be passed on: what the proxy
 * cannot deliver stays in the queue that it came from.
 *
 * It uses the public calls alone: a program could do the same.
 *
 * Thread: the caller's. Owns: nothing; the sockets stay the caller's.
 */
#include "base/compiler.h"
#include "zmq.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How many messages a lane moves before the other one has its turn. */
enum { PROXY_BURST = 1000 };

enum { FRONTEND, BACKEND, CONTROL, SOCKETS };

struct traffic {
    uint64_t messages;
    uint64_t bytes;
};

struct side {
    void *socket;
    struct traffic received;
    struct traffic sent;
};

struct lane {
    struct side *from;
    struct side *to;
    bool is_full; /* `from` has a message, `to` has no room */
};

struct proxy {
    struct side sides[2]; /* FRONTEND, BACKEND */
    struct lane lanes[2];
    bool is_echo;  /* both sides are one socket: one lane, out again */
    void *capture; /* may be NULL */
    void *control; /* may be NULL */
    bool is_paused;
    bool is_ended;
};

/* ---- moving messages ------------------------------------------------ */

/* Whether the socket has this event now: 1, 0, or -1 with errno set. */
static int socket_has(void *socket, int event)
{
    size_t size = sizeof(int);
    int events;

    if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) < 0)
        return -1;
    return (events & event) != 0;
}

static void count_part(struct traffic *traffic, size_t size, bool has_more)
{
    traffic->bytes += size;
    traffic->messages += !has_more;
}

/* Sends a copy to the capture socket, if there is one. */
static int capture_part(const struct proxy *proxy, zmq_msg_t *msg, int flags)
{
    zmq_msg_t copy;
    int error;

    if (!proxy->capture)
        return 0;
    (void)zmq_msg_init(&copy);
    if (zmq_msg_copy(&copy, msg) == 0 &&
        zmq_msg_send(&copy, proxy->capture, flags) >= 0)
        return 0;
    error = errno;
    (void)zmq_msg_close(&copy);
    errno = error;
    return -1;
}

/* Receives one part. 1; 0: there is none now; or -1. */
static int lane_receive(struct lane *lane, zmq_msg_t *msg)
{
    if (zmq_msg_recv(msg, lane->from->socket, ZMQ_DONTWAIT) < 0)
        /* EFSM: a REP that must answer first, a REQ that must ask. */
        return errno == EAGAIN || errno == EFSM ? 0 : -1;
    count_part(&lane->from->received, zmq_msg_size(msg), zmq_msg_more(msg));
    return 1;
}

/* Passes on a message whose first part is in `msg`. What follows the first
 * part of a message never has to be waited for, on either side. 1 or -1. */
static int lane_pass_on(struct proxy *proxy, struct lane *lane, zmq_msg_t *msg)
{
    for (;;) {
        size_t size = zmq_msg_size(msg);
        int flags = zmq_msg_more(msg) ? ZMQ_SNDMORE : 0;
        int rc;

        if (capture_part(proxy, msg, flags) < 0 ||
            zmq_msg_send(msg, lane->to->socket, flags) < 0)
            return -1;
        count_part(&lane->to->sent, size, flags);
        if (!flags)
            return 1;
        rc = lane_receive(lane, msg);
        if (rc <= 0)
            return -1;
    }
}

/* Moves messages as long as there are some and there is room for them, up
 * to a burst. 0 or -1. */
static int lane_run(struct proxy *proxy, struct lane *lane, zmq_msg_t *msg)
{
    int rc = 1;

    for (int i = 0; i < PROXY_BURST && rc > 0; i++) {
        rc = socket_has(lane->to->socket, ZMQ_POLLOUT);
        lane->is_full = rc == 0;
        if (rc > 0)
            rc = lane_receive(lane, msg);
        if (rc > 0)
            rc = lane_pass_on(proxy, lane, msg);
    }
    return rc < 0 ? -1 : 0;
}

/* ---- control -------------------------------------------------------- */

/* Without blocking: who asks and does not listen cannot hold up the proxy,
 * nor can who asks by a socket that has no way back. 1: sent; 0; -1. */
static int control_send(void *control, const void *data, size_t size, int flags)
{
    if (zmq_send(control, data, size, flags | ZMQ_DONTWAIT) >= 0)
        return 1;
    return errno == EAGAIN || errno == ENOTSUP ? 0 : -1;
}

static int control_send_statistics(const struct proxy *proxy)
{
    const struct side *front = &proxy->sides[FRONTEND];
    const struct side *back = &proxy->sides[BACKEND];
    const uint64_t numbers[] = {
        front->received.messages, front->received.bytes,   front->sent.messages,
        front->sent.bytes,        back->received.messages, back->received.bytes,
        back->sent.messages,      back->sent.bytes,
    };
    const size_t count = CZ_COUNT_OF(numbers);
    int rc = 1;

    for (size_t i = 0; i < count && rc > 0; i++)
        rc = control_send(proxy->control, &numbers[i], sizeof numbers[i],
                          i < count - 1 ? ZMQ_SNDMORE : 0);
    return rc;
}

/* REP must answer before it can receive again; others get no answer. */
static int control_acknowledge(const struct proxy *proxy)
{
    size_t size = sizeof(int);
    int type;

    if (zmq_getsockopt(proxy->control, ZMQ_TYPE, &type, &size) < 0)
        return -1;
    return type == ZMQ_REP ? control_send(proxy->control, "", 0, 0) : 0;
}

static bool is_command(zmq_msg_t *msg, const char *command)
{
    return zmq_msg_size(msg) == strlen(command) &&
           memcmp(zmq_msg_data(msg), command, strlen(command)) == 0;
}

/* Obeys what is in `msg`; unknown commands are ignored. */
static int control_obey(struct proxy *proxy, zmq_msg_t *msg)
{
    if (is_command(msg, "STATISTICS"))
        return control_send_statistics(proxy);
    if (is_command(msg, "PAUSE"))
        proxy->is_paused = true;
    else if (is_command(msg, "RESUME"))
        proxy->is_paused = false;
    else if (is_command(msg, "TERMINATE"))
        proxy->is_ended = true;
    return control_acknowledge(proxy);
}

/* A command is one message of one part. 0 or -1. */
static int control_run(struct proxy *proxy, zmq_msg_t *msg)
{
    bool has_parts = false;

    if (zmq_msg_recv(msg, proxy->control, ZMQ_DONTWAIT) < 0)
        return errno == EAGAIN ? 0 : -1;
    while (zmq_msg_more(msg)) {
        has_parts = true;
        if (zmq_msg_recv(msg, proxy->control, 0) < 0)
            return -1;
    }
    if (has_parts)
        return control_acknowledge(proxy) < 0 ? -1 : 0;
    return control_obey(proxy, msg) < 0 ? -1 : 0;
}

/* ---- the loop ------------------------------------------------------- */

/* Waits for something to do, and does it. 0 or -1. */
static int proxy_turn(struct proxy *proxy, zmq_msg_t *msg)
{
    zmq_pollitem_t items[SOCKETS] = {
        [FRONTEND] = {.socket = proxy->sides[FRONTEND].socket},
        [BACKEND] = {.socket = proxy->sides[BACKEND].socket},
        [CONTROL] = {.socket = proxy->control, .events = ZMQ_POLLIN},
    };
    const int both = proxy->is_echo ? 1 : 2;
    const int lanes = proxy->is_paused ? 0 : both;

    for (int i = 0; i < lanes; i++) {
        if (proxy->lanes[i].is_full)
            items[!i].events |= ZMQ_POLLOUT;
        else
            items[i].events |= ZMQ_POLLIN;
    }
    if (zmq_poll(items, proxy->control ? SOCKETS : CONTROL, -1) < 0)
        return -1;
    if (items[CONTROL].revents)
        return control_run(proxy, msg);
    for (int i = 0; i < lanes; i++) {
        struct lane *lane = &proxy->lanes[i];
        int ready = lane->is_full ? items[!i].revents & ZMQ_POLLOUT
                                  : items[i].revents & ZMQ_POLLIN;

        if (ready && lane_run(proxy, lane, msg) < 0)
            return -1;
    }
    return 0;
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture,
                        void *control)
{
    struct proxy proxy = {
        .sides = {[FRONTEND] = {.socket = frontend},
                  [BACKEND] = {.socket = backend}},
        .is_echo = frontend == backend,
        .capture = capture,
        .control = control,
    };
    zmq_msg_t msg;
    int rc = 0, error;

    if (!frontend || !backend) {
        errno = EFAULT;
        return -1;
    }
    for (int i = FRONTEND; i <= BACKEND; i++)
        proxy.lanes[i] =
            (struct lane){.from = &proxy.sides[i], .to = &proxy.sides[!i]};
    (void)zmq_msg_init(&msg);
    while (rc == 0 && !proxy.is_ended)
        rc = proxy_turn(&proxy, &msg);
    error = errno;
    (void)zmq_msg_close(&msg);
    errno = error;
    return rc;
}

int zmq_proxy(void *frontend, void *backend, void *capture)
{
    return zmq_proxy_steerable(frontend, backend, capture, NULL);
}

int zmq_device(int kind, void *frontend, void *backend)
{
    (void)kind;
    return zmq_proxy(frontend, backend, NULL);
}
