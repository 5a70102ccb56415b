/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Durable swap (CERO_SWAP_DURABLE): what was sent and not handed over is sent
 * by the next socket. docs/swap.md.
 *
 * libzmq has nothing like it, so these tests are for this library alone.
 *
 * Thread: the main thread. Owns: the directory of the files, until a test ends.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_SIZE = 4096 };

/* ---- helpers -------------------------------------------------------- */

static void *open_durable(struct env *env, int type, const char *endpoint)
{
    void *socket = env_socket(env, type);

    swap_set_durable(env, socket);
    assert_ok(zmq_connect(socket, endpoint));
    return socket;
}

/* Waits until nothing of the socket is left, as another process would see
 * it. */
static void close_all(struct env *env)
{
    env_end(env);
    env->ctx = zmq_ctx_new();
    assert_non_null(env->ctx);
}

/* ---- tests ---------------------------------------------------------- */

static void what_was_not_handed_over_is_sent_by_the_next(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX], path[512];
    void *push, *pull;

    env_free_endpoint(env, endpoint);
    push = open_durable(env, ZMQ_PUSH, endpoint);
    swap_send(push, 0, 3000, SWAP_BODY_SIZE);
    set_int(push, ZMQ_LINGER, 0);
    close_all(env);
    assert_true(swap_find_file(env, path));

    push = open_durable(env, ZMQ_PUSH, endpoint);
    swap_send(push, 3000, 3100, SWAP_BODY_SIZE);
    pull = env_socket(env, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    swap_receive(pull, 0, 3100, SWAP_BODY_SIZE);
    expect_nothing_for_a_while(pull);
    swap_send(push, 3100, 3200, SWAP_BODY_SIZE);
    swap_receive(pull, 3100, 3200, SWAP_BODY_SIZE);
    close_all(env);
    /* Everything was handed over. */
    assert_false(swap_find_file(env, path));
}

static void parts_and_large_bodies_are_kept(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push, *pull;

    env_free_endpoint(env, endpoint);
    push = open_durable(env, ZMQ_PUSH, endpoint);
    swap_send(push, 0, 100, SWAP_BODY_MAX);
    for (int i = 0; i < 500; i++)
        send_text(push, "part", ZMQ_SNDMORE);
    send_text(push, "last", 0);
    /* Not finished: not kept. */
    send_text(push, "first", ZMQ_SNDMORE);
    close_all(env);

    (void)open_durable(env, ZMQ_PUSH, endpoint);
    pull = env_socket(env, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    swap_receive(pull, 0, 100, SWAP_BODY_MAX);
    for (int i = 0; i < 500; i++)
        expect_part(pull, "part", true);
    expect_part(pull, "last", false);
    expect_nothing_for_a_while(pull);
}

static void what_was_received_is_not_sent_again(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push, *pull;

    env_free_endpoint(env, endpoint);
    for (uint32_t round = 0; round < 3; round++) {
        push = open_durable(env, ZMQ_DEALER, endpoint);
        pull = env_socket(env, ZMQ_DEALER);
        assert_ok(zmq_bind(pull, endpoint));
        swap_send(push, round * 1000, round * 1000 + 1000, SWAP_BODY_SIZE);
        swap_receive(pull, round * 1000, round * 1000 + 1000, SWAP_BODY_SIZE);
        expect_nothing(pull);
        close_all(env);
    }
}

static void a_lost_connection_loses_no_more_than_the_kernel_had(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t body[SWAP_BODY_SIZE], expected[SWAP_BODY_SIZE];
    void *push, *pull = env_socket(env, ZMQ_PULL);
    uint32_t number;
    int size;

    env_bind(env, pull, endpoint);
    swap_narrow(pull);
    push = env_socket(env, ZMQ_PUSH);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    swap_set_durable(env, push);
    assert_ok(zmq_connect(push, endpoint));
    swap_send(push, 0, SWAP_MESSAGES, SWAP_BODY_SIZE);
    swap_receive(pull, 0, 1000, SWAP_BODY_SIZE);
    env_close_socket(env, pull);
    pull = env_socket(env, ZMQ_PULL);
    while (zmq_bind(pull, endpoint) == -1)
        assert_int_equal(errno, EADDRINUSE);
    size = zmq_recv(pull, body, sizeof(body), 0);
    assert_true(size >= 4);
    memcpy(&number, body, sizeof(number));
    assert_true(number >= 1000 && number < SWAP_MESSAGES);
    assert_int_equal(swap_fill(expected, number, SWAP_BODY_SIZE), size);
    swap_receive(pull, number + 1, SWAP_MESSAGES, SWAP_BODY_SIZE);
}

static void a_long_queue_does_not_keep_the_disk(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX], path[512];
    void *push, *pull;
    struct stat about;

    env_free_endpoint(env, endpoint);
    push = open_durable(env, ZMQ_PUSH, endpoint);
    pull = env_socket(env, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    for (uint32_t round = 0; round < 20; round++) {
        swap_send(push, round * 20, round * 20 + 20, SWAP_BODY_MAX);
        swap_receive(pull, round * 20, round * 20 + 20, SWAP_BODY_MAX);
    }
    expect_nothing(pull);
    assert_true(swap_find_file(env, path));
    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_blocks * 512 < 8 * 1024 * 1024);
}

/* ---- what can be wrong ---------------------------------------------- */

static void a_file_in_use_is_busy(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push, *other = env_socket(env, ZMQ_PUSH);

    env_free_endpoint(env, endpoint);
    push = open_durable(env, ZMQ_PUSH, endpoint);
    swap_set_durable(env, other);
    assert_fails(zmq_connect(other, endpoint), EBUSY);
    assert_fails(zmq_connect(push, endpoint), EBUSY);
    /* Another name, another file. */
    assert_ok(zmq_setsockopt(other, ZMQ_ROUTING_ID, "other", 5));
    assert_ok(zmq_connect(other, endpoint));
}

