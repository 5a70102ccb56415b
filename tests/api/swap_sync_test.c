/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A durable swap whose disk does not sync says so, once, until it does again.
 * The fdatasync of this program is the one that the library calls.
 *
 * libzmq dropped the option after 2.x, so these tests are for this library
 * alone.
 *
 * Thread: the main thread, and the library's that syncs.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool is_failing;
static atomic_uint syncs;

int fdatasync(int fd)
{
    (void)fd;
    atomic_fetch_add(&syncs, 1);
    if (!atomic_load(&is_failing))
        return 0;
    errno = EIO;
    return -1;
}

static void *open_durable(struct env *env, int sync_ms, void **monitor)
{
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    swap_set(push, SWAP_PLENTY);
    set_int(push, CERO_SWAP_DURABLE, 1);
    set_int(push, CERO_SWAP_SYNC, sync_ms);
    set_int(push, ZMQ_LINGER, 0);
    assert_ok(zmq_setsockopt(push, CERO_SWAP_DIR, env->directory,
                             strlen(env->directory)));
    *monitor = monitor_open(env, push, CERO_EVENT_SWAP);
    assert_ok(zmq_connect(push, endpoint));
    return push;
}

static void expect_one_event(void *monitor)
{
    assert_int_equal(monitor_expect(monitor, CERO_EVENT_SWAP).value, EIO);
    monitor_expect_nothing(monitor);
}

static void syncing_with_each_that_fails_is_told_once(void **state)
{
    void *monitor;
    void *push = open_durable(*state, 0, &monitor);

    atomic_store(&is_failing, true);
    swap_send(push, 0, 10, SWAP_BODY_SIZE);
    expect_one_event(monitor);
    atomic_store(&is_failing, false);
    swap_send(push, 10, 20, SWAP_BODY_SIZE);
    monitor_expect_nothing(monitor);
    atomic_store(&is_failing, true);
    swap_send(push, 20, 30, SWAP_BODY_SIZE);
    expect_one_event(monitor);
    atomic_store(&is_failing, false);
}

/* The thread that syncs cannot tell; the next message does. */
static void syncing_now_and_then_that_fails_is_told_once(void **state)
{
    void *monitor;
    void *push = open_durable(*state, 1, &monitor);
    unsigned before = atomic_load(&syncs);

    atomic_store(&is_failing, true);
    swap_send(push, 0, 1, SWAP_BODY_SIZE);
    /* The second one begins when the first one has been noted. */
    for (uint32_t i = 1; atomic_load(&syncs) < before + 2; i++) {
        swap_send(push, i, i + 1, SWAP_BODY_SIZE);
        sched_yield();
    }
    swap_send(push, 0, 10, SWAP_BODY_SIZE);
    expect_one_event(monitor);
    atomic_store(&is_failing, false);
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON(tcp, syncing_with_each_that_fails_is_told_once),
        ON(tcp, syncing_now_and_then_that_fails_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
