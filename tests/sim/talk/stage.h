/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The usual scene: a PULL that is bound, a PUSH that may dial it, and a
 * monitor on each, in one context.
 *
 * Thread: simulated ones. Owns: the context and its sockets.
 */
#ifndef CZ_SIM_TALK_STAGE_H
#define CZ_SIM_TALK_STAGE_H

#include "sim/talk/talk.h"

struct stage {
    void *ctx;
    void *pull, *push;
    void *pull_events, *push_events;
    char endpoint[TALK_ENDPOINT_MAX]; /* of the PULL */
};

/* The PUSH is not connected yet. */
void stage_open(struct stage *stage, enum talk_transport transport);
void stage_close(struct stage *stage);

/* Messages pass, from this number on: the PUSH sends them and the PULL gets
 * exactly them. */
void stage_expect_passing(struct stage *stage, uint32_t from, uint32_t count);

/* From now on no more than a storm. */
void stage_end_faults(void);

#endif
