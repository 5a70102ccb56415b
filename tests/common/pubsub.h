/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Publishers and subscribers. A subscription takes its time to reach the
 * publisher; settle() waits for that by what arrives, and not by a clock.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_COMMON_PUBSUB_H
#define TESTS_COMMON_PUBSUB_H

#include "common/suite.h"

/* By option; on an XSUB by message. */
void subscribe(void *socket, const char *topic);
void unsubscribe(void *socket, const char *topic);

/* Topics of any bytes; SUB only. */
void subscribe_bytes(void *sub, const void *topic, size_t size);
void unsubscribe_bytes(void *sub, const void *topic, size_t size);

/* All that the subscribers have asked for so far counts at the publisher
 * from now on. Nothing else may be on its way to them, and nobody but them
 * may have a subscription to the empty topic. */
void settle(void *publisher, void *const *subscribers, size_t count);
void settle_one(void *publisher, void *subscriber);

/* The next thing an XPUB tells is a subscription, or the end of one. */
void expect_subscribed(void *xpub, const char *topic);
void expect_cancelled(void *xpub, const char *topic);

/* Waits for something to read from `socket`, or from the descriptor, while
 * `served` is called: it does within calls what others wait for. */
void wait_serving(void *served, void *socket);
void wait_serving_fd(void *served, int fd);

/* Publishes "end", which comes next: all before it was dropped or read. Who
 * uses this has subscribed to "end". */
void expect_only_the_end(void *publisher, void *subscriber);

/* Skips the test where the library does not know the draft option. */
void set_draft_int(void *socket, int option, int value);

#endif
