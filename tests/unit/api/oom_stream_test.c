/* SPDX-License-Identifier: MPL-2.0 */
/*
 * No shortage of memory ends the process, hangs it, leaks, frees anything
 * twice or garbles a message: connections. One that is hit is lost together
 * with what was under way, and made again by the side that dials; so whoever
 * asks until there is an answer gets it.
 *
 * CTest: TIMEOUT 480
 * Thread: the main thread, and one that drains; I/O threads allocate, too.
 */
#include "oom.h"

#include "ceromq.h"
#include "common/call.h"
#include "common/raw.h"
#include "reactor/poller.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* Of ZMTP 1.0: the signature is the header of an identity in long form. */
enum { OLD_IDENTITY = 10 };

enum { LARGE = 65536, SMALL = 40, LINGERING = 12, CROWD = 12, ASK_MS = 20 };

static char large_body[LARGE];

/* ---- questions and answers ------------------------------------------- */

/* [number][small][large], where the number is also in the bodies. */
static void send_numbered(void *socket, uint32_t number)
{
    char small[SMALL];

    memset(small, (int)(number & 127), SMALL);
    memset(large_body, (int)(number & 127), LARGE);
    MAKE(zmq_send(socket, &number, sizeof(number), ZMQ_SNDMORE));
    MAKE(zmq_send(socket, small, SMALL, ZMQ_SNDMORE));
    MAKE(zmq_send(socket, large_body, LARGE, 0));
}

static void check_body(void *socket, uint32_t number, size_t size, bool more)
{
    static char body[LARGE];

    assert_int_equal(zmq_recv(socket, body, LARGE, 0), size);
    assert_int_equal(body[0], number & 127);
    assert_int_equal(body[size - 1], number & 127);
    assert_int_equal(oom_has_more(socket), more);
}

/* False: there is none within the time. What comes is whole. */
static bool receive_numbered(void *socket, uint32_t *number, int timeout_ms)
{
    if (!oom_is_readable(socket, timeout_ms))
        return false;
    assert_int_equal(zmq_recv(socket, number, sizeof(*number), 0),
                     sizeof(*number));
    check_body(socket, *number, SMALL, true);
    check_body(socket, *number, LARGE, false);
    return true;
}

static void answer_all(void *server)
{
    uint32_t number;

    while (receive_numbered(server, &number, 0))
        send_numbered(server, number);
}

/* Asks and answers in turn, until the question has been answered. */
static void ask(void *client, void *server, uint32_t number)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    uint32_t answer;

    do {
        assert_true(now_ms() < end_ms);
        send_numbered(client, number);
        if (receive_numbered(server, &answer, ASK_MS))
            send_numbered(server, answer);
        answer_all(server);
        while (receive_numbered(client, &answer, ASK_MS) && answer != number)
            assert_true(answer < number);
    } while (answer != number);
}

static void *open_server(void *ctx, const char *endpoint)
{
    void *server = oom_socket(ctx, ZMQ_DEALER);
    int64_t end_ms = now_ms() + PATIENCE_MS;

    oom_set(server, ZMQ_HEARTBEAT_IVL, 500);
    /* The one before may still be giving the name up. */
    while (zmq_bind(server, endpoint) == -1) {
        assert_true(errno == ENOMEM || errno == EADDRINUSE);
        assert_true(now_ms() < end_ms);
    }
    return server;
}

/* Dials before anybody listens, and again when the server has gone. */
static void talk_on(struct env *env, int io_threads, const char *reactor)
{
    void *ctx = oom_ctx(io_threads);
    void *client, *server;
    char endpoint[ENDPOINT_MAX];

    assert_int_equal(cero_ctx_set_reactor(ctx, reactor), 0);
    oom_endpoint(env, endpoint);
    client = oom_socket(ctx, ZMQ_DEALER);
    oom_set(client, ZMQ_HANDSHAKE_IVL, 5000);
    oom_set(client, ZMQ_CONNECT_TIMEOUT, 5000);
    MAKE(zmq_setsockopt(client, ZMQ_ROUTING_ID, "client", 6));
    MAKE(zmq_connect(client, endpoint));
    server = open_server(ctx, endpoint);
    ask(client, server, 1);
    ask(client, server, 2);
    assert_ok(zmq_close(server));
    server = open_server(ctx, endpoint);
    ask(client, server, 3);
    MAKE(zmq_disconnect(client, endpoint));
    MAKE(zmq_connect(client, endpoint));
    ask(client, server, 4);
    assert_ok(zmq_close(client));
    assert_ok(zmq_close(server));
    assert_ok(zmq_ctx_term(ctx));
}

static void talk(struct env *env)
{
    talk_on(env, 1, "epoll");
}

