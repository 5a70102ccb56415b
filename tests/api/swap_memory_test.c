/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a swap takes of the memory is what both marks allow, the messages that
 * are not written yet and those of one block, whatever waits on the disk. By
 * the library's own count (cero_stats), which is exact.
 *
 * Thread: one.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>

enum {
    BODY = 65536,
    /* See docs/swap.md: not written yet, the last of them on top; a block for
     * the reader; one that is just coming from the network; and what streams
     * and buffers have of their own. */
    SPOOL = 262144 + BODY,
    BLOCK = 131072,
    COMING = BODY,
    OWN = 400000,
    BOUND = 2 * SWAP_MARK * BODY + SPOOL + BLOCK + COMING + OWN,
};

static int take_memory(const cero_stats_t *stats, void *arg)
{
    uint64_t *memory = arg;

    if (stats->kind == CERO_STATS_CONTEXT)
        *memory = stats->memory;
    return 0;
}

static uint64_t memory_of(struct env *env)
{
    uint64_t memory = 0;

    assert_ok(cero_stats(env->ctx, take_memory, &memory));
    return memory;
}

static void send_bodies(struct env *env, void *push, int count)
{
    static uint8_t body[BODY];

    for (int i = 0; i < count; i++) {
        assert_int_equal(zmq_send(push, body, BODY, ZMQ_DONTWAIT), BODY);
        assert_in_range(memory_of(env), 0, BOUND);
    }
}

static void receive_bodies(struct env *env, void *pull, int count)
{
    static uint8_t body[BODY];

    for (int i = 0; i < count; i++) {
        assert_int_equal(zmq_recv(pull, body, BODY, 0), BODY);
        assert_in_range(memory_of(env), 0, BOUND);
    }
}

static void memory_does_not_grow_with_what_waits(void **state)
{
    struct env *env = *state;
    void *push, *pull;

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, false);
    wait_for(push, ZMQ_POLLOUT);
    send_bodies(env, push, 20 * SWAP_MARK);
    send_bodies(env, push, 60 * SWAP_MARK);
    receive_bodies(env, pull, 80 * SWAP_MARK);
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON_EACH(memory_does_not_grow_with_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
