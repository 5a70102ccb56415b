/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Frames: what a message is made of, and how one lies in memory.
 *
 * A pipe carries frames exactly as ZMTP 2.0 and 3.x put them on the wire
 * (RFC 23, "Framing"):
 *
 *     short   flags(1) length(1) body             body of 0..255 bytes
 *     long    flags(1) length(8, big-endian) body
 *
 * with one addition that never leaves the process: a frame whose body has
 * CZ_REF_MIN bytes or more travels by reference. Its header is the ordinary
 * long one, and where the body would begin lies a struct cz_frame_ref
 * (unaligned) instead. Whether a body is there or elsewhere follows from
 * its length alone, so that nothing else needs to say it.
 */
#ifndef CZ_MSG_FRAME_H
#define CZ_MSG_FRAME_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "msg/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ZMTP 3.1, 2.3: the flags octet. */
enum {
    CZ_FRAME_MORE = 0x01,
    CZ_FRAME_LONG = 0x02,
    CZ_FRAME_COMMAND = 0x04,
    /* Only inside the process: a note from the I/O side to the socket (see
     * msg/metadata.h); no peer can produce it. */
    CZ_FRAME_NOTE = 0x80,
    /* Likewise: stands for the latest message of a conflating stream. */
    CZ_FRAME_LATEST = 0x40,
};

enum {
    CZ_FRAME_SHORT_MAX = 255,
    CZ_FRAME_HEADER_MAX = 9,
    /* From this body size on, passing a pointer beats copying twice
     * (docs/rationale.md says what of that is measured). */
    CZ_REF_MIN = 16384,
};

struct cz_metadata;

/* One frame on its way into or out of a pipe. */
struct cz_frame {
    const uint8_t *data;
    size_t size;
    /* Holds one reference if size >= CZ_REF_MIN, else NULL. */
    struct cz_buffer *buffer;
    /* Of the connection it came from; borrowed from the pipe. */
    struct cz_metadata *metadata;
    uint8_t flags;
};

/* For who was given a frame that nobody takes. */
static inline void cz_frame_drop(const struct cz_frame *frame)
{
    if (CZ_UNLIKELY(frame->buffer != NULL))
        cz_buffer_unref(frame->buffer);
}

struct cz_frame_ref {
    struct cz_buffer *buffer;
    const uint8_t *data;
};

static inline size_t cz_frame_header_size(size_t body)
{
    return body <= CZ_FRAME_SHORT_MAX ? 2 : 9;
}

/* Writes a header and returns its size. `flags` without CZ_FRAME_LONG. */
static inline size_t cz_frame_put_header(uint8_t *to, uint8_t flags,
                                         size_t body)
{
    if (CZ_LIKELY(body <= CZ_FRAME_SHORT_MAX)) {
        to[0] = flags;
        to[1] = (uint8_t)body;
        return 2;
    }
    to[0] = flags | CZ_FRAME_LONG;
    cz_put_be64(to + 1, body);
    return 9;
}

/* Lays a frame whole, header and body, of less than CZ_REF_MIN bytes, and
 * returns its size. short: of CZ_FRAME_SHORT_MAX at most; calls nothing. */
static inline size_t cz_frame_lay(uint8_t *to, uint8_t flags,
                                  const struct cz_frame *frame)
{
    size_t header = cz_frame_put_header(to, flags, frame->size);

    memcpy(to + header, frame->data, frame->size);
    return header + frame->size;
}

static CZ_ALWAYS_INLINE size_t cz_frame_lay_short(uint8_t *to, uint8_t flags,
                                                  const struct cz_frame *frame)
{
    size_t size = frame->size;

    to[0] = flags;
    to[1] = (uint8_t)size;
    cz_copy_short(to + 2, frame->data, size);
    return size + 2;
}

/* Reads a header of which at least 2 bytes are there. Returns its size, or
 * 0 if it is a long one and not all of it is there. */
static inline size_t cz_frame_get_header(const uint8_t *from, size_t available,
                                         uint8_t *flags, uint64_t *body)
{
    *flags = from[0];
    if (CZ_LIKELY(!(from[0] & CZ_FRAME_LONG))) {
        *body = from[1];
        return 2;
    }
    *body = 0;
    if (available < CZ_FRAME_HEADER_MAX)
        return 0;
    *body = cz_get_be64(from + 1);
    return CZ_FRAME_HEADER_MAX;
}

/* The bytes that a frame occupies in a pipe in which it lies with a header of
 * this size. What comes from a peer may have a long header before a short
 * body: then it is not what cz_frame_header_size says. */
static inline size_t cz_frame_extent(size_t header, size_t body)
{
    return header +
           (CZ_LIKELY(body < CZ_REF_MIN) ? body : sizeof(struct cz_frame_ref));
}

/* The same of a frame that is still to be written. */
static inline size_t cz_frame_footprint(size_t body)
{
    return cz_frame_extent(cz_frame_header_size(body), body);
}

#endif