static void what_cannot_be_durable_says_so(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = env_socket(env, ZMQ_PUSH);
    void *xsub = env_socket(env, ZMQ_XSUB);
    int64_t none = 0, some = 1000;

    env_free_endpoint(env, endpoint);
    swap_set_durable(env, push);
    assert_fails(zmq_bind(push, endpoint), ENOTSUP);
    set_int(push, ZMQ_IMMEDIATE, 1);
    assert_fails(zmq_connect(push, endpoint), ENOTSUP);
    set_int(push, ZMQ_IMMEDIATE, 0);
    assert_ok(zmq_setsockopt(push, ZMQ_SWAP, &none, sizeof(none)));
    assert_fails(zmq_connect(push, endpoint), EINVAL);
    assert_ok(zmq_setsockopt(push, ZMQ_SWAP, &some, sizeof(some)));
    assert_ok(zmq_setsockopt(push, CERO_SWAP_DIR, NULL, 0));
    assert_fails(zmq_connect(push, endpoint), EINVAL);
    assert_ok(zmq_setsockopt(push, CERO_SWAP_DIR, "/nowhere", 8));
    assert_fails(zmq_connect(push, endpoint), ENOENT);
    swap_set_durable(env, xsub);
    assert_fails(zmq_connect(xsub, endpoint), ENOTSUP);
}

static void keep_some(struct env *env, const char *endpoint)
{
    void *push = open_durable(env, ZMQ_PUSH, endpoint);

    set_int(push, ZMQ_LINGER, 0);
    swap_send(push, 0, 1000, SWAP_BODY_SIZE);
    close_all(env);
}

static void a_foreign_file_is_left_alone(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *push;

    env_free_endpoint(env, endpoint);
    keep_some(env, endpoint);
    swap_damage(env, 3);
    push = env_socket(env, ZMQ_PUSH);
    swap_set_durable(env, push);
    assert_fails(zmq_connect(push, endpoint), EBADMSG);
    swap_damage(env, 3);
    swap_damage(env, 20);
    assert_fails(zmq_connect(push, endpoint), EBADMSG);
    swap_damage(env, 20);
    assert_ok(zmq_connect(push, endpoint));
}

/* What comes before the damage is sent, and nothing behind it, and no wrong
 * message. */
static void check_damaged(struct env *env, const char *endpoint,
                          uint32_t intact_min, uint32_t intact_max)
{
    void *push = env_socket(env, ZMQ_PUSH);
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, push, CERO_EVENT_SWAP);
    uint8_t body[SWAP_BODY_SIZE], expected[SWAP_BODY_SIZE];
    uint32_t count = 0;
    int size;

    swap_set_durable(env, push);
    assert_ok(zmq_connect(push, endpoint));
    assert_int_equal(monitor_expect(monitor, CERO_EVENT_SWAP).value, EBADMSG);
    send_text(push, "end", 0);
    assert_ok(zmq_bind(pull, endpoint));
    for (;; count++) {
        size = zmq_recv(pull, body, sizeof(body), 0);
        assert_ok(size);
        if (size == 3)
            break;
        assert_int_equal(size, swap_fill(expected, count, SWAP_BODY_SIZE));
        assert_memory_equal(body, expected, (size_t)size);
    }
    assert_memory_equal(body, "end", 3);
    assert_in_range(count, intact_min, intact_max);
}

static void a_torn_end_is_cut_off(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX], path[512];
    struct stat about;

    env_free_endpoint(env, endpoint);
    keep_some(env, endpoint);
    assert_true(swap_find_file(env, path));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(truncate(path, about.st_size - 1), 0);
    check_damaged(env, endpoint, 999, 999);
}

static void a_damaged_record_ends_the_queue(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];

    env_free_endpoint(env, endpoint);
    keep_some(env, endpoint);
    swap_damage(env, HEAD_SIZE + 60000);
    check_damaged(env, endpoint, 300, 600);
}

static void each_policy_of_syncing_delivers(void **state)
{
    struct env *env = *state;
    static const int policies[] = {-1, 0, 1, 50};
    char endpoint[ENDPOINT_MAX];

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        void *push = env_socket(env, ZMQ_PUSH);
        void *pull = env_socket(env, ZMQ_PULL);

        env_bind(env, pull, endpoint);
        swap_set_durable(env, push);
        set_int(push, CERO_SWAP_SYNC, policies[i]);
        assert_ok(zmq_connect(push, endpoint));
        swap_send(push, 0, 200, SWAP_BODY_SIZE);
        swap_receive(pull, 0, 200, SWAP_BODY_SIZE);
    }
    assert_int_equal(get_int(env_socket(env, ZMQ_PUSH), CERO_SWAP_SYNC), 0);
}

int main(void)
{
    if (!is_ceromq())
        return 77;

    const struct CMUnitTest tests[] = {
        ON_EACH(what_was_not_handed_over_is_sent_by_the_next),
        ON_EACH(parts_and_large_bodies_are_kept),
        ON_EACH(what_was_received_is_not_sent_again),
        ON_STREAMS(a_lost_connection_loses_no_more_than_the_kernel_had),
        ON_EACH(a_long_queue_does_not_keep_the_disk),
        ON_EACH(a_file_in_use_is_busy),
        ON_EACH(what_cannot_be_durable_says_so),
        ON_EACH(a_foreign_file_is_left_alone),
        ON_EACH(a_torn_end_is_cut_off),
        ON_EACH(a_damaged_record_ends_the_queue),
        ON_EACH(each_policy_of_syncing_delivers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
