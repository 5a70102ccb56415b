/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The heads of buffers whose bytes are elsewhere. Such a message is mostly made
 * by one thread and dropped by another, and in a stream of them the C library
 * spends more on that than everything else costs. So each thread cuts heads
 * from a slab, which is free with the last of its heads, whoever drops it. Some
 * free ones are kept, the others go back to the C library.
 *
 * Thread: any.
 */
#ifndef CZ_MSG_BUFFER_HEAD_H
#define CZ_MSG_BUFFER_HEAD_H

#include "base/compiler.h"
#include "msg/buffer.h"

/* With `slot` set, which must stay. NULL = no memory. */
struct cz_buffer *cz_buffer_head_take(void);
void cz_buffer_head_drop(struct cz_buffer *head);

#endif
