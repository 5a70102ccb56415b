/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Replies that `rep` makes by itself: the request, a fixed text, or what a
 * command prints.
 *
 * Thread: one owner.
 */
#ifndef CERO_ANSWER_H
#define CERO_ANSWER_H

#include "buffer.h"
#include "options.h"
#include "parts.h"
#include "sender.h"

struct answer {
    const struct options *options;
    struct parts request; /* collected by the owner */
    struct buffer reply;  /* what the command printed */
};

void answer_init(struct answer *answer, const struct options *options);
void answer_fini(struct answer *answer);

/* Turns the request, which is over with that, into the sender's pending
 * message. 0 or -errno, told on stderr; -EINTR when a signal asked for the
 * end. */
int answer_make(struct answer *answer, struct sender *sender);

#endif
