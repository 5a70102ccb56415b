/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: connections over tcp and ipc, and the error of each refusal.
 *
 * Thread: one. Owns: nothing.
 */
#include "os/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A listener on a free port or a fresh abstract name, and its address. */
static int listener_open(int family, struct cz_addr *addr)
{
    int fd = cz_sock_open(family, SOCK_STREAM);

    assert_true(fd >= 0);
    if (family == AF_UNIX) {
        addr->length = sizeof(sa_family_t);
        addr->u.any.sa_family = AF_UNIX; /* the kernel finds a name */
    } else {
        assert_int_equal(cz_addr_numeric(addr, "127.0.0.1", 0,
                                         family == AF_INET ? CZ_ADDR_IPV4
                                                           : CZ_ADDR_IPV6_DUAL),
                         0);
    }
    assert_int_equal(cz_sock_bind(fd, addr), 0);
    assert_int_equal(cz_sock_listen(fd, 8), 0);
    assert_int_equal(cz_sock_local(fd, addr), 0);
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd at = {.fd = fd, .events = events};

    assert_int_equal(poll(&at, 1, 10000), 1);
}

/* A connected pair: [0] dialled, [1] was accepted. */
static void pair_open(int family, int pair[2])
{
    struct cz_addr addr;
    int listener = listener_open(family, &addr), rc;

    pair[0] = cz_sock_open(family, SOCK_STREAM);
    assert_true(pair[0] >= 0);
    rc = cz_sock_connect(pair[0], &addr);
    assert_true(rc == 0 || rc == -EINPROGRESS);
    wait_for(listener, POLLIN);
    pair[1] = cz_sock_accept(listener, NULL);
    assert_true(pair[1] >= 0);
    wait_for(pair[0], POLLOUT);
    assert_int_equal(cz_sock_error(pair[0]), 0);
    cz_sock_close(listener);
}

static void pair_close(int pair[2])
{
    cz_sock_close(pair[0]);
    cz_sock_close(pair[1]);
}

static const int families[] = {AF_INET, AF_INET6, AF_UNIX};

static void bytes_cross_in_both_directions(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(families); i++) {
        char text[8] = {0};
        int pair[2];

        pair_open(families[i], pair);
        assert_int_equal(cz_sock_read(pair[1], text, sizeof text), -EAGAIN);
        assert_int_equal(cz_sock_write(pair[0], "hello", 5), 5);
        wait_for(pair[1], POLLIN);
        assert_int_equal(cz_sock_read(pair[1], text, sizeof text), 5);
        assert_string_equal(text, "hello");
        assert_int_equal(cz_sock_write(pair[1], "you", 3), 3);
        wait_for(pair[0], POLLIN);
        assert_int_equal(cz_sock_read(pair[0], text, sizeof text), 3);
        pair_close(pair);
    }
}

static void vectors_gather_and_scatter(void **state)
{
    struct iovec out[] = {{"ab", 2}, {"cde", 3}};
    char first[1], second[9] = {0};
    struct iovec in[] = {{first, 1}, {second, 8}};
    int pair[2];

    (void)state;
    pair_open(AF_INET, pair);
    assert_int_equal(cz_sock_readv(pair[1], in, 2), -EAGAIN);
    assert_int_equal(cz_sock_writev(pair[0], out, 2), 5);
    wait_for(pair[1], POLLIN);
    assert_int_equal(cz_sock_readv(pair[1], in, 2), 5);
    assert_int_equal(first[0], 'a');
    assert_string_equal(second, "bcde");
    pair_close(pair);
}

static void a_full_buffer_says_not_now(void **state)
{
    static const char block[65536];
    int pair[2];
    ssize_t rc;

    (void)state;
    pair_open(AF_UNIX, pair);
    do {
        rc = cz_sock_write(pair[0], block, sizeof block);
    } while (rc > 0);
    assert_int_equal(rc, -EAGAIN);
    pair_close(pair);
}

