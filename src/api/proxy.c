/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Proxies: zmq_proxy(3), zmq_proxy_steerable(3), zmq_device.
 *
 * A proxy is two lanes, one each way, which have turns. A lane moves frames,
 * not message objects: what one socket gives out goes into the other as it
 * is, a large body by its buffer. It receives a message only if the far
 * socket has room, so what cannot be delivered stays in the queue that it
 * came from. When no lane gets any further, nothing changes about that before
 * a command comes for one of the sockets, and that is what the proxy waits
 * for: a full side holds up its own lane only, and nothing spins.
 *
 * Where there is room, but not for this message (a ROUTER that refuses to
 * drop what its peer does not take), the lane keeps the frame until there is.
 *
 * A shortage of memory passes, and to end for it would tear messages apart: the
 * proxy waits a moment and tries again.
 *
 * Thread: the caller's. Owns: what a lane keeps; the sockets stay the
 * caller's.
 */
#include "api/internal.h"
#include "api/wait.h"
#include "core/error.h"
#include "os/clock.h"
#include "os/poll.h"
#include "zmq.h"

#include <string.h>

enum {
    /* How many messages a lane moves before the other one has its turn. */
    PROXY_BURST = 1000,
    SHORTAGE_US = 10000,
};

/* What comes of an attempt to move something, if no error (-errno) does. */
enum { MOVED = 0, NOT_NOW = 1 };

enum { FRONTEND, BACKEND, CONTROL, SOCKETS };

struct traffic {
    uint64_t messages;
    uint64_t bytes;
};

struct side {
    struct cz_socket *socket;
    struct traffic received;
    struct traffic sent;
};

struct lane {
    struct side *from;
    struct side *to;
    struct cz_msg kept; /* if has_kept: received, and not sent yet */
    bool has_kept;
    bool is_in_message;
    /* The near socket is also one that is sent to, which runs its commands:
     * what was received may be gone then, unless it is kept. */
    bool must_keep;
};

struct proxy {
    struct side sides[2]; /* FRONTEND, BACKEND */
    struct lane lanes[2];
    int lane_count;            /* 1 if both sides are one socket: out again */
    struct cz_socket *capture; /* may be NULL */
    struct cz_socket *control; /* may be NULL */
    bool is_paused;
    bool is_ended;
};

/* ---- moving messages ------------------------------------------------ */

/* Is this for lack of memory? Then waits a moment; true: try again. */
static bool is_shortage(const struct cz_socket *socket, int rc)
{
    if (CZ_LIKELY(rc != -ENOMEM) || cz_ctx_is_terminating(socket->ctx))
        return false;
    (void)!cz_os_poll(NULL, 0, SHORTAGE_US);
    return true;
}

/* As cz_socket_send. */
static int proxy_send(struct cz_socket *socket, struct cz_frame *frame,
                      int flags)
{
    int rc;

    do
        rc = cz_socket_send(socket, frame, flags);
    while (is_shortage(socket, rc));
    return rc;
}

static void count_part(struct traffic *traffic, size_t size, bool has_more)
{
    traffic->bytes += size;
    traffic->messages += !has_more;
}

/* Sends a copy to the capture socket. 0 or -errno. */
static int capture_part(struct cz_socket *capture, const struct cz_frame *frame)
{
    struct cz_frame copy = *frame;
    int rc;

    if (copy.buffer)
        cz_buffer_ref(copy.buffer);
    rc = proxy_send(capture, &copy,
                    frame->flags & CZ_FRAME_MORE ? CZ_SNDMORE : 0);
    if (rc != 0 && copy.buffer)
        cz_buffer_unref(copy.buffer);
    return rc;
}

/* Takes the next frame out of the near socket, if there is room for it. Out
 * again of the same socket there may be only when something was taken: REP. */
static int lane_receive(struct lane *lane, struct cz_frame *frame)
{
    int rc;

    if (!lane->is_in_message && lane->to->socket != lane->from->socket) {
        rc = cz_socket_glance(lane->to->socket);
        if (rc < 0)
            return rc;
        if (!(rc & CZ_POLLED_OUT))
            return NOT_NOW;
    }
    rc = cz_socket_recv(lane->from->socket, frame, CZ_DONTWAIT);
    /* EFSM: a REP that must answer first, a REQ that must ask. ENOTSUP: a
     * type that only sends. */
    if (rc == -EAGAIN || rc == -CZ_EFSM || rc == -ENOTSUP)
        return NOT_NOW;
    if (CZ_UNLIKELY(rc != 0))
        return rc;
    frame->flags &= CZ_FRAME_MORE;
    count_part(&lane->from->received, frame->size, frame->flags);
    return MOVED;
}

