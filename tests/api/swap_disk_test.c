/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Swap on a disk that takes no more: a file may not grow beyond RLIMIT_FSIZE,
 * and the signal that the kernel sends with that would end this process.
 *
 * libzmq dropped the option after 2.x, so these tests are for this library
 * alone.
 *
 * Thread: the main thread. Owns: the process's limit, until a test ends.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>
#include <sys/resource.h>

enum { DISK_SIZE = 300000 };

static void set_disk(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int close_disk(void **state)
{
    set_disk(RLIM_INFINITY);
    return env_close(state);
}

#define ON_DISK(name, test)                                                    \
    {                                                                          \
#name " " #test, test, env_open, close_disk,                           \
            (void *)(uintptr_t)&transport_##name                               \
    }
#define ON_EACH_DISK(test)                                                     \
    ON_DISK(inproc, test), ON_DISK(tcp, test), ON_DISK(ipc, test)

/* As if the swap were full, and all that was taken comes. */
static void a_full_disk_is_a_full_swap(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    void *monitor;
    uint32_t sent, more;

    env_free_endpoint(env, endpoint);
    swap_set(push, SWAP_PLENTY);
    monitor = monitor_open(env, push, CERO_EVENT_SWAP);
    assert_ok(zmq_connect(push, endpoint));
    set_disk(DISK_SIZE);
    sent = swap_send_until_full(push, 0, SWAP_BODY_SIZE);
    assert_in_range(sent, DISK_SIZE / SWAP_BODY_SIZE, DISK_SIZE / 50);
    assert_int_equal(monitor_expect(monitor, CERO_EVENT_SWAP).value, EFBIG);
    assert_false(is_ready(push, ZMQ_POLLOUT, 0));
    (void)swap_send_until_full(push, sent, SWAP_BODY_SIZE);
    assert_ok(zmq_bind(pull, endpoint));
    swap_receive(pull, 0, sent, SWAP_BODY_SIZE);
    wait_for(push, ZMQ_POLLOUT);
    set_disk(RLIM_INFINITY);
    more = sent + SWAP_MESSAGES;
    swap_send(push, sent, more, SWAP_BODY_SIZE);
    swap_receive(pull, sent, more, SWAP_BODY_SIZE);
}

static void a_durable_swap_says_that_it_cannot_write(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    uint8_t body[SWAP_BODY_SIZE];
    char endpoint[ENDPOINT_MAX];
    uint32_t sent = 0;

    env_free_endpoint(env, endpoint);
    swap_set_durable(env, push);
    assert_ok(zmq_connect(push, endpoint));
    set_disk(DISK_SIZE);
    while (zmq_send(push, body, swap_fill(body, sent, SWAP_BODY_SIZE),
                    ZMQ_DONTWAIT) != -1)
        sent++;
    assert_int_equal(errno, EFBIG);
    assert_true(sent > DISK_SIZE / SWAP_BODY_SIZE);
    /* The parts before the last one wait for it. */
    send_text(push, "part", ZMQ_SNDMORE);
    memset(body, 'x', sizeof(body));
    assert_fails(zmq_send(push, body, sizeof(body), 0), EFBIG);
    set_disk(RLIM_INFINITY);
    send_text(push, "last", 0);
    assert_ok(zmq_bind(pull, endpoint));
    swap_receive(pull, 0, sent, SWAP_BODY_SIZE);
    expect_part(pull, "part", true);
    expect_part(pull, "last", false);
}

/* A large body that is refused stays the caller's. */
static void a_message_that_was_refused_can_be_sent_again(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    zmq_msg_t msg;

    env_free_endpoint(env, endpoint);
    swap_set_durable(env, push);
    assert_ok(zmq_connect(push, endpoint));
    set_disk(DISK_SIZE);
    assert_ok(zmq_msg_init_size(&msg, DISK_SIZE + 1));
    memset(zmq_msg_data(&msg), 'x', DISK_SIZE + 1);
    assert_fails(zmq_msg_send(&msg, push, 0), EFBIG);
    assert_int_equal(zmq_msg_size(&msg), DISK_SIZE + 1);
    set_disk(RLIM_INFINITY);
    assert_int_equal(zmq_msg_send(&msg, push, 0), DISK_SIZE + 1);
    assert_ok(zmq_bind(pull, endpoint));
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), DISK_SIZE + 1);
    assert_int_equal(((const char *)zmq_msg_data(&msg))[DISK_SIZE], 'x');
    assert_ok(zmq_msg_close(&msg));
}

/* REP stays where it was, and what it had read of the envelope is kept. */
static void a_reply_that_was_refused_can_be_sent_again(void **state)
{
    struct env *env = *state;
    void *rep = env_socket(env, ZMQ_REP);
    void *dealer = env_socket(env, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    zmq_msg_t reply;

    env_bind(env, dealer, endpoint);
    swap_set_durable(env, rep);
    assert_ok(zmq_connect(rep, endpoint));
    set_disk(DISK_SIZE);
    for (int round = 0; round < 2; round++) {
        send_text(dealer, "way back", ZMQ_SNDMORE);
        send_text(dealer, "", ZMQ_SNDMORE);
        send_text(dealer, "request", 0);
        expect_text(rep, "request");
        send_text(rep, "part", ZMQ_SNDMORE);
        assert_ok(zmq_msg_init_size(&reply, DISK_SIZE + 1));
        memset(zmq_msg_data(&reply), 'x', DISK_SIZE + 1);
        if (round == 0)
            assert_fails(zmq_msg_send(&reply, rep, 0), EFBIG);
        assert_fails(zmq_recv(rep, NULL, 0, ZMQ_DONTWAIT), EFSM);
        set_disk(RLIM_INFINITY);
        assert_int_equal(zmq_msg_send(&reply, rep, 0), DISK_SIZE + 1);
        expect_part(dealer, "way back", true);
        expect_part(dealer, "", true);
        expect_part(dealer, "part", true);
        assert_ok(zmq_msg_init(&reply));
        assert_int_equal(zmq_msg_recv(&reply, dealer, 0), DISK_SIZE + 1);
        assert_ok(zmq_msg_close(&reply));
    }
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON_EACH_DISK(a_full_disk_is_a_full_swap),
        ON_EACH_DISK(a_durable_swap_says_that_it_cannot_write),
        ON_EACH_DISK(a_message_that_was_refused_can_be_sent_again),
        ON_EACH_DISK(a_reply_that_was_refused_can_be_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
