/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the library does to its process: descriptors that no other program
 * inherits, threads that take no signals, and nothing left in the end.
 *
 * Thread: the main thread; a child process that becomes another program.
 */
#include "common/env.h"

#include "common/id.h"
#include "common/monitor.h"
#include "common/proc.h"
#include "common/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A bit of everything, all of it connected and in use. */
static void open_everything(struct env *env)
{
    static const int types[][2] = {
        {ZMQ_PULL, ZMQ_PUSH}, {ZMQ_REP, ZMQ_REQ},       {ZMQ_XPUB, ZMQ_SUB},
        {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PUB, ZMQ_XSUB},
    };
    char endpoint[ENDPOINT_MAX];
    void *stream = env_socket(env, ZMQ_STREAM);
    void *from;
    void *to;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        env_pair(env, types[i][0], &to, types[i][1], &from);
        if (types[i][0] == ZMQ_XPUB) {
            set_text(from, ZMQ_SUBSCRIBE, "");
            expect_part(to, "\1", false);
        } else if (types[i][0] != ZMQ_PUB) {
            send_text(from, "word", 0);
            wait_for(to, ZMQ_POLLIN);
        }
    }
    (void)monitor_open(env, from, ZMQ_EVENT_ALL);
    /* Somebody who dials in vain, by name, and again and again. */
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(from, endpoint));
    assert_ok(zmq_connect(from, "tcp://localhost:1"));
    if (env->transport->is_stream)
        env_bind(env, stream, endpoint);
}

static void every_descriptor_is_closed_on_exec(void **state)
{
    struct env *env = *state;
    struct proc_numbers before = proc_descriptors();
    struct proc_numbers after;
    int count = 0;

    open_everything(env);
    after = proc_descriptors();
    for (int i = 0; i < after.count; i++) {
        int flags;

        if (proc_has(&before, after.items[i]))
            continue;
        flags = fcntl(after.items[i], F_GETFD);
        /* A dialler's may have come and gone. */
        if (flags == -1)
            continue;
        if ((flags & FD_CLOEXEC) == 0)
            fail_msg("descriptor %d is inherited", after.items[i]);
        count++;
    }
    assert_true(count > 0);
}

static void every_descriptor_is_closed_in_the_end(void **state)
{
    struct env *env = *state;
    struct proc_numbers before = proc_descriptors();
    struct proc_numbers after;

    open_everything(env);
    env_end(env);
    /* Who looks up a name cannot be told to stop, and has some files open. */
    do
        after = proc_descriptors();
    while (!proc_is_subset(&after, &before));
}

/* Reads until its standard input ends. */
static pid_t run_cat(int *input)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(1);
    }
    close(ends[0]);
    *input = ends[1];
    return pid;
}

static void another_program_holds_no_name(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    int status;
    int input;
    pid_t pid;

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "word", 0);
    expect_text(pull, "word");
    pid = run_cat(&input);
    assert_ok(zmq_disconnect(push, endpoint));
    assert_ok(zmq_unbind(pull, endpoint));
    /* The name is free as soon as the listener is gone here. */
    while (zmq_bind(pull, endpoint) == -1)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "again", 0);
    expect_text(pull, "again");
    /* And the other program was there all the time. */
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    close(input);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- threads -------------------------------------------------------- */

/* All of them, for a thread that has ended by now. */
static uint64_t blocked_signals(int thread)
{
    char text[64];

    return proc_status(thread, "SigBlk:", text, sizeof(text))
               ? strtoull(text, NULL, 16)
               : UINT64_MAX;
}

static void threads_of_the_library_take_no_signals(void **state)
{
    struct env *env = *state;
    struct proc_numbers before = proc_threads();
    struct proc_numbers after;

    open_everything(env);
    after = proc_threads();
    for (int i = 0; i < after.count; i++) {
        uint64_t mask;

        if (proc_has(&before, after.items[i]))
            continue;
        mask = blocked_signals(after.items[i]);
        for (int number = 1; number < SIGRTMIN - 2; number++) {
            if (number == SIGKILL || number == SIGSTOP)
                continue;
            if ((mask >> (number - 1) & 1) == 0)
                fail_msg("a thread takes signal %d", number);
        }
    }
    /* The caller's own are as they were. */
    assert_int_equal(blocked_signals(getpid()) >> (SIGUSR1 - 1) & 1, 0);
}

static volatile sig_atomic_t handled_by;

static void handle(int number)
{
    (void)number;
    handled_by = (sig_atomic_t)syscall(SYS_gettid);
}

static void a_signal_goes_to_the_application(void **state)
{
    struct env *env = *state;
    struct sigaction action = {.sa_handler = handle};
    struct sigaction old;

    open_everything(env);
    assert_int_equal(sigaction(SIGUSR2, &action, &old), 0);
    for (int i = 0; i < 10; i++) {
        handled_by = 0;
        assert_int_equal(kill(getpid(), SIGUSR2), 0);
        assert_int_equal(handled_by, getpid());
    }
    assert_int_equal(sigaction(SIGUSR2, &old, NULL), 0);
}

static void every_thread_has_gone_in_the_end(void **state)
{
    struct env *env = *state;
    struct proc_numbers before = proc_threads();

    open_everything(env);
    env_end(env);
    proc_await_no_threads_since(&before);
}

static void a_context_alone_costs_nothing(void **state)
{
    struct proc_numbers threads = proc_threads();
    struct proc_numbers descriptors = proc_descriptors();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        void *ctx = zmq_ctx_new();

        assert_non_null(ctx);
        if (i == 500) {
            assert_int_equal(proc_threads_since(&threads), 0);
            /* libzmq keeps one. */
            if (is_ceromq())
                assert_int_equal(proc_descriptors().count, descriptors.count);
        }
        assert_ok(zmq_ctx_term(ctx));
    }
    assert_int_equal(proc_descriptors().count, descriptors.count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(every_descriptor_is_closed_on_exec),
        ON_EACH(every_descriptor_is_closed_in_the_end),
        ON_STREAMS(another_program_holds_no_name),
        ON_EACH(threads_of_the_library_take_no_signals),
        ON_EACH(a_signal_goes_to_the_application),
        ON_EACH(every_thread_has_gone_in_the_end),
        ON(inproc, a_context_alone_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
