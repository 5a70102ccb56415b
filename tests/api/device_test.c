/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Options that the kernel enforces, seen at the descriptors of a connection:
 * ZMQ_BINDTODEVICE, ZMQ_BACKLOG, ZMQ_PRIORITY, ZMQ_TOS of IPv6, and the sizes
 * of buffers of ipc; and which descriptor a message came by.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ZMQ_PRIORITY
#define ZMQ_PRIORITY 112 /* Of the draft interface. */
#endif

/* Both ends of a connection between two sockets of this process. */
struct ends {
    int accepted;
    int connected;
};

static struct ends link_ends(struct env *env, void *pull, void *push,
                             const char *endpoint)
{
    void *bound_events = monitor_open(env, pull, ZMQ_EVENT_ALL);
    void *connected_events = monitor_open(env, push, ZMQ_EVENT_ALL);
    char bound[ENDPOINT_MAX];
    struct ends ends;

    assert_ok(zmq_bind(pull, endpoint));
    last_endpoint(pull, bound);
    assert_ok(zmq_connect(push, bound));
    ends.accepted = (int)monitor_wait(bound_events, ZMQ_EVENT_ACCEPTED).value;
    ends.connected =
        (int)monitor_wait(connected_events, ZMQ_EVENT_CONNECTED).value;
    send_text(push, "x", 0);
    expect_text(pull, "x");
    return ends;
}

static int fd_option(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

static void expect_device(int fd, const char *expected)
{
    char name[IFNAMSIZ] = "";
    socklen_t size = sizeof(name);

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size),
                     0);
    assert_string_equal(name, expected);
}

static void a_device_holds_for_both_ends(void **state)
{
    struct env *env = *state;
    struct ends ends;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_setsockopt(pull, ZMQ_BINDTODEVICE, "lo", 2));
    /* With its NUL, as well. */
    assert_ok(zmq_setsockopt(push, ZMQ_BINDTODEVICE, "lo", 3));
    ends = link_ends(env, pull, push, "tcp://127.0.0.1:*");
    expect_device(ends.accepted, "lo");
    expect_device(ends.connected, "lo");
}

static void a_device_that_is_not_there_refuses(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *events;

    assert_ok(zmq_setsockopt(pull, ZMQ_BINDTODEVICE, "no-such-dev", 11));
    assert_fails(zmq_bind(pull, "tcp://127.0.0.1:*"), ENODEV);
    assert_ok(zmq_setsockopt(pull, ZMQ_BINDTODEVICE, NULL, 0));
    assert_ok(zmq_bind(pull, "tcp://127.0.0.1:*"));
    /* Who connects tries again: the device may come. */
    events = monitor_open(env, push, ZMQ_EVENT_ALL);
    assert_ok(zmq_setsockopt(push, ZMQ_BINDTODEVICE, "no-such-dev", 11));
    assert_ok(zmq_connect(push, "tcp://127.0.0.1:9"));
    monitor_wait(events, ZMQ_EVENT_CONNECT_RETRIED);
}

static void the_backlog_is_the_listeners(void **state)
{
    struct env *env = *state;
    struct tcp_info info;
    socklen_t size = sizeof(info);
    void *pull = env_socket(env, ZMQ_PULL);
    void *events = monitor_open(env, pull, ZMQ_EVENT_LISTENING);
    int fd;

    set_int(pull, ZMQ_BACKLOG, 7);
    assert_ok(zmq_bind(pull, "tcp://127.0.0.1:*"));
    fd = (int)monitor_expect(events, ZMQ_EVENT_LISTENING).value;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    /* Of a listener the kernel tells its backlog here. */
    assert_int_equal(info.tcpi_sacked, 7);
}

static void a_priority_holds_for_both_ends(void **state)
{
    struct env *env = *state;
    struct ends ends;
    int priority = 5;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (zmq_setsockopt(pull, ZMQ_PRIORITY, &priority, sizeof(priority)) != 0)
        skip(); /* Came with libzmq 4.3.5. */
    set_int(push, ZMQ_PRIORITY, priority);
    ends = link_ends(env, pull, push, "tcp://127.0.0.1:*");
    assert_int_equal(fd_option(ends.accepted, SOL_SOCKET, SO_PRIORITY), 5);
    assert_int_equal(fd_option(ends.connected, SOL_SOCKET, SO_PRIORITY), 5);
}

static void the_type_of_service_is_one_of_ipv6_too(void **state)
{
    struct env *env = *state;
    struct ends ends;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (fd < 0 || bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) != 0)
        skip(); /* A machine without IPv6. */
    close(fd);
    set_int(pull, ZMQ_IPV6, 1);
    set_int(push, ZMQ_IPV6, 1);
    set_int(pull, ZMQ_TOS, 0x28);
    set_int(push, ZMQ_TOS, 0x28);
    ends = link_ends(env, pull, push, "tcp://[::1]:*");
    assert_int_equal(fd_option(ends.accepted, IPPROTO_IPV6, IPV6_TCLASS), 0x28);
    assert_int_equal(fd_option(ends.connected, IPPROTO_IPV6, IPV6_TCLASS),
                     0x28);
}

static void buffers_of_ipc_have_their_sizes(void **state)
{
    struct env *env = *state;
    struct ends ends;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (!is_ceromq())
        skip(); /* Heeds them with tcp alone. */
    set_int(push, ZMQ_SNDBUF, 30000);
    set_int(pull, ZMQ_RCVBUF, 40000);
    env_free_endpoint(env, endpoint);
    ends = link_ends(env, pull, push, endpoint);
    assert_int_equal(fd_option(ends.connected, SOL_SOCKET, SO_SNDBUF), 60000);
    assert_int_equal(fd_option(ends.accepted, SOL_SOCKET, SO_RCVBUF), 80000);
}

static void the_descriptor_of_a_message_is_the_connections(void **state)
{
    struct env *env = *state;
    struct ends ends;
    zmq_msg_t msg;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    if (strcmp(env->transport->name, "tcp") == 0)
        snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:*");
    else
        env_free_endpoint(env, endpoint);
    ends = link_ends(env, pull, push, endpoint);
    send_text(push, "y", 0);
    assert_ok(zmq_msg_init(&msg));
    assert_ok(zmq_msg_recv(&msg, pull, 0));
    assert_int_equal(zmq_msg_get(&msg, ZMQ_SRCFD), ends.accepted);
    assert_ok(zmq_msg_close(&msg));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(tcp, a_device_holds_for_both_ends),
        ON(tcp, a_device_that_is_not_there_refuses),
        ON(tcp, the_backlog_is_the_listeners),
        ON(tcp, a_priority_holds_for_both_ends),
        ON(tcp, the_type_of_service_is_one_of_ipv6_too),
        ON(ipc, buffers_of_ipc_have_their_sizes),
        ON_STREAMS(the_descriptor_of_a_message_is_the_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
