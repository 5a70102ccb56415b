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
    int size;

    MAKE(size = zmq_recv(server, &number, sizeof(number), 0));
    assert_int_equal(size, sizeof(number));
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

/* Over inproc there is no connection that could be hit: nothing is asked
 * twice. The envelope needs memory in every way there is. */
static void ask_once(void *dealer, void *rep)
{
    static const size_t envelope[] = {LARGE, 1000, LARGE, 5, 0};
    static char part[LARGE];
    char body[5];
    int size;

    for (size_t i = 0; i < 5; i++)
        MAKE(zmq_send(dealer, large_body, envelope[i], ZMQ_SNDMORE));
    MAKE(zmq_send(dealer, "what?", 5, 0));
    MAKE(zmq_recv(rep, body, 5, 0));
    assert_memory_equal(body, "what?", 5);
    assert_false(oom_has_more(rep));
    MAKE(zmq_send(rep, "this", 4, 0));
    for (size_t i = 0; i < 5; i++) {
        MAKE(size = zmq_recv(dealer, part, LARGE, 0));
        assert_int_equal(size, envelope[i]);
        assert_true(oom_has_more(dealer));
    }
    MAKE(zmq_recv(dealer, body, 5, 0));
    assert_memory_equal(body, "this", 4);
    assert_false(oom_has_more(dealer));
}

static void ask_rep_once(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *rep = oom_socket(ctx, ZMQ_REP);
    void *dealer = oom_socket(ctx, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(rep, endpoint));
    MAKE(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 3; i++)
        ask_once(dealer, rep);
    assert_ok(zmq_close(dealer));
    assert_ok(zmq_close(rep));
    assert_ok(zmq_ctx_term(ctx));
}

static void rep_answers_each_request(void **state)
{
    oom_play(*state, ask_rep_once);
}

static void fail_to_ask(struct env *env, const char *endpoint, void *rep)
{
    void *dealer = env_socket(env, ZMQ_DEALER);
    char body[5];

    assert_ok(zmq_connect(dealer, endpoint));
    assert_ok(zmq_send(dealer, large_body, LARGE, ZMQ_SNDMORE));
    assert_ok(zmq_send(dealer, "", 0, ZMQ_SNDMORE));
    assert_ok(zmq_send(dealer, "what?", 5, 0));
    cz_alloc_fail_range(1, 1000);
    assert_true(oom_is_readable(rep, 0));
    assert_int_equal(zmq_recv(rep, body, 5, 0), -1);
    assert_int_equal(errno, ENOMEM);
    assert_true(oom_is_readable(rep, 0));
    cz_alloc_fail_at(0);
}

/* Whoever waits is told that there is a request, and who receives, that there
 * is no memory for it. If it stays so, it is freed with the socket. */
static void rep_shows_a_request_that_it_cannot_keep(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = env_socket(env, ZMQ_REP);
    char body[5];

    oom_endpoint(env, endpoint);
    assert_ok(zmq_bind(rep, endpoint));
    fail_to_ask(env, endpoint, rep);
    assert_int_equal(zmq_recv(rep, body, 5, 0), 5);
    assert_ok(zmq_send(rep, "this", 4, 0));
    fail_to_ask(env, endpoint, rep);
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
        OOM_ON(inproc, rep_answers_each_request),
        OOM_ON(inproc, rep_shows_a_request_that_it_cannot_keep),
        OOM_ON(tcp, router_answers_however_short_memory_is),
        OOM_ON(tcp, rep_answers_however_short_memory_is),
    };

    return cmocka_run_group_tests_name("oom_route", tests, NULL, NULL);
}
