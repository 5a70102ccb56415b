/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Load balancing: each message goes, whole, to the next pipe that has room.
 *
 * Thread: the socket's. Owns: nothing; ends are linked in and out.
 */
#ifndef CZ_PATTERN_LB_H
#define CZ_PATTERN_LB_H

#include "base/compiler.h"
#include "base/list.h"
#include "core/pipe.h"

#include <errno.h>
#include <stdbool.h>

struct cz_lb {
    struct cz_pipe_end *current; /* next to be served; NULL: nobody has room */
    struct cz_list active;       /* pipes with room, in their order */
    bool is_in_message;
    bool is_dropping; /* the pipe of this message is gone: drop its rest */
};

void cz_lb_init(struct cz_lb *lb);

/* A pipe that may be written: a new one, or one that has room again. */
void cz_lb_add(struct cz_lb *lb, struct cz_pipe_end *end);
void cz_lb_remove(struct cz_lb *lb, struct cz_pipe_end *end);

/* Is there a pipe with room? */
bool cz_lb_is_writable(struct cz_lb *lb);

/* Takes back the frames of the message that has been begun. */
void cz_lb_rollback(struct cz_lb *lb);

int cz_lb_send_slow(struct cz_lb *lb, struct cz_frame *frame);

static inline void cz_lb_advance(struct cz_lb *lb)
{
    struct cz_list *next = lb->current->lb_link.next;

    if (next == &lb->active)
        next = next->next;
    lb->current = cz_container_of(next, struct cz_pipe_end, lb_link);
}

/* 0, CZ_PIPE_SENT_AHEAD, -EAGAIN, -ENOMEM. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE int cz_lb_send(struct cz_lb *lb,
                                                     struct cz_frame *frame)
{
    if (CZ_LIKELY(lb->current != NULL) && CZ_LIKELY(!lb->is_dropping) &&
        CZ_LIKELY(cz_pipe_write_short(lb->current, frame))) {
        cz_lb_advance(lb);
        return 0;
    }
    return cz_lb_send_slow(lb, frame);
}

#endif