/* Sends a frame. There may be no room after all: the peer that had some has
 * gone, or it is not for this peer. */
static int lane_send(struct lane *lane, struct cz_frame *frame)
{
    bool has_more = frame->flags & CZ_FRAME_MORE;
    int rc = proxy_send(lane->to->socket, frame,
                        CZ_DONTWAIT | (has_more ? CZ_SNDMORE : 0));

    if (CZ_UNLIKELY(rc != 0))
        return rc == -EAGAIN ? NOT_NOW : rc;
    lane->is_in_message = has_more;
    count_part(&lane->to->sent, frame->size, has_more);
    return MOVED;
}

/* Keeps a frame: its data are the near socket's, and valid only until that
 * receives again or runs a command. The buffer passes on. 0 or -ENOMEM. */
static int lane_keep(struct lane *lane, const struct cz_frame *frame)
{
    int rc;

    do
        rc = cz_msg_init_frame(&lane->kept, frame);
    while (is_shortage(lane->to->socket, rc));
    lane->has_kept = rc == 0;
    return rc;
}

/* An attempt at what was kept. `capture`: if it has to get a copy yet. */
static int lane_send_kept(struct lane *lane, struct cz_socket *capture)
{
    struct cz_frame frame;
    int rc = cz_msg_to_frame(&lane->kept, &frame);

    if (rc != 0)
        return rc;
    frame.flags = lane->kept.flags & CZ_MSG_FLAG_MORE ? CZ_FRAME_MORE : 0;
    if (capture)
        rc = capture_part(capture, &frame);
    if (rc == 0)
        rc = lane_send(lane, &frame);
    if (rc != 0)
        return rc;
    lane->has_kept = false;
    cz_msg_sent(&lane->kept);
    return 0;
}

static int lane_move_part(struct lane *lane, struct cz_socket *capture)
{
    struct cz_frame frame;
    int rc = lane_receive(lane, &frame);

    if (CZ_UNLIKELY(rc != 0))
        return rc;
    if (CZ_UNLIKELY(lane->must_keep)) {
        rc = lane_keep(lane, &frame);
        return rc == 0 ? lane_send_kept(lane, capture) : rc;
    }
    if (CZ_UNLIKELY(capture != NULL))
        rc = capture_part(capture, &frame);
    if (CZ_LIKELY(rc == 0))
        rc = lane_send(lane, &frame);
    if (CZ_LIKELY(rc == MOVED))
        return MOVED;
    if (rc == NOT_NOW) {
        rc = lane_keep(lane, &frame);
        return rc == 0 ? NOT_NOW : rc;
    }
    cz_frame_drop(&frame);
    return rc;
}

/* Moves messages as long as there are some and there is room for them, up
 * to a burst. 1: there may be more; 0: not now; or -errno. */
static int lane_run(struct lane *lane, struct cz_socket *capture)
{
    int rc = MOVED;

    /* A capture that blocks must not hold up what was sent before. */
    if (!capture)
        cz_socket_begin_batch(lane->to->socket);
    if (lane->has_kept)
        rc = lane_send_kept(lane, NULL);
    for (int i = 0; i < PROXY_BURST && rc == MOVED; i += !lane->is_in_message)
        rc = lane_move_part(lane, capture);
    cz_socket_end_batch(lane->to->socket);
    return rc < 0 ? rc : rc == MOVED;
}

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
    int rc = proxy_send(control, &frame, flags | CZ_DONTWAIT);

    if (rc == 0)
        return 1;
    return rc == -EAGAIN || rc == -ENOTSUP ? 0 : rc;
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
                 : lane_run(&proxy->lanes[i], proxy->capture);
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
        if (is_shortage(proxy->sides[FRONTEND].socket, rc))
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
        proxy.lanes[i] = (struct lane){
            .from = &proxy.sides[i],
            .to = &proxy.sides[!i],
            .must_keep =
                frontend == backend || capture == proxy.sides[i].socket,
        };
    rc = proxy_run(&proxy);
    for (int i = FRONTEND; i <= BACKEND; i++) {
        if (proxy.lanes[i].has_kept)
            (void)!cz_msg_close(&proxy.lanes[i].kept);
    }
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
