/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What ends a wait in zmq_poll() and zmq_ppoll() besides events: signals, as
 * the mask allows, and the end of the context.
 *
 * Thread: the main thread, and one that waits.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct wait {
    zmq_pollitem_t items[2];
    int count;
    const sigset_t *mask;
};

static int wait_run(void *arg)
{
    struct wait *wait = arg;

    if (wait->mask)
        return zmq_ppoll(wait->items, wait->count, -1, wait->mask);
    return zmq_poll(wait->items, wait->count, -1);
}

static void a_signal_ends_the_wait(void **state)
{
    struct env *env = *state;
    struct wait waits[3] = {{.count = 1}, {.count = 2}, {.count = 2}};
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    waits[2].items[1].fd = fds[0];
    for (int i = 0; i < 3; i++) {
        struct call call;

        waits[i].items[0].socket = env_socket(env, ZMQ_PULL);
        waits[i].items[0].events = waits[i].items[1].events = ZMQ_POLLIN;
        if (i < 2)
            waits[i].items[1].socket = env_socket(env, ZMQ_PULL);
        call_start(&call, wait_run, &waits[i]);
        call_wait_blocked(&call);
        call_interrupt(&call);
        assert_int_equal(call_join(&call), -1);
        assert_int_equal(zmq_errno(), EINTR);
    }
    close(fds[0]);
    close(fds[1]);
}

static void the_end_of_the_context_ends_the_wait(void **state)
{
    struct env *env = *state;
    struct wait wait = {.count = 2};
    struct call call;

    for (int i = 0; i < 2; i++)
        wait.items[i] = (zmq_pollitem_t){.socket = env_socket(env, ZMQ_PULL),
                                         .events = ZMQ_POLLIN};
    call_start(&call, wait_run, &wait);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_int_equal(call_join(&call), -1);
    assert_int_equal(zmq_errno(), ETERM);
}

static volatile sig_atomic_t signals_handled;

static void handle_signal(int number)
{
    (void)number;
    signals_handled++;
}

/* zmq_ppoll is a draft, which the system's library may not have. */
static void need_ppoll(sigset_t *none, sigset_t *all)
{
    struct sigaction action = {.sa_handler = handle_signal};

    if (!is_ceromq())
        skip();
    assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
    sigemptyset(none);
    sigemptyset(all);
    sigaddset(all, SIGUSR1);
    sigaddset(all, SIGUSR2);
}

static void a_mask_lets_a_pending_signal_end_the_wait(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t item = {.events = ZMQ_POLLIN};
    sigset_t none, all, old;

    need_ppoll(&none, &all);
    item.socket = env_socket(env, ZMQ_PULL);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, &old), 0);
    for (int count = 0; count <= 1; count++) {
        signals_handled = 0;
        assert_int_equal(pthread_kill(pthread_self(), SIGUSR2), 0);
        assert_int_equal(zmq_ppoll(&item, count, 1, &all), 0);
        assert_int_equal(signals_handled, 0);
        assert_fails(zmq_ppoll(&item, count, -1, &none), EINTR);
        assert_int_equal(signals_handled, 1);
    }
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

static void a_mask_keeps_signals_away(void **state)
{
    struct env *env = *state;
    struct wait wait = {.count = 2};
    struct call call;
    sigset_t none, all;
    void *push;

    need_ppoll(&none, &all);
    wait.mask = &all;
    env_pair(env, ZMQ_PULL, &wait.items[0].socket, ZMQ_PUSH, &push);
    wait.items[1].socket = env_socket(env, ZMQ_PULL);
    wait.items[0].events = wait.items[1].events = ZMQ_POLLIN;
    call_start(&call, wait_run, &wait);
    call_wait_blocked(&call);
    assert_int_equal(pthread_kill(call.thread, SIGUSR2), 0);
    assert_false(call_returns_within(&call, GLANCE_MS));
    send_text(push, "x", 0);
    assert_int_equal(call_join(&call), 1);
    assert_int_equal(wait.items[0].revents, ZMQ_POLLIN);
}

static void without_a_mask_ppoll_is_poll(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t item = {.events = ZMQ_POLLIN};
    sigset_t none, all;
    void *push;

    need_ppoll(&none, &all);
    env_pair(env, ZMQ_PULL, &item.socket, ZMQ_PUSH, &push);
    assert_int_equal(zmq_ppoll(&item, 1, 0, NULL), 0);
    send_text(push, "x", 0);
    assert_int_equal(zmq_ppoll(&item, 1, PATIENCE_MS, NULL), 1);
    assert_int_equal(item.revents, ZMQ_POLLIN);
    assert_fails(zmq_ppoll(&item, -1, 0, &none), EINVAL);
    assert_fails(zmq_ppoll(NULL, 1, 0, &none), EFAULT);
    item.socket = env->ctx;
    assert_fails(zmq_ppoll(&item, 1, 0, &none), ENOTSOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_signal_ends_the_wait),
        ON(inproc, the_end_of_the_context_ends_the_wait),
        ON_EACH(a_mask_lets_a_pending_signal_end_the_wait),
        ON_EACH(a_mask_keeps_signals_away),
        ON_EACH(without_a_mask_ppoll_is_poll),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
