/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The programming interface of ZeroMQ 2.1 through zmq_compat2.h: the calls
 * with three arguments, the types and units of options, microseconds, and no
 * high-water marks. The header is made of zmq.h alone, so all of it also runs
 * on libzmq.
 *
 * Thread: the main thread, and one for a device.
 */
#include "common/suite.h"

#include "common/call.h"

/* Last: from here on the names mean what they meant in 2.1. */
#include "zmq_compat2.h"

#include <pthread.h>

struct world {
    void *ctx;
    void *sockets[16];
    size_t count;
};

static int world_open(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    world->ctx = zmq_init(1);
    assert_non_null(world->ctx);
    *state = world;
    return 0;
}

static int world_close(void **state)
{
    struct world *world = *state;
    int now = 0;

    for (size_t i = 0; i < world->count; i++) {
        (void)zmq_setsockopt(world->sockets[i], ZMQ_LINGER, &now, sizeof now);
        (void)zmq_close(world->sockets[i]);
    }
    assert_ok(zmq_term(world->ctx));
    free(world);
    return 0;
}

static void *open_socket(struct world *world, int type)
{
    void *socket = zmq_socket(world->ctx, type);

    assert_non_null(socket);
    world->sockets[world->count++] = socket;
    return socket;
}

static void send_text(void *socket, const char *text, int flags)
{
    zmq_msg_t message;

    assert_ok(zmq_msg_init_size(&message, strlen(text)));
    memcpy(zmq_msg_data(&message), text, strlen(text));
    assert_int_equal(zmq_send(socket, &message, flags), 0);
    assert_ok(zmq_msg_close(&message));
}

static void expect_text(void *socket, const char *text)
{
    zmq_msg_t message;

    assert_ok(zmq_msg_init(&message));
    assert_int_equal(zmq_recv(socket, &message, 0), 0);
    assert_int_equal(zmq_msg_size(&message), strlen(text));
    assert_memory_equal(zmq_msg_data(&message), text, strlen(text));
    assert_ok(zmq_msg_close(&message));
}

/* ---- calls ---------------------------------------------------------- */

static void messages_go_by_three_arguments(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_UPSTREAM);
    void *push = open_socket(world, ZMQ_DOWNSTREAM);
    zmq_msg_t message;

    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    assert_ok(zmq_msg_init(&message));
    assert_fails(zmq_recv(pull, &message, ZMQ_NOBLOCK), EAGAIN);
    assert_ok(zmq_msg_close(&message));
    send_text(push, "some words", 0);
    expect_text(pull, "some words");
}

static void what_was_sent_leaves_an_empty_message(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    zmq_msg_t message;

    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    assert_ok(zmq_msg_init_size(&message, 1000));
    memset(zmq_msg_data(&message), 'x', 1000);
    assert_int_equal(zmq_send(push, &message, 0), 0);
    assert_int_equal(zmq_msg_size(&message), 0);
    assert_int_equal(zmq_recv(pull, &message, 0), 0);
    assert_int_equal(zmq_msg_size(&message), 1000);
    assert_ok(zmq_msg_close(&message));
}

static void errors_are_told_by_minus_one(void **state)
{
    struct world *world = *state;
    void *rep = open_socket(world, ZMQ_REP);
    void *pull = open_socket(world, ZMQ_PULL);
    zmq_msg_t message;

    assert_ok(zmq_msg_init(&message));
    assert_fails(zmq_send(rep, &message, 0), EFSM);
    assert_fails(zmq_send(pull, &message, 0), ENOTSUP);
    assert_fails(zmq_send(NULL, &message, 0), ENOTSOCK);
    assert_fails(zmq_recv(NULL, &message, 0), ENOTSOCK);
    assert_ok(zmq_msg_close(&message));
    assert_null_fails(zmq_socket(world->ctx, 1000), EINVAL);
    assert_null_fails(zmq_init(-1), EINVAL);
}

static void requests_pass_through_xreq_and_xrep(void **state)
{
    struct world *world = *state;
    void *xreq = open_socket(world, ZMQ_XREQ);
    void *xrep = open_socket(world, ZMQ_XREP);

    assert_ok(zmq_setsockopt(xreq, ZMQ_IDENTITY, "client", 6));
    assert_ok(zmq_bind(xrep, "inproc://xxx"));
    assert_ok(zmq_connect(xreq, "inproc://xxx"));
    send_text(xreq, "question", 0);
    expect_text(xrep, "client");
    expect_text(xrep, "question");
    send_text(xrep, "client", ZMQ_SNDMORE);
    send_text(xrep, "answer", 0);
    expect_text(xreq, "answer");
}

struct device {
    void *in;
    void *out;
};

static int run_device(void *arg)
{
    struct device *device = arg;
    int rc = zmq_device(ZMQ_STREAMER, device->in, device->out);
    int error = errno;

    (void)zmq_close(device->in);
    (void)zmq_close(device->out);
    errno = error;
    return rc;
}

