/* SPDX-License-Identifier: MPL-2.0 */
/*
 * High-water marks: how many messages a connection takes before the sender
 * has to wait, and that it goes on when there is room again.
 *
 * Thread: the main thread, and one that sends.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/socket.h"

#include <errno.h>

#define MANY 100000
#define BLOCK_SIZE 65536

struct numbers {
    void *socket;
    uint32_t count;
};

static int send_numbers(void *arg)
{
    struct numbers *numbers = arg;

    for (uint32_t i = 0; i < numbers->count; i++) {
        if (zmq_send(numbers->socket, &i, sizeof(i), 0) == -1)
            return -1;
    }
    return 0;
}

/* The number that a large message begins with. */
static uint32_t receive_block_number(void *socket)
{
    uint32_t number = 0;

    assert_int_equal(zmq_recv(socket, &number, sizeof(number), 0), BLOCK_SIZE);
    return number;
}

/* The two marks of an inproc connection, and what fits in. */
struct sum {
    int sndhwm;
    int rcvhwm;
    uint32_t fits; /* 0: without end. */
};

static const struct sum sums[] = {
    {2, 3, 5},     {1, 1, 2}, {1, 7, 8}, {10, 1, 11},
    {50, 50, 100}, {0, 3, 0}, {2, 0, 0}, {0, 0, 0},
};

#define SUM_COUNT (sizeof(sums) / sizeof(sums[0]))

static void check_sum(void *push, void *pull, const struct sum *sum)
{
    if (sum->fits == 0) {
        for (uint32_t i = 0; i < 5000; i++) {
            assert_int_equal(zmq_send(push, &i, 4, ZMQ_DONTWAIT), 4);
        }
        for (uint32_t i = 0; i < 5000; i++)
            assert_int_equal(receive_number(pull), i);
        return;
    }
    assert_int_equal(send_until_full(push, sum->fits + 1, 0), sum->fits);
    for (uint32_t i = 0; i < sum->fits; i++)
        assert_int_equal(receive_number(pull), i);
    expect_nothing(pull);
    /* The reader gives room back by half marks, so some of what it read
     * last may not be known yet. */
    wait_for(push, ZMQ_POLLOUT);
    assert_in_range(send_until_full(push, sum->fits + 1, 0),
                    sum->fits / 2 + sum->fits % 2, sum->fits);
}

static void inproc_takes_the_sum_of_both_marks(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < SUM_COUNT; i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        void *push = env_socket(env, ZMQ_PUSH);

        set_int(push, ZMQ_SNDHWM, sums[i].sndhwm);
        set_int(pull, ZMQ_RCVHWM, sums[i].rcvhwm);
        env_link(env, pull, push);
        check_sum(push, pull, &sums[i]);
    }
}

static void inproc_takes_the_sum_when_the_sender_is_bound(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < SUM_COUNT; i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        void *push = env_socket(env, ZMQ_PUSH);

        set_int(push, ZMQ_SNDHWM, sums[i].sndhwm);
        set_int(pull, ZMQ_RCVHWM, sums[i].rcvhwm);
        env_link(env, push, pull);
        check_sum(push, pull, &sums[i]);
    }
}

static void inproc_takes_the_senders_mark_before_the_bind(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 2);
    set_int(pull, ZMQ_RCVHWM, 3);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    assert_int_equal(send_until_full(push, 6, 0), 2);
    assert_ok(zmq_bind(pull, endpoint));
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(receive_number(pull), i);
    wait_for(push, ZMQ_POLLOUT);
    assert_in_range(send_until_full(push, 6, 0), 3, 5);
}

static void the_mark_is_a_thousand_at_first(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(send_until_full(push, 2001, 0), 2000);
}

static void both_directions_have_marks_of_their_own(void **state)
{
    struct env *env = *state;
    void *a = env_socket(env, ZMQ_PAIR);
    void *b = env_socket(env, ZMQ_PAIR);

    set_int(a, ZMQ_SNDHWM, 1);
    set_int(b, ZMQ_RCVHWM, 2);
    set_int(b, ZMQ_SNDHWM, 3);
    set_int(a, ZMQ_RCVHWM, 4);
    env_link(env, a, b);
    assert_int_equal(send_until_full(a, 10, 0), 3);
    assert_int_equal(send_until_full(b, 10, 0), 7);
}

