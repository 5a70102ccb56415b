/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A stream and the simplest thing that behaves like one: an array of frames.
 * Random operations on both sides, by one thread, must have the same effect
 * on both. The randomness comes from outside, from a generator or a fuzzer.
 *
 * Thread: one. Owns: the stream, the array, and the notes not read yet.
 */
#ifndef TESTS_UNIT_MSG_STREAM_MODEL_H
#define TESTS_UNIT_MSG_STREAM_MODEL_H

#include "base/alloc.h"
#include "stream_kit.h"

#include <stdlib.h>

/* Where the decisions come from. False: there are no more. */
struct model_source {
    bool (*next)(struct model_source *source, uint32_t *value);
};

struct model_frame {
    uint32_t seed;
    size_t size;
    bool has_more;
    bool is_note;
};

struct model {
    struct kit kit;
    struct model_source *source;
    struct model_frame *frames;
    size_t count; /* written, the incomplete message included */
    size_t capacity;
    size_t published; /* of these, in complete messages */
    size_t head;      /* the next to be read */
    size_t sent;      /* wire bytes of it that have gone */
    uint32_t hwm;
    uint32_t messages_written;
    uint32_t messages_read;
    uint32_t beyond; /* at most so many over the mark */
    bool has_fixed_hwm;
    bool is_wire;
    bool is_beyond; /* the incomplete message came from the network */
    uint32_t seed;
};

static inline uint32_t model_pick(struct model *m, uint32_t limit)
{
    uint32_t value = 0;

    (void)m->source->next(m->source, &value);
    return value % limit;
}

static inline size_t model_size(struct model *m)
{
    switch (model_pick(m, 8)) {
    case 0:
        return model_pick(m, 3);
    case 1:
        return 250 + model_pick(m, 12);
    case 2:
        return 490 + model_pick(m, 30);
    case 3:
        return model_pick(m, 3000);
    case 4:
        return CZ_REF_MIN - 3 + model_pick(m, 6);
    default:
        return model_pick(m, 100);
    }
}

static inline void model_push(struct model *m, struct model_frame frame)
{
    if (m->count == m->capacity) {
        m->capacity = m->capacity ? m->capacity * 2 : 64;
        m->frames = realloc(m->frames, m->capacity * sizeof *m->frames);
        CHECK(m->frames != NULL);
    }
    m->frames[m->count++] = frame;
    if (frame.has_more)
        return;
    m->published = m->count;
    m->messages_written += !frame.is_note;
}

static inline bool model_is_in_message(const struct model *m)
{
    return m->count > m->published;
}

/* The size of the frame at the head, as it goes on the wire. */
static inline size_t model_wire_size(const struct model_frame *f)
{
    return cz_frame_header_size(f->size) + f->size;
}

/* ---- the writer's operations ---------------------------------------- */

static inline void model_write(struct model *m)
{
    struct model_frame f = {
        .seed = m->seed++,
        .size = model_size(m),
        .has_more = model_pick(m, 3) == 0,
    };
    uint32_t unread = m->messages_written - m->messages_read;
    uint32_t fail_at = model_pick(m, 16) == 0 ? 1 + model_pick(m, 2) : 0;
    int rc;

    if (!model_is_in_message(m))
        m->is_beyond = model_pick(m, 16) == 0;
    m->beyond += m->is_beyond; /* lent, whether it is used or not */
    cz_alloc_fail_at(fail_at);
    rc = kit_write_as(&m->kit, f.seed, f.size, f.has_more, m->is_beyond);
    cz_alloc_fail_at(0);
    if (rc == 0) {
        CHECK(m->is_beyond || model_is_in_message(m) || !m->has_fixed_hwm ||
              m->hwm == 0 || unread < m->hwm + m->beyond);
        model_push(m, f);
    } else if (rc == -EAGAIN) {
        CHECK(!model_is_in_message(m) && !m->is_beyond);
        CHECK(!m->has_fixed_hwm || m->is_wire ||
              unread > m->hwm - (m->hwm / 2 + m->hwm % 2));
    } else {
        CHECK(rc == -ENOMEM && fail_at != 0);
    }
}

