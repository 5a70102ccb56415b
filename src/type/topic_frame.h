/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Frames that consist of a few leading bytes and a topic: subscriptions on
 * their way to publishers, and what an XPUB tells the application of them.
 *
 * Thread: the socket's. Owns: room for topics that do not fit in the struct.
 */
#ifndef CZ_TYPE_TOPIC_FRAME_H
#define CZ_TYPE_TOPIC_FRAME_H

#include "base/compiler.h"
#include "msg/frame.h"
#include "wire/span.h"

struct cz_topic_frame {
    struct cz_frame frame; /* whoever takes it takes its own reference */
    uint8_t *outside;
    uint8_t bytes[256];
};

/* 0 or -ENOMEM. In the first case, cz_topic_frame_fini afterwards. */
CZ_MUST_CHECK int cz_topic_frame_init(struct cz_topic_frame *tf,
                                      struct cz_span lead,
                                      struct cz_span topic);
void cz_topic_frame_fini(struct cz_topic_frame *tf);

#endif
