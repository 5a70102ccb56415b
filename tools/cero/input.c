/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reads files and standard input, and cuts them into records.
 *
 * Thread: one owner.
 * Owns: the descriptor being read (but not standard input), the buffer.
 */
#include "input.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_READ_SIZE = 64 * 1024 };

static void input_close(struct input *input)
{
    if (input->fd > STDIN_FILENO)
        close(input->fd);
    input->fd = -1;
}

/* Begins with the next file. 0, -ENODATA after the last, or -errno. */
static int input_open(struct input *input)
{
    input_close(input);
    if (input->file_count == 0)
        return -ENODATA;
    input->name = input->files[0];
    input->files++;
    input->file_count--;
    if (strcmp(input->name, "-") == 0)
        input->fd = STDIN_FILENO;
    else
        input->fd = open(input->name, O_RDONLY | O_CLOEXEC);
    if (input->fd == -1) {
        int error = errno;

        warn("cannot open %s", input->name);
        return -error;
    }
    input->seen = 0;
    input->is_first = true;
    input->is_ended = false;
    return 0;
}

int input_init(struct input *input, const struct framing *framing, char **files,
               size_t file_count)
{
    *input = (struct input){.framing = framing, .fd = -1};
    if (file_count > 0) {
        input->framing = &framing_raw;
        input->files = files;
        input->file_count = file_count;
        return input_open(input);
    }
    input->name = "standard input";
    input->fd = STDIN_FILENO;
    input->is_first = true;
    return 0;
}

void input_fini(struct input *input)
{
    input_close(input);
    buffer_fini(&input->buffer);
}

int input_fd(const struct input *input)
{
    return input->fd;
}

static int input_cut(struct input *input, struct record *record)
{
    struct framing_scan scan = {
        .data = buffer_head(&input->buffer),
        .size = buffer_size(&input->buffer),
        .seen = input->seen,
        .is_first = input->is_first,
        .is_ended = input->is_ended,
    };
    struct framing_cut cut;
    int rc = input->framing->cut(&scan, &cut);

    if (rc != 0) {
        input->seen = scan.size;
        return rc;
    }
    record->data = scan.data + cut.offset;
    record->size = cut.size;
    input->taken = cut.total;
    input->seen = 0;
    input->is_first = false;
    return 0;
}

int input_next(struct input *input, struct record *record)
{
    int rc;

    buffer_consume(&input->buffer, input->taken);
    input->taken = 0;
    rc = input_cut(input, record);
    if (rc == -ENODATA && input->is_ended) {
        rc = input_open(input);
        if (rc == 0)
            rc = -EAGAIN;
    }
    if (rc == -EBADMSG)
        warnx("%s ends in the middle of a message: the length before it "
              "promises more bytes than there are",
              input->name);
    return rc;
}

int input_fill(struct input *input)
{
    int rc = buffer_reserve(&input->buffer, INPUT_READ_SIZE);
    ssize_t size;

    if (rc != 0) {
        warnx("%s: out of memory for a message of over %zu bytes", input->name,
              buffer_size(&input->buffer));
        return rc;
    }
    size = read(input->fd, buffer_tail(&input->buffer),
                buffer_room(&input->buffer));
    if (size == -1) {
        rc = -errno;
        if (rc != -EINTR && rc != -EAGAIN) {
            warn("cannot read %s", input->name);
            return rc;
        }
        return rc == -EAGAIN ? 0 : rc;
    }
    input->buffer.end += (size_t)size;
    input->is_ended = size == 0;
    return 0;
}
