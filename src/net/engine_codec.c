/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Engines: connections on which frames look different from those in the pipe
 * (ZMTP 1.0; raw bytes), or on which some do (subscriptions, to peers older
 * than 3.1), or whose pipe keeps only the latest. Frames are taken from the
 * pipe one by one and encoded into a buffer.
 *
 * Thread: with the helm.
 */
#include "base/alloc.h"
#include "net/engine_state.h"
#include "wire/socket_type.h"
#include "wire/zmtp1.h"

#include <errno.h>
#include <string.h>

enum {
    ENCODED_MAX = 65536,
    RAW_MESSAGE_MAX = 8192,
};

/* ---- ZMTP 1.0 ------------------------------------------------------- */

/* Frames come one by one here: a chunk that still holds others must not be
 * handed over to the pipe, as cz_engine_decode_plain does. */
static bool codec_decode_old(struct cz_engine *e, uint8_t *bytes, size_t size)
{
    int64_t size_max = e->session->options->maxmsgsize;

    for (;;) {
        struct cz_frame frame = {0};
        size_t header;
        uint64_t body;
        bool has_more;
        size_t used;
        int rc = cz_zmtp1_parse(bytes, size, &header, &body, &has_more);

        if (rc < 0 || (rc > 0 && size_max >= 0 && body > (uint64_t)size_max))
            return cz_engine_fail(e, true);
        if (rc == 0 || (body < CZ_REF_MIN && size - header < body))
            return cz_engine_carry(e, bytes, size);
        frame.flags = has_more ? CZ_FRAME_MORE : 0;
        if (body < CZ_REF_MIN) {
            frame.data = bytes + header;
            frame.size = body;
            if (!cz_engine_grow_message(e, body) ||
                !cz_engine_deliver_frame(e, &frame))
                return false;
            if (!has_more)
                e->in.unfinished = 0;
            used = header + body;
        } else {
            struct cz_frame_scan scan = {
                .flags = frame.flags,
                .body = body,
                .header = header,
            };

            used = cz_engine_begin_large(e, &scan, bytes, size);
            if (used == 0)
                return false;
        }
        bytes += used;
        size -= used;
    }
}

static size_t codec_put_old(uint8_t *to, uint8_t flags, size_t size)
{
    return cz_zmtp1_header(to, size, flags & CZ_FRAME_MORE);
}

static const struct cz_engine_codec codec_old = {
    .decode = codec_decode_old,
    .put_header = codec_put_old,
};

/* ---- ZMTP 2.0 and 3.x ----------------------------------------------- */

static const struct cz_engine_codec codec_plain = {
    .decode = cz_engine_decode_plain,
};

/* The same, looked at frame by frame on the way out. */
static const struct cz_engine_codec codec_framed = {
    .decode = cz_engine_decode_plain,
    .put_header = cz_frame_put_header,
};

/* ---- raw ------------------------------------------------------------ */

/* What one read brings is a message, cut where it would be too long. */
static bool codec_decode_raw(struct cz_engine *e, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        struct cz_frame frame = {
            .data = bytes,
            .size = size < RAW_MESSAGE_MAX ? size : RAW_MESSAGE_MAX,
        };

        if (!cz_engine_deliver_frame(e, &frame))
            return false;
        bytes += frame.size;
        size -= frame.size;
    }
    return true;
}

static size_t codec_put_raw(uint8_t *to, uint8_t flags, size_t size)
{
    (void)to;
    (void)flags;
    (void)size;
    return 0;
}

static const struct cz_engine_codec codec_raw = {
    .decode = codec_decode_raw,
    .put_header = codec_put_raw,
};

/* ---- choosing ------------------------------------------------------- */

void cz_engine_choose_codec(struct cz_engine *e,
                            const struct cz_handshake_result *result)
{
    uint8_t type = e->session->options->socket_type;
    bool subscribes = type == CZ_SOCKET_SUB || type == CZ_SOCKET_XSUB;

    if (result->is_raw)
        e->codec = &codec_raw;
    else if (result->has_old_frames)
        e->codec = &codec_old;
    else if ((subscribes && !result->has_subscriptions) ||
             e->pipe->in->is_conflating)
        e->codec = &codec_framed;
    else
        e->codec = &codec_plain;
}

/* ---- encoding ------------------------------------------------------- */

/* What a subscription begins with in the form that is a message (wire.md
 * 6.2); -1: it is none, or the peer takes it as it is. */
static int codec_subscription(const struct cz_engine *e, struct cz_frame *frame)
{
    struct cz_zmtp_command command;

    if (!(frame->flags & CZ_FRAME_COMMAND) || e->has_subscriptions)
        return -1;
    cz_command_parse(frame->data, frame->size, &command);
    frame->data = command.data.bytes;
    frame->size = command.data.size;
    frame->flags = 0;
    return command.kind == CZ_COMMAND_SUBSCRIBE;
}

/* Where the next `size` bytes go; NULL = no memory. */
static uint8_t *codec_make_room(struct cz_engine *e, size_t size)
{
    size_t capacity = e->out.encoded_size + size;
    uint8_t *bigger;

    if (capacity > e->out.encoded_capacity) {
        if (capacity < ENCODED_MAX && capacity < e->out.encoded_capacity * 2)
            capacity = e->out.encoded_capacity * 2;
        bigger = cz_realloc(e->out.encoded, capacity);
        if (!bigger)
            return NULL;
        e->out.encoded = bigger;
        e->out.encoded_capacity = capacity;
    }
    return e->out.encoded + e->out.encoded_size;
}

static int codec_append(struct cz_engine *e, struct cz_frame frame)
{
    int lead = codec_subscription(e, &frame);
    size_t size = frame.size + (lead >= 0);
    uint8_t *to = codec_make_room(e, CZ_ENGINE_HEADER_MAX + size);

    if (!to)
        return -ENOMEM;
    to += e->codec->put_header(to, frame.flags, size);
    if (lead >= 0)
        *to++ = (uint8_t)lead;
    memcpy(to, frame.data, frame.size);
    e->out.encoded_size = (size_t)(to + frame.size - e->out.encoded);
    return 0;
}

int cz_engine_encode(struct cz_engine *e)
{
    struct cz_frame frame;

    e->out.encoded_size = 0;
    cz_pipe_acknowledge(e->pipe);
    while (e->out.encoded_size < ENCODED_MAX && cz_pipe_read(e->pipe, &frame)) {
        int rc = codec_append(e, frame);

        cz_frame_drop(&frame);
        if (rc != 0)
            return rc;
    }
    if (e->out.encoded_size == 0 && e->pipe->in->r.is_starved)
        return -ENOMEM;
    e->out.batch_left = e->out.encoded_size;
    return e->out.encoded_size > 0;
}
