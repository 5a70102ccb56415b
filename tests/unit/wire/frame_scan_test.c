/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Looking through frames (wire.md 3.2): how far it reaches, where it stops,
 * at every possible cut of the bytes.
 */
#include "wire/frame_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NO_LIMIT = -1 };

static enum cz_scan_stop scan(struct cz_frame_scan *s, const char *bytes,
                              size_t size, int64_t size_max)
{
    static uint8_t copy[70000];

    memcpy(copy, bytes, size);
    memset(s, 0, sizeof *s);
    return cz_frame_scan(s, copy, size, size_max);
}

static void whole_messages_are_counted(void **state)
{
    struct cz_frame_scan s;

    (void)state;
    assert_int_equal(scan(&s, "\0\1a\0\0\0\2bc", 9, NO_LIMIT), CZ_SCAN_MORE);
    assert_int_equal(s.end, 9);
    assert_int_equal(s.complete, 9);
    assert_int_equal(s.messages, 3);
    assert_false(s.is_in_message);
}

static void parts_reach_to_the_last_whole_frame(void **state)
{
    /* One message of two parts, and two parts of one that goes on. */
    static const char bytes[] = "\1\1a\0\1b\1\1c\1\1d";
    const size_t size = sizeof bytes - 1;
    struct cz_frame_scan s;

    (void)state;
    for (size_t cut = 0; cut <= size; cut++) {
        assert_int_equal(scan(&s, bytes, cut, NO_LIMIT), CZ_SCAN_MORE);
        assert_int_equal(s.end, cut / 3 * 3);
        assert_int_equal(s.complete, cut >= 6 ? 6 : 0);
        assert_int_equal(s.messages, cut >= 6);
        assert_int_equal(s.is_in_message, cut >= 3 && cut / 3 != 2);
    }
}

static void long_frames_are_taken_when_they_are_whole(void **state)
{
    static char bytes[9 + 300];
    struct cz_frame_scan s;

    (void)state;
    bytes[0] = 2;
    bytes[7] = 1; /* 300 = 0x012c */
    bytes[8] = 0x2c;
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        assert_int_equal(scan(&s, bytes, cut, NO_LIMIT), CZ_SCAN_MORE);
        assert_int_equal(s.end, 0);
    }
    assert_int_equal(scan(&s, bytes, sizeof bytes, NO_LIMIT), CZ_SCAN_MORE);
    assert_int_equal(s.end, sizeof bytes);
    assert_int_equal(s.messages, 1);
}

static void commands_stop_the_scan_at_their_header(void **state)
{
    struct cz_frame_scan s;

    (void)state;
    assert_int_equal(scan(&s, "\0\1a\4\5\4PONG", 10, NO_LIMIT),
                     CZ_SCAN_COMMAND);
    assert_int_equal(s.end, 3);
    assert_int_equal(s.messages, 1);
    assert_int_equal(s.header, 2);
    assert_int_equal(s.body, 5);
}

static void frames_by_reference_stop_the_scan(void **state)
{
    struct cz_frame_scan s;

    (void)state;
    assert_int_equal(scan(&s, "\3\0\0\0\0\0\0\100\0", 9, NO_LIMIT),
                     CZ_SCAN_LARGE);
    assert_int_equal(s.body, CZ_REF_MIN);
    assert_int_equal(s.header, 9);
    assert_true(s.flags & CZ_FRAME_MORE);
    /* One byte less travels in the chunk. */
    assert_int_equal(scan(&s, "\2\0\0\0\0\0\0\77\377", 9, NO_LIMIT),
                     CZ_SCAN_MORE);
}

static void the_limit_is_checked_on_the_header(void **state)
{
    struct cz_frame_scan s;

    (void)state;
    assert_int_equal(scan(&s, "\0\12", 2, 10), CZ_SCAN_MORE);
    assert_int_equal(scan(&s, "\0\13", 2, 10), CZ_SCAN_TOO_LARGE);
    assert_int_equal(scan(&s, "\4\13", 2, 10), CZ_SCAN_TOO_LARGE);
    assert_int_equal(scan(&s, "\2\0\0\0\0\0\0\1\1", 9, 256), CZ_SCAN_TOO_LARGE);
    assert_int_equal(scan(&s, "\2\0\0\0\0\0\0\1\0", 9, 256), CZ_SCAN_MORE);
    assert_int_equal(scan(&s, "\2\200\0\0\0\0\0\0\0", 9, NO_LIMIT),
                     CZ_SCAN_TOO_LARGE);
}

static void reserved_flags_are_cleared(void **state)
{
    uint8_t bytes[] = {0xf8, 1, 'a', 0xf9, 1, 'b'};
    struct cz_frame_scan s = {0};

    (void)state;
    assert_int_equal(cz_frame_scan(&s, bytes, sizeof bytes, NO_LIMIT),
                     CZ_SCAN_MORE);
    assert_int_equal(s.end, 6);
    assert_int_equal(s.messages, 1);
    assert_true(s.is_in_message);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(bytes[3], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages_are_counted),
        cmocka_unit_test(parts_reach_to_the_last_whole_frame),
        cmocka_unit_test(long_frames_are_taken_when_they_are_whole),
        cmocka_unit_test(commands_stop_the_scan_at_their_header),
        cmocka_unit_test(frames_by_reference_stop_the_scan),
        cmocka_unit_test(the_limit_is_checked_on_the_header),
        cmocka_unit_test(reserved_flags_are_cleared),
    };

    return cmocka_run_group_tests_name("frame_scan", tests, NULL, NULL);
}
