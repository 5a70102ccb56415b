/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A PULL, a PUSH and their monitors.
 *
 * Thread: simulated ones. Owns: see sim/talk/stage.h.
 */
#include "sim/talk/stage.h"

#include "sim/talk/events.h"

void stage_open(struct stage *stage, enum talk_transport transport)
{
    stage->ctx = talk_context();
    stage->pull = talk_socket(stage->ctx, ZMQ_PULL);
    stage->push = talk_socket(stage->ctx, ZMQ_PUSH);
    stage->pull_events = talk_monitor(stage->ctx, stage->pull, "pull");
    stage->push_events = talk_monitor(stage->ctx, stage->push, "push");
    talk_bind(stage->pull, transport, 0, stage->endpoint);
}

void stage_close(struct stage *stage)
{
    TALK_OK(zmq_close(stage->push_events));
    TALK_OK(zmq_close(stage->pull_events));
    TALK_OK(zmq_close(stage->push));
    TALK_OK(zmq_close(stage->pull));
    TALK_OK(zmq_ctx_term(stage->ctx));
}

void stage_expect_passing(struct stage *stage, uint32_t from, uint32_t count)
{
    struct talk_message message;
    uint32_t i;

    for (i = from; i < from + count; i++)
        talk_send(stage->push, (struct talk_message){TALK_SMALL, i});
    for (i = from; i < from + count; i++) {
        SIM_CHECK(talk_recv(stage->pull, &message, -1));
        SIM_CHECK(message.number == i);
    }
}

void stage_end_faults(void)
{
    struct sim_config fair = sim_stormy();

    sim_set_faults(&fair);
}
