/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The messages to send: records out of standard input, or whole files.
 * Never blocks by itself on anything that can be polled: the caller asks
 * for the next record, and when there is none yet waits for input_fd and
 * calls input_fill.
 *
 * Thread: one owner.
 */
#ifndef CERO_INPUT_H
#define CERO_INPUT_H

#include "buffer.h"
#include "framing.h"

#include <stdbool.h>
#include <stddef.h>

struct input {
    const struct framing *framing;
    char **files; /* those still to be opened; the caller's */
    size_t file_count;
    const char *name; /* of what is being read, for messages */
    int fd;           /* -1: nothing is open */
    struct buffer buffer;
    size_t taken; /* bytes of the record handed out last */
    size_t seen;
    bool is_first;
    bool is_ended;
};

struct record {
    const unsigned char *data;
    size_t size;
};

/* Reads standard input in `framing` if `file_count` is 0, else the files,
 * each as one record ("-" is standard input). 0 or -errno, told on
 * stderr. */
int input_init(struct input *input, const struct framing *framing, char **files,
               size_t file_count);
void input_fini(struct input *input);

/* The next record, valid until the next call. 0; -EAGAIN: call input_fill
 * first; -ENODATA: that was all; any other -errno was told on stderr. */
int input_next(struct input *input, struct record *record);

/* Where input_fill will read from. */
int input_fd(const struct input *input);

/* Reads once; blocks if input_fd is not readable. 0 or -errno, told on
 * stderr; -EINTR is passed on silently. */
int input_fill(struct input *input);

#endif
