/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A proxy while memory is short: it goes on, and each message comes once, in
 * its order and whole, on both sides and at the capture.
 *
 * CTest: TIMEOUT 300
 * Thread: the main thread of a test, and one for the proxy.
 * Owns: nothing.
 */
#include "common/call.h"
#include "unit/api/oom.h"

enum { LARGE = 20000, PARTS = 4, ROUNDS = 3 };

static const size_t sizes[PARTS] = {5, LARGE, 300, 3000};

struct ends {
    void *frontend, *backend, *capture, *control;
    void *front, *back, *captured, *controller;
};

static int run_proxy(void *arg)
{
    struct ends *ends = arg;

    return zmq_proxy_steerable(ends->frontend, ends->backend, ends->capture,
                               ends->control);
}

static void join(void *bound, void *connected, const char *endpoint)
{
    MAKE(zmq_bind(bound, endpoint));
    MAKE(zmq_connect(connected, endpoint));
}

static void open_ends(struct ends *ends, void *ctx)
{
    ends->frontend = oom_socket(ctx, ZMQ_DEALER);
    ends->front = oom_socket(ctx, ZMQ_DEALER);
    ends->backend = oom_socket(ctx, ZMQ_DEALER);
    ends->back = oom_socket(ctx, ZMQ_DEALER);
    ends->capture = oom_socket(ctx, ZMQ_PUSH);
    ends->captured = oom_socket(ctx, ZMQ_PULL);
    ends->control = oom_socket(ctx, ZMQ_PAIR);
    ends->controller = oom_socket(ctx, ZMQ_PAIR);
    join(ends->frontend, ends->front, "inproc://front");
    join(ends->backend, ends->back, "inproc://back");
    join(ends->captured, ends->capture, "inproc://captured");
    join(ends->control, ends->controller, "inproc://control");
}

static void close_ends(struct ends *ends)
{
    void *all[] = {ends->frontend, ends->backend,   ends->capture,
                   ends->control,  ends->front,     ends->back,
                   ends->captured, ends->controller};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_ok(zmq_close(all[i]));
}

static void send_parts(void *socket, int mark)
{
    static char body[LARGE];

    memset(body, mark, sizeof(body));
    for (int i = 0; i < PARTS; i++)
        MAKE(zmq_send(socket, body, sizes[i], i < PARTS - 1 ? ZMQ_SNDMORE : 0));
}

static void expect_parts(void *socket, int mark)
{
    static char body[LARGE];

    for (int i = 0; i < PARTS; i++) {
        int more;
        size_t size = sizeof(more);

        assert_int_equal(zmq_recv(socket, body, sizeof(body), 0), sizes[i]);
        assert_int_equal(body[0], mark);
        assert_int_equal(body[sizes[i] - 1], mark);
        assert_ok(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size));
        assert_int_equal(more, i < PARTS - 1);
    }
}

static void ask_and_answer(struct ends *ends, int round)
{
    send_parts(ends->front, 'a' + round);
    expect_parts(ends->back, 'a' + round);
    send_parts(ends->back, 'A' + round);
    expect_parts(ends->front, 'A' + round);
    expect_parts(ends->captured, 'a' + round);
    expect_parts(ends->captured, 'A' + round);
}

static void steer(void *controller)
{
    uint64_t number;

    MAKE(zmq_send(controller, "STATISTICS", 10, 0));
    for (int i = 0; i < 8; i++)
        assert_int_equal(zmq_recv(controller, &number, sizeof(number), 0),
                         sizeof(number));
    MAKE(zmq_send(controller, "TERMINATE", 9, 0));
}

static void pass_on(struct env *env)
{
    void *ctx = oom_ctx(1);
    struct ends ends;
    struct call call;

    (void)env;
    open_ends(&ends, ctx);
    call_start(&call, run_proxy, &ends);
    for (int i = 0; i < ROUNDS; i++)
        ask_and_answer(&ends, i);
    steer(ends.controller);
    assert_int_equal(call_join(&call), 0);
    close_ends(&ends);
    assert_ok(zmq_ctx_term(ctx));
}

static void a_proxy_goes_on_however_short_memory_is(void **state)
{
    oom_play(*state, pass_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, a_proxy_goes_on_however_short_memory_is),
    };

    return cmocka_run_group_tests_name("oom_proxy", tests, NULL, NULL);
}
