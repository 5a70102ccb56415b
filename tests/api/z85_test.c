/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Z85 as the interface has it; tests/unit/wire/z85_test.c is about the
 * encoding itself.
 *
 * Thread: the main thread.
 */
#include "common/suite.h"

#include <errno.h>

static const uint8_t hello_bytes[] = {0x86, 0x4f, 0xd2, 0x6f,
                                      0xb5, 0x59, 0xf7, 0x5b};

static void the_rfcs_example_goes_both_ways(void **state)
{
    char text[11];
    uint8_t bytes[8];

    (void)state;
    assert_ptr_equal(zmq_z85_encode(text, hello_bytes, 8), text);
    assert_string_equal(text, "HelloWorld");
    assert_ptr_equal(zmq_z85_decode(bytes, text), bytes);
    assert_memory_equal(bytes, hello_bytes, 8);
}

static void a_key_goes_both_ways(void **state)
{
    uint8_t key[32], back[32];
    char text[41];

    (void)state;
    for (int seed = 0; seed < 256; seed++) {
        for (int i = 0; i < 32; i++)
            key[i] = (uint8_t)(seed * 7 + i * 31);
        assert_non_null(zmq_z85_encode(text, key, sizeof(key)));
        assert_int_equal(strlen(text), 40);
        assert_non_null(zmq_z85_decode(back, text));
        assert_memory_equal(back, key, sizeof(key));
    }
}

static void nothing_is_an_empty_text(void **state)
{
    char text[1] = {'x'};

    (void)state;
    assert_ptr_equal(zmq_z85_encode(text, hello_bytes, 0), text);
    assert_int_equal(text[0], '\0');
}

static void sizes_that_are_no_multiple_of_four_are_refused(void **state)
{
    char text[16];

    (void)state;
    for (size_t size = 1; size < 8; size++) {
        if (size != 4)
            assert_null_fails(zmq_z85_encode(text, hello_bytes, size), EINVAL);
    }
}

static void texts_that_are_not_z85_are_refused(void **state)
{
    static const char *const texts[] = {
        "a",        "abcd",   "abcdef", /* length */
        "ab de",    "ab\"de", "ab~de",  /* alphabet */
        "ab\377de",                     /* likewise */
        "#####",    "%nSc1",            /* more than 32 bits */
    };
    uint8_t bytes[16];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_null_fails(zmq_z85_decode(bytes, texts[i]), EINVAL);
}

static void an_empty_text_is_refused(void **state)
{
    uint8_t bytes[4];

    (void)state;
    assert_null_fails(zmq_z85_decode(bytes, ""), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfcs_example_goes_both_ways),
        cmocka_unit_test(a_key_goes_both_ways),
        cmocka_unit_test(nothing_is_an_empty_text),
        cmocka_unit_test(sizes_that_are_no_multiple_of_four_are_refused),
        cmocka_unit_test(texts_that_are_not_z85_are_refused),
        cmocka_unit_test(an_empty_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
