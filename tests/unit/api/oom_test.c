/* SPDX-License-Identifier: MPL-2.0 */
/*
 * No shortage of memory ends the process, hangs it, leaks or frees anything
 * twice: calls that need no peer, and whatever happens within a process. What
 * crosses a connection is in oom_stream_test.c; memory_test.c fails each
 * allocation of single calls once.
 *
 * CTest: TIMEOUT 240
 * Thread: the main thread; I/O threads allocate, too.
 */
#define ZMQ_BUILD_DRAFT_API
#include "oom.h"

#include <stdatomic.h>

enum { LARGE = 65536, POLLED = 40, CALLS_MAX = 64 };

/* ---- opening and closing --------------------------------------------- */

/* Takes the value, or does not know the option yet. */
static void set_blob(void *socket, int option, const void *value, size_t size)
{
    unsigned tries = 0;

    while (zmq_setsockopt(socket, option, value, size) == -1) {
        if (errno == ENOTSUP || errno == EINVAL)
            return;
        assert_true(oom_again("zmq_setsockopt", &tries));
    }
}

static void set_blobs(void *socket)
{
    static const int options[] = {
        ZMQ_ROUTING_ID,       ZMQ_PLAIN_USERNAME,  ZMQ_PLAIN_PASSWORD,
        ZMQ_CURVE_PUBLICKEY,  ZMQ_CURVE_SECRETKEY, ZMQ_CURVE_SERVERKEY,
        ZMQ_ZAP_DOMAIN,       ZMQ_SOCKS_PROXY,     ZMQ_TCP_ACCEPT_FILTER,
        ZMQ_GSSAPI_PRINCIPAL, ZMQ_BINDTODEVICE,    ZMQ_METADATA,
        ZMQ_HELLO_MSG,        ZMQ_DISCONNECT_MSG,
    };
    static const char key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        set_blob(socket, options[i], key, sizeof(key) - 1);
        set_blob(socket, options[i], "X-name:value", 12);
        set_blob(socket, options[i], "", 0);
    }
}

static void open_and_close(struct env *env)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_PUSH, ZMQ_PULL, ZMQ_DEALER};
    void *ctx = oom_ctx(2);
    void *sockets[4];
    char endpoint[ENDPOINT_MAX];

    (void)env;
    for (int i = 0; i < 4; i++) {
        sockets[i] = oom_socket(ctx, types[i]);
        set_blobs(sockets[i]);
    }
    oom_set(sockets[0], ZMQ_LINGER, -1);
    for (int i = 0; i < 4; i++) {
        size_t size = sizeof(endpoint);
        int fd;

        MAKE(zmq_getsockopt(sockets[i], ZMQ_LAST_ENDPOINT, endpoint, &size));
        size = sizeof(fd);
        MAKE(zmq_getsockopt(sockets[i], ZMQ_FD, &fd, &size));
        assert_ok(zmq_close(sockets[i]));
    }
    assert_ok(zmq_ctx_term(ctx));
}

