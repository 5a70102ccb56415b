/* SPDX-License-Identifier: MPL-2.0 */
/*
 * cero_stats: what it counts, that sums include what is closed, and that any
 * thread may look while others send, open and close.
 *
 * Thread: the main thread, and in one test some that send.
 * Owns: nothing.
 */
#include "common/env.h"

#include "ceromq.h"
#include "common/call.h"
#include "common/socket.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { RECORDS_MAX = 64 };

struct snapshot {
    cero_stats_t records[RECORDS_MAX];
    int count;
};

static int keep(const cero_stats_t *stats, void *arg)
{
    struct snapshot *snapshot = arg;

    assert_int_equal(stats->size, sizeof *stats);
    assert_true(snapshot->count < RECORDS_MAX);
    snapshot->records[snapshot->count++] = *stats;
    return 0;
}

static void take(struct env *env, struct snapshot *snapshot)
{
    snapshot->count = 0;
    assert_int_equal(cero_stats(env->ctx, keep, snapshot), 0);
    assert_true(snapshot->count > 0);
    assert_int_equal(snapshot->records[0].kind, CERO_STATS_CONTEXT);
}

/* The first record of the kind and type of socket; zeros if there is none. */
static cero_stats_t find(struct env *env, uint32_t kind, const char *type)
{
    struct snapshot snapshot;
    cero_stats_t none = {0};

    take(env, &snapshot);
    for (int i = 0; i < snapshot.count; i++)
        if (snapshot.records[i].kind == kind &&
            strcmp(snapshot.records[i].type, type) == 0)
            return snapshot.records[i];
    return none;
}

static cero_stats_t context_of(struct env *env)
{
    return find(env, CERO_STATS_CONTEXT, "");
}

/* ---- what is there -------------------------------------------------- */

static void a_new_context_has_counted_nothing(void **state)
{
    struct env *env = *state;
    struct snapshot snapshot;

    take(env, &snapshot);
    assert_int_equal(snapshot.count, 1);
    assert_int_equal(snapshot.records[0].sockets, 0);
    assert_int_equal(snapshot.records[0].messages_out, 0);
}

static void wrong_arguments_are_refused(void **state)
{
    struct env *env = *state;

    assert_fails(cero_stats(NULL, keep, NULL), EFAULT);
    assert_fails(cero_stats(env->ctx, NULL, NULL), EFAULT);
}

static int stop(const cero_stats_t *stats, void *arg)
{
    (void)stats;
    ++*(int *)arg;
    return 42;
}

static void the_function_may_end_it(void **state)
{
    struct env *env = *state;
    int count = 0;

    env_socket(env, ZMQ_PUSH);
    assert_int_equal(cero_stats(env->ctx, stop, &count), 42);
    assert_int_equal(count, 1);
}

static void sockets_and_pipes_come_and_go(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct snapshot s;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    take(env, &s);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.records[0].sockets, 2);
    assert_int_equal(s.records[0].pipes, 0);
    assert_int_equal(s.records[1].kind, CERO_STATS_SOCKET);
    assert_string_equal(s.records[1].type, "PUSH");
    assert_string_equal(s.records[2].type, "PULL");
    assert_int_not_equal(s.records[1].id, s.records[2].id);

    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "hello", 0);
    expect_text(pull, "hello");
    take(env, &s);
    assert_int_equal(s.count, 5);
    assert_int_equal(s.records[0].pipes, 2);
    assert_int_equal(s.records[2].kind, CERO_STATS_PIPE);
    assert_int_equal(s.records[2].owner, s.records[1].id);
    assert_string_equal(s.records[2].type, "PUSH");
    assert_string_equal(s.records[2].endpoint, endpoint);
    assert_int_equal(s.records[4].owner, s.records[3].id);
    assert_string_equal(s.records[4].endpoint, endpoint);
    if (env->transport == &transport_tcp)
        assert_string_equal(s.records[4].peer, "127.0.0.1");

    env_close_socket(env, push);
    env_close_socket(env, pull);
    take(env, &s);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.records[0].sockets, 0);
    assert_int_equal(s.records[0].messages_out, 1);
    assert_int_equal(s.records[0].messages_in, 1);
}

/* ---- traffic -------------------------------------------------------- */

