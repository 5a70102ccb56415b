/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Messages by themselves: making, copying, moving and closing them.
 * What happens to them on the way is in send_recv_test.c.
 *
 * Thread: the main thread, and one that closes a copy.
 */
#include "common/suite.h"

#include "common/call.h"
#include "common/freed.h"

#include <errno.h>

static const size_t sizes[] = {0, 1, 33, 34, 65536, 1048576};

#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))
#define SMALL_MAX 33

static void init_makes_an_empty_message(void **state)
{
    zmq_msg_t msg;

    (void)state;
    assert_int_equal(zmq_msg_init(&msg), 0);
    assert_int_equal(zmq_msg_size(&msg), 0);
    assert_non_null(zmq_msg_data(&msg));
    assert_int_equal(zmq_msg_more(&msg), 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
}

static void init_size_gives_writable_aligned_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        zmq_msg_t msg;

        assert_int_equal(zmq_msg_init_size(&msg, sizes[i]), 0);
        assert_int_equal(zmq_msg_size(&msg), sizes[i]);
        assert_non_null(zmq_msg_data(&msg));
        assert_int_equal((uintptr_t)zmq_msg_data(&msg) % sizeof(void *), 0);
        memset(zmq_msg_data(&msg), 0xa5, sizes[i]);
        assert_int_equal(zmq_msg_close(&msg), 0);
    }
}

static void init_size_refuses_what_cannot_be_had(void **state)
{
    zmq_msg_t msg;

    (void)state;
    assert_fails(zmq_msg_init_size(&msg, SIZE_MAX / 2), ENOMEM);
    assert_fails(zmq_msg_init_size(&msg, SIZE_MAX), ENOMEM);
    assert_fails(zmq_msg_init_size(&msg, SIZE_MAX - 8), ENOMEM);
}

static void init_data_uses_the_callers_memory_at_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        struct freed freed;
        zmq_msg_t msg;

        freed_open(&freed, sizes[i]);
        freed_message(&freed, &msg);
        assert_int_equal(zmq_msg_size(&msg), sizes[i]);
        assert_ptr_equal(zmq_msg_data(&msg), freed.data);
        assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 0);
        assert_int_equal(freed_count(&freed), 0);
        assert_int_equal(zmq_msg_close(&msg), 0);
        freed_wait(&freed);
        freed_close(&freed);
    }
}

static void init_data_without_free_function_is_constant(void **state)
{
    static char text[] = "a text that is longer than thirty-three bytes";
    zmq_msg_t msg;

    (void)state;
    assert_ok(zmq_msg_init_data(&msg, text, sizeof(text), NULL, NULL));
    assert_ptr_equal(zmq_msg_data(&msg), text);
    assert_int_equal(zmq_msg_size(&msg), sizeof(text));
    assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_close(&msg), 0);
    assert_string_equal(text, "a text that is longer than thirty-three bytes");
}

