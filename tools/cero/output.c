/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Puts received frames together as records and writes them to standard
 * output.
 *
 * Thread: one owner.
 * Owns: the buffer.
 */
#include "output.h"

#include "stop.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { OUTPUT_FLUSH_SIZE = 64 * 1024 };

void output_init(struct output *output, const struct framing *framing,
                 const struct format *format, int separator)
{
    *output = (struct output){
        .framing = framing,
        .format = format,
        .separator = separator,
    };
}

void output_fini(struct output *output)
{
    buffer_fini(&output->buffer);
}

static int output_begin(struct output *output)
{
    static const unsigned char no_length[FRAMING_PREFIX_SIZE];

    output->is_open = true;
    output->record_offset = buffer_size(&output->buffer);
    if (!output->framing->has_prefix)
        return 0;
    return buffer_append(&output->buffer, no_length, sizeof no_length);
}

static int output_end(struct output *output)
{
    output->is_open = false;
    if (output->framing->has_prefix) {
        size_t size = buffer_size(&output->buffer) - output->record_offset -
                      FRAMING_PREFIX_SIZE;

        if (size > UINT32_MAX)
            return -EMSGSIZE;
        framing_put_prefix(buffer_head(&output->buffer) + output->record_offset,
                           (uint32_t)size);
    }
    if (output->framing->has_newline)
        return buffer_append(&output->buffer, "\n", 1);
    return 0;
}

int output_add(struct output *output, const void *data, size_t size,
               bool has_more)
{
    unsigned char separator = (unsigned char)output->separator;
    int rc;

    if (!output->is_open)
        rc = output_begin(output);
    else
        rc = buffer_append(&output->buffer, &separator, 1);
    if (rc == 0 && output->format->encode)
        rc = output->format->encode(&output->buffer, data, size,
                                    output->separator);
    else if (rc == 0)
        rc = buffer_append(&output->buffer, data, size);
    if (rc == 0 && !(has_more && output->separator >= 0))
        rc = output_end(output);
    return rc;
}

int output_frame(struct output *output, const void *data, size_t size,
                 bool has_more)
{
    int rc = output_add(output, data, size, has_more);

    if (rc == -ENOMEM)
        warnx("out of memory for a message of %zu bytes", size);
    else if (rc == -EMSGSIZE)
        warnx("a message is too large for a length of four bytes: "
              "receive it with --raw");
    if (rc != 0)
        return rc;
    if (output->is_open || buffer_size(&output->buffer) < OUTPUT_FLUSH_SIZE)
        return 0;
    return output_flush(output);
}

int output_flush(struct output *output)
{
    struct buffer *buffer = &output->buffer;

    while (buffer_size(buffer) > 0) {
        struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
        ssize_t size =
            write(STDOUT_FILENO, buffer_head(buffer), buffer_size(buffer));
        int rc = size == -1 ? -errno : 0;

        if (size > 0)
            buffer_consume(buffer, (size_t)size);
        if (rc == -EAGAIN) /* somebody made it non-blocking */
            rc = poll(&wait, 1, -1) == -1 ? -errno : 0;
        if (rc == -EINTR && !stop_signal())
            rc = 0;
        if (rc == 0 && size >= 0 && buffer_size(buffer) > 0 && stop_signal())
            rc = -EINTR;
        if (rc == -EINTR)
            return rc;
        if (rc != 0) {
            errno = -rc;
            warn("cannot write to standard output");
            return rc;
        }
    }
    return 0;
}
