/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_FD and ZMQ_EVENTS, as event loops use them: the descriptor says
 * "look", the events say what there is, and after "nothing" was seen the
 * descriptor speaks up again.
 *
 * Thread: the main thread, and one that sends.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool fd_is_readable(int fd, int timeout_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, timeout_ms) == 1;
}

/* Waits as a loop does: on the descriptor, and only after the events have
 * shown that what is wanted is not there. */
static void wait_on_fd(void *socket, int event)
{
    int fd = get_int(socket, ZMQ_FD);

    while ((get_int(socket, ZMQ_EVENTS) & event) == 0)
        assert_true(fd_is_readable(fd, PATIENCE_MS));
}

/* Reads the signal of the new connection away: nothing is pending then. */
static void settle(void *socket)
{
    int fd = get_int(socket, ZMQ_FD);

    do {
        (void)get_int(socket, ZMQ_EVENTS);
    } while (fd_is_readable(fd, 0));
}

static void the_descriptor_never_changes(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;
    int fd;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    fd = get_int(pull, ZMQ_FD);
    assert_true(fd >= 0);
    assert_int_not_equal(get_int(push, ZMQ_FD), fd);
    send_text(push, "x", 0);
    expect_text(pull, "x");
    assert_int_equal(get_int(pull, ZMQ_FD), fd);
}

static void the_sequence_of_the_manual_holds(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;
    int fd;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    fd = get_int(pull, ZMQ_FD);
    send_text(push, "zero", 0);
    wait_on_fd(pull, ZMQ_POLLIN);
    expect_text(pull, "zero");
    settle(pull);
    assert_int_equal(get_int(pull, ZMQ_EVENTS), 0);
    assert_false(fd_is_readable(fd, 0));

    send_text(push, "one", 0);
    send_text(push, "two", 0);
    assert_true(fd_is_readable(fd, PATIENCE_MS));
    wait_on_fd(pull, ZMQ_POLLIN);
    expect_text(pull, "one");
    wait_on_fd(pull, ZMQ_POLLIN);
    expect_text(pull, "two");
    expect_nothing(pull);
    settle(pull);
    assert_false(fd_is_readable(fd, 0));

    send_text(push, "three", 0);
    assert_true(fd_is_readable(fd, PATIENCE_MS));
    wait_on_fd(pull, ZMQ_POLLIN);
    expect_text(pull, "three");
}

