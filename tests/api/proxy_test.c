/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Proxies: what goes through them, what a side that is full or absent does
 * to the other, and how they are controlled and end.
 *
 * Thread: the proxy runs in a thread of its own, and owns its sockets until
 * it returns; the rest is the main thread.
 */
#include "common/proxy.h"
#include "common/socket.h"

#include <errno.h>

#define MANY 3000
#define STATISTICS 8

static int run_device(void *arg)
{
    struct proxy *proxy = arg;

    return zmq_device(ZMQ_QUEUE, proxy->frontend, proxy->backend);
}

static struct proxy queue_open(struct env *env)
{
    return proxy_open(env, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);
}

static struct proxy streamer_open(struct env *env)
{
    return proxy_open(env, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, ZMQ_PULL);
}

/* ---- what goes through ---------------------------------------------- */

static void messages_go_through_in_order(void **state)
{
    struct proxy proxy = streamer_open(*state);

    proxy_start(&proxy);
    for (uint32_t i = 0; i < MANY; i++)
        send_number(proxy.front, i);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(receive_number(proxy.back), i);
    proxy_end(&proxy);
}

static void messages_go_both_ways(void **state)
{
    struct proxy proxy = queue_open(*state);

    proxy_start(&proxy);
    for (int i = 0; i < 100; i++) {
        send_text(proxy.front, "question", 0);
        expect_part(proxy.back, "question", false);
        send_text(proxy.back, "answer", 0);
        expect_part(proxy.front, "answer", false);
    }
    proxy_end(&proxy);
}

static void parts_stay_together(void **state)
{
    struct proxy proxy = queue_open(*state);

    proxy_start(&proxy);
    for (int i = 0; i < 10; i++) {
        send_text(proxy.front, "one", ZMQ_SNDMORE);
        send_text(proxy.front, "", ZMQ_SNDMORE);
        send_text(proxy.front, "three", 0);
        send_text(proxy.front, "single", 0);
    }
    for (int i = 0; i < 10; i++) {
        expect_part(proxy.back, "one", true);
        expect_part(proxy.back, "", true);
        expect_part(proxy.back, "three", false);
        expect_part(proxy.back, "single", false);
    }
    proxy_end(&proxy);
}

static void large_messages_are_whole(void **state)
{
    struct proxy proxy = streamer_open(*state);
    const size_t size = 1000000;
    unsigned char *sent = malloc(size);
    zmq_msg_t msg;

    assert_non_null(sent);
    for (size_t i = 0; i < size; i++)
        sent[i] = (unsigned char)(i * 13 + i / 253);
    proxy_start(&proxy);
    assert_int_equal(zmq_send(proxy.front, sent, size, 0), size);
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_recv(&msg, proxy.back, 0), size);
    assert_memory_equal(zmq_msg_data(&msg), sent, size);
    zmq_msg_close(&msg);
    free(sent);
    proxy_end(&proxy);
}

static void a_device_is_a_proxy(void **state)
{
    struct proxy proxy = queue_open(*state);

    call_start(&proxy.call, run_device, &proxy);
    send_text(proxy.front, "through", 0);
    expect_text(proxy.back, "through");
    proxy_end(&proxy);
}

static void one_socket_as_both_sides_sends_back(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};

    env_pair(env, ZMQ_PAIR, &proxy.frontend, ZMQ_PAIR, &proxy.front);
    proxy.backend = proxy.frontend;
    proxy_start(&proxy);
    for (uint32_t i = 0; i < 100; i++)
        send_number(proxy.front, i);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(receive_number(proxy.front), i);
    proxy_end(&proxy);
}

/* It can send only when it has received. */
static void one_rep_as_both_sides_answers(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};

    env_pair(env, ZMQ_REP, &proxy.frontend, ZMQ_REQ, &proxy.front);
    proxy.backend = proxy.frontend;
    proxy_start(&proxy);
    for (uint32_t i = 0; i < 100; i++) {
        send_number(proxy.front, i);
        assert_int_equal(receive_number(proxy.front), i);
    }
    proxy_end(&proxy);
}

static void the_capture_gets_a_copy_of_both_ways(void **state)
{
    struct env *env = *state;
    struct proxy proxy = queue_open(env);

    env_pair(env, ZMQ_PAIR, &proxy.capture, ZMQ_PAIR, &proxy.captured);
    proxy_start(&proxy);
    send_text(proxy.front, "there", ZMQ_SNDMORE);
    send_text(proxy.front, "too", 0);
    expect_part(proxy.back, "there", true);
    expect_part(proxy.back, "too", false);
    send_text(proxy.back, "and back", 0);
    expect_part(proxy.front, "and back", false);
    expect_part(proxy.captured, "there", true);
    expect_part(proxy.captured, "too", false);
    expect_part(proxy.captured, "and back", false);
    proxy_end(&proxy);
}

