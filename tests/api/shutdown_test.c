/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_ctx_shutdown() and zmq_ctx_term() while sockets of every type wait in
 * every call that waits: each wakes with ETERM.
 *
 * Thread: the main thread, and many that wait.
 */
#include "common/call.h"
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>

static const int types[] = {
    ZMQ_PAIR,   ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
    ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM,
};

/* Those that wait where they have no peer; the others drop, or refuse. */
static const int senders[] = {ZMQ_PAIR, ZMQ_REQ, ZMQ_DEALER, ZMQ_PUSH};
static const int receivers[] = {
    ZMQ_PAIR,   ZMQ_SUB,  ZMQ_REP,  ZMQ_DEALER, ZMQ_PULL,
    ZMQ_ROUTER, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CALLS_MAX 12

static int receive_blocking(void *socket)
{
    char byte;

    return zmq_recv(socket, &byte, 1, 0);
}

static int send_blocking(void *socket)
{
    return zmq_send(socket, "x", 1, 0);
}

/* Sends until it waits, and then until it fails. */
static int send_for_ever(void *socket)
{
    int rc;

    do {
        rc = zmq_send(socket, "x", 1, 0);
    } while (rc != -1);
    return rc;
}

static int poll_blocking(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, -1);
}

static void *open_bound(struct env *env, int type)
{
    char endpoint[ENDPOINT_MAX];
    void *socket = env_plain_socket(env, type);

    env_bind(env, socket, endpoint);
    return socket;
}

/* STREAM has no inproc. */
static bool has_transport(const struct env *env, int type)
{
    return type != ZMQ_STREAM || env->transport == &transport_tcp;
}

/* All wait, then all are woken. */
static void shutdown_wakes(struct env *env, int (*wait)(void *socket),
                           const int *of_types, size_t count)
{
    struct call calls[CALLS_MAX];
    size_t started = 0;

    assert_true(count <= CALLS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (has_transport(env, of_types[i]))
            call_start(&calls[started++], wait, open_bound(env, of_types[i]));
    }
    for (size_t i = 0; i < started; i++)
        call_wait_blocked(&calls[i]);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    for (size_t i = 0; i < started; i++)
        assert_fails(call_join(&calls[i]), ETERM);
}

static void every_waiting_recv_wakes(void **state)
{
    shutdown_wakes(*state, receive_blocking, receivers, COUNT(receivers));
}

static void every_waiting_send_wakes(void **state)
{
    shutdown_wakes(*state, send_blocking, senders, COUNT(senders));
}

static void every_waiting_poll_wakes(void **state)
{
    shutdown_wakes(*state, poll_blocking, types, COUNT(types));
}

/* It has a peer, which does not read. */
static void a_send_that_waits_for_room_wakes(void **state)
{
    static const int peers[][2] = {
        {ZMQ_PUSH, ZMQ_PULL},
        {ZMQ_DEALER, ZMQ_DEALER},
        {ZMQ_PAIR, ZMQ_PAIR},
    };
    struct env *env = *state;
    struct call calls[COUNT(peers)];

    for (size_t i = 0; i < COUNT(peers); i++) {
        void *from = env_plain_socket(env, peers[i][0]);
        void *to = env_plain_socket(env, peers[i][1]);

        set_int(from, ZMQ_LINGER, 0);
        set_int(from, ZMQ_SNDHWM, 1);
        set_int(to, ZMQ_RCVHWM, 1);
        set_int(from, ZMQ_SNDBUF, 8192);
        set_int(to, ZMQ_RCVBUF, 8192);
        env_link(env, to, from);
        call_start(&calls[i], send_for_ever, from);
        call_wait_blocked(&calls[i]);
    }
    assert_ok(zmq_ctx_shutdown(env->ctx));
    for (size_t i = 0; i < COUNT(peers); i++)
        assert_fails(call_join(&calls[i]), ETERM);
}

/* A publisher that drops nothing waits for its subscriber. */
static void a_publisher_that_waits_for_room_wakes(void **state)
{
    struct env *env = *state;
    struct call call;
    char event;
    void *xpub = env_plain_socket(env, ZMQ_XPUB);
    void *sub = env_plain_socket(env, ZMQ_SUB);

    set_int(xpub, ZMQ_LINGER, 0);
    set_int(xpub, ZMQ_SNDHWM, 1);
    set_int(sub, ZMQ_RCVHWM, 1);
    set_int(xpub, ZMQ_SNDBUF, 8192);
    set_int(sub, ZMQ_RCVBUF, 8192);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    assert_ok(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0));
    env_link(env, xpub, sub);
    assert_int_equal(zmq_recv(xpub, &event, 1, 0), 1);
    call_start(&call, send_for_ever, xpub);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
}

/* Waits for a reply that never comes. */
static int request(void *req)
{
    char byte;

    if (zmq_send(req, "x", 1, 0) != 1)
        return 0;
    return zmq_recv(req, &byte, 1, 0);
}

