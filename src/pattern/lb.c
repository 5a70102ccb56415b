/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Load balancing: the list of pipes with room, and multipart messages.
 *
 * Thread: the socket's.
 */
#include "pattern/lb.h"

void cz_lb_init(struct cz_lb *lb)
{
    lb->current = NULL;
    cz_list_init(&lb->active);
    lb->is_in_message = false;
    lb->is_dropping = false;
}

void cz_lb_add(struct cz_lb *lb, struct cz_pipe_end *end)
{
    if (!cz_list_is_empty(&end->lb_link))
        return;
    cz_list_push_back(&lb->active, &end->lb_link);
    if (!lb->current)
        lb->current = end;
}

/* Takes a pipe out of the round; the next one becomes current. */
static void lb_deactivate(struct cz_lb *lb, struct cz_pipe_end *end)
{
    if (cz_list_is_empty(&end->lb_link))
        return;
    if (lb->current == end)
        cz_lb_advance(lb);
    if (lb->current == end)
        lb->current = NULL;
    cz_list_remove(&end->lb_link);
}

void cz_lb_remove(struct cz_lb *lb, struct cz_pipe_end *end)
{
    if (lb->is_in_message && lb->current == end)
        lb->is_dropping = true;
    lb_deactivate(lb, end);
}

bool cz_lb_is_writable(struct cz_lb *lb)
{
    if (lb->is_in_message)
        return true;
    while (lb->current) {
        if (cz_pipe_is_writable(lb->current))
            return true;
        lb_deactivate(lb, lb->current);
    }
    return false;
}

void cz_lb_rollback(struct cz_lb *lb)
{
    if (lb->is_in_message && !lb->is_dropping)
        cz_pipe_rollback(lb->current);
    lb->is_in_message = lb->is_dropping = false;
}

/* The rest of a message whose pipe has gone: accepted and thrown away. */
static int lb_drop(struct cz_lb *lb, struct cz_frame *frame)
{
    cz_frame_drop(frame);
    if (!(frame->flags & CZ_FRAME_MORE)) {
        lb->is_dropping = false;
        lb->is_in_message = false;
    }
    return 0;
}

int cz_lb_send_slow(struct cz_lb *lb, struct cz_frame *frame)
{
    struct cz_pipe_end *end;
    int rc;

    if (lb->is_dropping)
        return lb_drop(lb, frame);
    for (;;) {
        if (!lb->current)
            return -EAGAIN;
        end = lb->current;
        rc = cz_pipe_write(end, frame);
        if (rc != -EAGAIN)
            break;
        lb_deactivate(lb, end);
    }
    if (rc != 0)
        return rc;
    lb->is_in_message = frame->flags & CZ_FRAME_MORE;
    if (lb->is_in_message)
        return 0;
    cz_lb_advance(lb);
    /* With others in the round the next message is not for this one, and they
     * may have nothing to do. */
    return cz_pipe_has_run_ahead(end) && lb->current == end ? CZ_PIPE_SENT_AHEAD
                                                            : 0;
}