/* ---- full and absent sides ------------------------------------------ */

static void a_full_side_does_not_hold_up_the_other_way(void **state)
{
    struct proxy proxy;
    uint32_t count;

    if (!is_ceromq())
        skip(); /* Now and then it does: seen once in some hundred runs. */
    proxy = queue_open(*state);
    proxy_start(&proxy);
    count = send_until_full(proxy.front, 1000000, GLANCE_MS);
    assert_true(count > 0);
    for (int i = 0; i < 10; i++) {
        send_text(proxy.back, "back", 0);
        expect_text(proxy.front, "back");
    }
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(receive_number(proxy.back), i);
    proxy_end(&proxy);
}

static void what_cannot_be_passed_on_stays_where_it_is(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};
    char endpoint[ENDPOINT_MAX];

    env_pair(env, ZMQ_PULL, &proxy.frontend, ZMQ_PUSH, &proxy.front);
    proxy.backend = env_socket(env, ZMQ_PUSH);
    env_bind(env, proxy.backend, endpoint);
    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    send_text(proxy.front, "kept", 0);
    proxy_wait_idle(&proxy);
    send_text(proxy.controller, "TERMINATE", 0);
    assert_int_equal(call_join(&proxy.call), 0);
    expect_text(proxy.frontend, "kept");
}

static void a_side_that_comes_late_gets_everything(void **state)
{
    struct env *env = *state;
    struct proxy proxy = {.env = env};
    char endpoint[ENDPOINT_MAX];

    env_pair(env, ZMQ_PULL, &proxy.frontend, ZMQ_PUSH, &proxy.front);
    proxy.backend = env_socket(env, ZMQ_PUSH);
    env_bind(env, proxy.backend, endpoint);
    proxy_start(&proxy);
    for (uint32_t i = 0; i < 100; i++)
        send_number(proxy.front, i);
    proxy_wait_idle(&proxy);
    proxy.back = env_socket(env, ZMQ_PULL);
    assert_ok(zmq_connect(proxy.back, endpoint));
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(receive_number(proxy.back), i);
    proxy_end(&proxy);
}

/* ---- control -------------------------------------------------------- */

static void expect_statistics(struct proxy *proxy,
                              const uint64_t expected[STATISTICS])
{
    send_text(proxy->controller, "STATISTICS", 0);
    for (int i = 0; i < STATISTICS; i++) {
        uint64_t number = UINT64_MAX;

        assert_int_equal(
            zmq_recv(proxy->controller, &number, sizeof(number), 0),
            sizeof(number));
        assert_int_equal(number, expected[i]);
        assert_int_equal(get_int(proxy->controller, ZMQ_RCVMORE),
                         i < STATISTICS - 1);
    }
}

static void statistics_count_messages_and_bytes(void **state)
{
    static const uint64_t nothing[STATISTICS] = {0};
    static const uint64_t some[STATISTICS] = {3, 15, 1, 7, 1, 7, 3, 15};
    struct proxy proxy = queue_open(*state);

    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    expect_statistics(&proxy, nothing);
    for (int i = 0; i < 3; i++) {
        send_text(proxy.front, "two", ZMQ_SNDMORE);
        send_text(proxy.front, "pa", 0);
    }
    for (int i = 0; i < 3; i++) {
        expect_text(proxy.back, "two");
        expect_text(proxy.back, "pa");
    }
    send_text(proxy.back, "an echo", 0);
    expect_text(proxy.front, "an echo");
    expect_statistics(&proxy, some);
    expect_statistics(&proxy, some);
    proxy_end(&proxy);
}

static void a_paused_proxy_passes_nothing_on(void **state)
{
    static const uint64_t nothing[STATISTICS] = {0};
    struct proxy proxy = queue_open(*state);

    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    send_text(proxy.controller, "PAUSE", 0);
    /* The answer says that the proxy has paused. */
    expect_statistics(&proxy, nothing);
    send_text(proxy.front, "there", 0);
    send_text(proxy.back, "back", 0);
    expect_nothing_for_a_while(proxy.back);
    expect_nothing(proxy.front);
    send_text(proxy.controller, "RESUME", 0);
    expect_text(proxy.back, "there");
    expect_text(proxy.front, "back");
    proxy_end(&proxy);
}

