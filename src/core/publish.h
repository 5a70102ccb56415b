/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Publishing: a file in which other processes read a context's statistics and
 * events, if CERO_STATS_DIR is set (the layout is in ceromq.h). A thread of its
 * own writes a snapshot every CERO_STATS_IVL; events are written by whoever
 * tells them. What cannot be written is not: nobody fails by it.
 *
 * Thread: any. Owns: the file and the thread.
 */
#ifndef CZ_CORE_PUBLISH_H
#define CZ_CORE_PUBLISH_H

#include "base/compiler.h"
#include "base/json.h"

struct cz_ctx;
struct cz_publisher;

/* Makes the file and starts the thread. NULL: the environment does not ask for
 * it, or it cannot be done. */
struct cz_publisher *cz_publisher_create(struct cz_ctx *ctx);

/* Removes the file. Nobody tells anything any more. NULL: nothing. */
void cz_publisher_destroy(struct cz_publisher *publisher);

/* One at a time. */
void cz_publisher_event(struct cz_publisher *publisher, const char *topic,
                        const struct cz_json *body);

#endif
