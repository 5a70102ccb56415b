/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XSUB (RFC 29): receives from all publishers, and tells each of them what it
 * wants. SUB is the same, but that it lets through only what it wants and
 * sends nothing else.
 *
 * The set of subscriptions is here; publishers are told of each change, and of
 * the whole set when they come, and again when their connection has been made
 * anew. That must not be lost, so it goes beyond the high-water mark. Only a
 * publisher that has heard nothing for very long (XSUB_AHEAD_MAX) is told no
 * more, until it listens again, and then the whole set.
 *
 * Thread: the socket's. Owns: what is in the struct.
 */
#ifndef CZ_TYPE_XSUB_H
#define CZ_TYPE_XSUB_H

#include "core/socket.h"
#include "pattern/dist.h"
#include "pattern/fq.h"
#include "pattern/subs.h"

#include <stdbool.h>

struct cz_xsub {
    struct cz_socket base;
    struct cz_subs subs; /* the value counts */
    struct cz_fq fq;
    struct cz_dist dist;        /* all publishers */
    uint32_t behind;            /* how many of them are */
    uint32_t unlisted;          /* ends for which there was no memory */
    bool has_first_only;        /* ZMQ_ONLY_FIRST_SUBSCRIBE */
    bool tells_all_cancels;     /* ZMQ_XSUB_VERBOSE_UNSUBSCRIBE */
    bool is_sending;            /* in the middle of a message, */
    bool is_past_subscriptions; /* which holds none (any more) */

    /* SUB: the frame with which a message begins that it lets through, if it
     * was read ahead of the application. */
    struct cz_frame held;
    struct cz_pipe_end *held_from; /* NULL: there is none */
};

static inline struct cz_xsub *cz_xsub_of(struct cz_socket *s)
{
    return cz_container_of(s, struct cz_xsub, base);
}

/* ---- for SUB, too: the operations of a socket -------------------------- */

void cz_xsub_init(struct cz_socket *s);
void cz_xsub_fini(struct cz_socket *s);
CZ_MUST_CHECK int cz_xsub_connecting(struct cz_socket *s);
void cz_xsub_attach(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xsub_peer_closed(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xsub_detach(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xsub_introduced(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xsub_readable(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xsub_writable(struct cz_socket *s, struct cz_pipe_end *end);
CZ_MUST_CHECK int cz_xsub_get_option(struct cz_socket *s, int number,
                                     void *value, size_t *size);

/* ---- subscriptions (xsub_subs.c) ---------------------------------------- */

/* One more, or one fewer, subscription of a prefix. *must_tell: publishers are
 * to be told. 0 or -ENOMEM: nothing is changed. */
CZ_MUST_CHECK int cz_xsub_count(struct cz_xsub *x, struct cz_span topic,
                                bool subscribes, bool *must_tell);

/* The same, and tells all publishers. */
CZ_MUST_CHECK int cz_xsub_change(struct cz_xsub *x, struct cz_span topic,
                                 bool subscribes);

/* Tells a publisher the whole set. */
void cz_xsub_tell_set(struct cz_xsub *x, struct cz_pipe_end *end);

/* Writes to a publisher what must not be lost. The buffer stays the
 * caller's. */
void cz_xsub_tell(struct cz_xsub *x, struct cz_pipe_end *end,
                  const struct cz_frame *frame);

/* Adds a publisher, and tells it the whole set. False: there is no memory. */
CZ_MUST_CHECK bool cz_xsub_enlist(struct cz_xsub *x, struct cz_pipe_end *end);

/* Tries again with publishers that could not be added, or told. */
void cz_xsub_catch_up(struct cz_xsub *x);

#endif