static void messages_and_bytes_count_on_both_sides(void **state)
{
    struct env *env = *state;
    char large[20000] = {0};
    void *push, *pull;
    cero_stats_t out, in;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (uint32_t i = 0; i < 100; i++) {
        send_number(push, i);
        assert_int_equal(receive_number(pull), i);
    }
    assert_int_equal(zmq_send(push, large, sizeof large, 0), sizeof large);
    assert_int_equal(zmq_recv(pull, large, sizeof large, 0), sizeof large);
    for (int kind = CERO_STATS_SOCKET; kind <= CERO_STATS_PIPE; kind++) {
        out = find(env, (uint32_t)kind, "PUSH");
        in = find(env, (uint32_t)kind, "PULL");
        assert_int_equal(out.messages_out, 101);
        assert_int_equal(in.messages_in, 101);
        assert_int_equal(out.bytes_out, 100 * 6 + 9 + sizeof large);
        assert_int_equal(in.bytes_in, out.bytes_out);
        assert_int_equal(out.messages_in + in.messages_out, 0);
        assert_int_equal(out.queued_out + in.queued_in, 0);
    }
    assert_int_equal(context_of(env).messages_in, 101);
    assert_int_equal(context_of(env).bytes_out, out.bytes_out);
}

static void what_waits_is_queued(void **state)
{
    struct env *env = *state;
    void *push, *pull;
    cero_stats_t pipe;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (uint32_t i = 0; i < 10; i++)
        send_number(push, i);
    wait_for(pull, ZMQ_POLLIN); /* then it has its end of the pipe */
    pipe = find(env, CERO_STATS_PIPE, "PUSH");
    assert_int_equal(pipe.queued_out, 10);
    assert_int_equal(find(env, CERO_STATS_PIPE, "PULL").queued_in, 10);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PULL").queued_in, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(receive_number(pull), i);
    pipe = find(env, CERO_STATS_PIPE, "PULL");
    assert_int_equal(pipe.queued_in, 0);
    assert_int_equal(pipe.queued_in_max, 10);
    assert_int_equal(context_of(env).queued_in, 0);
}

static void a_full_pipe_is_counted(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    cero_stats_t pipe;

    env_free_endpoint(env, endpoint);
    set_int(push, ZMQ_SNDHWM, 5);
    assert_ok(zmq_connect(push, endpoint));
    assert_int_equal(send_until_full(push, 100, 0), 5);
    pipe = find(env, CERO_STATS_PIPE, "PUSH");
    assert_int_equal(pipe.hwm_out, 5);
    assert_int_equal(pipe.full_out, 1);
    assert_int_equal(pipe.queued_out, 5);
    assert_int_equal(pipe.queued_out_max, 5);
    assert_int_equal(context_of(env).full_out, 1);
}

/* ---- drops ---------------------------------------------------------- */

static void a_publisher_counts_what_is_too_much_for_a_subscriber(void **state)
{
    struct env *env = *state;
    void *pub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);
    char endpoint[ENDPOINT_MAX];
    cero_stats_t pipe;

    set_int(pub, ZMQ_SNDHWM, 3);
    set_int(sub, ZMQ_RCVHWM, 4);
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0));
    /* Named twice, a pipe misses a message but once. */
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "0", 1));
    env_bind(env, pub, endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    expect_text(pub, "\1");
    expect_text(pub, "\1"
                     "0");
    for (int i = 0; i < 20; i++)
        send_text(pub, "0", 0);
    send_text(pub, "0", ZMQ_SNDMORE);
    send_text(pub, "", 0);
    pipe = find(env, CERO_STATS_PIPE, "XPUB");
    assert_int_equal(pipe.messages_out, 7);
    assert_int_equal(pipe.dropped_hwm, 14);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "XPUB").dropped_hwm, 14);
    env_close_socket(env, pub);
    assert_int_equal(context_of(env).dropped_hwm, 14);
}

static void a_router_counts_what_is_for_nobody(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    cero_stats_t socket;

    for (int i = 0; i < 3; i++) {
        send_text(router, "nobody", ZMQ_SNDMORE);
        send_text(router, "hello", 0);
    }
    socket = find(env, CERO_STATS_SOCKET, "ROUTER");
    assert_int_equal(socket.dropped_no_route, 3);
    assert_int_equal(socket.dropped_hwm, 0);
}

static void a_router_counts_what_its_peer_has_no_room_for(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    set_int(router, ZMQ_SNDHWM, 2);
    set_int(dealer, ZMQ_RCVHWM, 2);
    assert_ok(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "peer", 4));
    env_bind(env, router, endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    send_text(dealer, "hello", 0);
    expect_part(router, "peer", true);
    expect_text(router, "hello");
    for (int i = 0; i < 6; i++) {
        send_text(router, "peer", ZMQ_SNDMORE);
        send_text(router, "hello", 0);
    }
    assert_int_equal(find(env, CERO_STATS_PIPE, "ROUTER").dropped_hwm, 2);
}

