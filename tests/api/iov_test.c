/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_sendiov() and zmq_recviov(): several buffers in one call.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>
#include <sys/uio.h>

static void buffers_become_parts(void **state)
{
    char one[] = "one";
    char two[] = "";
    char three[] = "three";
    struct iovec iov[3] = {{one, 3}, {two, 0}, {three, 5}};
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(zmq_sendiov(push, iov, 3, ZMQ_SNDMORE), 5);
    expect_part(pull, "one", true);
    expect_part(pull, "", true);
    expect_part(pull, "three", false);
}

static void buffers_become_messages_without_sndmore(void **state)
{
    char one[] = "one";
    char two[] = "two";
    struct iovec iov[2] = {{one, 3}, {two, 3}};
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_int_equal(zmq_sendiov(push, iov, 2, 0), 3);
    expect_part(pull, "one", false);
    expect_part(pull, "two", false);
}

static void parts_become_buffers(void **state)
{
    struct iovec iov[5] = {{NULL, 0}};
    size_t count = 5;
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "one", ZMQ_SNDMORE);
    send_text(push, "three", 0);
    send_text(push, "next", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_int_equal(zmq_recviov(pull, iov, &count, 0), 2);
    assert_int_equal(count, 2);
    assert_int_equal(iov[0].iov_len, 3);
    assert_memory_equal(iov[0].iov_base, "one", 3);
    assert_int_equal(iov[1].iov_len, 5);
    assert_memory_equal(iov[1].iov_base, "three", 5);
    free(iov[0].iov_base);
    free(iov[1].iov_base);
    expect_part(pull, "next", false);
}

static void a_small_array_takes_the_first_parts(void **state)
{
    struct iovec iov[1] = {{NULL, 0}};
    size_t count = 1;
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "one", ZMQ_SNDMORE);
    send_text(push, "two", 0);
    wait_for(pull, ZMQ_POLLIN);
    assert_int_equal(zmq_recviov(pull, iov, &count, 0), 1);
    assert_int_equal(count, 1);
    assert_memory_equal(iov[0].iov_base, "one", 3);
    free(iov[0].iov_base);
    expect_part(pull, "two", false);
}

static void no_buffers_are_refused(void **state)
{
    struct iovec iov[1] = {{NULL, 0}};
    size_t count = 0;
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    assert_fails(zmq_sendiov(push, iov, 0, 0), EINVAL);
    assert_fails(zmq_sendiov(push, NULL, 1, 0), EINVAL);
    assert_fails(zmq_recviov(pull, iov, &count, 0), EINVAL);
    count = 1;
    assert_fails(zmq_recviov(pull, NULL, &count, 0), EINVAL);
    assert_fails(zmq_recviov(pull, iov, &count, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_sendiov(NULL, iov, 1, 0), ENOTSOCK);
    assert_fails(zmq_recviov(NULL, iov, &count, 0), ENOTSOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(buffers_become_parts),
        ON_EACH(buffers_become_messages_without_sndmore),
        ON_EACH(parts_become_buffers),
        ON_EACH(a_small_array_takes_the_first_parts),
        ON(inproc, no_buffers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
