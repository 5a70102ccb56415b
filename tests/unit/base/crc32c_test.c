/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CRC-32C against its definition.
 *
 * Thread: one. Owns: nothing.
 */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static uint32_t by_definition(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* RFC 3720, B.4. */
static void known_values_come_out(void **state)
{
    uint8_t bytes[32];

    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(cz_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(cz_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(cz_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(cz_crc32c(0, "123456789", 9), 0xe3069283);
}

/* Who writes a file and who reads it may have different processors. */
static void every_size_and_byte_is_as_defined_by_any_means(void **state)
{
    uint8_t bytes[4096];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + (i >> 8) * 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint32_t expected = by_definition(bytes, size);

        assert_int_equal(cz_crc32c(0, bytes, size), expected);
        assert_int_equal(cz_crc32c_by_table(0, bytes, size), expected);
    }
}

static void pieces_give_the_same_as_the_whole(void **state)
{
    const char *text = "the quick brown fox jumps over the lazy dog";
    size_t size = strlen(text);

    (void)state;
    for (size_t cut = 0; cut <= size; cut++) {
        uint32_t crc = cz_crc32c(0, text, cut);

        assert_int_equal(cz_crc32c(crc, text + cut, size - cut),
                         cz_crc32c(0, text, size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values_come_out),
        cmocka_unit_test(every_size_and_byte_is_as_defined_by_any_means),
        cmocka_unit_test(pieces_give_the_same_as_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