static void init_data_takes_no_data_at_size_zero(void **state)
{
    zmq_msg_t msg;

    (void)state;
    assert_ok(zmq_msg_init_data(&msg, NULL, 0, NULL, NULL));
    assert_int_equal(zmq_msg_size(&msg), 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
}

static void copy_of_small_content_is_not_shared(void **state)
{
    (void)state;
    for (size_t size = 0; size <= SMALL_MAX; size++) {
        zmq_msg_t from;
        zmq_msg_t to;

        assert_ok(zmq_msg_init_size(&from, size));
        memset(zmq_msg_data(&from), 'x', size);
        zmq_msg_init(&to);
        assert_int_equal(zmq_msg_copy(&to, &from), 0);
        assert_int_equal(zmq_msg_size(&to), size);
        assert_memory_equal(zmq_msg_data(&to), zmq_msg_data(&from), size);
        assert_ptr_not_equal(zmq_msg_data(&to), zmq_msg_data(&from));
        assert_int_equal(zmq_msg_get(&from, ZMQ_SHARED), 0);
        assert_int_equal(zmq_msg_get(&to, ZMQ_SHARED), 0);
        assert_int_equal(zmq_msg_close(&from), 0);
        assert_int_equal(zmq_msg_close(&to), 0);
    }
}

static void copy_of_large_content_is_shared_for_good(void **state)
{
    zmq_msg_t from;
    zmq_msg_t to;

    (void)state;
    assert_ok(zmq_msg_init_size(&from, SMALL_MAX + 1));
    memset(zmq_msg_data(&from), 'x', SMALL_MAX + 1);
    zmq_msg_init(&to);
    assert_int_equal(zmq_msg_get(&from, ZMQ_SHARED), 0);
    assert_int_equal(zmq_msg_copy(&to, &from), 0);
    assert_ptr_equal(zmq_msg_data(&to), zmq_msg_data(&from));
    assert_int_equal(zmq_msg_size(&to), SMALL_MAX + 1);
    assert_int_equal(zmq_msg_get(&from, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_get(&to, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_close(&from), 0);
    assert_int_equal(zmq_msg_get(&to, ZMQ_SHARED), 1);
    assert_int_equal(((char *)zmq_msg_data(&to))[SMALL_MAX], 'x');
    assert_int_equal(zmq_msg_close(&to), 0);
}

static void free_function_runs_when_the_last_copy_is_closed(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        struct freed freed;
        zmq_msg_t msgs[3];

        freed_open(&freed, sizes[i]);
        freed_message(&freed, &msgs[0]);
        for (size_t k = 1; k < 3; k++) {
            zmq_msg_init(&msgs[k]);
            assert_ok(zmq_msg_copy(&msgs[k], &msgs[k - 1]));
            assert_ptr_equal(zmq_msg_data(&msgs[k]), freed.data);
        }
        assert_ok(zmq_msg_close(&msgs[1]));
        assert_ok(zmq_msg_close(&msgs[0]));
        assert_int_equal(freed_count(&freed), 0);
        assert_ok(zmq_msg_close(&msgs[2]));
        freed_wait(&freed);
        freed_close(&freed);
    }
}

static int close_message(void *arg)
{
    return zmq_msg_close(arg);
}

static void copies_may_be_closed_in_two_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct freed freed;
        struct call call;
        zmq_msg_t here;
        zmq_msg_t there;

        freed_open(&freed, 100);
        freed_message(&freed, &here);
        zmq_msg_init(&there);
        assert_ok(zmq_msg_copy(&there, &here));
        call_start(&call, close_message, &there);
        assert_ok(zmq_msg_close(&here));
        assert_ok(call_join(&call));
        freed_wait(&freed);
        freed_close(&freed);
    }
}

static void move_leaves_the_source_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        zmq_msg_t from;
        zmq_msg_t to;

        assert_ok(zmq_msg_init_size(&from, sizes[i]));
        memset(zmq_msg_data(&from), 'm', sizes[i]);
        zmq_msg_init(&to);
        assert_int_equal(zmq_msg_move(&to, &from), 0);
        assert_int_equal(zmq_msg_size(&from), 0);
        assert_int_equal(zmq_msg_size(&to), sizes[i]);
        if (sizes[i] > 0)
            assert_int_equal(((char *)zmq_msg_data(&to))[sizes[i] - 1], 'm');
        assert_int_equal(zmq_msg_close(&from), 0);
        assert_int_equal(zmq_msg_close(&to), 0);
    }
}

