/* SPDX-License-Identifier: MPL-2.0 */
/*
 * I/O threads: none, and none is started; many, named, pinned and ranked as
 * the context says.
 *
 * Thread: the main thread, and one that receives.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/id.h"
#include "common/monitor.h"
#include "common/proc.h"
#include "common/socket.h"

#include <ceromq.h>
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

/* What libzmq starts besides: it has a thread for closing sockets. */
static int extra_threads(void)
{
    return is_ceromq() ? 0 : 1;
}

/* ---- none ----------------------------------------------------------- */

static void *open_without(struct env *env, int type)
{
    if (env->socket_count == 0)
        assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 0));
    return env_socket(env, type);
}

static void link_without(struct env *env, int bound_type, void **bound,
                         int connected_type, void **connected)
{
    *bound = open_without(env, bound_type);
    *connected = open_without(env, connected_type);
    env_link(env, *bound, *connected);
}

/* Every pattern once, with what belongs to it. */
static void use_all_patterns(struct env *env)
{
    static const int one_way[][2] = {
        {ZMQ_PULL, ZMQ_PUSH},
        {ZMQ_PUSH, ZMQ_PULL},
        {ZMQ_PAIR, ZMQ_PAIR},
        {ZMQ_DEALER, ZMQ_DEALER},
    };
    void *a, *b;

    for (size_t i = 0; i < sizeof(one_way) / sizeof(one_way[0]); i++) {
        link_without(env, one_way[i][0], &a, one_way[i][1], &b);
        if (one_way[i][0] == ZMQ_PULL) {
            send_text(b, "up", 0);
            expect_text(a, "up");
        } else {
            send_text(a, "down", 0);
            expect_text(b, "down");
        }
    }
    link_without(env, ZMQ_REP, &a, ZMQ_REQ, &b);
    send_text(b, "question", 0);
    expect_text(a, "question");
    send_text(a, "answer", 0);
    expect_text(b, "answer");
    link_without(env, ZMQ_XPUB, &a, ZMQ_SUB, &b);
    set_text(b, ZMQ_SUBSCRIBE, "news");
    expect_part(a, "\1news", false);
    send_text(a, "other", 0);
    send_text(a, "news of today", 0);
    expect_text(b, "news of today");
}

/* Only CeroMQ has it. */
static void use_log(struct env *env)
{
    void *log = open_without(env, ZMQ_SUB);

    set_text(log, ZMQ_SUBSCRIBE, "socket.open");
    assert_ok(zmq_connect(log, "sys://log"));
    (void)open_without(env, ZMQ_PAIR);
    expect_part(log, "socket.open", true);
}

/* Likewise; the second snapshot is one that time brings. */
static void use_stats(struct env *env)
{
    void *stats = open_without(env, ZMQ_SUB);
    char body[65536];

    assert_ok(zmq_ctx_set(env->ctx, CERO_STATS_IVL, 10));
    set_text(stats, ZMQ_SUBSCRIBE, "stats");
    assert_ok(zmq_connect(stats, "sys://stats"));
    for (int i = 0; i < 2; i++) {
        expect_part(stats, "stats", true);
        assert_ok(zmq_recv(stats, body, sizeof(body), 0));
    }
}

static int receive_word(void *socket)
{
    char word[16];

    return zmq_recv(socket, word, sizeof(word), 0);
}