static void talk_on_two_threads(struct env *env)
{
    talk_on(env, 2, "epoll");
}

static void talk_by_poll(struct env *env)
{
    talk_on(env, 1, "poll");
}

static void talk_by_select(struct env *env)
{
    talk_on(env, 1, "select");
}

static void talk_by_uring(struct env *env)
{
    talk_on(env, 1, "io_uring");
}

/* The name is resolved by a thread of its own. */
static void talk_by_name(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *server = oom_socket(ctx, ZMQ_PULL);
    void *client = oom_socket(ctx, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX], name[ENDPOINT_MAX];
    size_t size = sizeof(endpoint);

    (void)env;
    MAKE(zmq_bind(server, "tcp://127.0.0.1:*"));
    MAKE(zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size));
    snprintf(name, sizeof(name), "tcp://localhost%s", strrchr(endpoint, ':'));
    MAKE(zmq_connect(client, name));
    oom_send_until_received(client, server);
    assert_ok(zmq_close(client));
    assert_ok(zmq_close(server));
    assert_ok(zmq_ctx_term(ctx));
}

/* ---- many ------------------------------------------------------------- */

static void crowd(struct env *env)
{
    void *ctx = oom_ctx(2);
    void *pull = oom_socket(ctx, ZMQ_PULL);
    void *pushes[CROWD];
    bool is_known[CROWD] = {false};
    int64_t end_ms = now_ms() + PATIENCE_MS;
    char endpoint[ENDPOINT_MAX];
    int count = 0;

    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(pull, endpoint));
    for (int i = 0; i < CROWD; i++) {
        pushes[i] = oom_socket(ctx, ZMQ_PUSH);
        MAKE(zmq_connect(pushes[i], endpoint));
    }
    while (count < CROWD) {
        zmq_pollitem_t item = {.socket = pull, .events = ZMQ_POLLIN};
        uint8_t who;

        assert_true(now_ms() < end_ms);
        for (uint8_t i = 0; i < CROWD; i++)
            if (!is_known[i])
                MAKE(zmq_send(pushes[i], &i, 1, 0));
        MAKE(zmq_poll(&item, 1, ASK_MS));
        while (zmq_recv(pull, &who, 1, ZMQ_DONTWAIT) == 1) {
            assert_true(who < CROWD);
            count += !is_known[who];
            is_known[who] = true;
        }
    }
    for (int i = 0; i < CROWD; i++)
        assert_ok(zmq_close(pushes[i]));
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(ctx));
}

/* ---- the end ---------------------------------------------------------- */

struct drain {
    void *socket;
    _Atomic bool is_over;
    _Atomic int freed;
    int given;
    char *body;
};

/* Numbers in bodies, some missing perhaps, but none twice. Where memory was
 * short and the connection another one, they have come by two pipes, which
 * are read in turn: so what went first need not be the first to come. */
static int drain_main(void *arg)
{
    struct drain *drain = arg;
    static char body[LARGE];
    bool has_come[LINGERING] = {false};
    int count = 0;

    for (;;) {
        zmq_pollitem_t item = {.socket = drain->socket, .events = ZMQ_POLLIN};
        int number;

        if (zmq_poll(&item, 1, 5) == -1 && errno != ENOMEM)
            return -1;
        if (!item.revents) {
            if (drain->is_over)
                return count;
            continue;
        }
        if (zmq_recv(drain->socket, &number, sizeof(number), 0) !=
                sizeof(number) ||
            zmq_recv(drain->socket, body, LARGE, 0) != LARGE)
            return -2;
        if (number < 0 || number >= LINGERING || has_come[number])
            return -3;
        if (body[0] != 'z' || body[LARGE - 1] != 'z')
            return -4;
        has_come[number] = true;
        count++;
    }
}

static void drain_free(void *data, void *hint)
{
    struct drain *drain = hint;

    atomic_fetch_add(&drain->freed, data == drain->body ? 1 : 1000000);
}

static void send_lingering(void *push, struct drain *drain, int number)
{
    zmq_msg_t msg;

    MAKE(zmq_send(push, &number, sizeof(number), ZMQ_SNDMORE));
    MAKE(zmq_msg_init_data(&msg, drain->body, LARGE, drain_free, drain));
    drain->given++;
    MAKE(zmq_msg_send(&msg, push, 0));
}

/* Everything is sent before anybody listens, and the socket is closed. The
 * end of its context waits until all of it has gone, or is lost. */