static void a_reply_that_nobody_takes_is_counted(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];

    set_int(rep, ZMQ_SNDHWM, 1);
    set_int(dealer, ZMQ_RCVHWM, 1);
    env_bind(env, rep, endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 5; i++) {
        send_text(dealer, "", ZMQ_SNDMORE);
        send_text(dealer, "question", 0);
        expect_text(rep, "question");
        send_text(rep, "answer", 0);
    }
    assert_int_equal(find(env, CERO_STATS_PIPE, "REP").messages_out, 2);
    assert_int_equal(find(env, CERO_STATS_PIPE, "REP").dropped_hwm, 3);
}

static void conflated_messages_are_counted(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    set_int(push, ZMQ_CONFLATE, 1);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 5; i++)
        send_text(push, "latest", 0);
    assert_int_equal(find(env, CERO_STATS_PIPE, "PUSH").dropped_conflated, 4);
    assert_int_equal(find(env, CERO_STATS_PIPE, "PUSH").messages_out, 1);
}

/* ---- connections ---------------------------------------------------- */

/* Looks until the count is reached: what it counts happens elsewhere. */
#define UNTIL(condition)                                                       \
    do {                                                                       \
        int64_t end_ms = now_ms() + PATIENCE_MS;                               \
        while (!(condition)) {                                                 \
            assert_true(now_ms() < end_ms);                                    \
            (void)zmq_poll(NULL, 0, 1);                                        \
        }                                                                      \
    } while (0)

static void connections_are_counted(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_RECONNECT_IVL, 10);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "hello", 0);
    expect_text(pull, "hello");
    UNTIL(find(env, CERO_STATS_SOCKET, "PUSH").handshakes == 1);
    UNTIL(find(env, CERO_STATS_SOCKET, "PULL").handshakes == 1);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PUSH").connects, 1);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PUSH").accepts, 0);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PULL").accepts, 1);
    env_close_socket(env, pull);
    UNTIL(find(env, CERO_STATS_SOCKET, "PUSH").reconnects >= 3);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PUSH").disconnects, 1);
    env_close_socket(env, push);
    UNTIL(context_of(env).handshakes == 2);
    assert_int_equal(context_of(env).connects, 1);
    assert_int_equal(context_of(env).accepts, 1);
}

static void failed_handshakes_are_counted(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = env_socket(env, ZMQ_PUB);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, pub, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    UNTIL(find(env, CERO_STATS_SOCKET, "PUB").handshake_failures == 1);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PUB").handshakes, 0);
}

static void memory_comes_and_goes(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (uint32_t i = 0; i < 500; i++) {
        char body[1000] = {0};

        assert_int_equal(zmq_send(push, body, sizeof body, 0), sizeof body);
    }
    assert_true(context_of(env).memory >= 500 * 1000);
    set_int(push, ZMQ_LINGER, 0);
    env_close_socket(env, push);
    UNTIL(context_of(env).memory == 0);
}

/* ---- threads -------------------------------------------------------- */

enum { TALKERS = 3, ROUNDS = 30, MESSAGES = 200 };

static _Atomic int talking;

static void *talk(void *arg)
{
    struct env *env = arg;

    for (int i = 0; i < ROUNDS; i++) {
        void *pull = zmq_socket(env->ctx, ZMQ_PULL);
        void *push = zmq_socket(env->ctx, ZMQ_PUSH);
        char endpoint[ENDPOINT_MAX];
        size_t size = sizeof endpoint;
        char body[300] = {0};
        bool is_tcp = i % 2;

        if (is_tcp) {
            zmq_bind(pull, "tcp://127.0.0.1:*");
            zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
        } else {
            snprintf(endpoint, sizeof endpoint, "inproc://%p", (void *)&i);
            zmq_bind(pull, endpoint);
        }
        zmq_connect(push, endpoint);
        for (int m = 0; m < MESSAGES; m++) {
            zmq_send(push, body, (size_t)m, 0);
            zmq_recv(pull, body, sizeof body, 0);
        }
        zmq_close(push);
        zmq_close(pull);
    }
    atomic_fetch_sub(&talking, 1);
    return NULL;
}

