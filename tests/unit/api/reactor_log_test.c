/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A reactor that the kernel refuses: the context works on another one, and
 * sys://log says so.
 *
 * Thread: the main thread of a child process.
 */
#include "common/forbid.h"

#include "reactor/poller.h"

#include <ceromq.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0 if the log tells of the refusal, and messages get through. */
static int talk_without(const char *refused, long call)
{
    void *ctx = zmq_ctx_new();
    void *log = zmq_socket(ctx, ZMQ_SUB);
    void *pair[2];
    char text[512], reason[64];
    size_t size = sizeof text;
    int patience_ms = 20000;

    if (!forbid((uint32_t)call, EPERM))
        return CHILD_CANNOT_FORBID;
    zmq_setsockopt(log, ZMQ_SUBSCRIBE, "reactor.", 8);
    zmq_setsockopt(log, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    if (zmq_connect(log, "sys://log") != 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        pair[i] = zmq_socket(ctx, ZMQ_PAIR);
        zmq_setsockopt(pair[i], ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    }
    if (zmq_bind(pair[0], "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(pair[0], ZMQ_LAST_ENDPOINT, text, &size) != 0 ||
        zmq_connect(pair[1], text) != 0)
        return 2;
    if (zmq_send(pair[1], "x", 1, 0) != 1 || zmq_recv(pair[0], text, 1, 0) != 1)
        return 3;
    if (zmq_recv(log, text, sizeof text, 0) != 15 ||
        memcmp(text, "reactor.refused", 15) != 0)
        return 4;
    memset(text, 0, sizeof text);
    snprintf(reason, sizeof reason, "\"reason\":\"%s\"", refused);
    if (zmq_recv(log, text, sizeof text - 1, 0) < 1 || !strstr(text, reason))
        return 5;
    if (strcmp(refused, cero_ctx_reactor(ctx)) == 0)
        return 6;
    for (int i = 0; i < 2; i++)
        zmq_close(pair[i]);
    zmq_close(log);
    return zmq_ctx_term(ctx) == 0 ? 0 : 7;
}

static int without_epoll(void)
{
    return talk_without("epoll", SYS_epoll_create1);
}

static int without_uring(void)
{
    setenv("CERO_REACTOR", "io_uring", 1);
    return talk_without("io_uring", SYS_io_uring_setup);
}

static void expect_talk(int (*run)(void))
{
    int rc = in_child(run);

    if (rc == CHILD_CANNOT_FORBID)
        skip();
    assert_int_equal(rc, 0);
}

static void the_log_tells_of_a_refused_default(void **state)
{
    (void)state;
    expect_talk(without_epoll);
}

static void the_log_tells_of_a_refused_ring(void **state)
{
    (void)state;
    if (!cz_poller_is_known("io_uring"))
        skip();
    expect_talk(without_uring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_tells_of_a_refused_default),
        cmocka_unit_test(the_log_tells_of_a_refused_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
