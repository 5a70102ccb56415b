/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XSUB: the set of subscriptions, and telling publishers of it.
 *
 * Thread: the socket's. Owns: see type/xsub.h.
 */
#include "type/topic_frame.h"
#include "type/xsub.h"
#include "wire/command.h"

#include <errno.h>

enum {
    /* So many subscriptions and cancels, and twice the set, may wait for a
     * publisher. */
    XSUB_AHEAD_MAX = 65536,
};

/* ---- the set --------------------------------------------------------------
 */

int cz_xsub_count(struct cz_xsub *x, struct cz_span topic, bool subscribes,
                  bool *must_tell)
{
    cz_record_ref ref;
    bool is_new;
    int rc;

    if (subscribes) {
        *must_tell = true;
        rc = cz_subs_add(&x->subs, topic, &ref, &is_new);
        if (rc == 0)
            ++*cz_subs_value(&x->subs, ref);
        return rc;
    }
    *must_tell = x->tells_all_cancels;
    ref = cz_subs_find(&x->subs, topic);
    if (!ref || --*cz_subs_value(&x->subs, ref) > 0)
        return 0;
    *must_tell = true;
    cz_subs_remove(&x->subs, ref);
    cz_subs_tidy(&x->subs);
    return 0;
}

/* ---- telling --------------------------------------------------------------
 */

static void xsub_fall_behind(struct cz_xsub *x, struct cz_dist_pipe *pipe)
{
    if (!pipe->is_behind)
        x->behind++;
    pipe->is_behind = true;
}

/* 0, -EAGAIN (too much waits for it already) or -ENOMEM. */
static int xsub_write(struct cz_xsub *x, struct cz_pipe_end *end,
                      const struct cz_frame *frame)
{
    uint64_t ahead_max = XSUB_AHEAD_MAX + (uint64_t)x->subs.count * 2;
    int rc;

    /* Asking for room is what makes it tell when there is some. */
    if (CZ_UNLIKELY(cz_pipe_ahead(end) >= ahead_max) &&
        !cz_pipe_is_in_message(end) && !cz_pipe_is_writable(end))
        return -EAGAIN;
    if (frame->buffer)
        cz_buffer_ref(frame->buffer);
    rc = cz_pipe_write_beyond(end, frame);
    if (rc != 0 && frame->buffer)
        cz_buffer_unref(frame->buffer);
    return rc;
}

void cz_xsub_tell(struct cz_xsub *x, struct cz_pipe_end *end,
                  const struct cz_frame *frame)
{
    struct cz_dist_pipe *pipe = cz_dist_pipe(&x->dist, end);

    if (pipe->is_behind && !cz_pipe_is_in_message(end))
        return;
    if (xsub_write(x, end, frame) == 0)
        return;
    xsub_fall_behind(x, pipe);
    cz_dist_give_up(&x->dist, end);
}

/* The command for a topic; cz_topic_frame_fini afterwards. */
static int command_init(struct cz_topic_frame *tf, struct cz_span topic,
                        bool subscribes)
{
    uint8_t lead[CZ_SUBSCRIBE_PREFIX_SIZE];
    size_t size = cz_command_build_prefix(lead, sizeof lead,
                                          subscribes ? CZ_COMMAND_SUBSCRIBE
                                                     : CZ_COMMAND_CANCEL);
    int rc = cz_topic_frame_init(tf, cz_span(lead, size), topic);

    if (rc == 0)
        tf->frame.flags = CZ_FRAME_COMMAND;
    return rc;
}

static int xsub_tell_topic(struct cz_xsub *x, struct cz_pipe_end *end,
                           struct cz_span topic)
{
    struct cz_topic_frame command;
    int rc = command_init(&command, topic, true);

    if (rc != 0)
        return rc;
    rc = xsub_write(x, end, &command.frame);
    cz_topic_frame_fini(&command);
    return rc;
}

void cz_xsub_tell_set(struct cz_xsub *x, struct cz_pipe_end *end)
{
    struct cz_dist_pipe *pipe = cz_dist_pipe(&x->dist, end);
    struct cz_records_walk walk = cz_records_walk();
    cz_record_ref ref;

    /* In the middle of a message of the application's it would be lost in
     * that. */
    if (cz_pipe_is_in_message(end)) {
        xsub_fall_behind(x, pipe);
        return;
    }
    if (pipe->is_behind)
        x->behind--;
    pipe->is_behind = false;
    while ((ref = cz_subs_next(&x->subs, &walk)))
        if (xsub_tell_topic(x, end, cz_subs_prefix(&x->subs, ref)) != 0) {
            xsub_fall_behind(x, pipe);
            return;
        }
}

bool cz_xsub_enlist(struct cz_xsub *x, struct cz_pipe_end *end)
{
    if (cz_dist_add(&x->dist, end) != 0)
        return false;
    cz_xsub_tell_set(x, end);
    return true;
}

static void xsub_enlist_rest(struct cz_xsub *x)
{
    cz_list_for_each (node, &x->base.ends) {
        struct cz_pipe_end *end =
            cz_container_of(node, struct cz_pipe_end, link);

        if (!cz_dist_has(end))
            x->unlisted -= cz_xsub_enlist(x, end);
    }
}

void cz_xsub_catch_up(struct cz_xsub *x)
{
    if (CZ_LIKELY((x->behind | x->unlisted) == 0))
        return;
    if (x->unlisted > 0)
        xsub_enlist_rest(x);
    for (uint32_t i = 0; i < x->dist.limit; i++) {
        struct cz_dist_pipe *pipe = &x->dist.pipes[i];

        if (pipe->end && pipe->is_behind && cz_pipe_is_writable(pipe->end))
            cz_xsub_tell_set(x, pipe->end);
    }
}

int cz_xsub_change(struct cz_xsub *x, struct cz_span topic, bool subscribes)
{
    struct cz_topic_frame command;
    bool must_tell;
    int rc = command_init(&command, topic, subscribes);

    if (rc != 0)
        return rc;
    rc = cz_xsub_count(x, topic, subscribes, &must_tell);
    if (rc == 0 && must_tell) {
        cz_xsub_catch_up(x);
        for (uint32_t i = 0; i < x->dist.limit; i++)
            if (x->dist.pipes[i].end)
                cz_xsub_tell(x, x->dist.pipes[i].end, &command.frame);
    }
    cz_topic_frame_fini(&command);
    return rc;
}