static void any_thread_may_look_at_any_time(void **state)
{
    struct env *env = *state;
    pthread_t threads[TALKERS];
    uint64_t last = 0;

    atomic_store(&talking, TALKERS);
    for (int i = 0; i < TALKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk, env), 0);
    while (atomic_load(&talking) > 0) {
        cero_stats_t context = context_of(env);

        assert_true(context.messages_in >= last);
        last = context.messages_in;
    }
    for (int i = 0; i < TALKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(context_of(env).messages_in, TALKERS * ROUNDS * MESSAGES);
    assert_int_equal(context_of(env).messages_out, TALKERS * ROUNDS * MESSAGES);
    assert_int_equal(context_of(env).sockets, 0);
    assert_int_equal(context_of(env).pipes, 0);
}

/* ---- what zmq_ctx_term waits for ------------------------------------ */

/* A PUSH with so many messages for somebody who is not there. */
static void *open_forlorn(struct env *env, int messages, char *endpoint)
{
    void *push = env_socket(env, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    set_int(push, ZMQ_LINGER, -1);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < messages; i++)
        send_text(push, "anybody?", 0);
    return push;
}

/* Its I/O thread learns of the end by and by. */
static void await_lingering(struct env *env, uint64_t count)
{
    while (context_of(env).lingering != count)
        sched_yield();
}

static void take_all(const char *endpoint, int messages)
{
    void *ctx = zmq_ctx_new();
    void *pull = zmq_socket(ctx, ZMQ_PULL);

    set_int(pull, ZMQ_RCVTIMEO, PATIENCE_MS);
    assert_ok(zmq_bind(pull, endpoint));
    for (int i = 0; i < messages; i++)
        expect_text(pull, "anybody?");
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(ctx));
}

static int terminate(void *ctx)
{
    return zmq_ctx_term(ctx);
}

static void what_zmq_ctx_term_waits_for_is_told_by_name(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *open = env_socket(env, ZMQ_PULL);
    cero_stats_t record;
    struct call call;

    env_close_socket(env, open_forlorn(env, 3, endpoint));
    call_start(&call, terminate, env->ctx);
    await_lingering(env, 1);
    record = find(env, CERO_STATS_PIPE, "PUSH");
    assert_string_equal(record.endpoint, endpoint);
    assert_int_equal(record.lingering, 1);
    assert_int_equal(record.queued_out, 3);
    record = find(env, CERO_STATS_SOCKET, "PUSH");
    assert_int_equal(record.sockets, 0);
    assert_int_equal(record.lingering, 1);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PULL").sockets, 1);

    take_all(endpoint, 3);
    await_lingering(env, 0);
    assert_int_equal(find(env, CERO_STATS_SOCKET, "PUSH").id, 0);
    assert_false(call_returns_within(&call, 0));
    env_close_socket(env, open);
    assert_ok(call_join(&call));
    env->ctx = NULL;
}

static void what_was_disconnected_lingers_beside_the_others(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_forlorn(env, 2, endpoint);
    cero_stats_t record;

    assert_ok(zmq_disconnect(push, endpoint));
    await_lingering(env, 1);
    record = find(env, CERO_STATS_SOCKET, "PUSH");
    assert_int_equal(record.sockets, 1);
    assert_int_equal(record.pipes, 0);
    assert_int_equal(record.messages_out, 2);
    record = find(env, CERO_STATS_PIPE, "PUSH");
    assert_string_equal(record.endpoint, endpoint);
    assert_int_equal(record.queued_out, 2);
    take_all(endpoint, 2);
    await_lingering(env, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, a_new_context_has_counted_nothing),
        ON(inproc, wrong_arguments_are_refused),
        ON(inproc, the_function_may_end_it),
        ON_EACH(sockets_and_pipes_come_and_go),
        ON_EACH(messages_and_bytes_count_on_both_sides),
        ON(inproc, what_waits_is_queued),
        ON_EACH(a_full_pipe_is_counted),
        ON(inproc, a_publisher_counts_what_is_too_much_for_a_subscriber),
        ON(inproc, a_router_counts_what_is_for_nobody),
        ON(inproc, a_router_counts_what_its_peer_has_no_room_for),
        ON(inproc, a_reply_that_nobody_takes_is_counted),
        ON(tcp, conflated_messages_are_counted),
        ON_STREAMS(connections_are_counted),
        ON_STREAMS(failed_handshakes_are_counted),
        ON_STREAMS(memory_comes_and_goes),
        ON(inproc, any_thread_may_look_at_any_time),
        ON_STREAMS(what_zmq_ctx_term_waits_for_is_told_by_name),
        ON_STREAMS(what_was_disconnected_lingers_beside_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