static inline void model_rollback(struct model *m)
{
    cz_stream_rollback(&m->kit.stream);
    m->count = m->published;
}

static inline void model_note(struct model *m)
{
    struct model_frame f = {.seed = m->seed++ % 1000, .is_note = true};
    struct cz_metadata *metadata;
    bool must_wake;
    int rc;

    if (model_is_in_message(m) || m->is_wire)
        return;
    metadata = cz_metadata_create(NULL, 0, (int)f.seed);
    CHECK(metadata != NULL);
    rc = cz_stream_write_note(&m->kit.stream, &metadata, sizeof metadata,
                              &must_wake);
    CHECK(rc == 0);
    kit_owe_wake(&m->kit, must_wake);
    model_push(m, f);
}

/* Several frames arrive at once, copied or with their chunk. */
static inline void model_arrive(struct model *m)
{
    enum { ARRIVE_MAX = 40000 };
    struct cz_chunk *chunk = cz_chunk_create(NULL, ARRIVE_MAX);
    uint32_t begin = model_pick(m, 100);
    uint32_t frames = 1 + model_pick(m, 12);
    uint32_t messages = 0;
    size_t complete = 0;
    size_t size = 0;
    bool must_wake;
    int rc;

    CHECK(chunk != NULL);
    for (uint32_t i = 0; i < frames; i++) {
        struct model_frame f = {
            .seed = m->seed++,
            .size = model_size(m) % 3000,
            .has_more = model_pick(m, 3) == 0,
        };

        size += kit_put_wire(chunk->bytes + begin + size, f.seed, f.size,
                             f.has_more);
        model_push(m, f);
        if (!f.has_more) {
            complete = size;
            messages++;
        }
    }
    m->beyond += messages;
    m->is_beyond = true;
    if (model_pick(m, 2)) {
        must_wake = cz_stream_write_chunk(&m->kit.stream, chunk, begin,
                                          complete, size, messages);
    } else {
        rc = cz_stream_write_run(&m->kit.stream, chunk->bytes + begin, complete,
                                 size, messages, &must_wake);
        CHECK(rc == 0);
        cz_chunk_destroy(chunk);
    }
    kit_owe_wake(&m->kit, must_wake);
}

static inline void model_set_hwm(struct model *m)
{
    m->has_fixed_hwm = false;
    m->hwm = model_pick(m, 4) ? model_pick(m, 20) : 0;
    cz_stream_set_hwm(&m->kit.stream, m->hwm);
}

/* ---- the reader's operations ---------------------------------------- */

/* Nothing to read is only said when there is nothing, or a wake-up is on its
 * way. */
static inline void model_is_dry(struct model *m)
{
    CHECK(m->kit.stream.r.is_asleep);
    CHECK(m->head == m->published || m->kit.is_wake_due);
}

static inline void model_read(struct model *m)
{
    const struct model_frame *f;
    struct cz_metadata *metadata;
    struct cz_frame frame;

    if (!kit_next(&m->kit, &frame)) {
        model_is_dry(m);
        return;
    }
    CHECK(m->head < m->published);
    f = &m->frames[m->head++];
    if (f->is_note) {
        CHECK(frame.flags == CZ_FRAME_NOTE);
        memcpy(&metadata, frame.data, sizeof metadata);
        CHECK(cz_metadata_fd(metadata) == (int)f->seed);
        cz_metadata_unref(metadata, 1);
        return;
    }
    CHECK(frame.flags == (f->has_more ? CZ_FRAME_MORE : 0));
    CHECK(frame.size == f->size);
    CHECK(kit_matches(frame.data, f->seed, f->size));
    if (frame.buffer)
        cz_buffer_unref(frame.buffer);
    m->messages_read += !f->has_more;
}

/* The next byte on the wire. */
static inline uint8_t model_wire_byte(const struct model *m)
{
    const struct model_frame *f = &m->frames[m->head];
    uint8_t header[CZ_FRAME_HEADER_MAX];
    size_t size =
        cz_frame_put_header(header, f->has_more ? CZ_FRAME_MORE : 0, f->size);

    return m->sent < size ? header[m->sent] : kit_byte(f->seed, m->sent - size);
}

