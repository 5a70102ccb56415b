/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sends one message after the other, part by part.
 *
 * Thread: one owner.
 * Owns: the input, the parts of the pending message.
 */
#include "sender.h"

#include "link.h"
#include "meter.h"

#include <err.h>
#include <errno.h>

#include <zmq.h>

int sender_init(struct sender *sender, const struct options *options)
{
    *sender = (struct sender){.options = options, .input = {.fd = -1}};
    if (!(options->pattern->traits & PATTERN_SENDS) ||
        options->answer != OPTIONS_ANSWER_INPUT)
        return 0;
    return input_init(&sender->input, options->framing, options->files,
                      options->file_count);
}

void sender_fini(struct sender *sender)
{
    parts_fini(&sender->parts);
    input_fini(&sender->input);
}

int sender_put(struct sender *sender, const struct record *record)
{
    const struct options *options = sender->options;
    const struct parts_rules rules = {
        .format = options->format,
        .separator = options->separator,
        .topic = options->topic,
    };
    int rc = parts_cut(&sender->parts, record, &rules);

    if (rc == -EBADMSG)
        warnx("'%.*s' is not written as --format %s wants",
              record->size < 40 ? (int)record->size : 40,
              (const char *)record->data, options->format->name);
    else if (rc != 0)
        warnx("out of memory for a message of %zu bytes", record->size);
    sender->next = 0;
    sender->has_pending = rc == 0;
    return rc;
}

void sender_swap(struct sender *sender, struct parts *parts)
{
    struct parts mine = sender->parts;

    sender->parts = *parts;
    *parts = mine;
    sender->next = 0;
    sender->has_pending = true;
}

int sender_fetch(struct sender *sender)
{
    struct record record;
    int rc;

    sender->wants_input = false;
    if (sender->has_pending)
        return 0;
    if (sender->is_ended)
        return -ENODATA;
    rc = input_next(&sender->input, &record);
    sender->is_ended = rc == -ENODATA;
    sender->wants_input = rc == -EAGAIN;
    return rc == 0 ? sender_put(sender, &record) : rc;
}

static int sender_refuse(struct sender *sender, const char *why)
{
    struct record identity = parts_get(&sender->parts, 0);
    struct buffer text = {0};

    if (format_quoted.encode(&text, identity.data, identity.size, -1) == 0)
        warnx("not sent to '%.*s': %s", (int)buffer_size(&text),
              (const char *)text.data, why);
    buffer_fini(&text);
    sender->has_pending = false;
    sender->has_refused = true;
    return -EHOSTUNREACH;
}

/* A peer that is named and not there is no reason to end: others are. */
static int sender_fail(struct sender *sender, int error)
{
    if (error == EAGAIN || error == EINTR)
        return -error;
    if (error == EHOSTUNREACH)
        return sender_refuse(sender, "no peer has that identity");
    link_warn(error, "cannot send", NULL);
    return -error;
}

int sender_send(struct sender *sender, void *socket)
{
    const struct parts *parts = &sender->parts;
    bool is_routed = sender->options->pattern->traits & PATTERN_ROUTES;

    if (is_routed && parts->count < 2)
        return sender_refuse(sender, "a message needs the identity of the "
                                     "peer, the separator, and a text");
    if (sender->next == 0)
        sender->bytes_sent = 0;
    while (sender->next < parts->count) {
        struct record part = parts_get(parts, sender->next);
        bool has_more = sender->next + 1 < parts->count;

        if (zmq_send(socket, part.data, part.size,
                     ZMQ_DONTWAIT | (has_more ? ZMQ_SNDMORE : 0)) < 0)
            return sender_fail(sender, errno);
        sender->bytes_sent += part.size;
        sender->next++;
    }
    sender->has_pending = false;
    if (sender->options->interval_ms > 0)
        sender->due_ns =
            meter_now_ns() + sender->options->interval_ms * INT64_C(1000000);
    return 0;
}

int sender_wait_ms(const struct sender *sender)
{
    int64_t left_ns;

    if (sender->due_ns == 0)
        return -1;
    left_ns = sender->due_ns - meter_now_ns();
    return left_ns > 0 ? (int)((left_ns + 999999) / 1000000) : -1;
}