static void a_streamer_runs_until_the_context_ends(void **state)
{
    void *ctx = zmq_init(0);
    struct device device = {zmq_socket(ctx, ZMQ_PULL),
                            zmq_socket(ctx, ZMQ_PUSH)};
    void *push = zmq_socket(ctx, ZMQ_PUSH);
    void *pull = zmq_socket(ctx, ZMQ_PULL);
    struct call call;

    (void)state;
    assert_ok(zmq_bind(device.in, "inproc://in"));
    assert_ok(zmq_bind(device.out, "inproc://out"));
    assert_ok(zmq_connect(push, "inproc://in"));
    assert_ok(zmq_connect(pull, "inproc://out"));
    call_start(&call, run_device, &device);
    send_text(push, "through", 0);
    expect_text(pull, "through");
    assert_ok(zmq_close(push));
    assert_ok(zmq_close(pull));
    assert_ok(zmq_term(ctx));
    assert_fails(call_join(&call), ETERM);
}

static void the_version_is_that_of_the_interface(void **state)
{
    int major, minor, patch;

    (void)state;
    zmq_version(&major, &minor, &patch);
    assert_int_equal(major, 2);
    assert_int_equal(minor, 1);
    assert_int_equal(ZMQ_MAKE_VERSION(major, minor, patch), ZMQ_VERSION);
}

/* ---- options -------------------------------------------------------- */

/* All options of 2.1 that are numbers of 8 bytes, with what a new socket has
 * and another value. */
static const struct {
    int option;
    int64_t initial;
    int64_t other;
    bool is_everywhere; /* in any libzmq */
} options[] = {
    {ZMQ_HWM, 0, 12, true},
    {ZMQ_AFFINITY, 0, 1, true},
    {ZMQ_RATE, 100, 4000, true},
    {ZMQ_RECOVERY_IVL, 10, 3, true},
    {ZMQ_RECOVERY_IVL_MSEC, 10000, 250, true},
    {ZMQ_MCAST_LOOP, 1, 0, false},
    {ZMQ_SWAP, 0, 1 << 20, false},
    {ZMQ_SNDBUF, 0, 20000, true},
    {ZMQ_RCVBUF, 0, 30000, true},
};

static int64_t get_wide(void *socket, int option)
{
    int64_t value = -77;
    size_t size = sizeof value;

    assert_ok(zmq_getsockopt(socket, option, &value, &size));
    assert_int_equal(size, sizeof value);
    return value;
}

static void set_wide(void *socket, int option, int64_t value)
{
    assert_ok(zmq_setsockopt(socket, option, &value, sizeof value));
}

static void options_have_the_types_and_units_of_2_1(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        void *socket = open_socket(world, ZMQ_XREQ);
        int option = options[i].option;

        if (!options[i].is_everywhere && !is_ceromq())
            continue;
        assert_int_equal(get_wide(socket, option), options[i].initial);
        set_wide(socket, option, options[i].other);
        assert_int_equal(get_wide(socket, option), options[i].other);
        set_wide(socket, option, options[i].initial);
        assert_int_equal(get_wide(socket, option), options[i].initial);
    }
}

static void todays_types_of_those_are_refused(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_XREQ);

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int option = options[i].option;
        int value[2] = {1, 1};
        size_t size = sizeof value[0];

        assert_fails(zmq_setsockopt(socket, option, value, size), EINVAL);
        assert_fails(zmq_getsockopt(socket, option, value, &size), EINVAL);
    }
}

static void what_no_number_of_today_holds_is_refused(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_XREQ);
    int64_t value = (int64_t)1 << 31;

    assert_fails(zmq_setsockopt(socket, ZMQ_RATE, &value, 8), EINVAL);
    assert_fails(zmq_setsockopt(socket, ZMQ_SNDBUF, &value, 8), EINVAL);
    value = INT32_MAX / 1000 + 1;
    assert_fails(zmq_setsockopt(socket, ZMQ_RECOVERY_IVL, &value, 8), EINVAL);
    assert_int_equal(get_wide(socket, ZMQ_RECOVERY_IVL), 10);
    value = -1;
    assert_ok(zmq_setsockopt(socket, ZMQ_RECOVERY_IVL_MSEC, &value, 8));
    assert_int_equal(get_wide(socket, ZMQ_RECOVERY_IVL_MSEC), 10000);
}

static void options_without_a_value_are_refused(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_XREQ);
    int64_t value = 1;
    size_t size = sizeof value;

    assert_fails(zmq_setsockopt(socket, ZMQ_HWM, NULL, 8), EINVAL);
    assert_fails(zmq_getsockopt(socket, ZMQ_HWM, NULL, &size), EINVAL);
    assert_fails(zmq_getsockopt(socket, ZMQ_HWM, &value, NULL), EINVAL);
}

