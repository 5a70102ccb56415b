/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The events of a socket: peers that come and go, attempts, failures.
 *
 * Thread: one owner.
 */
#ifndef CERO_WATCH_H
#define CERO_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an event's value is. */
enum watch_value { WATCH_NOTHING, WATCH_FD, WATCH_ERROR, WATCH_MS, WATCH_CODE };

struct watch_kind {
    int number; /* ZMQ_EVENT_... */
    const char *name;
    const char *told; /* goes before the endpoint; NULL: not worth telling */
    enum watch_value value;
    bool is_peer; /* it proves that a peer is there */
};

struct watch_event {
    const struct watch_kind *kind;
    uint32_t value;
    char endpoint[256];
};

/* A socket from which the events of `socket` can be received, all that
 * happen from now on. The caller closes it. NULL: the library has none,
 * with errno. */
void *watch_open(void *ctx, void *socket);

/* False if none waits. */
bool watch_receive(void *watch, struct watch_event *event);

/* "tcp://127.0.0.1:5555 fd 9", in words. */
void watch_describe(const struct watch_event *event, char *text, size_t size);

#endif
