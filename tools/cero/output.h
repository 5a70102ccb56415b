/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The messages that came, on their way to standard output. They gather in
 * a buffer that is written when it is full or when the caller is about to
 * wait.
 *
 * Thread: one owner.
 */
#ifndef CERO_OUTPUT_H
#define CERO_OUTPUT_H

#include "buffer.h"
#include "format.h"
#include "framing.h"

#include <stdbool.h>
#include <stddef.h>

struct output {
    const struct framing *framing;
    const struct format *format;
    int separator;        /* between frames of one record; -1: none */
    bool is_open;         /* a record has begun and will go on */
    size_t record_offset; /* where it began, from the head of the buffer */
    struct buffer buffer;
};

/* With a separator the frames of a message make one record; without,
 * each frame is a record of its own. */
void output_init(struct output *output, const struct framing *framing,
                 const struct format *format, int separator);

/* Forgets what was not flushed. */
void output_fini(struct output *output);

/* Adds one frame to the buffer, and no more. 0 or -errno. */
int output_add(struct output *output, const void *data, size_t size,
               bool has_more);

/* Adds one frame; `has_more` as the message says. 0 or -errno, told on
 * stderr; -EINTR as in output_flush. */
int output_frame(struct output *output, const void *data, size_t size,
                 bool has_more);

/* Writes everything. 0 or -errno, told on stderr; -EINTR when a signal
 * asked for the end while the reader did not read. */
int output_flush(struct output *output);

#endif