static void a_mark_beyond_all_numbers_is_no_mark(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PUSH);
    uint64_t mark = UINT64_MAX;

    set_wide(socket, ZMQ_HWM, 5);
    assert_ok(zmq_setsockopt(socket, ZMQ_HWM, &mark, sizeof mark));
    assert_int_equal(get_wide(socket, ZMQ_HWM), 0);
}

static void more_parts_are_told_in_eight_bytes(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);

    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    send_text(push, "first", ZMQ_SNDMORE);
    send_text(push, "last", 0);
    expect_text(pull, "first");
    assert_int_equal(get_wide(pull, ZMQ_RCVMORE), 1);
    expect_text(pull, "last");
    assert_int_equal(get_wide(pull, ZMQ_RCVMORE), 0);
}

static void events_are_told_in_four_bytes(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    uint32_t events = 0;
    size_t size = sizeof events;

    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    assert_ok(zmq_getsockopt(push, ZMQ_EVENTS, &events, &size));
    assert_int_equal(events, ZMQ_POLLOUT);
    send_text(push, "word", 0);
    assert_ok(zmq_getsockopt(pull, ZMQ_EVENTS, &events, &size));
    assert_int_equal(events, ZMQ_POLLIN);
}

static void options_of_later_versions_are_as_today(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    int value = 10;
    size_t size = sizeof value;
    zmq_msg_t message;

    assert_ok(zmq_setsockopt(pull, ZMQ_RCVTIMEO, &value, size));
    assert_ok(zmq_msg_init(&message));
    assert_fails(zmq_recv(pull, &message, 0), EAGAIN);
    assert_ok(zmq_msg_close(&message));
    assert_ok(zmq_getsockopt(pull, ZMQ_SNDHWM, &value, &size));
    assert_int_equal(value, 0);
}

/* ---- marks ---------------------------------------------------------- */

/* How many messages go without a reader, up to `limit`. */
static int send_until_full(void *socket, int limit)
{
    zmq_msg_t message;
    int count;

    assert_ok(zmq_msg_init(&message));
    for (count = 0; count < limit; count++) {
        if (zmq_send(socket, &message, ZMQ_NOBLOCK) == -1) {
            assert_int_equal(errno, EAGAIN);
            break;
        }
    }
    assert_ok(zmq_msg_close(&message));
    return count;
}

static void no_mark_holds_up_who_sets_none(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);

    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    assert_int_equal(send_until_full(push, 20000), 20000);
}

static void a_mark_counts_for_both_directions(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);

    set_wide(push, ZMQ_HWM, 30);
    set_wide(pull, ZMQ_HWM, 50);
    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    assert_int_equal(send_until_full(push, 20000), 80);
}

/* ---- polling -------------------------------------------------------- */

static void polling_counts_microseconds(void **state)
{
    struct world *world = *state;
    zmq_pollitem_t item = {.socket = open_socket(world, ZMQ_PULL),
                           .events = ZMQ_POLLIN};
    int64_t start = now_ms();

    assert_int_equal(zmq_poll(&item, 1, 200 * 1000), 0);
    assert_in_range(now_ms() - start, 200, PATIENCE_MS);
    start = now_ms();
    for (int i = 0; i < 50; i++)
        assert_int_equal(zmq_poll(&item, 1, 1), 0);
    assert_in_range(now_ms() - start, 49, PATIENCE_MS);
    assert_int_equal(zmq_poll(&item, 1, 0), 0);
}

static int poll_for_ever(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, -1);
}

static void polling_may_wait_for_ever(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    struct call call;

    assert_ok(zmq_bind(push, "inproc://xxx"));
    assert_ok(zmq_connect(pull, "inproc://xxx"));
    call_start(&call, poll_for_ever, pull);
    call_wait_blocked(&call);
    assert_false(call_returns_within(&call, GLANCE_MS));
    send_text(push, "word", 0);
    assert_int_equal(call_join(&call), 1);
    expect_text(pull, "word");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_go_by_three_arguments),
        TEST(what_was_sent_leaves_an_empty_message),
        TEST(errors_are_told_by_minus_one),
        TEST(requests_pass_through_xreq_and_xrep),
        TEST(a_streamer_runs_until_the_context_ends),
        TEST(the_version_is_that_of_the_interface),
        TEST(options_have_the_types_and_units_of_2_1),
        TEST(todays_types_of_those_are_refused),
        TEST(what_no_number_of_today_holds_is_refused),
        TEST(options_without_a_value_are_refused),
        TEST(a_mark_beyond_all_numbers_is_no_mark),
        TEST(more_parts_are_told_in_eight_bytes),
        TEST(events_are_told_in_four_bytes),
        TEST(options_of_later_versions_are_as_today),
        TEST(no_mark_holds_up_who_sets_none),
        TEST(a_mark_counts_for_both_directions),
        TEST(polling_counts_microseconds),
        TEST(polling_may_wait_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
