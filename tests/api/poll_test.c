/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_poll(): sockets and descriptors together, levels and not edges,
 * timeouts, and waking from another thread.
 *
 * Thread: the main thread, and one that sends or waits.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_MS 50

static void pollin_holds_as_long_as_messages_wait(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_false(is_ready(pull, ZMQ_POLLIN, 0));
    send_text(push, "one", 0);
    send_text(push, "two", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_true(is_ready(pull, ZMQ_POLLIN, 0));
    expect_text(pull, "one");
    wait_for(pull, ZMQ_POLLIN);
    expect_text(pull, "two");
    assert_false(is_ready(pull, ZMQ_POLLIN, 0));
}

static void pollin_holds_within_a_message(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "one", ZMQ_SNDMORE);
    assert_false(is_ready(pull, ZMQ_POLLIN, GLANCE_MS));
    send_text(push, "two", 0);
    wait_for(pull, ZMQ_POLLIN);
    expect_text(pull, "one");
    assert_true(is_ready(pull, ZMQ_POLLIN, 0));
    expect_text(pull, "two");
    assert_false(is_ready(pull, ZMQ_POLLIN, 0));
}

static void without_a_peer_nothing_can_be_sent(void **state)
{
    static const int types[] = {ZMQ_PUSH, ZMQ_DEALER, ZMQ_PAIR};
    struct env *env = *state;

    for (size_t i = 0; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];
        void *socket = env_socket(env, types[i]);

        assert_false(is_ready(socket, ZMQ_POLLOUT, 0));
        env_bind(env, socket, endpoint);
        assert_false(is_ready(socket, ZMQ_POLLOUT, 0));
        assert_int_equal(get_int(socket, ZMQ_EVENTS), 0);
    }
}

static void a_connecting_socket_can_send_at_once(void **state)
{
    static const int types[] = {ZMQ_PUSH, ZMQ_DEALER, ZMQ_PAIR};
    struct env *env = *state;

    for (size_t i = 0; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];
        void *socket = env_socket(env, types[i]);

        env_free_endpoint(env, endpoint);
        assert_ok(zmq_connect(socket, endpoint));
        assert_true(is_ready(socket, ZMQ_POLLOUT, 0));
        assert_int_equal(get_int(socket, ZMQ_EVENTS), ZMQ_POLLOUT);
    }
}

