/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Proxies: zmq_proxy(3), zmq_proxy_steerable(3), zmq_device.
 *
 * A proxy is two lanes (api/lane.h), one each way, which have turns. When no
 * lane gets any further, nothing changes about that before a command comes for
 * one of the sockets, and that is what the proxy waits for: a full side holds
 * up its own lane only, and nothing spins.
 *
 * A shortage of memory passes, and to end for it would tear messages apart: the
 * proxy waits a moment and tries again.
 *
 * Thread: the caller's. Owns: the lanes; the sockets stay the caller's.
 */
#include "api/internal.h"
#include "api/lane.h"
#include "api/wait.h"
#include "core/error.h"
#include "os/clock.h"
#include "zmq.h"

#include <string.h>

enum { FRONTEND, BACKEND, CONTROL, SOCKETS };

struct proxy {
    struct cz_lane_side sides[2]; /* FRONTEND, BACKEND */
    struct cz_lane lanes[2];
    int lane_count;            /* 1 if both sides are one socket: out again */
    struct cz_socket *capture; /* may be NULL */
    struct cz_socket *control; /* may be NULL */
    bool is_paused;
    bool is_ended;
};

/* ---- control -------------------------------------------------------- */

enum command { COMMAND_NONE, PAUSE, RESUME, TERMINATE, STATISTICS };

static enum command command_of(const struct cz_frame *frame)
{
    static const char *const texts[] = {
        [PAUSE] = "PAUSE",
        [RESUME] = "RESUME",
        [TERMINATE] = "TERMINATE",
        [STATISTICS] = "STATISTICS",
    };

    for (size_t i = PAUSE; i < CZ_COUNT_OF(texts); i++) {
        if (frame->size == strlen(texts[i]) &&
            memcmp(frame->data, texts[i], frame->size) == 0)
            return (enum command)i;
    }
    return COMMAND_NONE;
}

/* A command is one message of one part; all others are none. 0 or -errno. */
static int control_receive(struct cz_socket *control, enum command *command)
{
    bool has_parts = false;
    struct cz_frame frame;

    do {
        int rc = cz_socket_recv(control, &frame, CZ_DONTWAIT);

        if (rc != 0)
            return rc == -CZ_EFSM ? -EAGAIN : rc;
        has_parts |= frame.flags & CZ_FRAME_MORE;
        *command = has_parts ? COMMAND_NONE : command_of(&frame);
        cz_frame_drop(&frame);
    } while (frame.flags & CZ_FRAME_MORE);
    return 0;
}

/* Without blocking: who asks and does not listen cannot hold up the proxy,
 * nor can who asks by a socket that has no way back. 1: sent; 0; -errno. */
static int control_send(struct cz_socket *control, const void *data,
                        size_t size, int flags)
{
    struct cz_frame frame = {.data = data, .size = size};
    int rc = cz_lane_put(control, &frame, flags | CZ_DONTWAIT);

    if (rc == 0)
        return 1;
    return rc == -EAGAIN || rc == -ENOTSUP ? 0 : rc;
}

static int control_send_statistics(const struct proxy *proxy)
{
    const struct cz_lane_side *front = &proxy->sides[FRONTEND];
    const struct cz_lane_side *back = &proxy->sides[BACKEND];
    const uint64_t numbers[] = {
        front->received.messages, front->received.bytes,   front->sent.messages,
        front->sent.bytes,        back->received.messages, back->received.bytes,
        back->sent.messages,      back->sent.bytes,
    };
    const size_t count = CZ_COUNT_OF(numbers);
    int rc = 1;

    for (size_t i = 0; i < count && rc > 0; i++)
        rc = control_send(proxy->control, &numbers[i], sizeof numbers[i],
                          i < count - 1 ? CZ_SNDMORE : 0);
    return rc;
}

/* Obeys a command, if there is one. 1, 0 or -errno. */
static int control_run(struct proxy *proxy)
{
    enum command command;
    int rc = control_receive(proxy->control, &command);

    if (rc != 0)
        return rc == -EAGAIN ? 0 : rc;
    if (command == PAUSE)
        proxy->is_paused = true;
    else if (command == RESUME)
        proxy->is_paused = false;
    else if (command == TERMINATE)
        proxy->is_ended = true;
    /* REP must answer before it can receive again; others get no answer. */
    if (command == STATISTICS)
        rc = control_send_statistics(proxy);
    else if (proxy->control->ops->type == ZMQ_REP)
        rc = control_send(proxy->control, "", 0, 0);
    return rc < 0 ? rc : 1;
}

/* ---- the loop ------------------------------------------------------- */

/* How often commands were run, in all. */
static uint32_t proxy_runs(const struct proxy *proxy)
{
    return proxy->sides[FRONTEND].socket->mailbox->runs +
           proxy->sides[BACKEND].socket->mailbox->runs +
           (proxy->control ? proxy->control->mailbox->runs : 0);
}

/* One turn of everything. 1: there may be more to do; 0: not before the next
 * command; -errno. */
static int proxy_turn(struct proxy *proxy)
{
    uint32_t runs = proxy_runs(proxy);
    bool has_more = false;
    int rc = 0;

    if (proxy->control) {
        rc = control_run(proxy);
        has_more = rc > 0;
    }
    for (int i = 0; i < proxy->lane_count && rc >= 0; i++) {
        rc = proxy->is_paused || proxy->is_ended
                 ? cz_socket_process(proxy->sides[i].socket)
                 : cz_lane_run(&proxy->lanes[i], proxy->capture);
        has_more |= rc > 0;
    }
    if (rc < 0)
        return rc;
    /* A command that came to the socket of one lane may concern the other,
     * which had its turn already. */
    return has_more || proxy_runs(proxy) != runs;
}

static int proxy_run(struct proxy *proxy)
{
    const zmq_pollitem_t items[SOCKETS] = {
        [FRONTEND] = {.socket = proxy->sides[FRONTEND].socket},
        [BACKEND] = {.socket = proxy->sides[BACKEND].socket},
        [CONTROL] = {.socket = proxy->control},
    };
    struct cz_wait wait = {.items = items, .count = SOCKETS};
    int rc = 0;

    while (rc >= 0 && !proxy->is_ended) {
        rc = proxy_turn(proxy);
        if (rc == 0 && !proxy->is_ended)
            rc = cz_wait_sleep(&wait, CZ_CLOCK_NEVER);
        if (cz_lane_outlasts(proxy->sides[FRONTEND].socket, rc))
            rc = 0;
    }
    cz_wait_end(&wait);
    return rc < 0 ? rc : 0;
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture,
                        void *control)
{
    struct proxy proxy = {
        .sides = {[FRONTEND] = {.socket = frontend},
                  [BACKEND] = {.socket = backend}},
        .lane_count = frontend == backend ? 1 : 2,
        .capture = capture,
        .control = control,
    };
    int rc;

    if (!frontend || !backend)
        return api_result(-EFAULT);
    if (!api_socket(frontend) || !api_socket(backend) ||
        (capture && !api_socket(capture)) || (control && !api_socket(control)))
        return -1;
    for (int i = FRONTEND; i <= BACKEND; i++)
        proxy.lanes[i] = (struct cz_lane){
            .from = &proxy.sides[i],
            .to = &proxy.sides[!i],
            .must_keep =
                frontend == backend || capture == proxy.sides[i].socket,
        };
    rc = proxy_run(&proxy);
    for (int i = FRONTEND; i <= BACKEND; i++)
        cz_lane_close(&proxy.lanes[i]);
    return api_result(rc);
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
