/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap (ZMQ_SWAP): what is over the high-water mark waits on the disk, and
 * comes in order. docs/swap.md.
 *
 * libzmq dropped the option after 2.x, so these tests are for this library
 * alone.
 *
 * Thread: the main thread, and one that sends.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/monitor.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>
#include <unistd.h>

/* ---- the option ----------------------------------------------------- */

static void the_option_is_64_bits_and_not_negative(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PUSH);
    int64_t size = -1;
    size_t length = sizeof(size);

    assert_ok(zmq_getsockopt(socket, ZMQ_SWAP, &size, &length));
    assert_int_equal(size, 0);
    size = 123456789012;
    assert_ok(zmq_setsockopt(socket, ZMQ_SWAP, &size, sizeof(size)));
    size = -1;
    assert_fails(zmq_setsockopt(socket, ZMQ_SWAP, &size, sizeof(size)), EINVAL);
    assert_fails(zmq_setsockopt(socket, ZMQ_SWAP, &size, 4), EINVAL);
    assert_ok(zmq_getsockopt(socket, ZMQ_SWAP, &size, &length));
    assert_true(size == 123456789012);
}

static void a_directory_that_cannot_be_written_fails_at_once(void **state)
{
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX], got[64];
    size_t length = sizeof(got);

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_setsockopt(socket, CERO_SWAP_DIR, "/nowhere/at/all", 15));
    assert_ok(zmq_getsockopt(socket, CERO_SWAP_DIR, got, &length));
    assert_string_equal(got, "/nowhere/at/all");
    assert_ok(zmq_connect(socket, endpoint));
    swap_set(socket, SWAP_PLENTY);
    assert_fails(zmq_connect(socket, endpoint), ENOENT);
    env_free_endpoint(env, endpoint);
    assert_fails(zmq_bind(socket, endpoint), ENOENT);
    assert_ok(zmq_setsockopt(socket, CERO_SWAP_DIR, "/proc", 5));
    assert_true(zmq_connect(socket, endpoint) == -1);
    assert_ok(zmq_setsockopt(socket, CERO_SWAP_DIR, NULL, 0));
    assert_ok(zmq_connect(socket, endpoint));
}

/* ---- order ---------------------------------------------------------- */

static void all_comes_in_order(struct env *env, bool is_bound)
{
    void *push, *pull;

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, is_bound);
    wait_for(push, ZMQ_POLLOUT);
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    swap_receive(pull, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    expect_nothing_for_a_while(pull);
    /* And again, now that it has been empty. */
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    swap_receive(pull, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
}

static void what_a_connected_socket_sends_comes_in_order(void **state)
{
    all_comes_in_order(*state, false);
}

static void what_a_bound_socket_sends_comes_in_order(void **state)
{
    all_comes_in_order(*state, true);
}

static void sending_and_receiving_in_turns_keeps_the_order(void **state)
{
    struct env *env = *state;
    void *push, *pull;
    uint32_t sent = 0, received = 0;

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, false);
    for (uint32_t round = 1; round < 200; round++) {
        uint32_t more = round * 7919 % 997;
        uint32_t fewer = round * 6007 % 1009;

        swap_send(push, sent, sent + more, 3000);
        sent += more;
        if (fewer > sent - received)
            fewer = sent - received;
        swap_receive(pull, received, received + fewer, 3000);
        received += fewer;
    }
    swap_receive(pull, received, sent, 3000);
}

static void large_bodies_come_in_order(void **state)
{
    struct env *env = *state;
    void *push, *pull;

    swap_open_pair(env, ZMQ_PUSH, &push, ZMQ_PULL, &pull, false);
    swap_send(push, 0, 400, SWAP_BODY_MAX);
    swap_receive(pull, 0, 400, SWAP_BODY_MAX);
}

/* ---- the limit ------------------------------------------------------ */

