/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a socket has read ahead and the application has not: a stream whose
 * writer and reader are the same thread, with a note before each change of
 * the pipe that messages come from.
 *
 * Thread: the socket's. Owns: the stream, which is made when it is needed, and
 * a reference to the metadata of its sources.
 */
#ifndef CZ_TYPE_INBOX_H
#define CZ_TYPE_INBOX_H

#include "base/compiler.h"
#include "msg/frame.h"
#include "msg/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_metadata;

struct cz_inbox_source {
    struct cz_metadata *metadata; /* first: see msg/stream.h on notes */
    uint32_t number;              /* of the pipe, see pattern/dist.h */
    uint32_t serial;              /* 0: no pipe */
    /* The socket tells of something, and no peer has written it. As wide as
     * this, since sources are compared byte by byte. */
    uint64_t is_event;
};

struct cz_inbox {
    struct cz_stream *stream;
    struct cz_inbox_source pushed; /* where the last frame pushed came from */
    struct cz_inbox_source source; /* where the last frame popped came from */
    struct cz_inbox_source next;   /* and the next one, if it is known: */
    bool has_next;
};

void cz_inbox_fini(struct cz_inbox *inbox);

/* Takes over the frame's buffer. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_inbox_push(struct cz_inbox *inbox,
                                const struct cz_inbox_source *source,
                                const struct cz_frame *frame);

/* Has a message been pushed in part? */
static inline bool cz_inbox_is_in_message(const struct cz_inbox *inbox)
{
    return inbox->stream && inbox->stream->w.is_in_message;
}

/* Takes back the message of which only some frames were pushed. */
void cz_inbox_rollback(struct cz_inbox *inbox);

/* The frame is valid until the next call. False: nothing is there. */
CZ_MUST_CHECK bool cz_inbox_pop(struct cz_inbox *inbox, struct cz_frame *frame);

bool cz_inbox_has_data(struct cz_inbox *inbox);

/* How many bytes wait; of frames by reference only the headers count. */
static inline size_t cz_inbox_size(const struct cz_inbox *inbox)
{
    return inbox->stream ? cz_stream_unread(inbox->stream) : 0;
}

#endif