static inline void model_take_wire(struct model *m, const uint8_t *bytes,
                                   size_t size)
{
    for (size_t i = 0; i < size; i++) {
        CHECK(m->head < m->published);
        CHECK(bytes[i] == model_wire_byte(m));
        if (++m->sent < model_wire_size(&m->frames[m->head]))
            continue;
        m->messages_read += !m->frames[m->head].has_more;
        m->sent = 0;
        m->head++;
    }
}

static inline void model_send(struct model *m)
{
    struct iovec pieces[16];
    size_t size_max = 1 + model_pick(m, 1u << (4 + model_pick(m, 13)));
    int count = cz_stream_gather(&m->kit.stream, pieces,
                                 2 + (int)model_pick(m, 15), size_max);
    bool is_partial = model_pick(m, 2);
    size_t total = 0;

    if (count == 0) {
        kit_owe_credit(&m->kit, m->kit.stream.r.owes_wake);
        m->kit.stream.r.owes_wake = false;
        model_is_dry(m);
        return;
    }
    for (int i = 0; i < count; i++) {
        size_t part = pieces[i].iov_len;

        CHECK(part > 0);
        if (is_partial)
            part = model_pick(m, (uint32_t)part + 1);
        model_take_wire(m, pieces[i].iov_base, part);
        total += part;
        if (part < pieces[i].iov_len)
            break;
    }
    if (cz_stream_sent(&m->kit.stream, total))
        kit_owe_credit(&m->kit, cz_stream_give_credit(&m->kit.stream));
}

/* The connection broke. */
static inline void model_break(struct model *m)
{
    bool is_torn = m->sent > 0;

    cz_stream_drop_partial(&m->kit.stream);
    m->sent = 0;
    if (m->head > 0 && m->frames[m->head - 1].has_more)
        is_torn = true;
    if (!is_torn)
        return;
    while (m->frames[m->head++].has_more)
        continue;
    m->messages_read++;
}

/* ---- the whole ------------------------------------------------------ */

static inline void model_step(struct model *m, uint32_t what)
{
    switch (what % 16) {
    case 0:
        model_rollback(m);
        break;
    case 1:
        model_note(m);
        break;
    case 2:
        model_arrive(m);
        break;
    case 3:
        cz_stream_trim(&m->kit.stream);
        break;
    case 4:
        if (model_pick(m, 16) == 0)
            model_set_hwm(m);
        break;
    case 5:
        kit_credit(&m->kit);
        break;
    case 6:
        kit_wake(&m->kit);
        break;
    case 7:
        if (m->is_wire)
            model_break(m);
        break;
    default:
        if (what / 16 % 2)
            model_write(m);
        else if (m->is_wire)
            model_send(m);
        else
            model_read(m);
        break;
    }
}

/* What is left comes out, and then there is nothing owed to anybody. */
static inline void model_drain(struct model *m)
{
    while (m->head < m->published || m->kit.is_wake_due) {
        kit_wake(&m->kit);
        if (m->is_wire)
            model_send(m);
        else
            model_read(m);
    }
    if (m->is_wire)
        model_send(m);
    else
        model_read(m);
    CHECK(m->kit.stream.r.consumed == m->messages_written);
    kit_credit(&m->kit);
    CHECK(model_is_in_message(m) || cz_stream_has_credit(&m->kit.stream));
}

/* Plays until the source runs dry. */
static inline void model_run(struct model_source *source)
{
    struct model *m = aligned_alloc(CZ_CACHE_LINE, sizeof *m);
    uint32_t what;

    CHECK(m != NULL);
    memset(m, 0, sizeof *m);
    m->source = source;
    m->is_wire = model_pick(m, 2);
    m->hwm = model_pick(m, 3) ? model_pick(m, 30) : 0;
    m->has_fixed_hwm = true;
    kit_init(&m->kit, m->hwm);
    while (source->next(source, &what))
        model_step(m, what);
    if (model_pick(m, 4))
        model_drain(m);
    kit_fini(&m->kit);
    free(m->frames);
    free(m);
}

#endif
