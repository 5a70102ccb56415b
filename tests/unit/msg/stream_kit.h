/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of streams share: frames whose content follows from a seed,
 * and a stream together with the wake-ups that are owed to its two sides.
 *
 * Thread: one; stream_threads_test.c uses only the content.
 * Owns: the stream.
 */
#ifndef TESTS_UNIT_MSG_STREAM_KIT_H
#define TESTS_UNIT_MSG_STREAM_KIT_H

#include "base/compiler.h"
#include "fuzz/check.h"
#include "msg/metadata.h"
#include "msg/stream.h"

struct kit {
    struct cz_stream stream;
    bool is_wake_due;   /* the reader is owed a wake-up */
    bool is_credit_due; /* the writer is */
    unsigned wakes;
    uint8_t space[CZ_REF_MIN];
};

/* ---- content -------------------------------------------------------- */

static inline uint8_t kit_byte(uint32_t seed, size_t i)
{
    return (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static inline void kit_fill(uint8_t *to, uint32_t seed, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = kit_byte(seed, i);
}

static inline bool kit_matches(const uint8_t *at, uint32_t seed, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != kit_byte(seed, i))
            return false;
    }
    return true;
}

/* A frame to write, its small body in `space`. False: no memory. */
static inline bool kit_frame(struct cz_frame *frame, uint8_t *space,
                             uint32_t seed, size_t size, bool has_more)
{
    *frame = (struct cz_frame){
        .data = space,
        .size = size,
        .flags = has_more ? CZ_FRAME_MORE : 0,
    };
    if (size >= CZ_REF_MIN) {
        frame->buffer = cz_buffer_create(NULL, size);
        if (!frame->buffer)
            return false;
        frame->data = frame->buffer->data;
        space = frame->buffer->data;
    }
    kit_fill(space, seed, size);
    return true;
}

/* Appends a frame as it goes on the wire; returns its size there. */
static inline size_t kit_put_wire(uint8_t *to, uint32_t seed, size_t size,
                                  bool has_more)
{
    size_t header = cz_frame_put_header(to, has_more ? CZ_FRAME_MORE : 0, size);

    kit_fill(to + header, seed, size);
    return header + size;
}

/* ---- a stream ------------------------------------------------------- */

static inline void kit_init(struct kit *k, uint32_t hwm)
{
    cz_stream_init(&k->stream, hwm, NULL);
    k->is_wake_due = false;
    k->is_credit_due = false;
    k->wakes = 0;
}

static inline void kit_fini(struct kit *k)
{
    cz_stream_fini(&k->stream);
}

static inline void kit_owe_wake(struct kit *k, bool must_wake)
{
    if (!must_wake)
        return;
    CHECK(!k->is_wake_due);
    k->is_wake_due = true;
    k->wakes++;
}

static inline void kit_owe_credit(struct kit *k, bool must_wake)
{
    if (!must_wake)
        return;
    CHECK(!k->is_credit_due);
    k->is_credit_due = true;
}

/* Delivers what is owed; says whether anything was. */
static inline bool kit_wake(struct kit *k)
{
    bool was_due = k->is_wake_due;

    k->is_wake_due = false;
    if (was_due)
        cz_stream_on_wake(&k->stream);
    return was_due;
}

static inline bool kit_credit(struct kit *k)
{
    bool was_due = k->is_credit_due;

    k->is_credit_due = false;
    if (was_due)
        cz_stream_on_credit(&k->stream);
    return was_due;
}

static inline int kit_write_as(struct kit *k, uint32_t seed, size_t size,
                               bool has_more, bool is_beyond)
{
    struct cz_frame frame;
    bool must_wake;
    int rc;

    if (!kit_frame(&frame, k->space, seed, size, has_more))
        return -ENOMEM;
    if (is_beyond)
        rc = cz_stream_write_beyond(&k->stream, &frame, &must_wake);
    else
        rc = cz_stream_write(&k->stream, &frame, &must_wake);
    if (rc != 0 && frame.buffer)
        cz_buffer_unref(frame.buffer);
    CHECK(rc == 0 || !must_wake);
    kit_owe_wake(k, must_wake);
    return rc;
}

static inline int kit_write(struct kit *k, uint32_t seed, size_t size,
                            bool has_more)
{
    return kit_write_as(k, seed, size, has_more, false);
}

/* As cz_pipe_read, but leaves notes to the caller. */
static inline bool kit_next(struct kit *k, struct cz_frame *frame)
{
    struct cz_stream *s = &k->stream;

    if (!cz_stream_read(s, frame)) {
        kit_owe_credit(k, s->r.owes_wake);
        s->r.owes_wake = false;
        return false;
    }
    if (!(frame->flags & (CZ_FRAME_MORE | CZ_FRAME_NOTE)) && cz_stream_count(s))
        kit_owe_credit(k, cz_stream_give_credit(s));
    return true;
}

/* Reads one frame, which must be this one. */
static inline void kit_expect(struct kit *k, uint32_t seed, size_t size,
                              bool has_more)
{
    struct cz_frame frame;

    CHECK(kit_next(k, &frame));
    CHECK(frame.size == size);
    CHECK(frame.flags == (has_more ? CZ_FRAME_MORE : 0));
    CHECK((frame.buffer != NULL) == (size >= CZ_REF_MIN));
    CHECK(kit_matches(frame.data, seed, size));
    if (frame.buffer)
        cz_buffer_unref(frame.buffer);
}

/* There is nothing to read, and the reader sleeps. */
static inline void kit_expect_dry(struct kit *k)
{
    struct cz_frame frame;

    CHECK(!kit_next(k, &frame));
    CHECK(k->stream.r.is_asleep);
}

#endif
