/* SPDX-License-Identifier: MPL-2.0 */
/*
 * No failed allocation ends the process, hangs, leaks or loses anything:
 * each scene is played with its first allocation failing, then with the
 * second, and so on, until there are no more. A call that is out of memory
 * says so and changes nothing, so that it succeeds when it is made again. If
 * an I/O thread is hit instead, its connection is made anew.
 *
 * CTest: TIMEOUT 300
 * Thread: the main thread; the library's I/O threads allocate, too.
 */
#define ZMQ_BUILD_DRAFT_API
#include "base/alloc.h"
#include "common/suite.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FAILURES_MAX = 2000, LARGE = 100000, MANY = 50 };

/* Plays the scene until each of its allocations has failed once. */
static void play(void (*scene)(void))
{
    uint64_t nth = 0;

    do {
        nth++;
        assert_true(nth < FAILURES_MAX);
        cz_alloc_fail_at(nth);
        scene();
    } while (cz_alloc_calls() >= nth);
    /* There was something that could fail. */
    assert_true(nth > 1);
}

static bool is_out_of_memory(void)
{
    if (errno != ENOMEM)
        print_error("failed with %s\n", zmq_strerror(errno));
    return errno == ENOMEM;
}

/* The call succeeds, at the latest when it is made again. */
#define MAKE(call)                                                             \
    assert_true((call) != -1 || (is_out_of_memory() && (call) != -1))

/* The same for a call that gives a pointer. */
#define GET(variable, call)                                                    \
    assert_true(((variable) = (call)) != NULL ||                               \
                (is_out_of_memory() && ((variable) = (call)) != NULL))

/* ---- what needs no context ------------------------------------------ */

static void on_timer(int id, void *count)
{
    (void)id;
    ++*(int *)count;
}

static void timers(void)
{
    int count = 0;
    void *set;

    GET(set, zmq_timers_new());
    for (int i = 0; i < MANY; i++)
        MAKE(zmq_timers_add(set, 0, on_timer, &count));
    MAKE(zmq_timers_execute(set));
    assert_int_equal(count, MANY);
    MAKE(zmq_timers_destroy(&set));
}

static void on_thread(void *ran)
{
    *(int *)ran = 1;
}

static void tools(void)
{
    void *counter, *watch, *thread;
    int ran = 0;

    GET(counter, zmq_atomic_counter_new());
    zmq_atomic_counter_destroy(&counter);
    GET(watch, zmq_stopwatch_start());
    zmq_stopwatch_stop(watch);
    GET(thread, zmq_threadstart(on_thread, &ran));
    zmq_threadclose(thread);
    assert_int_equal(ran, 1);
}

static void poller(void)
{
    zmq_poller_event_t events[MANY];
    void *set;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    GET(set, zmq_poller_new());
    for (int i = 0; i < MANY; i++)
        MAKE(zmq_poller_add_fd(set, 1000 + i, NULL, 0));
    assert_int_equal(zmq_poller_size(set), MANY);
    MAKE(zmq_poller_add_fd(set, fds[1], NULL, ZMQ_POLLOUT));
    MAKE(zmq_poller_wait_all(set, events, MANY, -1));
    assert_int_equal(events[0].fd, fds[1]);
    MAKE(zmq_poller_destroy(&set));
    close(fds[0]);
    close(fds[1]);
}

static void on_free(void *data, void *count)
{
    free(data);
    ++*(int *)count;
}

static void messages(void)
{
    char *data = malloc(LARGE);
    int freed = 0;
    zmq_msg_t one, two;

    MAKE(zmq_msg_init_data(&one, data, LARGE, on_free, &freed));
    MAKE(zmq_msg_init(&two));
    MAKE(zmq_msg_copy(&two, &one));
    MAKE(zmq_msg_close(&one));
    assert_int_equal(freed, 0);
    MAKE(zmq_msg_close(&two));
    assert_int_equal(freed, 1);
    MAKE(zmq_msg_init_size(&one, LARGE));
    MAKE(zmq_msg_close(&one));
    MAKE(zmq_msg_init_buffer(&one, "some bytes", 10));
    MAKE(zmq_msg_close(&one));
}

/* ---- sockets -------------------------------------------------------- */

static void set(void *socket, int option, int value)
{
    MAKE(zmq_setsockopt(socket, option, &value, sizeof(value)));
}

static void *open_socket(void *ctx, int type)
{
    void *socket;

    GET(socket, zmq_socket(ctx, type));
    set(socket, ZMQ_LINGER, 0);
    set(socket, ZMQ_RECONNECT_IVL, 1);
    set(socket, ZMQ_RCVTIMEO, PATIENCE_MS);
    set(socket, ZMQ_SNDTIMEO, PATIENCE_MS);
    return socket;
}

/* One message in which every way of sending has a part. */
static void send_message(void *socket, char *large)
{
    zmq_msg_t msg;
    struct iovec part = {large, 300};

    MAKE(zmq_send(socket, "small", 5, ZMQ_SNDMORE));
    MAKE(zmq_send(socket, large, LARGE, ZMQ_SNDMORE));
    MAKE(zmq_send_const(socket, large, LARGE, ZMQ_SNDMORE));
    MAKE(zmq_msg_init_data(&msg, large, LARGE, NULL, NULL));
    MAKE(zmq_msg_send(&msg, socket, ZMQ_SNDMORE));
    MAKE(zmq_msg_init_size(&msg, 1000));
    MAKE(zmq_msg_send(&msg, socket, ZMQ_SNDMORE));
    MAKE(zmq_sendiov(socket, &part, 1, 0));
}

