/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XPUB: what peers say. Subscriptions come as commands (ZMTP 3.1), or as
 * messages that begin with a byte of 1 or 0 (before 3.1, and from XSUB
 * applications in any version); so each frame is looked at.
 *
 * Thread: the socket's. Owns: see type/xpub.h.
 */
#include "type/topic_frame.h"
#include "type/xpub.h"
#include "wire/command.h"

#include <errno.h>

enum verb { CANCEL = 0, SUBSCRIBE = 1, NEITHER };

/* So many bytes of events may wait for the application; more are dropped. */
enum { TOLD_MAX = 64 << 20 };

/* ---- telling the application ------------------------------------------- */

static struct cz_inbox_source
xpub_source(struct cz_xpub *x, struct cz_pipe_end *end, bool is_event)
{
    return (struct cz_inbox_source){
        .metadata = end->metadata,
        .number = cz_dist_number(end),
        .serial = cz_dist_pipe(&x->dist, end)->serial,
        .is_event = is_event,
    };
}

/* Is there room for one more event? Peers make them as they like, and many an
 * application only sends. */
static bool xpub_may_tell(struct cz_xpub *x, struct cz_span topic)
{
    size_t large = topic.size >= CZ_REF_MIN ? topic.size : 0;

    if (cz_inbox_size(&x->inbox) + x->large_told + large > TOLD_MAX)
        return false;
    x->large_told += large;
    return true;
}

/* `end` NULL: no peer has said it. */
static int xpub_tell(struct cz_xpub *x, struct cz_pipe_end *end, enum verb verb,
                     struct cz_span topic)
{
    struct cz_inbox_source source = {.is_event = true};
    const uint8_t lead = (uint8_t)verb;
    struct cz_topic_frame event;
    int rc;

    if (x->is_pub || !xpub_may_tell(x, topic))
        return 0;
    rc = cz_topic_frame_init(&event, cz_span(&lead, 1), topic);
    if (rc != 0)
        return rc;
    if (end)
        source = xpub_source(x, end, true);
    rc = cz_inbox_push(&x->inbox, &source, &event.frame);
    if (rc == 0)
        event.frame.buffer = NULL;
    cz_topic_frame_fini(&event);
    return rc;
}

/* ---- subscriptions ------------------------------------------------------ */

static int xpub_subscribe(struct cz_xpub *x, struct cz_pipe_end *end,
                          struct cz_span topic)
{
    struct cz_audience *audience = x->is_manual ? &x->asked : &x->audience;
    bool is_first;
    int rc = cz_audience_add(audience, cz_dist_number(end), topic, &is_first);

    if (rc != 0 || !(is_first || x->is_manual || x->tells_all_subscriptions))
        return rc;
    rc = xpub_tell(x, end, SUBSCRIBE, topic);
    /* It will be tried again, and then be the first again. */
    if (rc != 0 && is_first)
        (void)cz_audience_remove(audience, cz_dist_number(end), topic);
    return rc;
}

static int xpub_cancel(struct cz_xpub *x, struct cz_pipe_end *end,
                       struct cz_span topic)
{
    struct cz_audience *audience = x->is_manual ? &x->asked : &x->audience;
    uint32_t number = cz_dist_number(end);
    enum cz_audience_left left = cz_audience_remove(audience, number, topic);
    bool is_first;
    int rc = 0;

    if (left != CZ_AUDIENCE_OTHERS || x->is_manual || x->tells_all_cancels)
        rc = xpub_tell(x, end, CANCEL, topic);
    if (rc == 0 || left == CZ_AUDIENCE_NOBODY)
        return rc;
    /* It will be tried again, and then be the last again. Without memory for
     * that either, the application is not told. */
    return cz_audience_add(audience, number, topic, &is_first) == 0 ? rc : 0;
}

void cz_xpub_forget(struct cz_xpub *x, struct cz_pipe_end *end)
{
    struct cz_span topic;
    bool is_last;

    if (!cz_dist_has(end))
        return;
    /* Without memory the application is not told. */
    while (cz_audience_take(&x->asked, cz_dist_number(end), &topic, &is_last))
        (void)!xpub_tell(x, NULL, CANCEL, topic);
    while (
        cz_audience_take(&x->audience, cz_dist_number(end), &topic, &is_last))
        if (!x->is_manual && (is_last || x->tells_all_cancels))
            (void)!xpub_tell(x, NULL, CANCEL, topic);
}

/* ---- frames -------------------------------------------------------------- */

static enum verb frame_verb(const struct cz_frame *frame, struct cz_span *topic)
{
    struct cz_zmtp_command command;

    if (frame->flags & CZ_FRAME_COMMAND) {
        /* It is one of these two: others do not come here. */
        cz_command_parse(frame->data, frame->size, &command);
        *topic = command.data;
        return command.kind == CZ_COMMAND_SUBSCRIBE ? SUBSCRIBE : CANCEL;
    }
    if (frame->size == 0 || frame->data[0] > SUBSCRIBE)
        return NEITHER;
    *topic = cz_span(frame->data + 1, frame->size - 1);
    return frame->data[0];
}

/* Takes over the frame's buffer, unless it fails with -ENOMEM. */
static int xpub_take_frame(struct cz_xpub *x, struct cz_pipe_end *end,
                           const struct cz_frame *frame, enum verb verb,
                           struct cz_span topic)
{
    struct cz_inbox_source source;
    int rc = 0;

