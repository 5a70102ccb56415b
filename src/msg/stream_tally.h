/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams, counted from outside.
 *
 * Thread: any. Owns: nothing.
 */
#ifndef CZ_MSG_STREAM_TALLY_H
#define CZ_MSG_STREAM_TALLY_H

#include <stdint.h>

struct cz_stream;

/* What has passed through a stream, and what is in it. */
struct cz_stream_tally {
    uint64_t messages;  /* written ever, whole */
    uint64_t bytes;     /* the same, as frames with their headers */
    uint64_t conflated; /* written, and replaced by a later one unread */
    uint64_t full;      /* how often the writer found no room */
    uint32_t queued;    /* messages that are not read yet */
    uint32_t queued_max;
    uint32_t hwm;
};

/* Any thread, at any time, without holding anybody up. Each number by itself
 * is right at some moment during the call, but for two. queued may be less, of
 * a stream that is being read. queued_max, which never falls, is the most that
 * the reader found when it looked, or the writer when it asked for credit or
 * opened a chunk, or that was told here. */
void cz_stream_tally(struct cz_stream *stream, struct cz_stream_tally *tally);

#endif
