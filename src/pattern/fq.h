/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fair queueing: each pipe with something to read gives one whole message in
 * its turn.
 *
 * Thread: the socket's. Owns: nothing; ends are linked in and out.
 */
#ifndef CZ_PATTERN_FQ_H
#define CZ_PATTERN_FQ_H

#include "base/compiler.h"
#include "base/list.h"
#include "core/pipe.h"

#include <errno.h>
#include <stdbool.h>

struct cz_socket;

/* Who passes over so many messages in one go puts off the rest: a peer that
 * sends what nobody wants as fast as it is thrown away must not keep the
 * application from looking at the time. */
enum { CZ_FQ_SKIPS_MAX = 1000 };

struct cz_fq {
    struct cz_pipe_end *current; /* next to be read; NULL: nothing anywhere */
    struct cz_list active;       /* pipes that may have something */
    struct cz_socket *socket;    /* told to drop ends that are read out */
    bool is_in_message;
};

void cz_fq_init(struct cz_fq *fq, struct cz_socket *socket);

/* A pipe that may have something to read. */
void cz_fq_add(struct cz_fq *fq, struct cz_pipe_end *end);
void cz_fq_remove(struct cz_fq *fq, struct cz_pipe_end *end);

/* The far end has closed: once everything is read, the socket drops the end.
 * It may be gone when this returns. */
void cz_fq_peer_closed(struct cz_fq *fq, struct cz_pipe_end *end);

/* The slow halves of the inline functions below. */
bool cz_fq_find_readable(struct cz_fq *fq);
int cz_fq_recv_slow(struct cz_fq *fq, struct cz_frame *frame);

static inline bool cz_fq_is_readable(struct cz_fq *fq)
{
    return fq->is_in_message ||
           (CZ_LIKELY(fq->current != NULL) &&
            CZ_LIKELY(cz_pipe_has_message(fq->current))) ||
           cz_fq_find_readable(fq);
}

/* Throws away what is left of the message that is being read, or the whole
 * next one. */
void cz_fq_skip(struct cz_fq *fq);

/* Puts off everything that is to be read until commands are run again; that
 * there is a command wakes whoever waits. Between messages only. */
void cz_fq_put_off(struct cz_fq *fq);

/* How many messages there are just now, in memory. */
uint32_t cz_fq_waiting(struct cz_fq *fq);

/* Whose turn comes after that of `end`, perhaps its own. */
static inline struct cz_pipe_end *cz_fq_after(const struct cz_fq *fq,
                                              const struct cz_pipe_end *end)
{
    struct cz_list *next = end->fq_link.next;

    if (next == &fq->active)
        next = next->next;
    return cz_container_of(next, struct cz_pipe_end, fq_link);
}

static inline void cz_fq_advance(struct cz_fq *fq)
{
    fq->current = cz_fq_after(fq, fq->current);
}

/* 0 or -EAGAIN. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE int cz_fq_recv(struct cz_fq *fq,
                                                     struct cz_frame *frame)
{
    if (CZ_LIKELY(fq->current != NULL) &&
        CZ_LIKELY(cz_pipe_read_short(fq->current, frame))) {
        fq->is_in_message = false;
        cz_fq_advance(fq);
        return 0;
    }
    return cz_fq_recv_slow(fq, frame);
}

#endif
