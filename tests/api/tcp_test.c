/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the library does to the descriptors of its connections, seen from
 * outside: the monitor tells which they are.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The three descriptors of a connection within one process. */
struct wire {
    void *pull;
    void *push;
    void *bound_events;
    void *connected_events;
    int listener;
    int accepted;
    int connected;
};

static void wire_open(struct env *env, struct wire *wire)
{
    wire->pull = env_socket(env, ZMQ_PULL);
    wire->push = env_socket(env, ZMQ_PUSH);
    wire->bound_events = monitor_open(env, wire->pull, ZMQ_EVENT_ALL);
    wire->connected_events = monitor_open(env, wire->push, ZMQ_EVENT_ALL);
}

static void wire_link(struct env *env, struct wire *wire)
{
    env_link(env, wire->pull, wire->push);
    wire->listener =
        (int)monitor_wait(wire->bound_events, ZMQ_EVENT_LISTENING).value;
    wire->accepted =
        (int)monitor_wait(wire->bound_events, ZMQ_EVENT_ACCEPTED).value;
    wire->connected =
        (int)monitor_wait(wire->connected_events, ZMQ_EVENT_CONNECTED).value;
    monitor_wait(wire->bound_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    monitor_wait(wire->connected_events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

static int fd_option(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

static void descriptors_are_not_inherited_and_do_not_block(void **state)
{
    struct env *env = *state;
    struct wire wire;

    wire_open(env, &wire);
    wire_link(env, &wire);
    assert_true(fcntl(wire.listener, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(wire.accepted, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(wire.connected, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(wire.accepted, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(wire.connected, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(get_int(wire.pull, ZMQ_FD), F_GETFD) & FD_CLOEXEC);
}

static void tcp_never_delays(void **state)
{
    struct env *env = *state;
    struct wire wire;

    wire_open(env, &wire);
    wire_link(env, &wire);
    assert_true(fd_option(wire.accepted, IPPROTO_TCP, TCP_NODELAY));
    assert_true(fd_option(wire.connected, IPPROTO_TCP, TCP_NODELAY));
    assert_false(fd_option(wire.connected, SOL_SOCKET, SO_KEEPALIVE));
}

static void expect_congestion_control(int fd, const char *name)
{
    char value[16] = "";
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, value, &size),
                     0);
    assert_string_equal(value, name);
}

static void within_one_machine_tcp_sends_without_pacing(void **state)
{
    struct env *env = *state;
    struct wire wire;

    if (!is_ceromq()) /* libzmq leaves it as the system has it */
        skip();
    wire_open(env, &wire);
    wire_link(env, &wire);
    expect_congestion_control(wire.accepted, "reno");
    expect_congestion_control(wire.connected, "reno");
}

static void tcp_options_reach_both_ends(void **state)
{
    static const struct {
        int option;
        int value;
        int level;
        int name;
    } rows[] = {
        {ZMQ_TCP_KEEPALIVE, 1, SOL_SOCKET, SO_KEEPALIVE},
        {ZMQ_TCP_KEEPALIVE_CNT, 7, IPPROTO_TCP, TCP_KEEPCNT},
        {ZMQ_TCP_KEEPALIVE_IDLE, 77, IPPROTO_TCP, TCP_KEEPIDLE},
        {ZMQ_TCP_KEEPALIVE_INTVL, 9, IPPROTO_TCP, TCP_KEEPINTVL},
        {ZMQ_TCP_MAXRT, 12345, IPPROTO_TCP, TCP_USER_TIMEOUT},
        {ZMQ_TOS, 0x28, IPPROTO_IP, IP_TOS},
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);
    struct env *env = *state;
    struct wire wire;

    wire_open(env, &wire);
    for (size_t i = 0; i < count; i++) {
        set_int(wire.pull, rows[i].option, rows[i].value);
        set_int(wire.push, rows[i].option, rows[i].value);
    }
    wire_link(env, &wire);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fd_option(wire.connected, rows[i].level, rows[i].name),
                         rows[i].value);
        assert_int_equal(fd_option(wire.accepted, rows[i].level, rows[i].name),
                         rows[i].value);
    }
}

static void buffer_sizes_reach_the_kernel(void **state)
{
    struct env *env = *state;
    struct wire wire;

    wire_open(env, &wire);
    set_int(wire.push, ZMQ_SNDBUF, 30000);
    set_int(wire.pull, ZMQ_RCVBUF, 40000);
    wire_link(env, &wire);
    /* The kernel keeps twice of what was asked for. */
    assert_int_equal(fd_option(wire.connected, SOL_SOCKET, SO_SNDBUF), 60000);
    assert_int_equal(fd_option(wire.accepted, SOL_SOCKET, SO_RCVBUF), 80000);
}

static void a_descriptor_may_be_given_to_listen_on(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    int fd;

    env_free_endpoint(env, endpoint);
    fd = raw_listen(endpoint);
    /* It still blocks, as it does when systemd hands it over. */
    set_int(pull, ZMQ_USE_FD, fd);
    assert_ok(zmq_bind(pull, endpoint));
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void a_descriptor_that_does_not_listen_is_refused(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    if (!is_ceromq())
        skip(); /* Takes anything, and waits for ever. */
    env_free_endpoint(env, endpoint);
    set_int(pull, ZMQ_USE_FD, fd);
    assert_fails(zmq_bind(pull, endpoint), EINVAL);
    close(fd);
    assert_fails(zmq_bind(pull, endpoint), EBADF);
}

/* Takes all descriptors that there are. */
static size_t take_descriptors(int *fds, size_t max)
{
    size_t count = 0;

    while (count < max && (fds[count] = dup(0)) != -1)
        count++;
    return count;
}

static bool fd_is_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1;
}

static void a_listener_outlives_the_lack_of_descriptors(void **state)
{
    enum { LIMIT = 256 };
    struct env *env = *state;
    struct rlimit before;
    struct rlimit few;
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    int fds[LIMIT];
    size_t count;
    int peer;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ACCEPT_FAILED);

    /* libzmq 4.3.4 ends the process over ipc. */
    if (env->transport == &transport_ipc && !is_ceromq())
        skip();
    env_bind(env, pull, endpoint);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    count = take_descriptors(fds, LIMIT);
    assert_true(count > 0);
    close(fds[--count]);
    /* Connected by the kernel, with the last descriptor. */
    peer = raw_connect(endpoint);
    assert_int_equal(monitor_expect(monitor, ZMQ_EVENT_ACCEPT_FAILED).value,
                     EMFILE);
    while (count > 0)
        close(fds[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    /* Read on: libzmq fails at once again, and waits when nobody reads. */
    while (!fd_is_readable(peer))
        (void)monitor_next(monitor, &event, 1);
    raw_handshake(peer, "PUSH");
    raw_write_frame(peer, 0, "late", 4);
    expect_text(pull, "late");
    close(peer);
}

static void no_descriptors_no_sockets(void **state)
{
    enum { LIMIT = 256 };
    struct env *env = *state;
    struct rlimit before;
    struct rlimit few;
    int fds[LIMIT];
    size_t count;
    void *socket;
    int error;

    env_socket(env, ZMQ_PAIR);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    count = take_descriptors(fds, LIMIT);
    socket = zmq_socket(env->ctx, ZMQ_PAIR);
    error = zmq_errno();
    while (count > 0)
        close(fds[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    /* A socket that needs no descriptor yet is as good as an error. */
    if (socket != NULL)
        assert_ok(zmq_close(socket));
    else
        assert_int_equal(error, EMFILE);
    assert_non_null(env_socket(env, ZMQ_PAIR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(descriptors_are_not_inherited_and_do_not_block),
        ON(tcp, tcp_never_delays),
        ON(tcp, within_one_machine_tcp_sends_without_pacing),
        ON(tcp, tcp_options_reach_both_ends),
        ON(tcp, buffer_sizes_reach_the_kernel),
        ON_STREAMS(a_descriptor_may_be_given_to_listen_on),
        ON_STREAMS(a_descriptor_that_does_not_listen_is_refused),
        ON_STREAMS(a_listener_outlives_the_lack_of_descriptors),
        ON(inproc, no_descriptors_no_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