static void types_never_show_the_direction_they_lack(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "x", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_int_equal(get_int(pull, ZMQ_EVENTS), ZMQ_POLLIN);
    assert_int_equal(get_int(push, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_false(is_ready(pull, ZMQ_POLLOUT, 0));
    assert_false(is_ready(push, ZMQ_POLLIN, 0));
}

static void pollout_goes_when_full_and_comes_back(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(push, ZMQ_SNDHWM, 2);
    set_int(pull, ZMQ_RCVHWM, 2);
    env_link(env, pull, push);
    for (int round = 0; round < 10; round++) {
        uint32_t count = send_until_full(push, 4, 0);

        assert_in_range(count, 1, 4);
        assert_false(is_ready(push, ZMQ_POLLOUT, 0));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(receive_number(pull), i);
        wait_for(push, ZMQ_POLLOUT);
    }
}

/* The same with the kernel's buffers between them. */
static void pollout_comes_back_when_the_network_has_room(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    limit_buffers(push, pull);
    env_link(env, pull, push);
    for (int round = 0; round < 2; round++) {
        uint32_t count;

        wait_for(push, ZMQ_POLLOUT);
        count = send_until_full(push, IN_BUFFERS_MAX, GLANCE_MS);
        assert_false(is_ready(push, ZMQ_POLLOUT, 0));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(receive_number(pull), i);
        wait_for(push, ZMQ_POLLOUT);
    }
}

static void the_result_counts_items(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[4] = {{.events = 0}};
    void *a;
    void *b;

    env_pair(env, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    send_text(b, "x", 0);
    wait_for(a, ZMQ_POLLIN);
    for (size_t i = 0; i < 4; i++) {
        items[i].socket = i < 3 ? a : b;
        items[i].revents = -1;
    }
    items[0].events = ZMQ_POLLIN | ZMQ_POLLOUT;
    items[1].events = ZMQ_POLLOUT;
    items[2].events = 0;
    items[3].events = ZMQ_POLLIN;
    assert_int_equal(zmq_poll(items, 4, -1), 2);
    assert_int_equal(items[0].revents, ZMQ_POLLIN | ZMQ_POLLOUT);
    assert_int_equal(items[1].revents, ZMQ_POLLOUT);
    assert_int_equal(items[2].revents, 0);
    assert_int_equal(items[3].revents, 0);
}

static void a_timeout_clears_what_was_there(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t item = {.events = ZMQ_POLLIN, .revents = -1};
    int64_t start = now_ms();

    item.socket = env_socket(env, ZMQ_PULL);
    assert_int_equal(zmq_poll(&item, 1, SHORT_MS), 0);
    assert_int_equal(item.revents, 0);
    assert_true(now_ms() - start >= SHORT_MS - 1);
    start = now_ms();
    assert_int_equal(zmq_poll(NULL, 0, SHORT_MS), 0);
    assert_true(now_ms() - start >= SHORT_MS - 1);
    item.events = 0;
    start = now_ms();
    assert_int_equal(zmq_poll(&item, 1, SHORT_MS), 0);
    assert_true(now_ms() - start >= SHORT_MS - 1);
}

static void descriptors_are_polled_beside_sockets(void **state)
{
    struct env *env = *state;
    int fds[2];
    zmq_pollitem_t items[3] = {{.events = ZMQ_POLLIN},
                               {.events = ZMQ_POLLIN},
                               {.events = ZMQ_POLLOUT}};
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(pipe(fds), 0);
    items[0].socket = pull;
    items[1].fd = fds[0];
    items[2].fd = fds[1];
    assert_int_equal(zmq_poll(items, 3, PATIENCE_MS), 1);
    assert_int_equal(items[2].revents, ZMQ_POLLOUT);
    assert_int_equal(zmq_poll(items, 2, 0), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(zmq_poll(items, 2, PATIENCE_MS), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    send_text(push, "x", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_int_equal(zmq_poll(items, 2, PATIENCE_MS), 2);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    close(fds[0]);
    close(fds[1]);
}

static void a_descriptor_that_hung_up_shows_an_error(void **state)
{
    int fds[2];
    zmq_pollitem_t item = {.events = ZMQ_POLLIN | ZMQ_POLLERR};

    (void)state;
    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    item.fd = fds[0];
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(item.revents, ZMQ_POLLERR);
    /* Even if it is not asked for. */
    item.events = ZMQ_POLLIN;
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(item.revents, ZMQ_POLLERR);
    close(fds[0]);
}

static void a_descriptor_shows_what_is_urgent(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    zmq_pollitem_t item = {.events = ZMQ_POLLPRI};
    int listener, near, far;

    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    near = raw_connect(endpoint);
    far = raw_accept(listener);
    item.fd = near;
    raw_write(far, "x", 1);
    assert_int_equal(zmq_poll(&item, 1, GLANCE_MS), 0);
    assert_int_equal(send(far, "!", 1, MSG_OOB), 1);
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(item.revents, ZMQ_POLLPRI);
    close(near);
    close(far);
    close(listener);
}

static int send_one(void *push)
{
    return zmq_send(push, "x", 1, 0);
}

static void a_message_wakes_a_poll_on_many_sockets(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[20];
    void *push[20];
    struct call call;

    for (size_t i = 0; i < 20; i++) {
        void *pull;

        env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push[i]);
        items[i] = (zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN};
    }
    for (size_t i = 0; i < 20; i++) {
        call_start(&call, send_one, push[i]);
        assert_int_equal(zmq_poll(items, 20, PATIENCE_MS), 1);
        assert_int_equal(items[i].revents, ZMQ_POLLIN);
        assert_int_equal(call_join(&call), 1);
        expect_text(items[i].socket, "x");
    }
}

static int write_byte(void *arg)
{
    return (int)write(*(int *)arg, "x", 1);
}

static void a_descriptor_wakes_a_poll(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[2] = {{.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};
    struct call call;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    items[0].socket = env_socket(env, ZMQ_PULL);
    items[1].fd = fds[0];
    call_start(&call, write_byte, &fds[1]);
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, 0);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    assert_int_equal(call_join(&call), 1);
    close(fds[0]);
    close(fds[1]);
}

static void the_longest_timeout_does_not_end_at_once(void **state)
{
    struct env *env = *state;
    zmq_pollitem_t items[2] = {{.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};
    struct call call;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    items[0].socket = env_socket(env, ZMQ_PULL);
    items[1].fd = fds[0];
    call_start(&call, write_byte, &fds[1]);
    assert_int_equal(zmq_poll(items, 2, LONG_MAX), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    assert_int_equal(call_join(&call), 1);
    close(fds[0]);
    close(fds[1]);
}

#define TRICKLE 2000

static int trickle(void *push)
{
    for (uint32_t i = 0; i < TRICKLE; i++) {
        if (zmq_send(push, &i, sizeof(i), 0) == -1)
            return -1;
    }
    return 0;
}

/* Takes one message for each wake-up: none may be slept over. */
static void no_wake_up_is_lost(void **state)
{
    struct env *env = *state;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    call_start(&call, trickle, push);
    for (uint32_t i = 0; i < TRICKLE; i++) {
        wait_for(pull, ZMQ_POLLIN);
        assert_int_equal(receive_number(pull), i);
    }
    assert_ok(call_join(&call));
}

static void hundreds_of_sockets_can_be_polled(void **state)
{
    enum { COUNT = 200 };
    struct env *env = *state;
    zmq_pollitem_t items[COUNT];
    void *push;
    void *pull;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    items[0] = (zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN};
    for (size_t i = 1; i < COUNT; i++)
        items[i] = (zmq_pollitem_t){.socket = env_socket(env, ZMQ_PULL),
                                    .events = ZMQ_POLLIN};
    send_text(push, "x", 0);
    assert_int_equal(zmq_poll(items, COUNT, PATIENCE_MS), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(pollin_holds_as_long_as_messages_wait),
        ON_EACH(pollin_holds_within_a_message),
        ON_EACH(without_a_peer_nothing_can_be_sent),
        ON_EACH(a_connecting_socket_can_send_at_once),
        ON_EACH(types_never_show_the_direction_they_lack),
        ON(inproc, pollout_goes_when_full_and_comes_back),
        ON_STREAMS(pollout_comes_back_when_the_network_has_room),
        ON_EACH(the_result_counts_items),
        ON(inproc, a_timeout_clears_what_was_there),
        ON_EACH(descriptors_are_polled_beside_sockets),
        ON(inproc, a_descriptor_that_hung_up_shows_an_error),
        ON(tcp, a_descriptor_shows_what_is_urgent),
        ON_EACH(a_message_wakes_a_poll_on_many_sockets),
        ON(inproc, a_descriptor_wakes_a_poll),
        ON(inproc, the_longest_timeout_does_not_end_at_once),
        ON_EACH(no_wake_up_is_lost),
        ON_EACH(hundreds_of_sockets_can_be_polled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