static void linger(struct env *env)
{
    void *ctx = oom_ctx(1), *far_ctx = oom_ctx(1);
    void *push = oom_socket(ctx, ZMQ_PUSH);
    void *pull = oom_socket(far_ctx, ZMQ_PULL);
    struct drain drain = {.socket = pull, .body = malloc(LARGE)};
    struct call call;
    char endpoint[ENDPOINT_MAX];

    memset(drain.body, 'z', LARGE);
    oom_endpoint(env, endpoint);
    oom_set(push, ZMQ_LINGER, -1);
    MAKE(zmq_connect(push, endpoint));
    for (int i = 0; i < LINGERING; i++)
        send_lingering(push, &drain, i);
    assert_ok(zmq_close(push));
    MAKE(zmq_bind(pull, endpoint));
    call_start(&call, drain_main, &drain);
    assert_ok(zmq_ctx_term(ctx));
    assert_int_equal(drain.freed, drain.given);
    drain.is_over = true;
    assert_in_range(call_join(&call), 0, LINGERING);
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(far_ctx));
    free(drain.body);
}

/* ---- peers of ZMTP 1.0 ------------------------------------------------ */

/* The next so many bytes are these; false: the connection is lost. */
static bool old_reads(int fd, const void *expected, size_t size)
{
    char bytes[300];
    ssize_t n = recv(fd, bytes, size, MSG_WAITALL);

    if (n != (ssize_t)size)
        return false;
    if (expected)
        assert_memory_equal(bytes, expected, size);
    return true;
}

/* An anonymous peer says a message, the socket says it back. */
static bool old_asks(int fd, void *socket)
{
    static const unsigned char hello[] = {1, 0};
    static const unsigned char question[] = {4, 1,   'o', 'l', 'd', 5,
                                             0, 'p', 'e', 'e', 'r'};
    zmq_pollitem_t items[2] = {{.socket = socket, .events = ZMQ_POLLIN},
                               {.fd = fd, .events = ZMQ_POLLIN}};
    char part[8];

    if (!raw_try_write(fd, hello, sizeof(hello)) ||
        !old_reads(fd, NULL, OLD_IDENTITY) ||
        !raw_try_write(fd, question, sizeof(question)))
        return false;
    do {
        char byte;

        MAKE(zmq_poll(items, 2, PATIENCE_MS));
        if (items[1].revents && recv(fd, &byte, 1, MSG_PEEK) <= 0)
            return false;
    } while (!items[0].revents);
    assert_int_equal(zmq_recv(socket, part, sizeof(part), 0), 3);
    assert_int_equal(zmq_recv(socket, part, sizeof(part), 0), 4);
    MAKE(zmq_send(socket, "old", 3, ZMQ_SNDMORE));
    MAKE(zmq_send(socket, "peer", 4, 0));
    return old_reads(fd, question, sizeof(question));
}

static void old_peer(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *socket = oom_socket(ctx, ZMQ_DEALER);
    int64_t end_ms = now_ms() + PATIENCE_MS;
    char endpoint[ENDPOINT_MAX];
    bool is_answered;

    oom_endpoint(env, endpoint);
    MAKE(zmq_bind(socket, endpoint));
    do {
        int fd = raw_connect(endpoint);

        assert_true(now_ms() < end_ms);
        is_answered = old_asks(fd, socket);
        close(fd);
    } while (!is_answered);
    assert_ok(zmq_close(socket));
    assert_ok(zmq_ctx_term(ctx));
}

/* ---- claims ----------------------------------------------------------- */

static void whoever_asks_on_is_answered(void **state)
{
    oom_play(*state, talk);
    oom_play(*state, talk_on_two_threads);
}

static void every_reactor_gets_over_it(void **state)
{
    oom_play(*state, talk_by_poll);
    oom_play(*state, talk_by_select);
    if (cz_poller_is_known("io_uring"))
        oom_play(*state, talk_by_uring);
}

static void names_are_resolved_at_last(void **state)
{
    oom_play(*state, talk_by_name);
}

static void all_of_a_crowd_come_through(void **state)
{
    oom_play(*state, crowd);
}

static void lingering_ends_and_frees_everything_once(void **state)
{
    oom_play(*state, linger);
}

static void an_old_peer_is_answered(void **state)
{
    oom_play(*state, old_peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(tcp, whoever_asks_on_is_answered),
        OOM_ON(ipc, whoever_asks_on_is_answered),
        OOM_ON(tcp, every_reactor_gets_over_it),
        OOM_ON(tcp, names_are_resolved_at_last),
        OOM_ON(tcp, all_of_a_crowd_come_through),
        OOM_ON(ipc, all_of_a_crowd_come_through),
        OOM_ON(tcp, lingering_ends_and_frees_everything_once),
        OOM_ON(ipc, lingering_ends_and_frees_everything_once),
        OOM_ON(tcp, an_old_peer_is_answered),
        OOM_ON(ipc, an_old_peer_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
