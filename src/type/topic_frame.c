/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Frames of leading bytes and a topic.
 *
 * Thread: see type/topic_frame.h. Owns: what is listed there.
 */
#include "type/topic_frame.h"

#include "base/alloc.h"

#include <errno.h>

int cz_topic_frame_init(struct cz_topic_frame *tf, struct cz_span lead,
                        struct cz_span topic)
{
    size_t size = lead.size + topic.size;
    struct cz_buffer *buffer = NULL;
    uint8_t *to = tf->bytes;

    tf->outside = NULL;
    if (size >= CZ_REF_MIN) {
        buffer = cz_buffer_create(NULL, size);
        to = buffer ? buffer->data : NULL;
    } else if (size > sizeof tf->bytes) {
        to = tf->outside = cz_alloc(size);
    }
    if (!to)
        return -ENOMEM;
    cz_span_copy(cz_span_copy(to, lead), topic);
    tf->frame = (struct cz_frame){.data = to, .size = size, .buffer = buffer};
    return 0;
}

void cz_topic_frame_fini(struct cz_topic_frame *tf)
{
    cz_free(tf->outside);
    if (tf->frame.buffer)
        cz_buffer_unref(tf->frame.buffer);
}
