/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sys://log: each event is told under its topic, who is slow loses some and
 * learns how many, and nobody else notices.
 *
 * Thread: the main thread, and in some tests others that make events.
 * Owns: nothing.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/raw.h"
#include "common/socket.h"
#include "core/ctx.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* ---- hearing -------------------------------------------------------- */

struct heard {
    char topic[64];
    char body[1024];
};

static void *listen_for(struct env *env, const char *prefix)
{
    void *sub = env_socket(env, ZMQ_SUB);

    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, prefix, strlen(prefix)));
    assert_ok(zmq_connect(sub, "sys://log"));
    return sub;
}

static struct heard hear(void *sub)
{
    struct heard heard;
    int size = zmq_recv(sub, heard.topic, sizeof heard.topic - 1, 0);

    assert_in_range(size, 1, sizeof heard.topic - 1);
    heard.topic[size] = '\0';
    assert_int_equal(get_int(sub, ZMQ_RCVMORE), 1);
    size = zmq_recv(sub, heard.body, sizeof heard.body - 1, 0);
    assert_in_range(size, 1, sizeof heard.body - 1);
    heard.body[size] = '\0';
    assert_int_equal(get_int(sub, ZMQ_RCVMORE), 0);
    assert_memory_equal(heard.body, "{\"time\":", 8);
    assert_int_equal(heard.body[size - 1], '}');
    return heard;
}

static void says(const struct heard *heard, const char *part)
{
    if (!strstr(heard->body, part))
        print_error("%s %s\n", heard->topic, heard->body);
    assert_non_null(strstr(heard->body, part));
}

/* The next event has this topic, ending in the transport's name if it ends in
 * a point, and tells of the endpoint. */
static struct heard expect_event(struct env *env, void *sub, const char *topic,
                                 const char *endpoint)
{
    struct heard heard = hear(sub);
    char expected[64];
    char part[300];
    bool has_scheme = topic[strlen(topic) - 1] == '.';

    snprintf(expected, sizeof expected, "%s%s", topic,
             has_scheme ? env->transport->name : "");
    assert_string_equal(heard.topic, expected);
    if (endpoint) {
        snprintf(part, sizeof part, "\"endpoint\":\"%s\"", endpoint);
        says(&heard, part);
    }
    return heard;
}

/* ---- topics --------------------------------------------------------- */

static void sockets_open_and_close(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "socket.");
    struct heard heard;
    void *push = env_socket(env, ZMQ_PUSH);

    heard = expect_event(env, log, "socket.open", NULL);
    says(&heard, "\"type\":\"PUSH\"");
    env_close_socket(env, push);
    heard = expect_event(env, log, "socket.close", NULL);
    says(&heard, "\"socket\":");
    expect_nothing(log);
}

static void a_connection_tells_its_story(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    void *bound = listen_for(env, "listen.");
    void *made = listen_for(env, "connect.");
    void *taken = listen_for(env, "accept.");
    void *shaken = listen_for(env, "handshake.");
    void *ended = listen_for(env, "disconnect.");
    void *closed = listen_for(env, "close.");
    void *again = listen_for(env, "reconnect.");
    struct heard heard;

    env_bind(env, pull, endpoint);
    expect_event(env, bound, "listen.", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    heard = expect_event(env, made, "connect.", endpoint);
    says(&heard, "\"type\":\"PUSH\"");
    says(&heard, "\"fd\":");
    heard = expect_event(env, taken, "accept.", endpoint);
    says(&heard, "\"type\":\"PULL\"");
    if (env->transport == &transport_tcp)
        says(&heard, "\"peer\":\"127.0.0.1\"");
    for (int i = 0; i < 2; i++) {
        heard = expect_event(env, shaken, "handshake.succeeded", endpoint);
        if (env->transport == &transport_tcp)
            says(&heard, "\"peer\":\"127.");
    }
    env_close_socket(env, pull);
    heard = expect_event(env, ended, "disconnect.", endpoint);
    expect_event(env, closed, "close.", endpoint);
    heard = expect_event(env, again, "reconnect.", endpoint);
    says(&heard, "\"delay_ms\":");
}

static void dialling_is_told(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "dial.");
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    expect_event(env, log, "dial.", endpoint);
}

static void inproc_is_told_where_it_is_bound_and_connected(void **state)
{
    struct env *env = *state;
    void *bound = listen_for(env, "listen.inproc");
    void *made = listen_for(env, "connect.inproc");
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    expect_event(env, bound, "listen.", endpoint);
    expect_event(env, made, "connect.", endpoint);
}

static void a_failed_bind_tells_the_error(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "bind.failed");
    char endpoint[ENDPOINT_MAX];
    struct heard heard;

    env_bind(env, env_socket(env, ZMQ_PULL), endpoint);
    assert_fails(zmq_bind(env_socket(env, ZMQ_PULL), endpoint), EADDRINUSE);
    heard = expect_event(env, log, "bind.failed", NULL);
    says(&heard, "\"errno\":98,\"error\":\"Address already in use\"");
}

