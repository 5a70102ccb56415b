/* SPDX-License-Identifier: MPL-2.0 */
/*
 * XPUB (RFC 29): sends each message to all peers that have subscribed to a
 * beginning of its first frame, and tells the application of subscriptions.
 * PUB is the same without the telling.
 *
 *     xpub.c      peers, sending, receiving
 *     xpub_in.c   what peers say: subscriptions, cancels, messages
 *     xpub_options.c
 *
 * What comes from peers is read at once, whether or not the application ever
 * receives: subscriptions must take effect. So it waits for the application in
 * an inbox. Of a peer that sends messages (XSUB) only ZMQ_RCVHWM may wait
 * there; then nothing more is read from it until the application has emptied
 * the inbox. Subscriptions count whether or not the application wants to know
 * of them; so when too much waits that tells of them, no more is told.
 *
 * Thread: the socket's. Owns: what is in the struct.
 */
#ifndef CZ_TYPE_XPUB_H
#define CZ_TYPE_XPUB_H

#include "core/socket.h"
#include "pattern/audience.h"
#include "pattern/dist.h"
#include "type/inbox.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_xpub {
    struct cz_socket base;
    struct cz_dist dist;
    struct cz_audience audience; /* the subscriptions in force */
    struct cz_audience asked;    /* manual mode: those that peers asked for */
    struct cz_inbox inbox;
    struct cz_inbox_source last; /* of the event received last; no metadata */
    struct cz_list stalled;      /* ends that are not read, by their fq_link */
    /* What a peer has said and there was no memory for; until there is, nothing
     * is read from any peer. */
    struct cz_frame held;
    struct cz_pipe_end *held_from; /* NULL: nothing */
    bool is_held_looked_at;        /* it may be a subscription */
    struct cz_buffer *welcome;     /* ZMQ_XPUB_WELCOME_MSG, or NULL */
    size_t large_told; /* bytes of large topics told since it was empty */
    uint32_t epoch;    /* how often the inbox was found empty */
    bool is_pub;       /* the application is told nothing */
    bool tells_all_subscriptions;
    bool tells_all_cancels;
    bool is_manual;
    bool has_first_only; /* ZMQ_ONLY_FIRST_SUBSCRIBE */
    /* ZMQ_XPUB_MANUAL_LAST_VALUE: the next message after an event goes to
     * where that came from. */
    bool answers_last;
    bool is_answering;
};

static inline struct cz_xpub *cz_xpub_of(struct cz_socket *s)
{
    return cz_container_of(s, struct cz_xpub, base);
}

/* ---- for PUB, too: the operations of a socket ------------------------- */

void cz_xpub_init(struct cz_socket *s);
void cz_xpub_fini(struct cz_socket *s);
CZ_MUST_CHECK int cz_xpub_connecting(struct cz_socket *s);
void cz_xpub_attach(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xpub_peer_closed(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xpub_detach(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xpub_introduced(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xpub_readable(struct cz_socket *s, struct cz_pipe_end *end);
void cz_xpub_writable(struct cz_socket *s, struct cz_pipe_end *end);
CZ_MUST_CHECK int cz_xpub_send(struct cz_socket *s, struct cz_frame *frame);
CZ_MUST_CHECK int cz_xpub_set_option(struct cz_socket *s, int number,
                                     const void *value, size_t size);
CZ_MUST_CHECK int cz_xpub_get_option(struct cz_socket *s, int number,
                                     void *value, size_t *size);

/* ---- among its files --------------------------------------------------- */

/* The pipe that the event received last came from, or NULL if it is gone. */
const struct cz_dist_pipe *cz_xpub_last(const struct cz_xpub *x);

/* Cancels everything that a peer has subscribed to. */
void cz_xpub_forget(struct cz_xpub *x, struct cz_pipe_end *end);

/* Forgets what is held from a peer that goes. */
void cz_xpub_drop_held(struct cz_xpub *x, struct cz_pipe_end *end);

/* Reads from the peers that had to wait for the inbox to be emptied. */
void cz_xpub_resume(struct cz_xpub *x);

#endif