static void without_io_threads_no_thread_is_started(void **state)
{
    struct env *env = *state;
    struct proc_numbers before = proc_threads();
    zmq_pollitem_t items[2] = {{.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};
    void *push, *monitor;

    link_without(env, ZMQ_PULL, &items[0].socket, ZMQ_PUSH, &push);
    monitor = monitor_open(env, push, ZMQ_EVENT_ALL);
    items[1].socket = monitor;
    assert_int_equal(zmq_poll(items, 2, GLANCE_MS), 0);
    use_all_patterns(env);
    if (is_ceromq()) {
        use_log(env);
        use_stats(env);
    }
    (void)get_int(push, ZMQ_FD);
    assert_int_equal(proc_threads_since(&before), extra_threads());
    env_end(env);
    proc_await_no_threads_since(&before);
}

static void without_io_threads_a_receiver_sleeps_and_wakes(void **state)
{
    struct env *env = *state;
    void *pull, *push;
    struct call call;

    link_without(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    call_start(&call, receive_word, pull);
    call_wait_blocked(&call);
    assert_int_equal(proc_threads_named("ZMQbg/IO").count, 0);
    send_text(push, "word", 0);
    assert_int_equal(call_join(&call), 4);
}

static void without_io_threads_a_context_ends_while_others_wait(void **state)
{
    struct env *env = *state;
    void *pull = open_without(env, ZMQ_PULL);
    struct call call;

    assert_ok(zmq_bind(pull, "inproc://x"));
    call_start(&call, receive_word, pull);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
}

static void without_io_threads_nothing_goes_beyond_the_process(void **state)
{
    static const int types[] = {
        ZMQ_PAIR,   ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
        ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM,
    };
    static const char *const elsewhere[] = {
        "tcp://127.0.0.1:*", "tcp://127.0.0.1:5555", "tcp://nowhere",
        "ipc://*",           "ipc:///no/such/place",
    };
    struct env *env = *state;
    char endpoint[32];

    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        void *socket = open_without(env, types[t]);

        for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
            assert_fails(zmq_bind(socket, elsewhere[i]), EMTHREAD);
            assert_fails(zmq_connect(socket, elsewhere[i]), EMTHREAD);
        }
        /* What is wrong anyway is told first. */
        assert_fails(zmq_bind(socket, "tcp://"), EINVAL);
        assert_fails(zmq_connect(socket, "none://x"), EPROTONOSUPPORT);
        snprintf(endpoint, sizeof(endpoint), "inproc://%d", types[t]);
        assert_ok(zmq_bind(socket, endpoint));
        env_close_socket(env, socket);
    }
}

/* ---- many ----------------------------------------------------------- */

#define THREADS 5

/* Has the context start its threads. */
static void start(struct env *env)
{
    char endpoint[ENDPOINT_MAX];

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, THREADS));
    env_bind(env, env_socket(env, ZMQ_PULL), endpoint);
}

/* A thread sets its name first; each must come to that within the time of
 * the test. */
static struct proc_numbers wait_for_threads(const char *prefix, int count)
{
    struct proc_numbers threads;

    do {
        threads = proc_threads_named(prefix);
    } while (threads.count < count);
    assert_int_equal(threads.count, count);
    return threads;
}

static void io_threads_are_numbered(void **state)
{
    char name[32];

    start(*state);
    (void)wait_for_threads("ZMQbg/IO/", THREADS);
    for (int i = 0; i < THREADS; i++) {
        snprintf(name, sizeof(name), "ZMQbg/IO/%d", i);
        assert_int_equal(proc_threads_named(name).count, 1);
    }
}

static void io_threads_are_named_as_the_context_says(void **state)
{
    struct env *env = *state;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_NAME_PREFIX, 4711));
    start(env);
    (void)wait_for_threads("4711/ZMQbg/IO/", THREADS);
}

/* The value of a key, of each I/O thread, comes to be this. */
static void wait_for_status(const char *key, const char *expected)
{
    struct proc_numbers threads = wait_for_threads("ZMQbg/IO/", THREADS);
    char text[256];

    for (int i = 0; i < THREADS; i++) {
        do {
            assert_true(proc_status(threads.items[i], key, text, sizeof text));
        } while (strcmp(text, expected) != 0);
    }
}

static void io_threads_run_where_the_context_says(void **state)
{
    struct env *env = *state;
    char mine[256], expected[16];
    cpu_set_t cpus;
    int cpu = 0;

    assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
    while (!CPU_ISSET(cpu, &cpus))
        cpu++;
    assert_true(
        proc_status(getpid(), "Cpus_allowed_list:", mine, sizeof(mine)));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, cpu));
    start(env);
    snprintf(expected, sizeof(expected), "%d", cpu);
    wait_for_status("Cpus_allowed_list:", expected);
    /* The program's own threads stay where they are. */
    assert_true(proc_status(getpid(), "Cpus_allowed_list:", expected,
                            sizeof(expected)));
    assert_string_equal(expected, mine);
}

