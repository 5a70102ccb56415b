/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Message objects: content in place and by reference, sharing, moving, and
 * who frees what, once.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "msg/msg.h"

#include <errno.h>
#include <string.h>

static const size_t sizes[] = {0, 1, 32, 33, 34, 255, 16383, 16384, 100000};

static void count_free(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

static uint8_t *bytes_of(struct cz_msg *msg)
{
    return (uint8_t *)(uintptr_t)cz_msg_data(msg);
}

static void close_msg(struct cz_msg *msg)
{
    assert_int_equal(cz_msg_close(msg), 0);
}

static void a_message_has_the_size_it_was_made_with(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
        struct cz_msg msg;

        assert_int_equal(cz_msg_init_size(&msg, sizes[i]), 0);
        assert_int_equal(cz_msg_size(&msg), sizes[i]);
        memset(bytes_of(&msg), 0x5a, sizes[i]);
        assert_int_equal(msg.kind, sizes[i] <= CZ_MSG_INLINE_MAX
                                       ? CZ_MSG_INLINE
                                       : CZ_MSG_BUFFER);
        close_msg(&msg);
    }
}

static void a_size_beyond_memory_is_refused(void **state)
{
    struct cz_msg msg;

    (void)state;
    assert_int_equal(cz_msg_init_size(&msg, SIZE_MAX), -ENOMEM);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_msg_init_size(&msg, 100), -ENOMEM);
    cz_alloc_fail_at(0);
}

static void what_is_not_alive_is_refused(void **state)
{
    struct cz_msg dead;
    struct cz_msg msg;

    (void)state;
    cz_msg_init(&dead);
    cz_msg_init(&msg);
    close_msg(&dead);
    assert_int_equal(cz_msg_close(&dead), -EFAULT);
    assert_int_equal(cz_msg_move(&msg, &dead), -EFAULT);
    assert_int_equal(cz_msg_move(&dead, &msg), -EFAULT);
    assert_int_equal(cz_msg_copy(&msg, &dead), -EFAULT);
    assert_int_equal(cz_msg_copy(&dead, &msg), -EFAULT);
    memset(&dead, 0, sizeof dead);
    assert_int_equal(cz_msg_close(&dead), -EFAULT);
    close_msg(&msg);
}

static void lent_memory_is_given_back_once(void **state)
{
    static uint8_t data[50];
    struct cz_msg a;
    struct cz_msg b;
    int freed = 0;

    (void)state;
    assert_int_equal(
        cz_msg_init_data(&a, data, sizeof data, count_free, &freed), 0);
    assert_ptr_equal(cz_msg_data(&a), data);
    cz_msg_init(&b);
    assert_int_equal(cz_msg_copy(&b, &a), 0);
    close_msg(&a);
    assert_int_equal(freed, 0);
    assert_ptr_equal(cz_msg_data(&b), data);
    close_msg(&b);
    assert_int_equal(freed, 1);
}

static void without_memory_what_is_lent_is_not_given_back(void **state)
{
    static uint8_t data[50];
    struct cz_msg lent[1000];
    int freed = 0;
    int count = 0;
    int rc;

    (void)state;
    /* The heads of buffers come many at a time. */
    cz_alloc_fail_range(1, UINT32_MAX);
    do {
        rc = cz_msg_init_data(&lent[count], data, sizeof data, count_free,
                              &freed);
    } while (rc == 0 && ++count < (int)CZ_COUNT_OF(lent));
    cz_alloc_fail_at(0);
    assert_int_equal(rc, -ENOMEM);
    assert_int_equal(freed, 0);
    while (count > 0)
        close_msg(&lent[--count]);
}

static void memory_lent_without_a_free_function_is_left_alone(void **state)
{
    static uint8_t data[CZ_REF_MIN];
    struct cz_frame frame;
    struct cz_msg msg;

    (void)state;
    assert_int_equal(cz_msg_init_data(&msg, data, sizeof data, NULL, NULL), 0);
    assert_ptr_equal(cz_msg_data(&msg), data);
    assert_int_equal(cz_msg_to_frame(&msg, &frame), 0);
    assert_ptr_equal(frame.data, data);
    assert_non_null(frame.buffer);
    cz_msg_sent(&msg);
    assert_int_equal(cz_msg_size(&msg), 0);
    cz_buffer_unref(frame.buffer);
}

static void a_copy_shares_what_is_large(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
        struct cz_msg a;
        struct cz_msg b;
        bool is_large = sizes[i] > CZ_MSG_INLINE_MAX;

        assert_int_equal(cz_msg_init_size(&a, sizes[i]), 0);
        memset(bytes_of(&a), 7, sizes[i]);
        a.flags |= CZ_MSG_FLAG_MORE;
        assert_int_equal(cz_msg_init_size(&b, 1000), 0);
        assert_int_equal(cz_msg_copy(&b, &a), 0);
        assert_int_equal(cz_msg_size(&b), sizes[i]);
        assert_memory_equal(cz_msg_data(&a), cz_msg_data(&b), sizes[i]);
        assert_int_equal(cz_msg_data(&a) == cz_msg_data(&b), is_large);
        assert_int_equal(!!(a.flags & CZ_MSG_FLAG_SHARED), is_large);
        assert_true(b.flags & CZ_MSG_FLAG_MORE);
        assert_int_equal(cz_msg_copy(&a, &a), 0);
        close_msg(&a);
        close_msg(&b);
    }
}