static void poll_says_what_there_is_room_for(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    uint32_t sent, more;

    env_free_endpoint(env, endpoint);
    swap_set(push, 500000);
    assert_ok(zmq_connect(push, endpoint));
    assert_true(is_ready(push, ZMQ_POLLOUT, 0));
    sent = swap_send_until_full(push, 0, SWAP_BODY_SIZE);
    assert_in_range(sent, 500000 / SWAP_BODY_SIZE, 500000 / 100);
    assert_false(is_ready(push, ZMQ_POLLOUT, GLANCE_MS));
    assert_ok(zmq_bind(pull, endpoint));
    swap_receive(pull, 0, sent / 2, SWAP_BODY_SIZE);
    wait_for(push, ZMQ_POLLOUT);
    more = swap_send_until_full(push, sent, SWAP_BODY_SIZE);
    assert_true(more > sent);
    swap_receive(pull, sent / 2, more, SWAP_BODY_SIZE);
    wait_for(push, ZMQ_POLLOUT);
    swap_send(push, more, more + 1000, SWAP_BODY_SIZE);
    swap_receive(pull, more, more + 1000, SWAP_BODY_SIZE);
}

struct numbers {
    void *socket;
    uint32_t count;
};

static int send_all(void *arg)
{
    static uint8_t body[SWAP_BODY_SIZE];
    struct numbers *numbers = arg;

    for (uint32_t i = 0; i < numbers->count; i++) {
        size_t size = swap_fill(body, i, SWAP_BODY_SIZE);

        if (zmq_send(numbers->socket, body, size, 0) == -1)
            return -1;
    }
    return 0;
}

/* A limit that is hit all the time, and two threads. */
static void a_sender_waits_for_room_in_a_full_swap(void **state)
{
    struct env *env = *state;
    struct numbers numbers = {.count = 200000};
    struct call call;
    void *pull;

    numbers.socket = env_socket(env, ZMQ_PUSH);
    pull = env_socket(env, ZMQ_PULL);
    swap_set(numbers.socket, 200000);
    swap_narrow(pull);
    env_link(env, pull, numbers.socket);
    call_start(&call, send_all, &numbers);
    swap_receive(pull, 0, numbers.count, SWAP_BODY_SIZE);
    assert_int_equal(call_join(&call), 0);
}

static void a_message_larger_than_the_limit_never_goes_there(void **state)
{
    struct env *env = *state;
    static char body[5000];
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    swap_set(push, 4000);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < SWAP_MARK; i++)
        assert_ok(zmq_send(push, body, sizeof(body), ZMQ_DONTWAIT));
    assert_fails(zmq_send(push, body, sizeof(body), ZMQ_DONTWAIT), EAGAIN);
    assert_false(is_ready(push, ZMQ_POLLOUT, 0));
    assert_ok(zmq_bind(pull, endpoint));
    assert_ok(zmq_send(push, body, sizeof(body), 0));
    for (int i = 0; i <= SWAP_MARK; i++)
        assert_int_equal(zmq_recv(pull, body, sizeof(body), 0), sizeof(body));
}

static void a_full_swap_is_told_once(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    struct monitor_event event;
    char endpoint[ENDPOINT_MAX];
    void *monitor;
    uint32_t sent;

    env_free_endpoint(env, endpoint);
    swap_set(push, 50000);
    monitor = monitor_open(env, push, CERO_EVENT_SWAP);
    assert_ok(zmq_connect(push, endpoint));
    sent = swap_send_until_full(push, 0, SWAP_BODY_SIZE);
    (void)swap_send_until_full(push, sent, SWAP_BODY_SIZE);
    event = monitor_expect(monitor, CERO_EVENT_SWAP);
    assert_int_equal(event.value, EAGAIN);
    assert_string_equal(event.address, endpoint);
    monitor_expect_nothing(monitor);
    assert_ok(zmq_bind(pull, endpoint));
    swap_receive(pull, 0, sent, SWAP_BODY_SIZE);
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON(inproc, the_option_is_64_bits_and_not_negative),
        ON_EACH(a_directory_that_cannot_be_written_fails_at_once),
        ON_EACH(what_a_connected_socket_sends_comes_in_order),
        ON_EACH(what_a_bound_socket_sends_comes_in_order),
        ON_EACH(sending_and_receiving_in_turns_keeps_the_order),
        ON_EACH(large_bodies_come_in_order),
        ON_EACH(poll_says_what_there_is_room_for),
        ON_EACH(a_sender_waits_for_room_in_a_full_swap),
        ON_EACH(a_message_larger_than_the_limit_never_goes_there),
        ON_EACH(a_full_swap_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