static void io_threads_run_where_they_may_if_all_is_taken_back(void **state)
{
    struct env *env = *state;
    char mine[256];

    assert_true(
        proc_status(getpid(), "Cpus_allowed_list:", mine, sizeof(mine)));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    start(env);
    wait_for_status("Cpus_allowed_list:", mine);
}

/* A thread that has no right to be what it should be stays as it is. */
static void wait_for_policy(int policy, int priority)
{
    struct proc_numbers threads = wait_for_threads("ZMQbg/IO/", THREADS);

    for (int i = 0; i < THREADS; i++) {
        struct sched_param param = {.sched_priority = -1};

        while (sched_getscheduler(threads.items[i]) != policy)
            sched_yield();
        do {
            assert_int_equal(sched_getparam(threads.items[i], &param), 0);
        } while (param.sched_priority != priority);
    }
}

static void io_threads_are_scheduled_as_the_context_says(void **state)
{
    struct env *env = *state;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH));
    start(env);
    wait_for_policy(SCHED_BATCH, 0);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

/* May this process have real-time threads? */
static bool is_privileged(void)
{
    struct sched_param urgent = {.sched_priority = 1};
    struct sched_param usual = {.sched_priority = 0};

    if (sched_setscheduler(0, SCHED_FIFO, &urgent) != 0)
        return false;
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &usual), 0);
    return true;
}

static void io_threads_have_the_priority_that_the_context_says(void **state)
{
    struct env *env = *state;

    if (!is_privileged())
        skip();
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_SCHED_POLICY, SCHED_FIFO));
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_PRIORITY, 3));
    start(env);
    wait_for_policy(SCHED_FIFO, 3);
}

static void a_priority_without_a_policy_is_the_best_nice_value(void **state)
{
    struct env *env = *state;
    int own = getpriority(PRIO_PROCESS, 0);
    struct proc_numbers threads;

    if (!is_privileged())
        skip();
    assert_ok(zmq_ctx_set(env->ctx, ZMQ_THREAD_PRIORITY, 1));
    start(env);
    threads = wait_for_threads("ZMQbg/IO/", THREADS);
    for (int i = 0; i < THREADS; i++) {
        while (getpriority(PRIO_PROCESS, (id_t)threads.items[i]) != -20)
            sched_yield();
    }
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

static void
threads_begin_with_the_first_endpoint_beyond_the_process(void **state)
{
    struct env *env = *state;
    void *pair;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, THREADS));
    pair = env_socket(env, ZMQ_PAIR);
    assert_ok(zmq_bind(pair, "inproc://x"));
    /* libzmq starts them with the first socket. */
    if (is_ceromq())
        assert_int_equal(proc_threads_named("ZMQbg/IO").count, 0);
    start(env);
    (void)wait_for_threads("ZMQbg/IO/", THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, without_io_threads_no_thread_is_started),
        ON(inproc, without_io_threads_a_receiver_sleeps_and_wakes),
        ON(inproc, without_io_threads_a_context_ends_while_others_wait),
        ON(inproc, without_io_threads_nothing_goes_beyond_the_process),
        ON(tcp, io_threads_are_numbered),
        ON(tcp, io_threads_are_named_as_the_context_says),
        ON(tcp, io_threads_run_where_the_context_says),
        ON(tcp, io_threads_run_where_they_may_if_all_is_taken_back),
        ON(tcp, io_threads_are_scheduled_as_the_context_says),
        ON(tcp, io_threads_have_the_priority_that_the_context_says),
        ON(tcp, a_priority_without_a_policy_is_the_best_nice_value),
        ON(tcp, threads_begin_with_the_first_endpoint_beyond_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