static void a_move_leaves_an_empty_message(void **state)
{
    struct cz_msg a;
    struct cz_msg b;
    const uint8_t *data;

    (void)state;
    assert_int_equal(cz_msg_init_size(&a, 5000), 0);
    assert_int_equal(cz_msg_init_size(&b, 6000), 0);
    data = cz_msg_data(&a);
    assert_int_equal(cz_msg_move(&b, &a), 0);
    assert_ptr_equal(cz_msg_data(&b), data);
    assert_int_equal(cz_msg_size(&a), 0);
    assert_true(cz_msg_is_alive(&a));
    assert_int_equal(cz_msg_move(&b, &b), 0);
    assert_ptr_equal(cz_msg_data(&b), data);
    close_msg(&a);
    close_msg(&b);
}

static void a_copy_has_a_group_of_its_own(void **state)
{
    struct cz_msg a;
    struct cz_msg b;

    (void)state;
    cz_msg_init(&a);
    cz_msg_init(&b);
    a.group = cz_strdup("weather");
    a.routing_id = 77;
    cz_alloc_fail_at(1);
    assert_int_equal(cz_msg_copy(&b, &a), -ENOMEM);
    cz_alloc_fail_at(0);
    assert_true(cz_msg_is_alive(&b));
    assert_int_equal(cz_msg_copy(&b, &a), 0);
    assert_string_equal(b.group, "weather");
    assert_ptr_not_equal(a.group, b.group);
    assert_int_equal(b.routing_id, 77);
    close_msg(&a);
    close_msg(&b);
}

static void a_frame_becomes_a_message_with_its_metadata(void **state)
{
    struct cz_metadata *metadata = cz_metadata_create(NULL, 0, 9);
    struct cz_frame frame = {
        .data = (const uint8_t *)"hello",
        .size = 5,
        .metadata = metadata,
        .flags = CZ_FRAME_MORE,
    };
    struct cz_msg msg;

    (void)state;
    assert_int_equal(cz_msg_init_frame(&msg, &frame), 0);
    cz_metadata_unref(metadata, 1);
    assert_memory_equal(cz_msg_data(&msg), "hello", 5);
    assert_true(msg.flags & CZ_MSG_FLAG_MORE);
    assert_int_equal(cz_metadata_fd(msg.metadata), 9);
    close_msg(&msg);

    frame = (struct cz_frame){.size = 20000};
    frame.buffer = cz_buffer_create(NULL, 20000);
    frame.data = frame.buffer->data;
    assert_int_equal(cz_msg_init_frame(&msg, &frame), 0);
    assert_ptr_equal(cz_msg_data(&msg), frame.data);
    close_msg(&msg);

    frame = (struct cz_frame){.data = (const uint8_t *)"", .size = 0};
    assert_int_equal(cz_msg_init_frame(&msg, &frame), 0);
    assert_int_equal(cz_msg_size(&msg), 0);
    close_msg(&msg);
}

static void a_message_becomes_a_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(sizes); i++) {
        struct cz_frame frame;
        struct cz_msg msg;

        assert_int_equal(cz_msg_init_size(&msg, sizes[i]), 0);
        assert_int_equal(cz_msg_to_frame(&msg, &frame), 0);
        assert_ptr_equal(frame.data, cz_msg_data(&msg));
        assert_int_equal(frame.size, sizes[i]);
        assert_int_equal(frame.buffer != NULL, sizes[i] >= CZ_REF_MIN);
        cz_msg_sent(&msg);
        assert_int_equal(cz_msg_size(&msg), 0);
        if (frame.buffer)
            cz_buffer_unref(frame.buffer);
    }
}

static void a_frame_always_has_an_address(void **state)
{
    struct cz_frame frame;
    struct cz_msg msg;

    (void)state;
    assert_int_equal(cz_msg_init_data(&msg, NULL, 0, NULL, NULL), 0);
    assert_int_equal(cz_msg_to_frame(&msg, &frame), 0);
    assert_non_null(frame.data);
    assert_int_equal(frame.size, 0);
    close_msg(&msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_the_size_it_was_made_with),
        cmocka_unit_test(a_size_beyond_memory_is_refused),
        cmocka_unit_test(what_is_not_alive_is_refused),
        cmocka_unit_test(lent_memory_is_given_back_once),
        cmocka_unit_test(without_memory_what_is_lent_is_not_given_back),
        cmocka_unit_test(memory_lent_without_a_free_function_is_left_alone),
        cmocka_unit_test(a_copy_shares_what_is_large),
        cmocka_unit_test(a_move_leaves_an_empty_message),
        cmocka_unit_test(a_copy_has_a_group_of_its_own),
        cmocka_unit_test(a_frame_becomes_a_message_with_its_metadata),
        cmocka_unit_test(a_message_becomes_a_frame),
        cmocka_unit_test(a_frame_always_has_an_address),
    };

    return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