/* Ends each endpoint under the very name that it was given. */
static void bind_and_unbind(struct env *env)
{
    static const char *const wildcards[] = {
        "tcp://127.0.0.1:*", "ipc://*",      "tcp://lo:*",
        "ipc://@oom-%d",     "inproc://oom",
    };
    void *ctx = oom_ctx(2);
    void *socket = oom_socket(ctx, ZMQ_DEALER);
    void *other = oom_socket(ctx, ZMQ_DEALER);

    (void)env;
    for (size_t i = 0; i < sizeof(wildcards) / sizeof(wildcards[0]); i++) {
        char wanted[ENDPOINT_MAX], endpoint[ENDPOINT_MAX];
        size_t size = sizeof(endpoint);

        if (strchr(wildcards[i], '%'))
            snprintf(wanted, sizeof(wanted), "ipc://@oom-%d", (int)getpid());
        else
            snprintf(wanted, sizeof(wanted), "%s", wildcards[i]);
        /* An attempt without memory leaves nothing behind that would be in
         * the way of the next. */
        MAKE(zmq_bind(socket, wanted));
        MAKE(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
        MAKE(zmq_connect(other, endpoint));
        MAKE(zmq_disconnect(other, endpoint));
        assert_fails(zmq_disconnect(other, endpoint), ENOENT);
        MAKE(zmq_unbind(socket, endpoint));
        assert_fails(zmq_unbind(socket, endpoint), ENOENT);
    }
    assert_ok(zmq_close(other));
    assert_ok(zmq_close(socket));
    assert_ok(zmq_ctx_term(ctx));
}

/* ---- within the process ---------------------------------------------- */

struct bodies {
    char *data;
    _Atomic int given;
    _Atomic int freed;
};

static void count_free(void *data, void *hint)
{
    struct bodies *bodies = hint;

    if (data == bodies->data)
        atomic_fetch_add(&bodies->freed, 1);
    else
        atomic_store(&bodies->freed, INT32_MAX / 2);
}

/* Without memory the buffer stays the caller's. */
static void init_body(zmq_msg_t *msg, struct bodies *bodies)
{
    int freed = atomic_load(&bodies->freed);
    unsigned tries = 0;

    while (zmq_msg_init_data(msg, bodies->data, LARGE, count_free, bodies) ==
           -1) {
        assert_true(oom_again("zmq_msg_init_data", &tries));
        assert_int_equal(atomic_load(&bodies->freed), freed);
    }
    atomic_fetch_add(&bodies->given, 1);
}

/* Three parts, the last by reference; each copy of it counts. */
static void send_parts(void *socket, struct bodies *bodies)
{
    zmq_msg_t msg, copy;

    MAKE(zmq_send(socket, "parts", 5, ZMQ_SNDMORE));
    init_body(&msg, bodies);
    MAKE(zmq_msg_init(&copy));
    MAKE(zmq_msg_copy(&copy, &msg));
    MAKE(zmq_msg_send(&copy, socket, ZMQ_SNDMORE));
    MAKE(zmq_msg_send(&msg, socket, 0));
    assert_ok(zmq_msg_close(&msg));
    assert_ok(zmq_msg_close(&copy));
}

static void receive_parts(void *socket)
{
    static char large[LARGE];
    char small[8];

    MAKE(zmq_recv(socket, small, sizeof(small), 0));
    assert_memory_equal(small, "parts", 5);
    for (int i = 0; i < 2; i++) {
        int size = zmq_recv(socket, large, LARGE, 0);

        assert_int_equal(size, LARGE);
        assert_int_equal(large[LARGE - 1], 'z');
    }
}

static void pass_within(struct env *env, bool is_bound_first)
{
    void *ctx = oom_ctx(0);
    void *push = oom_socket(ctx, ZMQ_PUSH);
    void *pull = oom_socket(ctx, ZMQ_PULL);
    struct bodies bodies = {.data = malloc(LARGE)};
    int left = 2;

    (void)env;
    memset(bodies.data, 'z', LARGE);
    if (is_bound_first)
        MAKE(zmq_bind(pull, "inproc://oom"));
    MAKE(zmq_connect(push, "inproc://oom"));
    for (int i = 0; i < 6; i++)
        send_parts(push, &bodies);
    if (!is_bound_first)
        MAKE(zmq_bind(pull, "inproc://oom"));
    for (int i = 0; i < 6 - left; i++)
        receive_parts(pull);
    /* One that is begun goes with its socket. */
    MAKE(zmq_send(push, "begun", 5, ZMQ_SNDMORE));
    assert_ok(zmq_close(push));
    receive_parts(pull);
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(ctx));
    assert_int_equal(bodies.freed, bodies.given);
    free(bodies.data);
}

static void bound_first(struct env *env)
{
    pass_within(env, true);
}

static void connected_first(struct env *env)
{
    pass_within(env, false);
}

