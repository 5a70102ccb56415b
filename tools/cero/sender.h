/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is to be sent: one message at a time, out of the input or put
 * together as a reply.
 *
 * Thread: one owner.
 */
#ifndef CERO_SENDER_H
#define CERO_SENDER_H

#include "input.h"
#include "options.h"
#include "parts.h"

#include <stdbool.h>
#include <stdint.h>

struct sender {
    const struct options *options;
    struct input input;
    struct parts parts;  /* the pending message */
    size_t next;         /* of its parts, the first that is not sent */
    bool has_pending;    /* a message, or the rest of one, to be sent */
    bool wants_input;    /* the input must be read before it goes on */
    bool is_ended;       /* nothing comes after the pending message */
    bool has_refused;    /* some messages could not be sent at all */
    int64_t due_ns;      /* not before this time: --interval */
    uint64_t bytes_sent; /* of the message sent last */
};

/* Opens the input, unless replies come from elsewhere. 0 or -errno, told on
 * stderr. */
int sender_init(struct sender *sender, const struct options *options);
void sender_fini(struct sender *sender);

/* Takes the next message from the input, if none is pending. 0: one is;
 * -EAGAIN: the input must be read first; -ENODATA: there are no more;
 * another -errno was told on stderr. */
int sender_fetch(struct sender *sender);

/* Makes `record` the pending message. It must stay until that is sent. 0 or
 * -errno, told on stderr. */
int sender_put(struct sender *sender, const struct record *record);

/* Makes these parts the pending message, and gives others for them. */
void sender_swap(struct sender *sender, struct parts *parts);

/* Sends the pending message. 0; -EAGAIN; another -errno was told on stderr;
 * after -EHOSTUNREACH the message is dropped, and the next one may do. */
int sender_send(struct sender *sender, void *socket);

/* For how long --interval forbids to send; -1: it does not. */
int sender_wait_ms(const struct sender *sender);

#endif
