/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Z85 (security.md 7).
 */
#include "hex.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "wire/z85.h"

#include <errno.h>

static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ".-:+=^!/*?&<>()[]{}@%$#";

static void the_test_vector_of_rfc_32_holds(void **state)
{
    struct hex bytes = hex("864FD26FB559F75B");
    char text[11];
    uint8_t back[8];

    (void)state;
    assert_int_equal(cz_z85_encode(text, bytes.bytes, bytes.size), 0);
    assert_string_equal(text, "HelloWorld");
    assert_int_equal(cz_z85_decode(back, "HelloWorld", 10), 0);
    assert_memory_equal(back, bytes.bytes, 8);
}

static void the_alphabet_is_in_order(void **state)
{
    (void)state;
    assert_int_equal(strlen(alphabet), 85);
    for (uint32_t value = 0; value < 85; value++) {
        uint8_t bytes[4];
        uint8_t back[4];
        char text[6];

        cz_put_be32(bytes, value);
        assert_int_equal(cz_z85_encode(text, bytes, 4), 0);
        assert_memory_equal(text, "0000", 4);
        assert_int_equal(text[4], alphabet[value]);
        assert_int_equal(text[5], '\0');
        assert_int_equal(cz_z85_decode(back, text, 5), 0);
        assert_memory_equal(back, bytes, 4);
    }
}

static void nothing_encodes_to_nothing(void **state)
{
    char text[1] = {'x'};

    (void)state;
    assert_int_equal(cz_z85_encode(text, NULL, 0), 0);
    assert_int_equal(text[0], '\0');
}

static void only_multiples_of_4_are_encoded(void **state)
{
    uint8_t bytes[9] = {0};
    char text[16];

    (void)state;
    for (size_t size = 0; size < sizeof bytes; size++)
        assert_int_equal(cz_z85_encode(text, bytes, size),
                         size % 4 == 0 ? 0 : -EINVAL);
}

static void only_multiples_of_5_but_0_are_decoded(void **state)
{
    uint8_t bytes[16];

    (void)state;
    for (size_t size = 0; size <= 15; size++)
        assert_int_equal(cz_z85_decode(bytes, "000000000000000", size),
                         size > 0 && size % 5 == 0 ? 0 : -EINVAL);
}

static void only_the_alphabet_is_decoded(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool is_digit = c != 0 && strchr(alphabet, c) != NULL;

        for (size_t place = 0; place < 5; place++) {
            char text[5] = {'0', '0', '0', '0', '0'};
            uint8_t bytes[4];

            /* A great digit in the first place is too much. */
            if (is_digit && place == 0)
                continue;
            text[place] = (char)c;
            assert_int_equal(cz_z85_decode(bytes, text, 5),
                             is_digit ? 0 : -EINVAL);
        }
    }
}

static void groups_hold_32_bits_and_no_more(void **state)
{
    struct hex top = hex("FFFFFFFF");
    uint8_t bytes[4];
    char text[6];

    (void)state;
    assert_int_equal(cz_z85_encode(text, top.bytes, 4), 0);
    assert_string_equal(text, "%nSc0");
    assert_int_equal(cz_z85_decode(bytes, "%nSc0", 5), 0);
    assert_memory_equal(bytes, top.bytes, 4);
    assert_int_equal(cz_z85_decode(bytes, "%nSc1", 5), -EINVAL);
    assert_int_equal(cz_z85_decode(bytes, "%nSd0", 5), -EINVAL);
    assert_int_equal(cz_z85_decode(bytes, "$0000", 5), -EINVAL);
    assert_int_equal(cz_z85_decode(bytes, "#####", 5), -EINVAL);
}

static void every_group_is_checked(void **state)
{
    uint8_t bytes[12];

    (void)state;
    assert_int_equal(cz_z85_decode(bytes, "00000#####00000", 15), -EINVAL);
    assert_int_equal(cz_z85_decode(bytes, "0000000000 0000", 15), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_vector_of_rfc_32_holds),
        cmocka_unit_test(the_alphabet_is_in_order),
        cmocka_unit_test(nothing_encodes_to_nothing),
        cmocka_unit_test(only_multiples_of_4_are_encoded),
        cmocka_unit_test(only_multiples_of_5_but_0_are_decoded),
        cmocka_unit_test(only_the_alphabet_is_decoded),
        cmocka_unit_test(groups_hold_32_bits_and_no_more),
        cmocka_unit_test(every_group_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