static void terminate_ends_the_proxy(void **state)
{
    struct proxy proxy = queue_open(*state);

    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    send_text(proxy.front, "before", 0);
    expect_text(proxy.back, "before");
    send_text(proxy.controller, "TERMINATE", 0);
    assert_int_equal(call_join(&proxy.call), 0);
    /* The sockets are as good as before. */
    send_text(proxy.front, "behind", 0);
    expect_text(proxy.frontend, "behind");
}

static void a_paused_proxy_can_be_terminated(void **state)
{
    struct proxy proxy = queue_open(*state);

    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    send_text(proxy.controller, "PAUSE", 0);
    send_text(proxy.controller, "TERMINATE", 0);
    assert_int_equal(call_join(&proxy.call), 0);
}

static void what_is_no_command_is_ignored(void **state)
{
    static const char *const texts[] = {"",         "pause", "PAUSE ",
                                        "TERMINAT", "STOP",  "TERMINATED"};
    struct proxy proxy = queue_open(*state);

    /* libzmq ends the process here. */
    if (!is_ceromq())
        skip();
    proxy_start_steerable(&proxy, ZMQ_PAIR, ZMQ_PAIR);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        send_text(proxy.controller, texts[i], 0);
    send_text(proxy.controller, "TERMINATE", ZMQ_SNDMORE);
    send_text(proxy.controller, "TERMINATE", 0);
    send_text(proxy.front, "still there", 0);
    expect_text(proxy.back, "still there");
    send_text(proxy.controller, "TERMINATE", 0);
    assert_int_equal(call_join(&proxy.call), 0);
}

static void without_control_a_steerable_proxy_is_a_proxy(void **state)
{
    struct proxy proxy = queue_open(*state);

    assert_null(proxy.control);
    proxy_start(&proxy);
    send_text(proxy.front, "TERMINATE", 0);
    expect_text(proxy.back, "TERMINATE");
    proxy_end(&proxy);
}

/* ---- ends ----------------------------------------------------------- */

static void the_end_of_the_context_ends_the_proxy(void **state)
{
    struct proxy proxy = queue_open(*state);

    proxy_start(&proxy);
    call_wait_blocked(&proxy.call);
    proxy_end(&proxy);
}

static void a_signal_ends_the_proxy(void **state)
{
    struct proxy proxy = queue_open(*state);

    proxy_start(&proxy);
    call_wait_blocked(&proxy.call);
    call_interrupt(&proxy.call);
    assert_int_equal(call_join(&proxy.call), -1);
    assert_int_equal(zmq_errno(), EINTR);
}

static void both_sides_must_be_sockets(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PAIR);

    assert_fails(zmq_proxy(NULL, socket, NULL), EFAULT);
    assert_fails(zmq_proxy(socket, NULL, NULL), EFAULT);
    /* libzmq 4.3.4 takes NULL for descriptor 0 here. */
    if (is_ceromq()) {
        assert_fails(zmq_proxy_steerable(NULL, socket, NULL, NULL), EFAULT);
        assert_fails(zmq_device(ZMQ_QUEUE, NULL, socket), EFAULT);
        assert_fails(zmq_device(ZMQ_QUEUE, socket, NULL), EFAULT);
    }
    assert_fails(zmq_proxy(env->ctx, socket, NULL), ENOTSOCK);
    assert_fails(zmq_proxy(socket, env->ctx, NULL), ENOTSOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(messages_go_through_in_order),
        ON_EACH(messages_go_both_ways),
        ON_EACH(parts_stay_together),
        ON_EACH(large_messages_are_whole),
        ON(inproc, a_device_is_a_proxy),
        ON(inproc, one_socket_as_both_sides_sends_back),
        ON_EACH(one_rep_as_both_sides_answers),
        ON(inproc, the_capture_gets_a_copy_of_both_ways),
        ON(inproc, a_full_side_does_not_hold_up_the_other_way),
        ON_EACH(what_cannot_be_passed_on_stays_where_it_is),
        ON_EACH(a_side_that_comes_late_gets_everything),
        ON(inproc, statistics_count_messages_and_bytes),
        ON(inproc, a_paused_proxy_passes_nothing_on),
        ON(inproc, terminate_ends_the_proxy),
        ON(inproc, a_paused_proxy_can_be_terminated),
        ON(inproc, what_is_no_command_is_ignored),
        ON(inproc, without_control_a_steerable_proxy_is_a_proxy),
        ON(inproc, the_end_of_the_context_ends_the_proxy),
        ON(inproc, a_signal_ends_the_proxy),
        ON(inproc, both_sides_must_be_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