static void poll_many(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *sockets[POLLED / 2];
    zmq_pollitem_t items[POLLED] = {0};
    int ends[2];

    (void)env;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < POLLED / 2; i++) {
        sockets[i] = oom_socket(ctx, ZMQ_PAIR);
        items[i].socket = sockets[i];
        items[i].events = ZMQ_POLLIN;
        items[POLLED / 2 + i].fd = ends[0];
        items[POLLED / 2 + i].events = ZMQ_POLLIN;
    }
    MAKE(zmq_bind(sockets[0], "inproc://oom"));
    MAKE(zmq_connect(sockets[1], "inproc://oom"));
    MAKE(zmq_poll(items, POLLED, 0));
    MAKE(zmq_send(sockets[1], "x", 1, 0));
    MAKE(zmq_poll(items, POLLED, PATIENCE_MS));
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    for (int i = 0; i < POLLED / 2; i++)
        assert_ok(zmq_close(sockets[i]));
    assert_ok(zmq_ctx_term(ctx));
    close(ends[0]);
    close(ends[1]);
}

/* ---- monitors --------------------------------------------------------- */

/* An event may be lost where there is no memory, but none comes broken. */
static void drain_events(void *consumer, int until)
{
    for (;;) {
        uint8_t head[6];
        uint16_t event;
        char address[ENDPOINT_MAX];
        int size = zmq_recv(consumer, head, sizeof(head), ZMQ_DONTWAIT);

        if (size == -1) {
            assert_int_equal(errno, EAGAIN);
            return;
        }
        assert_int_equal(size, sizeof(head));
        assert_ok(zmq_recv(consumer, address, sizeof(address), 0));
        memcpy(&event, head, sizeof(event));
        assert_true(event != 0);
        if (event == until)
            return;
    }
}

static void monitored(struct env *env)
{
    void *ctx = oom_ctx(1);
    void *pull = oom_socket(ctx, ZMQ_PULL);
    void *push = oom_socket(ctx, ZMQ_PUSH);
    void *consumer = oom_socket(ctx, ZMQ_PAIR);
    char endpoint[ENDPOINT_MAX];

    oom_endpoint(env, endpoint);
    MAKE(zmq_socket_monitor(pull, "inproc://events", ZMQ_EVENT_ALL));
    /* A second one takes the place of the first. */
    MAKE(zmq_socket_monitor(pull, "inproc://more-events", ZMQ_EVENT_ALL));
    MAKE(zmq_connect(consumer, "inproc://more-events"));
    MAKE(zmq_bind(pull, endpoint));
    MAKE(zmq_connect(push, endpoint));
    oom_send_until_received(push, pull);
    drain_events(consumer, 0);
    assert_ok(zmq_close(push));
    MAKE(zmq_unbind(pull, endpoint));
    MAKE(zmq_socket_monitor(pull, NULL, 0));
    drain_events(consumer, ZMQ_EVENT_MONITOR_STOPPED);
    assert_ok(zmq_close(consumer));
    assert_ok(zmq_close(pull));
    assert_ok(zmq_ctx_term(ctx));
}

/* ---- claims ----------------------------------------------------------- */

static void sockets_open_and_close_when_memory_is_short(void **state)
{
    oom_play(*state, open_and_close);
}

static void endpoints_come_and_go_when_memory_is_short(void **state)
{
    oom_play(*state, bind_and_unbind);
}

static void buffers_are_freed_once_when_memory_is_short(void **state)
{
    oom_play(*state, bound_first);
    oom_play(*state, connected_first);
}

static void many_items_are_polled_when_memory_is_short(void **state)
{
    oom_play(*state, poll_many);
}

static void monitors_tell_whole_events_when_memory_is_short(void **state)
{
    oom_play(*state, monitored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_ON(inproc, sockets_open_and_close_when_memory_is_short),
        OOM_ON(inproc, endpoints_come_and_go_when_memory_is_short),
        OOM_ON(inproc, buffers_are_freed_once_when_memory_is_short),
        OOM_ON(inproc, many_items_are_polled_when_memory_is_short),
        OOM_ON(tcp, monitors_tell_whole_events_when_memory_is_short),
        OOM_ON(ipc, monitors_tell_whole_events_when_memory_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