static void what_the_peer_has_no_room_for_is_unsent(void **state)
{
    static char block[65536];
    int pair[2];
    size_t total = 0;
    ssize_t rc;

    (void)state;
    pair_open(AF_INET, pair);
    assert_int_equal(cz_sock_unsent(pair[0]), 0);
    while ((rc = cz_sock_write(pair[0], block, sizeof block)) > 0)
        total += (size_t)rc;
    assert_in_range(cz_sock_unsent(pair[0]), 1, total);
    while (total > 0) {
        wait_for(pair[1], POLLIN);
        rc = cz_sock_read(pair[1], block, sizeof block);
        assert_true(rc > 0);
        total -= (size_t)rc;
    }
    assert_int_equal(cz_sock_unsent(pair[0]), 0);
    pair_close(pair);
}

static void over_ipc_nothing_is_unsent(void **state)
{
    int pair[2];

    (void)state;
    pair_open(AF_UNIX, pair);
    assert_int_equal(cz_sock_write(pair[0], "x", 1), 1);
    assert_int_equal(cz_sock_unsent(pair[0]), 0);
    pair_close(pair);
}

/* SIGPIPE's default action would end this test. */
static void writing_to_nobody_is_an_error_and_no_signal(void **state)
{
    struct iovec block = {"x", 1};
    size_t i;

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    for (i = 0; i < CZ_COUNT_OF(families); i++) {
        int pair[2];
        ssize_t rc;

        pair_open(families[i], pair);
        cz_sock_close(pair[1]);
        do {
            rc = cz_sock_write(pair[0], "x", 1);
        } while (rc > 0);
        assert_true(rc == -EPIPE || rc == -ECONNRESET);
        assert_true(cz_sock_writev(pair[0], &block, 1) < 0);
        cz_sock_close(pair[0]);
    }
}

static void the_end_of_the_stream_reads_as_nothing(void **state)
{
    int pair[2];
    char byte;

    (void)state;
    pair_open(AF_INET, pair);
    assert_int_equal(cz_sock_write(pair[0], "x", 1), 1);
    cz_sock_close(pair[0]);
    wait_for(pair[1], POLLIN);
    assert_int_equal(cz_sock_read(pair[1], &byte, 1), 1);
    wait_for(pair[1], POLLIN);
    assert_int_equal(cz_sock_read(pair[1], &byte, 1), 0);
    cz_sock_close(pair[1]);
}

