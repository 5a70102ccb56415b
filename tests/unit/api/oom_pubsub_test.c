/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Publishing and subscribing while memory is short: calls fail with ENOMEM or
 * the one connection concerned closes, a subscriber that connects again gets
 * what it wants and nothing else, each message whole, and nothing leaks.
 *
 * CTest: TIMEOUT 300
 * CTest: SLOW
 * Thread: the main thread of a test. Owns: nothing.
 */
#include "unit/api/oom.h"

enum { WAIT_MS = 5, LARGE = 20000, SUBS = 3 };

static char large_body[LARGE];

/* Topics of three sizes: in the record, beside it, and by reference. */
static size_t topic_size(int i)
{
    static const size_t sizes[SUBS] = {5, 2000, LARGE};

    return sizes[i];
}

/* The topic and a part behind it. */
static void publish(void *pub, int i)
{
    memset(large_body, 'a' + i, LARGE);
    MAKE(zmq_send(pub, large_body, topic_size(i), ZMQ_SNDMORE));
    MAKE(zmq_send(pub, large_body, LARGE, 0));
}

static void expect_whole(void *sub, int i)
{
    static char body[LARGE];

    assert_int_equal(zmq_recv(sub, body, LARGE, 0), topic_size(i));
    assert_int_equal(body[0], 'a' + i);
    assert_true(oom_has_more(sub));
    assert_int_equal(zmq_recv(sub, body, LARGE, 0), LARGE);
    assert_int_equal(body[LARGE - 1], 'a' + i);
    assert_false(oom_has_more(sub));
}

/* An XPUB reads what it is told. */
static void read_events(void *pub, int type)
{
    static char event[LARGE + 1];

    while (type == ZMQ_XPUB && oom_is_readable(pub, 0))
        assert_true(zmq_recv(pub, event, sizeof(event), 0) > 0);
}

static void open_sub(void *ctx, const char *endpoint, int i, void **sub)
{
    *sub = oom_socket(ctx, ZMQ_SUB);
    memset(large_body, 'a' + i, LARGE);
    MAKE(zmq_setsockopt(*sub, ZMQ_SUBSCRIBE, large_body, topic_size(i)));
    MAKE(zmq_setsockopt(*sub, ZMQ_SUBSCRIBE, "not this", 8));
    MAKE(zmq_connect(*sub, endpoint));
    MAKE(zmq_setsockopt(*sub, ZMQ_UNSUBSCRIBE, "not this", 8));
}

static void publish_until_received(void *pub, int type, void *sub, int i)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;

    do {
        assert_true(now_ms() < end_ms);
        for (int n = 0; n < SUBS; n++)
            publish(pub, n);
        read_events(pub, type);
    } while (!oom_is_readable(sub, WAIT_MS));
    expect_whole(sub, i);
}

static void talk_to(struct env *env, int type)
{
    void *ctx = oom_ctx(1);
    void *pub = oom_socket(ctx, type);
    char endpoint[ENDPOINT_MAX];
    void *subs[SUBS];

    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(pub, endpoint));
    for (int i = 0; i < SUBS; i++)
        open_sub(ctx, endpoint, i, &subs[i]);
    for (int i = 0; i < SUBS; i++)
        publish_until_received(pub, type, subs[i], i);
    for (int i = 0; i < SUBS; i++)
        while (oom_is_readable(subs[i], 0))
            expect_whole(subs[i], i);
    assert_ok(zmq_close(subs[0]));
    read_events(pub, type);
    publish(pub, 0);
    assert_ok(zmq_close(pub));
    for (int i = 1; i < SUBS; i++)
        assert_ok(zmq_close(subs[i]));
    assert_ok(zmq_ctx_term(ctx));
}

static void talk_to_pub(struct env *env)
{
    talk_to(env, ZMQ_PUB);
}

static void talk_to_xpub(struct env *env)
{
    talk_to(env, ZMQ_XPUB);
}

/* Subscriptions and messages as an XSUB sends them, and the welcome. */
static void talk_as_xsub(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *xpub = oom_socket(ctx, ZMQ_XPUB);
    void *xsub = oom_socket(ctx, ZMQ_XSUB);
    char endpoint[ENDPOINT_MAX];
    char got[8] = "";
    int tries = 0;

    oom_set(xpub, ZMQ_XPUB_VERBOSER, 1);
    MAKE(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, large_body, LARGE));
    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(xpub, endpoint));
    MAKE(zmq_connect(xsub, endpoint));
    while (strcmp(got, "user") != 0) {
        assert_true(tries++ < 1000);
        MAKE(zmq_send(xsub, "\1topic", 6, 0));
        MAKE(zmq_send(xsub, "user", 4, 0));
        MAKE(zmq_send(xsub, "\0topic", 6, 0));
        memset(got, 0, sizeof(got));
        if (oom_is_readable(xpub, WAIT_MS))
            assert_in_range(zmq_recv(xpub, got, sizeof(got), 0), 4, 6);
    }
    assert_ok(zmq_close(xpub));
    assert_ok(zmq_close(xsub));
    assert_ok(zmq_ctx_term(ctx));
}

static void pub_reaches_all_however_short_memory_is(void **state)
{
    oom_play(*state, talk_to_pub);
}

static void xpub_reaches_all_however_short_memory_is(void **state)
{
    oom_play(*state, talk_to_xpub);
}

static void xsub_is_heard_however_short_memory_is(void **state)
{
    oom_play(*state, talk_as_xsub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, pub_reaches_all_however_short_memory_is),
        OOM_ON(inproc, xpub_reaches_all_however_short_memory_is),
        OOM_ON(inproc, xsub_is_heard_however_short_memory_is),
        OOM_ON(tcp, pub_reaches_all_however_short_memory_is),
        OOM_ON(tcp, xpub_reaches_all_however_short_memory_is),
        OOM_ON(tcp, xsub_is_heard_however_short_memory_is),
    };

    return cmocka_run_group_tests_name("oom_pubsub", tests, NULL, NULL);
}