static void move_takes_the_shared_mark_along(void **state)
{
    static char text[] = "constant";
    zmq_msg_t from;
    zmq_msg_t to;

    (void)state;
    assert_ok(zmq_msg_init_data(&from, text, sizeof(text), NULL, NULL));
    zmq_msg_init(&to);
    assert_ok(zmq_msg_move(&to, &from));
    assert_int_equal(zmq_msg_get(&to, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_get(&from, ZMQ_SHARED), 0);
    assert_ptr_equal(zmq_msg_data(&to), text);
    zmq_msg_close(&from);
    zmq_msg_close(&to);
}

static void move_onto_itself_changes_nothing(void **state)
{
    struct freed freed;
    zmq_msg_t msg;

    (void)state;
    freed_open(&freed, 50);
    freed_message(&freed, &msg);
    if (is_ceromq()) {
        /* libzmq 4.3.4 drops the content. */
        assert_ok(zmq_msg_move(&msg, &msg));
        assert_int_equal(zmq_msg_size(&msg), 50);
        assert_ptr_equal(zmq_msg_data(&msg), freed.data);
        assert_int_equal(freed_count(&freed), 0);
    }
    assert_ok(zmq_msg_close(&msg));
    freed_wait(&freed);
    freed_close(&freed);
}

static void move_and_copy_release_what_the_target_held(void **state)
{
    struct freed moved_over;
    struct freed copied_over;
    zmq_msg_t from;
    zmq_msg_t to;

    (void)state;
    freed_open(&moved_over, 100);
    freed_open(&copied_over, 100);
    assert_ok(zmq_msg_init_size(&from, 100));

    freed_message(&copied_over, &to);
    assert_ok(zmq_msg_copy(&to, &from));
    freed_wait(&copied_over);
    zmq_msg_close(&to);

    freed_message(&moved_over, &to);
    assert_ok(zmq_msg_move(&to, &from));
    freed_wait(&moved_over);
    zmq_msg_close(&to);
    zmq_msg_close(&from);
    freed_close(&moved_over);
    freed_close(&copied_over);
}

static void closed_messages_are_refused_with_efault(void **state)
{
    zmq_msg_t closed;
    zmq_msg_t open;

    (void)state;
    zmq_msg_init(&closed);
    zmq_msg_close(&closed);
    assert_ok(zmq_msg_init_size(&open, 40));
    assert_fails(zmq_msg_close(&closed), EFAULT);
    assert_fails(zmq_msg_move(&open, &closed), EFAULT);
    assert_fails(zmq_msg_copy(&open, &closed), EFAULT);
    assert_int_equal(zmq_msg_size(&open), 40);
    assert_fails(zmq_msg_move(&closed, &open), EFAULT);
    assert_fails(zmq_msg_copy(&closed, &open), EFAULT);
    assert_int_equal(zmq_msg_size(&open), 40);
    assert_ok(zmq_msg_close(&open));
}

static void properties_that_do_not_exist_are_refused(void **state)
{
    zmq_msg_t msg;

    (void)state;
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_MORE), 0);
    assert_fails(zmq_msg_get(&msg, 0), EINVAL);
    assert_fails(zmq_msg_get(&msg, 99), EINVAL);
    assert_fails(zmq_msg_get(&msg, ZMQ_SRCFD), EINVAL);
    assert_fails(zmq_msg_set(&msg, ZMQ_MORE, 1), EINVAL);
    assert_fails(zmq_msg_set(&msg, ZMQ_SHARED, 1), EINVAL);
    assert_fails(zmq_msg_set(&msg, 99, 0), EINVAL);
    assert_null_fails(zmq_msg_gets(&msg, "Socket-Type"), EINVAL);
    assert_null_fails(zmq_msg_gets(&msg, "no such property"), EINVAL);
    zmq_msg_close(&msg);
}

static void a_message_is_sixty_four_bytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(zmq_msg_t), 64);
    assert_int_equal(_Alignof(zmq_msg_t), sizeof(void *));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_sixty_four_bytes),
        cmocka_unit_test(init_makes_an_empty_message),
        cmocka_unit_test(init_size_gives_writable_aligned_memory),
        cmocka_unit_test(init_size_refuses_what_cannot_be_had),
        cmocka_unit_test(init_data_uses_the_callers_memory_at_every_size),
        cmocka_unit_test(init_data_without_free_function_is_constant),
        cmocka_unit_test(init_data_takes_no_data_at_size_zero),
        cmocka_unit_test(copy_of_small_content_is_not_shared),
        cmocka_unit_test(copy_of_large_content_is_shared_for_good),
        cmocka_unit_test(free_function_runs_when_the_last_copy_is_closed),
        cmocka_unit_test(copies_may_be_closed_in_two_threads),
        cmocka_unit_test(move_leaves_the_source_empty),
        cmocka_unit_test(move_takes_the_shared_mark_along),
        cmocka_unit_test(move_onto_itself_changes_nothing),
        cmocka_unit_test(move_and_copy_release_what_the_target_held),
        cmocka_unit_test(closed_messages_are_refused_with_efault),
        cmocka_unit_test(properties_that_do_not_exist_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