static void a_request_without_a_reply_wakes(void **state)
{
    struct env *env = *state;
    struct call call;
    char byte;
    void *rep = env_plain_socket(env, ZMQ_REP);
    void *req = env_plain_socket(env, ZMQ_REQ);

    env_link(env, rep, req);
    call_start(&call, request, req);
    assert_int_equal(zmq_recv(rep, &byte, 1, 0), 1);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
}

struct proxy {
    void *frontend;
    void *backend;
    void *control;
};

static int run_proxy(void *arg)
{
    struct proxy *proxy = arg;

    if (proxy->control == NULL)
        return zmq_proxy(proxy->frontend, proxy->backend, NULL);
    return zmq_proxy_steerable(proxy->frontend, proxy->backend, NULL,
                               proxy->control);
}

static void proxies_of_every_kind_wake(void **state)
{
    static const int kinds[][2] = {
        {ZMQ_PULL, ZMQ_PUSH},
        {ZMQ_XSUB, ZMQ_XPUB},
        {ZMQ_ROUTER, ZMQ_DEALER},
    };
    struct env *env = *state;
    struct proxy proxies[2 * COUNT(kinds)];
    struct call calls[2 * COUNT(kinds)];

    for (size_t i = 0; i < COUNT(proxies); i++) {
        proxies[i].frontend = open_bound(env, kinds[i / 2][0]);
        proxies[i].backend = open_bound(env, kinds[i / 2][1]);
        proxies[i].control = i % 2 ? open_bound(env, ZMQ_PAIR) : NULL;
        call_start(&calls[i], run_proxy, &proxies[i]);
    }
    for (size_t i = 0; i < COUNT(proxies); i++)
        call_wait_blocked(&calls[i]);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    for (size_t i = 0; i < COUNT(proxies); i++)
        assert_fails(call_join(&calls[i]), ETERM);
}

static int term(void *ctx)
{
    return zmq_ctx_term(ctx);
}

/* Each thread closes its own socket while another is in zmq_ctx_term(). */
static int receive_and_close(void *socket)
{
    char byte;
    int rc = zmq_recv(socket, &byte, 1, 0);
    int error = errno;

    if (zmq_close(socket) == -1)
        return -2;
    errno = error;
    return rc;
}

static void sockets_are_closed_while_term_waits(void **state)
{
    struct env *env = *state;
    struct call calls[COUNT(receivers)];
    struct call terming;
    size_t started = 0;
    void *last = open_bound(env, ZMQ_PAIR);

    for (size_t i = 0; i < COUNT(receivers); i++) {
        void *socket;

        if (!has_transport(env, receivers[i]))
            continue;
        socket = open_bound(env, receivers[i]);
        env_forget_socket(env, socket);
        call_start(&calls[started++], receive_and_close, socket);
    }
    for (size_t i = 0; i < started; i++)
        call_wait_blocked(&calls[i]);
    call_start(&terming, term, env->ctx);
    for (size_t i = 0; i < started; i++)
        assert_fails(call_join(&calls[i]), ETERM);
    assert_false(call_returns_within(&terming, 1));
    env_close_socket(env, last);
    assert_ok(call_join(&terming));
    env->ctx = NULL;
}

/* Everything that a socket holds goes with it, of whatever type. */
static void term_closes_connections_of_every_type(void **state)
{
    static const int pairs[][2] = {
        {ZMQ_PAIR, ZMQ_PAIR},     {ZMQ_PUB, ZMQ_SUB},
        {ZMQ_XPUB, ZMQ_XSUB},     {ZMQ_REP, ZMQ_REQ},
        {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH},
        {ZMQ_ROUTER, ZMQ_ROUTER}, {ZMQ_DEALER, ZMQ_DEALER},
    };
    struct env *env = *state;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        void *bound;
        void *connected;

        env_pair(env, pairs[i][0], &bound, pairs[i][1], &connected);
        if (pairs[i][1] == ZMQ_SUB)
            assert_ok(zmq_setsockopt(connected, ZMQ_SUBSCRIBE, "x", 1));
        else if (zmq_send(connected, "\1x", 2, ZMQ_DONTWAIT) == -1)
            assert_int_equal(errno, EAGAIN);
        if (zmq_send(bound, "x", 1, ZMQ_DONTWAIT) == -1 && errno != ENOTSUP &&
            errno != EFSM)
            assert_int_equal(errno, EAGAIN);
    }
    env_end(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(every_waiting_recv_wakes),
        ON_EACH(every_waiting_send_wakes),
        ON_EACH(every_waiting_poll_wakes),
        ON_EACH(a_send_that_waits_for_room_wakes),
        ON_EACH(a_publisher_that_waits_for_room_wakes),
        ON_EACH(a_request_without_a_reply_wakes),
        ON_EACH(proxies_of_every_kind_wake),
        ON_EACH(sockets_are_closed_while_term_waits),
        ON_EACH(term_closes_connections_of_every_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