static void a_refused_peer_is_told(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "accept.failed");
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    struct heard heard;

    assert_ok(zmq_setsockopt(pull, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.1", 8));
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    heard = expect_event(env, log, "accept.failed", endpoint);
    says(&heard, "\"error\":\"Permission denied\"");
}

static void a_failed_handshake_tells_why(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "handshake.failed");
    void *pub = env_socket(env, ZMQ_PUB);
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    struct heard heard;
    int fd;

    env_bind(env, pub, endpoint);
    fd = raw_connect(endpoint);
    raw_write(fd, "GET / HTTP/1.1\r\n\r\n", 18);
    close(fd);
    heard = expect_event(env, log, "handshake.failed", endpoint);
    says(&heard, "\"reason\":\"connection\"");
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 2; i++) {
        heard = expect_event(env, log, "handshake.failed", endpoint);
        assert_null(strstr(heard.body, "\"reason\":\"connection\""));
    }
}

static void a_full_pipe_is_told_once_until_there_is_room(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "hwm.reached");
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    struct heard heard;

    set_int(push, ZMQ_SNDHWM, 5);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_until_full(push, 100, 0);
    for (int i = 0; i < 10; i++)
        assert_fails(zmq_send(push, "", 0, ZMQ_DONTWAIT), EAGAIN);
    heard = expect_event(env, log, "hwm.reached", endpoint);
    says(&heard, "\"reason\":\"sending\",\"hwm\":5");
    expect_nothing(log);
}

static void a_receiver_that_is_full_is_told(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "hwm.reached");
    char large[8000] = {0};
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    struct heard heard;

    set_int(pull, ZMQ_RCVHWM, 2);
    set_int(push, ZMQ_SNDHWM, 0);
    env_bind(env, pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 200; i++)
        assert_ok(zmq_send(push, large, sizeof large, 0));
    heard = expect_event(env, log, "hwm.reached", endpoint);
    says(&heard, "\"type\":\"PULL\"");
    says(&heard, "\"reason\":\"receiving\",\"hwm\":2");
}

static void drops_are_told_together(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "drop");
    void *router = env_socket(env, ZMQ_ROUTER);
    struct heard heard;
    int64_t since_ms;

    for (int i = 0; i < 100; i++) {
        send_text(router, "nobody", ZMQ_SNDMORE);
        send_text(router, "hello", 0);
    }
    heard = expect_event(env, log, "drop", NULL);
    says(&heard, "\"reason\":\"no route\",\"messages\":1}");
    expect_nothing(log);
    /* A second later the others are told with the next one. */
    since_ms = now_ms();
    while (!is_ready(log, ZMQ_POLLIN, 1)) {
        assert_true(now_ms() - since_ms < PATIENCE_MS);
        send_text(router, "nobody", ZMQ_SNDMORE);
        send_text(router, "hello", 0);
    }
    heard = expect_event(env, log, "drop", NULL);
    assert_null(strstr(heard.body, "\"messages\":1}"));
    assert_true(now_ms() - since_ms >= 500);
}

/* ---- listeners ------------------------------------------------------ */

static void only_what_was_subscribed_to_is_heard(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "socket.close");
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_setsockopt(log, ZMQ_SUBSCRIBE, "listen", 6));
    assert_ok(zmq_setsockopt(log, ZMQ_UNSUBSCRIBE, "socket.close", 12));
    env_close_socket(env, push);
    assert_ok(zmq_bind(env_socket(env, ZMQ_PULL), "inproc://name"));
    expect_event(env, log, "listen.inproc", "inproc://name");
    expect_nothing(log);
}

static void an_xsub_hears_too(void **state)
{
    struct env *env = *state;
    void *log = env_socket(env, ZMQ_XSUB);

    assert_ok(zmq_connect(log, "sys://log"));
    assert_int_equal(zmq_send(log, "\1socket", 7, 0), 7);
    env_socket(env, ZMQ_PUSH);
    expect_event(env, log, "socket.open", NULL);
    assert_int_equal(zmq_send(log, "\0socket", 7, 0), 7);
    env_socket(env, ZMQ_PUSH);
    expect_nothing(log);
}

static void other_sockets_may_not_connect_and_nobody_may_bind(void **state)
{
    struct env *env = *state;

    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = env_socket(env, type);

        assert_fails(zmq_bind(socket, "sys://log"), ENOCOMPATPROTO);
        if (type != ZMQ_SUB && type != ZMQ_XSUB)
            assert_fails(zmq_connect(socket, "sys://log"), ENOCOMPATPROTO);
        else
            assert_fails(zmq_connect(socket, "sys://nothing"), EINVAL);
    }
    assert_int_equal(zmq_has("sys"), 1);
}

static void a_second_connection_is_the_first(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "socket");

    assert_ok(zmq_connect(log, "sys://log"));
    env_socket(env, ZMQ_PUSH);
    expect_event(env, log, "socket.open", NULL);
    expect_nothing(log);
}

static bool is_heard(struct env *env)
{
    struct cz_ctx *ctx = env->ctx;

    return cz_log_is_heard(&ctx->log);
}

