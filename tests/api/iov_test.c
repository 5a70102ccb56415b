/* SPDX-License-Identifier: MPL-2.0 */
/*
 * zmq_sendiov() and zmq_recviov(): several parts in one call.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>
#include <sys/uio.h>

#define PARTS 4

struct scene {
    void *sender;
    void *receiver;
    struct iovec parts[PARTS];
};

static char first[] = "first", empty[] = "", third[] = "the third";

static struct scene scene_open(struct env *env)
{
    struct scene scene = {
        .parts = {{first, 5}, {empty, 0}, {third, 9}, {NULL, 0}},
    };

    env_pair(env, ZMQ_PAIR, &scene.receiver, ZMQ_PAIR, &scene.sender);
    return scene;
}

static void expect_iovec(const struct iovec *got, const struct iovec *expected)
{
    assert_int_equal(got->iov_len, expected->iov_len);
    assert_non_null(got->iov_base);
    if (expected->iov_len > 0)
        assert_memory_equal(got->iov_base, expected->iov_base,
                            expected->iov_len);
}

static void with_sndmore_the_buffers_are_one_message(void **state)
{
    struct scene scene = scene_open(*state);

    assert_int_equal(zmq_sendiov(scene.sender, scene.parts, 3, ZMQ_SNDMORE),
                     9);
    expect_part(scene.receiver, "first", true);
    expect_part(scene.receiver, "", true);
    expect_part(scene.receiver, "the third", false);
    expect_nothing(scene.receiver);
}

static void without_it_they_are_messages(void **state)
{
    struct scene scene = scene_open(*state);

    assert_int_equal(zmq_sendiov(scene.sender, scene.parts, 3, 0), 9);
    expect_part(scene.receiver, "first", false);
    expect_part(scene.receiver, "", false);
    expect_part(scene.receiver, "the third", false);
}

static void what_is_sent_is_copied(void **state)
{
    struct scene scene = scene_open(*state);
    char changing[] = "before";
    struct iovec part = {changing, 6};

    assert_int_equal(zmq_sendiov(scene.sender, &part, 1, 0), 6);
    memcpy(changing, "behind", 6);
    expect_text(scene.receiver, "before");
}

static void a_buffer_that_is_null_is_an_empty_part(void **state)
{
    struct scene scene = scene_open(*state);

    assert_int_equal(zmq_sendiov(scene.sender, &scene.parts[3], 1, 0), 0);
    expect_part(scene.receiver, "", false);
}

static void a_message_comes_back_part_by_part(void **state)
{
    struct scene scene = scene_open(*state);
    struct iovec got[PARTS];
    size_t count = PARTS;

    zmq_sendiov(scene.sender, scene.parts, 3, ZMQ_SNDMORE);
    zmq_sendiov(scene.sender, scene.parts, 1, 0);
    /* It stops at the end of the message. */
    assert_int_equal(zmq_recviov(scene.receiver, got, &count, 0), 3);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        expect_iovec(&got[i], &scene.parts[i]);
        free(got[i].iov_base);
    }
    expect_part(scene.receiver, "first", false);
}

static void what_has_no_room_stays(void **state)
{
    struct scene scene = scene_open(*state);
    struct iovec got[PARTS];
    size_t count = 2;

    zmq_sendiov(scene.sender, scene.parts, 3, ZMQ_SNDMORE);
    assert_int_equal(zmq_recviov(scene.receiver, got, &count, 0), 2);
    assert_int_equal(count, 2);
    assert_int_equal(get_int(scene.receiver, ZMQ_RCVMORE), 1);
    free(got[0].iov_base);
    free(got[1].iov_base);
    expect_part(scene.receiver, "the third", false);
}

static void large_parts_are_whole(void **state)
{
    struct scene scene = scene_open(*state);
    const size_t size = 300000;
    char *large = malloc(size);
    struct iovec sent, got;
    size_t count = 1;

    assert_non_null(large);
    for (size_t i = 0; i < size; i++)
        large[i] = (char)(i * 7 + i / 251);
    sent = (struct iovec){large, size};
    assert_int_equal(zmq_sendiov(scene.sender, &sent, 1, 0), size);
    assert_int_equal(zmq_recviov(scene.receiver, &got, &count, 0), 1);
    expect_iovec(&got, &sent);
    free(got.iov_base);
    free(large);
}

static void without_a_message_the_count_is_zero(void **state)
{
    struct scene scene = scene_open(*state);
    struct iovec got[PARTS];
    size_t count = PARTS;

    assert_fails(zmq_recviov(scene.receiver, got, &count, ZMQ_DONTWAIT),
                 EAGAIN);
    assert_int_equal(count, 0);
}

static void without_a_peer_sending_would_block(void **state)
{
    struct env *env = *state;
    struct scene scene = scene_open(env);
    void *alone = env_socket(env, ZMQ_PAIR);

    assert_fails(zmq_sendiov(alone, scene.parts, 3, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_sendiov(alone, scene.parts, 3,
                             ZMQ_DONTWAIT | ZMQ_SNDMORE),
                 EAGAIN);
}

static void arguments_are_checked(void **state)
{
    struct scene scene = scene_open(*state);
    size_t count = 0;

    assert_fails(zmq_sendiov(NULL, scene.parts, 1, 0), ENOTSOCK);
    assert_fails(zmq_sendiov(scene.sender, scene.parts, 0, 0), EINVAL);
    assert_fails(zmq_sendiov(scene.sender, NULL, 1, 0), EINVAL);
    assert_fails(zmq_recviov(scene.receiver, scene.parts, &count, 0), EINVAL);
    count = 1;
    assert_fails(zmq_recviov(NULL, scene.parts, &count, 0), ENOTSOCK);
    assert_fails(zmq_recviov(scene.receiver, NULL, &count, 0), EINVAL);
    assert_fails(zmq_recviov(scene.receiver, scene.parts, NULL, 0), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(with_sndmore_the_buffers_are_one_message),
        ON_EACH(without_it_they_are_messages),
        ON(inproc, what_is_sent_is_copied),
        ON(inproc, a_buffer_that_is_null_is_an_empty_part),
        ON_EACH(a_message_comes_back_part_by_part),
        ON_EACH(what_has_no_room_stays),
        ON_EACH(large_parts_are_whole),
        ON(inproc, without_a_message_the_count_is_zero),
        ON(inproc, without_a_peer_sending_would_block),
        ON(inproc, arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
