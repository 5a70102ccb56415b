/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Peers that come and go while the application does not look: they are let in
 * until there are many of whom it has not heard, the others wait outside, and
 * nothing that was said is lost.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { VISITS_MAX = 10000, HOLD_MS = 1000 };

static bool has_something(int fd, int timeout_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, timeout_ms) == 1;
}

/* Says a number, and goes when it has been let in; else gives its descriptor.
 * Or -1. */
static int visit(const char *endpoint, uint32_t number)
{
    struct zmtp_bytes bytes = {.size = 0};
    int fd = raw_connect(endpoint);

    zmtp_put_opening(&bytes, "PUSH");
    zmtp_put_frame(&bytes, 0, &number, sizeof(number));
    zmtp_write(fd, &bytes);
    if (!has_something(fd, HOLD_MS))
        return fd;
    zmtp_expect_opening(fd, "PULL");
    close(fd);
    return -1;
}

static void expect_all(void *pull, uint32_t count)
{
    bool *has_come = calloc(count, sizeof(*has_come));

    assert_non_null(has_come);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = receive_number(pull);

        assert_in_range(number, 0, count - 1);
        assert_false(has_come[number]);
        has_come[number] = true;
    }
    free(has_come);
}

static void visitors_wait_outside_while_nobody_looks(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ACCEPT_FAILED);
    char endpoint[ENDPOINT_MAX];
    uint32_t count = 0;
    int fd;

    env_bind(env, pull, endpoint);
    while ((fd = visit(endpoint, count)) < 0)
        assert_true(++count < VISITS_MAX);
    /* It is told once, however long they wait. */
    assert_int_equal(monitor_expect(monitor, ZMQ_EVENT_ACCEPT_FAILED).value,
                     ENOBUFS);
    monitor_expect_nothing(monitor);
    expect_all(pull, count);
    assert_int_equal(receive_number(pull), count);
    close(fd);
}

static void who_hangs_up_is_not_dialled_while_nobody_looks(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    uint32_t count = 0;
    int listener, fd;

    set_int(pull, ZMQ_IMMEDIATE, 1);
    set_int(pull, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(pull, endpoint));
    while (has_something(listener, HOLD_MS)) {
        fd = raw_accept(listener);
        raw_handshake(fd, "PUSH");
        raw_write_frame(fd, 0, &count, sizeof(count));
        close(fd);
        assert_true(++count < VISITS_MAX);
    }
    expect_all(pull, count);
    expect_nothing(pull);
    fd = raw_accept(listener);
    raw_handshake(fd, "PUSH");
    raw_write_frame(fd, 0, &count, sizeof(count));
    assert_int_equal(receive_number(pull), count);
    close(fd);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(visitors_wait_outside_while_nobody_looks),
        ON_STREAMS(who_hangs_up_is_not_dialled_while_nobody_looks),
    };

    return cmocka_run_group_tests_name("raw_churn", tests, NULL, NULL);
}
