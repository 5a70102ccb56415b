/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One socket with its context, bound and connected as the options say,
 * and a watch on the peers that come and go.
 *
 * Thread: the main thread.
 */
#ifndef CERO_LINK_H
#define CERO_LINK_H

#include "options.h"

#include <stdbool.h>

struct link {
    void *ctx;
    void *socket;
    void *watch; /* the socket's events; NULL: the library has none */
    bool is_verbose;
    bool hears;          /* subscriptions: they tell who is there */
    bool had_peer;       /* somebody was connected at some time */
    uint64_t peer_count; /* how many were ready, or subscriptions heard */
};

/* 0 or -errno, told on stderr with what to do about it. */
int link_open(struct link *link, const struct options *options);

/* Takes in the events that wait on link->watch. */
void link_update(struct link *link);

/* Delivers what was sent, for up to linger_ms (-1: for ever), and closes.
 * 0, or -EINTR if a signal cut the waiting short. */
int link_close(struct link *link, int linger_ms);

/* The parts of both for other sockets. link_attach: 0 or -errno, told on
 * stderr. link_close_ctx: as link_close. */
int link_attach(void *socket, const struct attachment *attachment,
                bool is_verbose);
int link_close_ctx(void *ctx);

/* What an error from the library means, in one sentence and with what to
 * do about it where that is known. `endpoint` may be NULL. */
void link_warn(int error, const char *action, const char *endpoint);

#endif
