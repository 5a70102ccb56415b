/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lanes: moving messages from one socket to another.
 *
 * Thread: see api/lane.h. Owns: what is listed there.
 */
#include "api/lane.h"

#include "core/ctx.h"
#include "core/error.h"
#include "os/poll.h"

#include <errno.h>

enum {
    /* How many messages a lane moves before the other one has its turn. */
    LANE_BURST = 1000,
    SHORTAGE_US = 10000,
};

/* What comes of an attempt to move something, if no error (-errno) does. */
enum { MOVED = 0, NOT_NOW = 1 };

bool cz_lane_outlasts(const struct cz_socket *socket, int rc)
{
    if (CZ_LIKELY(rc != -ENOMEM) || cz_ctx_is_terminating(socket->ctx))
        return false;
    (void)!cz_os_poll(NULL, 0, SHORTAGE_US);
    return true;
}

int cz_lane_put(struct cz_socket *socket, struct cz_frame *frame, int flags)
{
    int rc;

    do
        rc = cz_socket_send(socket, frame, flags);
    while (cz_lane_outlasts(socket, rc));
    return rc;
}

static void count_part(struct cz_lane_traffic *traffic, size_t size,
                       bool has_more)
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
    rc = cz_lane_put(capture, &copy,
                     frame->flags & CZ_FRAME_MORE ? CZ_SNDMORE : 0);
    if (rc != 0 && copy.buffer)
        cz_buffer_unref(copy.buffer);
    return rc;
}

/* Takes the next frame out of the near socket, if there is room for it. Out
 * again of the same socket there may be only when something was taken: REP. */
static int lane_receive(struct cz_lane *lane, struct cz_frame *frame)
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
static int lane_send(struct cz_lane *lane, struct cz_frame *frame)
{
    bool has_more = frame->flags & CZ_FRAME_MORE;
    int rc = cz_lane_put(lane->to->socket, frame,
                         CZ_DONTWAIT | (has_more ? CZ_SNDMORE : 0));

    if (CZ_UNLIKELY(rc != 0))
        return rc == -EAGAIN ? NOT_NOW : rc;
    lane->is_in_message = has_more;
    count_part(&lane->to->sent, frame->size, has_more);
    return MOVED;
}

/* Keeps a frame: its data are the near socket's, and valid only until that
 * receives again or runs a command. The buffer passes on. 0 or -ENOMEM. */
static int lane_keep(struct cz_lane *lane, const struct cz_frame *frame)
{
    int rc;

    do
        rc = cz_msg_init_frame(&lane->kept, frame);
    while (cz_lane_outlasts(lane->to->socket, rc));
    lane->has_kept = rc == 0;
    return rc;
}

/* An attempt at what was kept. `capture`: if it has to get a copy yet. */
static int lane_send_kept(struct cz_lane *lane, struct cz_socket *capture)
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

static int lane_move_part(struct cz_lane *lane, struct cz_socket *capture)
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

int cz_lane_run(struct cz_lane *lane, struct cz_socket *capture)
{
    int rc = MOVED;

    /* A capture that blocks must not hold up what was sent before. */
    if (!capture)
        cz_socket_begin_batch(lane->to->socket);
    if (lane->has_kept)
        rc = lane_send_kept(lane, NULL);
    for (int i = 0; i < LANE_BURST && rc == MOVED; i += !lane->is_in_message)
        rc = lane_move_part(lane, capture);
    cz_socket_end_batch(lane->to->socket);
    return rc < 0 ? rc : rc == MOVED;
}

void cz_lane_close(struct cz_lane *lane)
{
    if (lane->has_kept)
        (void)!cz_msg_close(&lane->kept);
}
