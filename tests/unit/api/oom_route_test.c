/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Requests, routing ids and envelopes while memory is short: calls fail with
 * ENOMEM or the one connection concerned closes, a request that is asked again
 * is answered in the end, and nothing leaks.
 *
 * CTest: TIMEOUT 300
 * CTest: SLOW
 * Thread: the main thread of a test. Owns: nothing.
 */
#include "unit/api/oom.h"

enum { ASK_MS = 10, LARGE = 20000 };

static char large_body[LARGE];

/* Gives back one message as it is, while it is read: the id goes first. */
static void echo(void *server)
{
    static char part[LARGE];
    bool more = true;

    while (more) {
        int size = zmq_recv(server, part, sizeof(part), 0);

        assert_true(size >= 0);
        more = oom_has_more(server);
        MAKE(zmq_send(server, part, (size_t)size, more ? ZMQ_SNDMORE : 0));
    }
}

static void answer(void *server)
{
    static char body[LARGE];
    uint32_t number;

    assert_int_equal(zmq_recv(server, &number, sizeof(number), 0),
                     sizeof(number));
    assert_true(oom_has_more(server));
    assert_int_equal(zmq_recv(server, body, LARGE, 0), LARGE);
    assert_false(oom_has_more(server));
    MAKE(zmq_send(server, &number, sizeof(number), ZMQ_SNDMORE));
    MAKE(zmq_send(server, body, LARGE, 0));
}

static void send_request(void *req, uint32_t number)
{
    MAKE(zmq_send(req, &number, sizeof(number), ZMQ_SNDMORE));
    MAKE(zmq_send(req, large_body, LARGE, 0));
}

/* False: it has not come. */
static bool receive_reply(void *req, uint32_t *number)
{
    static char body[LARGE];

    if (!oom_is_readable(req, ASK_MS))
        return false;
    assert_int_equal(zmq_recv(req, number, sizeof(*number), 0),
                     sizeof(*number));
    assert_true(oom_has_more(req));
    assert_int_equal(zmq_recv(req, body, LARGE, 0), LARGE);
    assert_false(oom_has_more(req));
    return true;
}

static void ask(void *req, void *server, int type, uint32_t number)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    uint32_t got = 0;

    do {
        assert_true(now_ms() < end_ms);
        send_request(req, number);
        for (int wait_ms = ASK_MS; oom_is_readable(server, wait_ms);
             wait_ms = 0)
            type == ZMQ_ROUTER ? echo(server) : answer(server);
    } while (!receive_reply(req, &got));
    assert_int_equal(got, number);
}

static void talk_to(struct env *env, int type)
{
    void *ctx = oom_ctx(1);
    void *server = oom_socket(ctx, type);
    char endpoint[ENDPOINT_MAX];
    void *reqs[2];

    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(server, endpoint));
    for (int i = 0; i < 2; i++) {
        reqs[i] = oom_socket(ctx, ZMQ_REQ);
        oom_set(reqs[i], ZMQ_REQ_RELAXED, 1);
        oom_set(reqs[i], ZMQ_REQ_CORRELATE, 1);
        oom_set(reqs[i], ZMQ_PROBE_ROUTER, 1);
        if (i == 0)
            MAKE(zmq_setsockopt(reqs[i], ZMQ_ROUTING_ID, "client", 6));
        MAKE(zmq_connect(reqs[i], endpoint));
    }
    for (uint32_t number = 1; number < 4; number++)
        for (int i = 0; i < 2; i++)
            ask(reqs[i], server, type, number);
    for (int i = 0; i < 2; i++)
        assert_ok(zmq_close(reqs[i]));
    assert_ok(zmq_close(server));
    assert_ok(zmq_ctx_term(ctx));
}

static void talk_to_router(struct env *env)
{
    talk_to(env, ZMQ_ROUTER);
}

static void talk_to_rep(struct env *env)
{
    talk_to(env, ZMQ_REP);
}

static void router_answers_however_short_memory_is(void **state)
{
    oom_play(*state, talk_to_router);
}

static void rep_answers_however_short_memory_is(void **state)
{
    oom_play(*state, talk_to_rep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, router_answers_however_short_memory_is),
        OOM_ON(inproc, rep_answers_however_short_memory_is),
        OOM_ON(tcp, router_answers_however_short_memory_is),
        OOM_ON(tcp, rep_answers_however_short_memory_is),
    };

    return cmocka_run_group_tests_name("oom_route", tests, NULL, NULL);
}