static void receive_message(void *socket, char *buffer)
{
    static const size_t sizes[] = {5, LARGE, LARGE, LARGE, 1000, 300};
    zmq_msg_t msg;

    MAKE(zmq_recv(socket, buffer, 5, 0));
    assert_memory_equal(buffer, "small", 5);
    zmq_msg_init(&msg);
    for (size_t i = 1; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        MAKE(zmq_msg_recv(&msg, socket, 0));
        assert_int_equal(zmq_msg_size(&msg), sizes[i]);
        assert_int_equal(zmq_msg_more(&msg), sizes[i] != 300);
    }
    zmq_msg_close(&msg);
}

static void exchange(void *one, void *two)
{
    char *large = calloc(2, LARGE);
    zmq_pollitem_t items[2] = {{.socket = two, .events = ZMQ_POLLIN},
                               {.socket = one, .events = ZMQ_POLLIN}};

    for (int i = 0; i < 3; i++)
        send_message(one, large);
    MAKE(zmq_poll(items, 2, PATIENCE_MS));
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    for (int i = 0; i < 3; i++)
        receive_message(two, large + LARGE);
    send_message(two, large);
    receive_message(one, large + LARGE);
    free(large);
}

static void inproc(void)
{
    void *ctx, *one, *two, *monitor;
    char endpoint[64];
    size_t size = sizeof(endpoint);
    int fd;

    GET(ctx, zmq_ctx_new());
    one = open_socket(ctx, ZMQ_PAIR);
    two = open_socket(ctx, ZMQ_PAIR);
    monitor = open_socket(ctx, ZMQ_PAIR);
    MAKE(zmq_socket_monitor(one, "inproc://monitor", ZMQ_EVENT_ALL));
    MAKE(zmq_connect(monitor, "inproc://monitor"));
    MAKE(zmq_bind(one, "inproc://a"));
    MAKE(zmq_connect(two, "inproc://a"));
    MAKE(zmq_getsockopt(one, ZMQ_LAST_ENDPOINT, endpoint, &size));
    size = sizeof(fd);
    MAKE(zmq_getsockopt(one, ZMQ_FD, &fd, &size));
    exchange(one, two);
    MAKE(zmq_disconnect(two, "inproc://a"));
    MAKE(zmq_unbind(one, "inproc://a"));
    MAKE(zmq_close(one));
    MAKE(zmq_close(two));
    MAKE(zmq_close(monitor));
    MAKE(zmq_ctx_term(ctx));
}

static void inproc_connect_first(void)
{
    void *ctx, *one, *two;
    char *large = calloc(2, LARGE);

    GET(ctx, zmq_ctx_new());
    one = open_socket(ctx, ZMQ_PUSH);
    MAKE(zmq_connect(one, "inproc://later"));
    send_message(one, large);
    two = open_socket(ctx, ZMQ_PULL);
    MAKE(zmq_bind(two, "inproc://later"));
    receive_message(two, large + LARGE);
    free(large);
    MAKE(zmq_close(one));
    MAKE(zmq_close(two));
    MAKE(zmq_ctx_term(ctx));
}

/* Sends until something has come through: a connection that was hit has
 * lost what was under way. */
static void stream_through(void *push, void *pull, char *large)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    zmq_pollitem_t item = {.socket = pull, .events = ZMQ_POLLIN};

    do {
        assert_true(now_ms() < end_ms);
        send_message(push, large);
        MAKE(zmq_poll(&item, 1, 20));
    } while (item.revents == 0);
    receive_message(pull, large + LARGE);
}

static void stream(const char *wildcard)
{
    void *ctx, *push, *pull;
    char *large = calloc(2, LARGE);
    char endpoint[256];
    size_t size = sizeof(endpoint);

    GET(ctx, zmq_ctx_new());
    pull = open_socket(ctx, ZMQ_PULL);
    push = open_socket(ctx, ZMQ_PUSH);
    MAKE(zmq_bind(pull, wildcard));
    MAKE(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size));
    MAKE(zmq_connect(push, endpoint));
    stream_through(push, pull, large);
    MAKE(zmq_disconnect(push, endpoint));
    MAKE(zmq_unbind(pull, endpoint));
    MAKE(zmq_close(push));
    MAKE(zmq_close(pull));
    MAKE(zmq_ctx_term(ctx));
    free(large);
}

static void tcp(void)
{
    stream("tcp://127.0.0.1:*");
}

static void ipc(void)
{
    stream("ipc://*");
}

/* ---- claims --------------------------------------------------------- */

static void timers_can_be_out_of_memory(void **state)
{
    (void)state;
    play(timers);
}

static void tools_can_be_out_of_memory(void **state)
{
    (void)state;
    play(tools);
}

static void pollers_can_be_out_of_memory(void **state)
{
    (void)state;
    play(poller);
}

static void messages_can_be_out_of_memory(void **state)
{
    (void)state;
    play(messages);
}

static void inproc_can_be_out_of_memory(void **state)
{
    (void)state;
    play(inproc);
}

static void inproc_can_be_out_of_memory_before_it_is_bound(void **state)
{
    (void)state;
    play(inproc_connect_first);
}

static void tcp_can_be_out_of_memory(void **state)
{
    (void)state;
    play(tcp);
}

static void ipc_can_be_out_of_memory(void **state)
{
    (void)state;
    play(ipc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_can_be_out_of_memory),
        cmocka_unit_test(tools_can_be_out_of_memory),
        cmocka_unit_test(pollers_can_be_out_of_memory),
        cmocka_unit_test(messages_can_be_out_of_memory),
        cmocka_unit_test(inproc_can_be_out_of_memory),
        cmocka_unit_test(inproc_can_be_out_of_memory_before_it_is_bound),
        cmocka_unit_test(tcp_can_be_out_of_memory),
        cmocka_unit_test(ipc_can_be_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