static void who_has_gone_is_forgotten(void **state)
{
    struct env *env = *state;
    void *log, *other;

    assert_false(is_heard(env));
    log = listen_for(env, "");
    other = listen_for(env, "");
    assert_true(is_heard(env));
    assert_ok(zmq_disconnect(other, "sys://log"));
    assert_fails(zmq_disconnect(other, "sys://log"), ENOENT);
    env_close_socket(env, log);
    env_socket(env, ZMQ_PUSH);
    assert_false(is_heard(env));
}

static void who_is_slow_loses_events_and_learns_how_many(void **state)
{
    struct env *env = *state;
    void *log = env_socket(env, ZMQ_SUB);
    struct heard heard;
    int count = 0;

    set_int(log, ZMQ_RCVHWM, 10);
    assert_ok(zmq_setsockopt(log, ZMQ_SUBSCRIBE, "", 0));
    assert_ok(zmq_connect(log, "sys://log"));
    for (int i = 0; i < 50; i++)
        env_close_socket(env, env_socket(env, ZMQ_PUSH));
    while (is_ready(log, ZMQ_POLLIN, 0)) {
        hear(log);
        count++;
    }
    assert_in_range(count, 10, 11);
    env_socket(env, ZMQ_PUSH);
    heard = hear(log);
    assert_string_equal(heard.topic, "log.lost");
    count = 100 - count;
    says(&heard, count == 89 ? "\"lost\":89}" : "\"lost\":90}");
    expect_event(env, log, "socket.open", NULL);
    expect_nothing(log);
}

/* ---- the end -------------------------------------------------------- */

static int receive_for_ever(void *log)
{
    char body[1024];

    while (zmq_recv(log, body, sizeof body, 0) >= 0)
        continue;
    return errno;
}

static void the_end_of_the_context_waits_for_no_listener(void **state)
{
    struct env *env = *state;
    void *unread = listen_for(env, "");
    void *log = listen_for(env, "");
    struct call call;

    set_int(log, ZMQ_RCVTIMEO, -1);
    call_start(&call, receive_for_ever, log);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_int_equal(call_join(&call), ETERM);
    assert_fails(zmq_connect(unread, "sys://log"), ETERM);
    assert_false(is_heard(env));
}

static void no_thread_is_started_for_it(void **state)
{
    struct env *env = *state;
    void *log;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, 0));
    log = listen_for(env, "");
    env_socket(env, ZMQ_PUSH);
    expect_event(env, log, "socket.open", NULL);
}

/* ---- threads -------------------------------------------------------- */

#if CZ_TSAN
enum { TALKERS = 3, ROUNDS = 100 };
#else
enum { TALKERS = 3, ROUNDS = 500 };
#endif

static void *talk(void *arg)
{
    struct env *env = arg;

    for (int i = 0; i < ROUNDS; i++) {
        void *sub = zmq_socket(env->ctx, ZMQ_SUB);

        zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
        zmq_connect(sub, "sys://log");
        zmq_close(sub);
    }
    return NULL;
}

static void events_of_all_threads_are_heard_or_counted(void **state)
{
    struct env *env = *state;
    void *log = listen_for(env, "socket.");
    pthread_t threads[TALKERS];
    unsigned long heard_count = 0;

    assert_ok(zmq_setsockopt(log, ZMQ_SUBSCRIBE, "log.lost", 8));
    for (int i = 0; i < TALKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk, env), 0);
    for (int i = 0; i < TALKERS; i++)
        pthread_join(threads[i], NULL);
    while (is_ready(log, ZMQ_POLLIN, 0)) {
        hear(log);
        heard_count++;
    }
    env_socket(env, ZMQ_PUSH);
    while (heard_count <= TALKERS * ROUNDS * 2) {
        struct heard heard = hear(log);
        const char *lost = strstr(heard.body, "\"lost\":");

        heard_count += lost ? strtoul(lost + 7, NULL, 10) : 1;
    }
    assert_int_equal(heard_count, TALKERS * ROUNDS * 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, sockets_open_and_close),
        ON_STREAMS(a_connection_tells_its_story),
        ON(tcp, dialling_is_told),
        ON(inproc, inproc_is_told_where_it_is_bound_and_connected),
        ON(tcp, a_failed_bind_tells_the_error),
        ON(tcp, a_refused_peer_is_told),
        ON_STREAMS(a_failed_handshake_tells_why),
        ON_EACH(a_full_pipe_is_told_once_until_there_is_room),
        ON_STREAMS(a_receiver_that_is_full_is_told),
        ON(inproc, drops_are_told_together),
        ON(inproc, only_what_was_subscribed_to_is_heard),
        ON(inproc, an_xsub_hears_too),
        ON(inproc, other_sockets_may_not_connect_and_nobody_may_bind),
        ON(inproc, a_second_connection_is_the_first),
        ON(inproc, who_has_gone_is_forgotten),
        ON(inproc, who_is_slow_loses_events_and_learns_how_many),
        ON(inproc, the_end_of_the_context_waits_for_no_listener),
        ON(inproc, no_thread_is_started_for_it),
        ON(inproc, events_of_all_threads_are_heard_or_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
