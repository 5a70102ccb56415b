/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A process without a descriptor left: calls that want one say EMFILE and
 * change nothing, what is connected goes on, and what has to wait comes
 * through when there are descriptors again. (A listener that cannot accept
 * is in tcp_test.c, too.)
 *
 * libzmq 4.3.4 ends the process in most of these places, so most of this is
 * for CeroMQ alone.
 *
 * Thread: the main thread of a test.
 * Owns: the descriptors that keep others from getting one; full_close()
 * gives them back.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LIMIT = 256, PEERS = 8 };

static struct {
    struct rlimit before;
    int fds[LIMIT];
    size_t count;
    bool is_full;
} full;

/* From here on there are `left` descriptors for everybody. */
static void fill(size_t left)
{
    struct rlimit few;
    int fd;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &full.before), 0);
    few = full.before;
    few.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    full.is_full = true;
    full.count = 0;
    while ((fd = fcntl(0, F_DUPFD_CLOEXEC, 3)) >= 0)
        full.fds[full.count++] = fd;
    assert_true(full.count > left);
    while (left-- > 0)
        close(full.fds[--full.count]);
}

static void unfill(void)
{
    if (!full.is_full)
        return;
    full.is_full = false;
    while (full.count > 0)
        close(full.fds[--full.count]);
    (void)setrlimit(RLIMIT_NOFILE, &full.before);
}

static int full_close(void **state)
{
    unfill();
    return env_close(state);
}

#define FULL_ON(name, test)                                                    \
    {                                                                          \
#name " " #test, test, env_open, full_close,                           \
            (void *)(uintptr_t)&transport_##name                               \
    }
#define FULL_ON_STREAMS(test) FULL_ON(tcp, test), FULL_ON(ipc, test)

static void skip_libzmq(void)
{
    if (!is_ceromq())
        skip();
}

/* ---- calls ------------------------------------------------------------ */

static void calls_fail_and_can_be_made_again(void **state)
{
    struct env *env = *state;
    void *one, *two;
    zmq_pollitem_t items[2] = {{.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};
    size_t size = sizeof(int);
    char endpoint[ENDPOINT_MAX];
    int fd = -1;

    skip_libzmq();
    one = env_socket(env, ZMQ_PULL);
    two = env_socket(env, ZMQ_PUSH);
    items[0].socket = one;
    items[1].socket = two;
    env_free_endpoint(env, endpoint);
    fill(0);
    /* Before the first of these, there is not even an I/O thread. */
    assert_fails(zmq_bind(one, endpoint), EMFILE);
    assert_fails(zmq_connect(two, endpoint), EMFILE);
    assert_int_equal(zmq_poll(items, 2, 10), 0); /* needs none */
    assert_fails(zmq_getsockopt(one, ZMQ_FD, &fd, &size), EMFILE);
    unfill();
    assert_ok(zmq_bind(one, endpoint));
    fill(0);
    assert_fails(zmq_bind(two, "tcp://127.0.0.1:*"), EMFILE);
    assert_fails(zmq_bind(two, "ipc://*"), EMFILE);
    unfill();
    assert_ok(zmq_connect(two, endpoint));
    send_text(two, "x", 0);
    assert_int_equal(zmq_poll(items, 2, PATIENCE_MS), 1);
    expect_text(one, "x");
    size = sizeof(fd);
    assert_ok(zmq_getsockopt(one, ZMQ_FD, &fd, &size));
    assert_true(fd >= 0);
}

static void inproc_needs_no_descriptors(void **state)
{
    struct env *env = *state;
    void *one, *two;

    skip_libzmq();
    fill(0);
    env_pair(env, ZMQ_PAIR, &one, ZMQ_PAIR, &two);
    send_text(one, "here", 0);
    expect_text(two, "here");
    send_text(two, "there", 0);
    wait_for(one, ZMQ_POLLIN);
    expect_text(one, "there");
    env_end(env);
}

static void contexts_end_without_descriptors(void **state)
{
    struct env *env = *state;
    void *pull, *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "x", 0);
    expect_text(pull, "x");
    fill(0);
    env_end(env);
}

/* ---- connecting ------------------------------------------------------- */