    if (verb == SUBSCRIBE) {
        rc = xpub_subscribe(x, end, topic);
    } else if (verb == CANCEL) {
        rc = xpub_cancel(x, end, topic);
    } else if (!x->is_pub) {
        source = xpub_source(x, end, false);
        rc = cz_inbox_push(&x->inbox, &source, frame);
        if (rc == 0) {
            cz_dist_pipe(&x->dist, end)->backlog++;
            return 0;
        }
    }
    if (rc == 0)
        cz_frame_drop(frame);
    return rc;
}

/* There is no memory for a frame: keeps it, which stays valid as long as
 * nothing is read from the pipe, for another attempt. Not in the middle of a
 * message for the application. 0 or -ENOMEM. */
static int xpub_hold(struct cz_xpub *x, struct cz_pipe_end *end,
                     const struct cz_frame *frame, bool is_looked_at)
{
    if (cz_inbox_is_in_message(&x->inbox)) {
        cz_inbox_rollback(&x->inbox);
        cz_frame_drop(frame);
        return -ENOMEM;
    }
    x->held = *frame;
    x->held_from = end;
    x->is_held_looked_at = is_looked_at;
    return 0;
}

/* Takes what is left of a message, beginning with this frame; all of it is
 * there. 0 or -ENOMEM. */
static int xpub_take_frames(struct cz_xpub *x, struct cz_pipe_end *end,
                            struct cz_frame *frame, bool is_looked_at)
{
    for (;;) {
        struct cz_span topic = {0};
        enum verb verb = is_looked_at ? frame_verb(frame, &topic) : NEITHER;

        if (xpub_take_frame(x, end, frame, verb, topic) != 0)
            return xpub_hold(x, end, frame, is_looked_at);
        if (!(frame->flags & CZ_FRAME_MORE) || !cz_pipe_read(end, frame))
            return 0;
    }
}

/* Takes a message. With ZMQ_ONLY_FIRST_SUBSCRIBE its first frame decides
 * whether the others may be subscriptions. */
static int xpub_take_message(struct cz_xpub *x, struct cz_pipe_end *end,
                             struct cz_frame *frame)
{
    struct cz_span topic;

    return xpub_take_frames(x, end, frame,
                            !x->has_first_only ||
                                frame_verb(frame, &topic) != NEITHER);
}

/* Is there memory by now for what was held? */
static bool xpub_retry(struct cz_xpub *x)
{
    struct cz_pipe_end *end = x->held_from;
    struct cz_frame frame = x->held;

    if (!end)
        return true;
    x->held_from = NULL;
    return xpub_take_frames(x, end, &frame, x->is_held_looked_at) == 0 &&
           !x->held_from;
}

void cz_xpub_drop_held(struct cz_xpub *x, struct cz_pipe_end *end)
{
    if (x->held_from != end)
        return;
    cz_frame_drop(&x->held);
    x->held_from = NULL;
}

/* ---- pipes --------------------------------------------------------------- */

/* May more of what this peer sends wait for the application? */
static bool xpub_has_room(struct cz_xpub *x, struct cz_dist_pipe *pipe)
{
    uint32_t mark = (uint32_t)x->base.options.rcvhwm;

    if (pipe->epoch != x->epoch)
        pipe->backlog = 0;
    pipe->epoch = x->epoch;
    return mark == 0 || pipe->backlog < mark;
}

/* Will the end be read by itself: when the application has made room, or by a
 * command? */
static bool is_put_off(const struct cz_pipe_end *end)
{
    return !cz_list_is_empty(&end->fq_link) || end->is_called_again;
}

/* Reads what is there. What comes meanwhile is put off, or else a peer that
 * never stops talking would not let the application go on. -ENOMEM: then the
 * peer must go, and say it all again, rather than believe that it has
 * subscribed. */
static int xpub_drain(struct cz_xpub *x, struct cz_pipe_end *end)
{
    struct cz_frame frame;
    int rc = 0;

    if ((!cz_dist_has(end) && cz_dist_add(&x->dist, end) != 0) ||
        !xpub_retry(x)) {
        cz_pipe_read_later(end); /* perhaps there is memory then */
        return 0;
    }
    for (uint32_t left = cz_pipe_waiting(end); rc == 0; left--) {
        if (!xpub_has_room(x, cz_dist_pipe(&x->dist, end))) {
            cz_list_push_back(&x->stalled, &end->fq_link);
            return 0;
        }
        if (left == 0 && cz_pipe_is_readable(end)) {
            cz_pipe_read_later(end);
            return 0;
        }
        if (!cz_pipe_read(end, &frame))
            return 0;
        rc = xpub_take_message(x, end, &frame);
        if (x->held_from) {
            cz_pipe_read_later(end);
            return 0;
        }
    }
    return rc;
}

static void xpub_read(struct cz_xpub *x, struct cz_pipe_end *end)
{
    int rc = is_put_off(end) ? 0 : xpub_drain(x, end);

    if (rc != 0 || (end->is_peer_closed && !is_put_off(end)))
        cz_socket_drop_end(&x->base, end);
}

void cz_xpub_readable(struct cz_socket *s, struct cz_pipe_end *end)
{
    xpub_read(cz_xpub_of(s), end);
}

void cz_xpub_peer_closed(struct cz_socket *s, struct cz_pipe_end *end)
{
    xpub_read(cz_xpub_of(s), end);
}

void cz_xpub_resume(struct cz_xpub *x)
{
    struct cz_list waiting;

    /* Who stalls again waits for the next time. */
    cz_list_take_all(&waiting, &x->stalled);
    while (!cz_list_is_empty(&waiting))
        xpub_read(x, cz_container_of(cz_list_pop_front(&waiting),
                                     struct cz_pipe_end, fq_link));
}