static void a_multipart_message_counts_as_one(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 2);
    set_int(pull, ZMQ_RCVHWM, 3);
    env_link(env, pull, push);
    for (int i = 0; i < 5; i++) {
        for (int part = 0; part < 9; part++)
            send_text(push, "part", ZMQ_SNDMORE | ZMQ_DONTWAIT);
        send_text(push, "last", ZMQ_DONTWAIT);
    }
    assert_fails(zmq_send(push, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    for (int i = 0; i < 5; i++) {
        for (int part = 0; part < 9; part++)
            expect_part(pull, "part", true);
        expect_part(pull, "last", false);
    }
}

static void room_is_given_back_in_half_marks(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 5);
    set_int(pull, ZMQ_RCVHWM, 5);
    env_link(env, pull, push);
    assert_int_equal(send_until_full(push, 11, 0), 10);
    /* Half of ten is five: by then the writer has room at the latest. */
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(receive_number(pull), i);
    wait_for(push, ZMQ_POLLOUT);
    send_number(push, 10);
    for (uint32_t i = 5; i < 11; i++)
        assert_int_equal(receive_number(pull), i);
}

static void marks_set_later_count_for_living_connections(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 2);
    set_int(pull, ZMQ_RCVHWM, 3);
    env_link(env, pull, push);
    set_int(push, ZMQ_SNDHWM, 7);
    assert_int_equal(send_until_full(push, 11, 0), 10);
}

static void a_lower_mark_counts_at_once(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "asks for credit", 0);
    set_int(push, ZMQ_SNDHWM, 5);
    assert_int_equal(send_until_full(push, 1000, 0), 4);
}

static void a_sender_stops_when_nobody_reads_and_goes_on_after(void **state)
{
    struct env *env = *state;
    uint32_t count;
    uint32_t next = 0;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    char *block = calloc(1, BLOCK_SIZE);

    set_int(push, ZMQ_SNDHWM, 10);
    set_int(pull, ZMQ_RCVHWM, 10);
    set_int(push, ZMQ_SNDBUF, BLOCK_SIZE);
    set_int(pull, ZMQ_RCVBUF, BLOCK_SIZE);
    env_link(env, pull, push);
    for (count = 0; count < MANY; count++) {
        memcpy(block, &count, sizeof(count));
        if (zmq_send(push, block, BLOCK_SIZE, ZMQ_DONTWAIT) != -1)
            continue;
        assert_int_equal(zmq_errno(), EAGAIN);
        if (!is_ready(push, ZMQ_POLLOUT, 300))
            break;
        count--;
    }
    assert_true(count >= 10);
    assert_true(count < MANY);
    while (next < count)
        assert_int_equal(receive_block_number(pull), next++);
    wait_for(push, ZMQ_POLLOUT);
    send_number(push, next);
    assert_int_equal(receive_number(pull), next);
    free(block);
}

static void a_small_mark_passes_any_number_of_messages(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);
    struct numbers numbers = {push, 20000};
    struct call call;

    set_int(push, ZMQ_SNDHWM, 1);
    set_int(pull, ZMQ_RCVHWM, 1);
    env_link(env, pull, push);
    call_start(&call, send_numbers, &numbers);
    for (uint32_t i = 0; i < numbers.count; i++)
        assert_int_equal(receive_number(pull), i);
    assert_ok(call_join(&call));
}

static void no_mark_takes_any_number_of_messages(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 0);
    set_int(pull, ZMQ_RCVHWM, 0);
    env_link(env, pull, push);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(zmq_send(push, &i, 4, ZMQ_DONTWAIT), 4);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(receive_number(pull), i);
}

static void a_connecting_sender_takes_its_mark_without_a_peer(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 17);
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    assert_int_equal(send_until_full(push, 18, GLANCE_MS), 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, inproc_takes_the_sum_of_both_marks),
        ON(inproc, inproc_takes_the_sum_when_the_sender_is_bound),
        ON(inproc, inproc_takes_the_senders_mark_before_the_bind),
        ON(inproc, the_mark_is_a_thousand_at_first),
        ON(inproc, both_directions_have_marks_of_their_own),
        ON(inproc, a_multipart_message_counts_as_one),
        ON(inproc, room_is_given_back_in_half_marks),
        ON(inproc, marks_set_later_count_for_living_connections),
        ON_STREAMS(a_lower_mark_counts_at_once),
        ON_EACH(a_connecting_sender_takes_its_mark_without_a_peer),
        ON_EACH(a_small_mark_passes_any_number_of_messages),
        ON_EACH(no_mark_takes_any_number_of_messages),
        ON_STREAMS(a_sender_stops_when_nobody_reads_and_goes_on_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