static void connect_through(struct env *env, const char *endpoint)
{
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor = monitor_open(env, push, ZMQ_EVENT_ALL);
    char bound[ENDPOINT_MAX], name[ENDPOINT_MAX];

    if (endpoint) {
        assert_ok(zmq_bind(pull, "tcp://127.0.0.1:*"));
        last_endpoint(pull, bound);
        snprintf(name, sizeof(name), endpoint, strrchr(bound, ':'));
    } else {
        env_bind(env, pull, name);
    }
    set_int(push, ZMQ_RECONNECT_IVL, 20);
    fill(0);
    assert_ok(zmq_connect(push, name));
    send_text(push, "late", 0);
    monitor_wait(monitor, ZMQ_EVENT_CONNECT_RETRIED);
    monitor_wait(monitor, ZMQ_EVENT_CONNECT_RETRIED);
    unfill();
    monitor_wait(monitor, ZMQ_EVENT_CONNECTED);
    expect_text(pull, "late");
}

static void connecting_is_tried_again(void **state)
{
    skip_libzmq();
    connect_through(*state, NULL);
}

static void names_are_looked_up_again(void **state)
{
    skip_libzmq();
    connect_through(*state, "tcp://localhost%s");
}

/* ---- accepting -------------------------------------------------------- */

static int64_t cpu_ms(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* Peers wait in the listener's queue, the first of them for the descriptor
 * that the last one got. */
static void accepting_rests_and_resumes(void **state)
{
    struct env *env = *state;
    void *pull, *push, *monitor;
    char endpoint[ENDPOINT_MAX];
    int peers[PEERS];
    int64_t since_ms, since_cpu_ms;

    skip_libzmq();
    pull = env_socket(env, ZMQ_PULL);
    push = env_socket(env, ZMQ_PUSH);
    monitor = monitor_open(env, pull, ZMQ_EVENT_ACCEPT_FAILED);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "before", 0);
    expect_text(pull, "before");
    fill(PEERS);
    /* First all descriptors: the listener takes any that it can get. */
    for (int i = 0; i < PEERS; i++)
        peers[i] = raw_socket(endpoint);
    for (int i = 0; i < PEERS; i++)
        raw_dial(peers[i], endpoint);
    assert_int_equal(monitor_expect(monitor, ZMQ_EVENT_ACCEPT_FAILED).value,
                     EMFILE);
    /* Who is connected notices nothing. */
    send_text(push, "meanwhile", 0);
    expect_text(pull, "meanwhile");
    since_ms = now_ms();
    since_cpu_ms = cpu_ms();
    for (int i = 0; i < 3; i++)
        monitor_expect(monitor, ZMQ_EVENT_ACCEPT_FAILED);
    /* It waits for the next attempt, and does not work for it. */
    assert_true(cpu_ms() - since_cpu_ms < (now_ms() - since_ms) / 2 + 20);
    unfill();
    for (int i = 0; i < PEERS; i++) {
        raw_handshake(peers[i], "PUSH");
        raw_write_frame(peers[i], 0, "late", 4);
        expect_text(pull, "late");
        close(peers[i]);
    }
    send_text(push, "after", 0);
    expect_text(pull, "after");
}

/* A peer that gives its descriptor back makes room for the next. */
static void accepting_resumes_by_itself(void **state)
{
    struct env *env = *state;
    void *pull, *monitor;
    char endpoint[ENDPOINT_MAX];
    int peers[2];

    skip_libzmq();
    pull = env_socket(env, ZMQ_PULL);
    monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);
    env_bind(env, pull, endpoint);
    monitor_expect(monitor, ZMQ_EVENT_LISTENING);
    fill(3);
    peers[0] = raw_connect(endpoint);
    monitor_expect(monitor, ZMQ_EVENT_ACCEPTED);
    peers[1] = raw_connect(endpoint);
    monitor_wait(monitor, ZMQ_EVENT_ACCEPT_FAILED);
    close(peers[0]);
    monitor_wait(monitor, ZMQ_EVENT_ACCEPTED);
    raw_handshake(peers[1], "PUSH");
    raw_write_frame(peers[1], 0, "next", 4);
    expect_text(pull, "next");
    close(peers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FULL_ON_STREAMS(calls_fail_and_can_be_made_again),
        FULL_ON(inproc, inproc_needs_no_descriptors),
        FULL_ON_STREAMS(contexts_end_without_descriptors),
        FULL_ON_STREAMS(connecting_is_tried_again),
        FULL_ON(tcp, names_are_looked_up_again),
        FULL_ON_STREAMS(accepting_rests_and_resumes),
        FULL_ON_STREAMS(accepting_resumes_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