static void an_idle_descriptor_is_silent(void **state)
{
    struct env *env = *state;
    void *a;
    void *b;

    env_pair(env, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    send_text(b, "x", 0);
    expect_text(a, "x");
    send_text(a, "y", 0);
    expect_text(b, "y");
    settle(a);
    settle(b);
    /* Both may send, and that alone must not wake a loop. */
    assert_int_equal(get_int(a, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_int_equal(get_int(b, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_false(fd_is_readable(get_int(a, ZMQ_FD), GLANCE_MS));
    assert_false(fd_is_readable(get_int(b, ZMQ_FD), 0));
}

static void a_new_connection_wakes_the_descriptor(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, push, endpoint);
    settle(push);
    assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
    assert_ok(zmq_connect(pull, endpoint));
    assert_true(fd_is_readable(get_int(push, ZMQ_FD), PATIENCE_MS));
    wait_on_fd(push, ZMQ_POLLOUT);
    send_text(push, "x", 0);
    expect_text(pull, "x");
}

static void room_after_eagain_wakes_the_descriptor(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    int fd;

    set_int(push, ZMQ_SNDHWM, 2);
    set_int(pull, ZMQ_RCVHWM, 2);
    env_link(env, pull, push);
    fd = get_int(push, ZMQ_FD);
    for (int round = 0; round < 20; round++) {
        uint32_t count = send_until_full(push, 4, 0);

        settle(push);
        assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
        assert_false(fd_is_readable(fd, 0));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(receive_number(pull), i);
        assert_true(fd_is_readable(fd, PATIENCE_MS));
        wait_on_fd(push, ZMQ_POLLOUT);
    }
}

/* The same with the kernel's buffers between them. */
static void room_in_the_network_wakes_the_descriptor(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    limit_buffers(push, pull);
    env_link(env, pull, push);
    for (int round = 0; round < 2; round++) {
        uint32_t count;

        wait_on_fd(push, ZMQ_POLLOUT);
        count = send_until_full(push, IN_BUFFERS_MAX, GLANCE_MS);
        settle(push);
        assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(receive_number(pull), i);
        wait_on_fd(push, ZMQ_POLLOUT);
    }
}

#define LOOPS 1000

static int send_loops(void *push)
{
    for (uint32_t i = 0; i < LOOPS; i++) {
        if (zmq_send(push, &i, sizeof(i), 0) == -1)
            return -1;
    }
    return 0;
}

/* An edge-triggered loop: wake, drain until EAGAIN, sleep. */
static void an_edge_triggered_loop_misses_nothing(void **state)
{
    struct env *env = *state;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint32_t next = 0;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(
        epoll_ctl(epoll, EPOLL_CTL_ADD, get_int(pull, ZMQ_FD), &event), 0);
    call_start(&call, send_loops, push);
    while (next < LOOPS) {
        uint32_t number;

        while (zmq_recv(pull, &number, sizeof(number), ZMQ_DONTWAIT) != -1)
            assert_int_equal(number, next++);
        assert_int_equal(zmq_errno(), EAGAIN);
        if ((get_int(pull, ZMQ_EVENTS) & ZMQ_POLLIN) != 0)
            continue;
        if (next < LOOPS)
            assert_int_equal(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
    }
    assert_ok(call_join(&call));
    close(epoll);
}

static int echo_loops(void *socket)
{
    uint32_t number;

    for (uint32_t i = 0; i < LOOPS; i++) {
        if (zmq_recv(socket, &number, sizeof(number), 0) == -1 ||
            zmq_send(socket, &number, sizeof(number), 0) == -1)
            return -1;
    }
    return 0;
}

/* A send may take the signal of an arrival away: look again after it. */
static void sending_does_not_hide_an_arrival(void **state)
{
    struct env *env = *state;
    struct call call;
    void *here;
    void *there;

    env_pair(env, ZMQ_PAIR, &there, ZMQ_PAIR, &here);
    call_start(&call, echo_loops, there);
    for (uint32_t i = 0; i < LOOPS; i++) {
        send_number(here, i);
        wait_on_fd(here, ZMQ_POLLIN);
        assert_int_equal(receive_number(here), i);
    }
    assert_ok(call_join(&call));
}

static void both_options_need_four_bytes(void **state)
{
    struct env *env = *state;
    uint32_t small = 0;
    size_t size = sizeof(small);
    unsigned char large[8];
    void *socket = env_socket(env, ZMQ_PULL);

    assert_ok(zmq_getsockopt(socket, ZMQ_EVENTS, &small, &size));
    size = 2;
    assert_fails(zmq_getsockopt(socket, ZMQ_EVENTS, &small, &size), EINVAL);
    size = 2;
    assert_fails(zmq_getsockopt(socket, ZMQ_FD, &small, &size), EINVAL);
    size = sizeof(large);
    memset(large, 0xff, sizeof(large));
    assert_ok(zmq_getsockopt(socket, ZMQ_EVENTS, large, &size));
    assert_int_equal(size, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(the_descriptor_never_changes),
        ON_EACH(the_sequence_of_the_manual_holds),
        ON_EACH(an_idle_descriptor_is_silent),
        ON_EACH(a_new_connection_wakes_the_descriptor),
        ON(inproc, room_after_eagain_wakes_the_descriptor),
        ON_STREAMS(room_in_the_network_wakes_the_descriptor),
        ON_EACH(an_edge_triggered_loop_misses_nothing),
        ON_EACH(sending_does_not_hide_an_arrival),
        ON(inproc, both_options_need_four_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
