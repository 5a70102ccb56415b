/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fair queueing: the list of pipes with something to read.
 *
 * Thread: the socket's.
 */
#include "pattern/fq.h"

#include "core/socket.h"

void cz_fq_init(struct cz_fq *fq, struct cz_socket *socket)
{
    fq->current = NULL;
    cz_list_init(&fq->active);
    fq->socket = socket;
    fq->is_in_message = false;
}

void cz_fq_add(struct cz_fq *fq, struct cz_pipe_end *end)
{
    if (!cz_list_is_empty(&end->fq_link))
        return;
    cz_list_push_back(&fq->active, &end->fq_link);
    if (!fq->current)
        fq->current = end;
}

static void fq_deactivate(struct cz_fq *fq, struct cz_pipe_end *end)
{
    if (cz_list_is_empty(&end->fq_link))
        return;
    if (fq->current == end)
        cz_fq_advance(fq);
    if (fq->current == end)
        fq->current = NULL;
    cz_list_remove(&end->fq_link);
}

void cz_fq_remove(struct cz_fq *fq, struct cz_pipe_end *end)
{
    if (fq->current == end)
        fq->is_in_message = false;
    fq_deactivate(fq, end);
}

/* The current pipe has nothing more for now. */
static void fq_ran_dry(struct cz_fq *fq)
{
    struct cz_pipe_end *end = fq->current;

    fq_deactivate(fq, end);
    if (end->is_peer_closed)
        cz_socket_drop_end(fq->socket, end);
}

void cz_fq_peer_closed(struct cz_fq *fq, struct cz_pipe_end *end)
{
    /* An end outside the round is put off; or asleep, and everything before
     * was read. */
    if (cz_list_is_empty(&end->fq_link) && !end->is_called_again)
        cz_socket_drop_end(fq->socket, end);
}

bool cz_fq_find_readable(struct cz_fq *fq)
{
    while (fq->current) {
        if (cz_pipe_is_readable(fq->current))
            return true;
        fq_ran_dry(fq);
    }
    return false;
}

int cz_fq_recv_slow(struct cz_fq *fq, struct cz_frame *frame)
{
    while (fq->current) {
        if (cz_pipe_read(fq->current, frame)) {
            fq->is_in_message = frame->flags & CZ_FRAME_MORE;
            if (!fq->is_in_message)
                cz_fq_advance(fq);
            return 0;
        }
        fq_ran_dry(fq);
    }
    return -EAGAIN;
}

void cz_fq_skip(struct cz_fq *fq)
{
    struct cz_frame frame;

    do {
        if (cz_fq_recv(fq, &frame) != 0)
            return;
        cz_frame_drop(&frame);
    } while (frame.flags & CZ_FRAME_MORE);
}

void cz_fq_put_off(struct cz_fq *fq)
{
    while (fq->current) {
        struct cz_pipe_end *end = fq->current;

        fq_deactivate(fq, end);
        cz_pipe_read_later(end);
    }
}

uint32_t cz_fq_waiting(struct cz_fq *fq)
{
    uint32_t count = 0;

    cz_list_for_each (node, &fq->active)
        count +=
            cz_pipe_waiting(cz_container_of(node, struct cz_pipe_end, fq_link));
    return count;
}