static void descriptors_are_nonblocking_and_not_inherited(void **state)
{
    int pair[2], i;

    (void)state;
    pair_open(AF_INET, pair);
    for (i = 0; i < 2; i++) {
        assert_true(fcntl(pair[i], F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(pair[i], F_GETFL) & O_NONBLOCK);
    }
    pair_close(pair);
}

static void accept_tells_who_came_and_when_nobody_does(void **state)
{
    struct cz_addr addr, peer, local;
    int listener = listener_open(AF_INET, &addr);
    int dialled = cz_sock_open(AF_INET, SOCK_STREAM), accepted, rc;

    (void)state;
    assert_int_equal(cz_sock_accept(listener, &peer), -EAGAIN);
    rc = cz_sock_connect(dialled, &addr);
    assert_true(rc == 0 || rc == -EINPROGRESS);
    wait_for(listener, POLLIN);
    accepted = cz_sock_accept(listener, &peer);
    assert_true(accepted >= 0);
    assert_int_equal(cz_sock_local(dialled, &local), 0);
    assert_int_equal(cz_addr_port(&peer), cz_addr_port(&local));
    assert_int_equal(cz_sock_remote(accepted, &local), 0);
    assert_int_equal(cz_addr_port(&peer), cz_addr_port(&local));
    cz_sock_close(accepted);
    cz_sock_close(dialled);
    cz_sock_close(listener);
}

static void an_ipv6_listener_takes_ipv4_peers(void **state)
{
    struct cz_addr addr;
    int listener = cz_sock_open(AF_INET6, SOCK_STREAM);
    int dialled = cz_sock_open(AF_INET, SOCK_STREAM), accepted, rc;

    (void)state;
    cz_addr_any(&addr, CZ_ADDR_IPV6_DUAL, 0);
    assert_int_equal(cz_sock_bind(listener, &addr), 0);
    assert_int_equal(cz_sock_listen(listener, 1), 0);
    assert_int_equal(cz_sock_local(listener, &addr), 0);
    assert_int_equal(
        cz_addr_numeric(&addr, "127.0.0.1", cz_addr_port(&addr), CZ_ADDR_IPV4),
        0);
    rc = cz_sock_connect(dialled, &addr);
    assert_true(rc == 0 || rc == -EINPROGRESS);
    wait_for(listener, POLLIN);
    accepted = cz_sock_accept(listener, NULL);
    assert_true(accepted >= 0);
    cz_sock_close(accepted);
    cz_sock_close(dialled);
    cz_sock_close(listener);
}

static void refusals_have_their_errors(void **state)
{
    struct cz_addr addr;
    int listener = listener_open(AF_INET, &addr);
    int second = cz_sock_open(AF_INET, SOCK_STREAM), rc;

    (void)state;
    assert_int_equal(cz_sock_bind(second, &addr), -EADDRINUSE);
    cz_sock_close(listener);
    rc = cz_sock_connect(second, &addr);
    if (rc == -EINPROGRESS) {
        wait_for(second, POLLOUT);
        rc = cz_sock_error(second);
    }
    assert_int_equal(rc, -ECONNREFUSED);
    cz_sock_close(second);

    second = cz_sock_open(AF_UNIX, SOCK_STREAM);
    assert_int_equal(cz_addr_ipc(&addr, "/nonexistent/directory/x"), 0);
    assert_int_equal(cz_sock_connect(second, &addr), -ENOENT);
    assert_int_equal(cz_sock_bind(second, &addr), -ENOENT);
    assert_int_equal(cz_sock_remote(second, &addr), -ENOTCONN);
    cz_sock_close(second);
    assert_int_equal(cz_sock_open(AF_UNIX, 77), -EINVAL);
}

static void an_abstract_name_is_bound_and_dialled(void **state)
{
    struct cz_addr addr;
    char name[32];
    int listener = cz_sock_open(AF_UNIX, SOCK_STREAM);
    int dialled = cz_sock_open(AF_UNIX, SOCK_STREAM), accepted;

    (void)state;
    snprintf(name, sizeof name, "@cero-test-%d", (int)getpid());
    assert_int_equal(cz_addr_ipc(&addr, name), 0);
    assert_int_equal(cz_sock_connect(dialled, &addr), -ECONNREFUSED);
    assert_int_equal(cz_sock_bind(listener, &addr), 0);
    assert_int_equal(cz_sock_listen(listener, 1), 0);
    assert_int_equal(cz_sock_connect(dialled, &addr), 0);
    accepted = cz_sock_accept(listener, NULL);
    assert_true(accepted >= 0);
    cz_sock_close(accepted);
    cz_sock_close(dialled);
    cz_sock_close(listener);
}

static void options_reach_the_kernel(void **state)
{
    int fd = cz_sock_open(AF_INET, SOCK_STREAM), value = 0;
    socklen_t length = sizeof value;

    (void)state;
    assert_int_equal(cz_sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length),
                     0);
    assert_int_equal(value, 1);
    assert_int_equal(cz_sock_set_int(fd, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(
        cz_sock_set_bytes(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 7),
        -ENODEV);
    cz_sock_close(fd);
}

static void the_far_end_of_ipc_is_known(void **state)
{
    struct cz_sock_credentials who;
    int pair[2];

    (void)state;
    pair_open(AF_UNIX, pair);
    assert_int_equal(cz_sock_credentials(pair[1], &who), 0);
    assert_int_equal(who.pid, getpid());
    assert_int_equal(who.uid, getuid());
    assert_int_equal(who.gid, getgid());
    pair_close(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_cross_in_both_directions),
        cmocka_unit_test(vectors_gather_and_scatter),
        cmocka_unit_test(a_full_buffer_says_not_now),
        cmocka_unit_test(what_the_peer_has_no_room_for_is_unsent),
        cmocka_unit_test(over_ipc_nothing_is_unsent),
        cmocka_unit_test(writing_to_nobody_is_an_error_and_no_signal),
        cmocka_unit_test(the_end_of_the_stream_reads_as_nothing),
        cmocka_unit_test(descriptors_are_nonblocking_and_not_inherited),
        cmocka_unit_test(accept_tells_who_came_and_when_nobody_does),
        cmocka_unit_test(an_ipv6_listener_takes_ipv4_peers),
        cmocka_unit_test(refusals_have_their_errors),
        cmocka_unit_test(an_abstract_name_is_bound_and_dialled),
        cmocka_unit_test(options_reach_the_kernel),
        cmocka_unit_test(the_far_end_of_ipc_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
