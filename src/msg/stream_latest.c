/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Conflating streams (ZMQ_CONFLATE): only the latest message counts.
 *
 * It lies in a slot of its own. The writer exchanges the slot's contents; if
 * it was empty, an empty frame with the flag CZ_FRAME_LATEST goes into the
 * stream, else that frame is still under way and what it stands for has just
 * become newer. The reader empties the slot when it comes to the frame. So
 * there is one such frame for each time that the slot was filled, and waking
 * and order are those of any other frame.
 *
 * Thread: see msg/stream.h. Owns: the message in the slot, and the one that
 * was read last.
 */
#include "base/alloc.h"
#include "msg/stream.h"

struct cz_latest {
    struct cz_buffer *buffer; /* or NULL: the bytes follow */
    const uint8_t *data;
    size_t size;
    uint8_t bytes[];
};

static struct cz_latest *latest_create(const struct cz_frame *frame)
{
    size_t size = frame->buffer ? 0 : frame->size;
    struct cz_latest *latest = cz_alloc(sizeof *latest + size);

    if (!latest)
        return NULL;
    latest->buffer = frame->buffer;
    latest->data = frame->buffer ? frame->data : latest->bytes;
    latest->size = frame->size;
    if (size)
        memcpy(latest->bytes, frame->data, size);
    return latest;
}

static void latest_destroy(struct cz_latest *latest)
{
    if (latest && latest->buffer)
        cz_buffer_unref(latest->buffer);
    cz_free(latest);
}

int cz_stream_write_latest(struct cz_stream *s, const struct cz_frame *frame,
                           bool *must_wake)
{
    const struct cz_frame token = {
        .data = (const uint8_t *)"",
        .flags = CZ_FRAME_LATEST,
    };
    struct cz_latest *latest = latest_create(frame);
    struct cz_latest *old;
    int rc;

    *must_wake = false;
    if (!latest)
        return -ENOMEM;
    /* acq_rel: pairs with the reader's exchange, in both directions: what is
     * in the slot was written before, and what was in it is ours alone. */
    old = atomic_exchange_explicit(&s->latest, latest, memory_order_acq_rel);
    if (old) {
        cz_count_add(&s->conflated, 1);
        cz_count_add(&s->count.elsewhere, frame->size - old->size);
        latest_destroy(old);
        return 0;
    }
    rc = cz_stream_write_beyond(s, &token, must_wake);
    if (rc != 0) {
        /* Nobody takes from the slot without the frame. The buffer stays the
         * caller's. */
        atomic_store_explicit(&s->latest, NULL, memory_order_relaxed);
        cz_free(latest);
    } else {
        cz_count_add(&s->count.elsewhere, frame->size);
    }
    return rc;
}

void cz_stream_read_latest(struct cz_stream *s, struct cz_frame *frame)
{
    /* acq_rel: as in cz_stream_write_latest. */
    struct cz_latest *latest =
        atomic_exchange_explicit(&s->latest, NULL, memory_order_acq_rel);

    latest_destroy(s->r.held);
    s->r.held = latest;
    frame->flags = 0;
    frame->data = latest->data;
    frame->size = latest->size;
    frame->buffer = latest->buffer;
    latest->buffer = NULL;
}

void cz_stream_drop_latest(struct cz_stream *s)
{
    latest_destroy(s->r.held);
    latest_destroy(atomic_load_explicit(&s->latest, memory_order_relaxed));
}
