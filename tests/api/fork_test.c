/* SPDX-License-Identifier: MPL-2.0 */
/*
 * After fork(): the child cannot use its parent's sockets, does not hang
 * when it ends them, disturbs nobody, and may begin anew. And a socket may
 * move from one thread to another.
 *
 * Thread: the main thread, and one that takes a socket over; a child
 * process that checks by its exit code.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `child` in a child process; true when it gives 0. */
static bool child_succeeds(int (*child)(void *a, void *b), void *a, void *b)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(PATIENCE_MS / 1000);
        _exit(child(a, b));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int use_parents_sockets(void *pull, void *push)
{
    char byte;

    if (zmq_recv(pull, &byte, 1, ZMQ_DONTWAIT) != -1 || zmq_errno() != EINTR)
        return 1;
    if (zmq_recv(pull, &byte, 1, 0) != -1 || zmq_errno() != EINTR)
        return 2;
    /* libzmq may take it, and then it goes nowhere. */
    if (zmq_send(push, "child", 5, 0) == -1 && zmq_errno() != EINTR)
        return 3;
    return 0;
}

static void a_child_cannot_use_its_parents_sockets(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "before", 0);
    expect_text(pull, "before");
    assert_true(child_succeeds(use_parents_sockets, pull, push));
    send_text(push, "after", 0);
    expect_text(pull, "after");
    expect_nothing(pull);
}

struct ending {
    void *ctx;
    void *push;
};

static int end_parents_context(void *pull, void *arg)
{
    struct ending *ending = arg;

    if (zmq_close(pull) == -1 || zmq_close(ending->push) == -1)
        return 1;
    /* It must return; libzmq 4.3.4 does so with EINTR. */
    if (zmq_ctx_term(ending->ctx) == -1 && zmq_errno() != EINTR)
        return 2;
    return 0;
}

static void a_child_may_end_its_parents_context(void **state)
{
    struct env *env = *state;
    struct ending ending = {.ctx = env->ctx};
    void *pull;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &ending.push);
    send_text(ending.push, "before", 0);
    expect_text(pull, "before");
    assert_true(child_succeeds(end_parents_context, pull, &ending));
    for (uint32_t i = 0; i < 100; i++) {
        send_number(ending.push, i);
        assert_int_equal(receive_number(pull), i);
    }
}

static int begin_anew(void *endpoint, void *unused)
{
    void *ctx = zmq_ctx_new();
    void *push = zmq_socket(ctx, ZMQ_PUSH);

    (void)unused;
    if (zmq_connect(push, endpoint) == -1)
        return 1;
    if (zmq_send(push, "child", 5, 0) != 5)
        return 2;
    if (zmq_close(push) == -1)
        return 3;
    return zmq_ctx_term(ctx) == -1 ? 4 : 0;
}

/* ThreadSanitizer knows no threads that a forked child has started. */
static bool may_children_have_threads(void)
{
#ifdef __SANITIZE_THREAD__
    return false;
#else
    return true;
#endif
}

static void a_child_may_begin_a_context_of_its_own(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);

    if (!may_children_have_threads())
        skip();
    env_bind(env, pull, endpoint);
    assert_true(child_succeeds(begin_anew, endpoint, NULL));
    expect_text(pull, "child");
    assert_true(child_succeeds(begin_anew, endpoint, NULL));
    expect_text(pull, "child");
}

static int take_over(void *pull)
{
    uint32_t number;

    for (uint32_t i = 0; i < 10; i++) {
        if (zmq_recv(pull, &number, sizeof(number), 0) != 4)
            return -1;
    }
    return 0;
}

static void a_socket_may_move_between_threads(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (uint32_t round = 0; round < 50; round++) {
        struct call call;

        call_start(&call, take_over, pull);
        for (uint32_t i = 0; i < 20; i++)
            send_number(push, i);
        assert_ok(call_join(&call));
        for (uint32_t i = 10; i < 20; i++)
            assert_int_equal(receive_number(pull), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_socket_may_move_between_threads),
        ON_EACH(a_child_cannot_use_its_parents_sockets),
        ON_EACH(a_child_may_end_its_parents_context),
        ON_STREAMS(a_child_may_begin_a_context_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
