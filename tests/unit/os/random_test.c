/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Randomness: every byte is filled, and nothing repeats.
 *
 * Thread: one. Owns: nothing.
 */
#include "os/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void two_draws_differ(void **state)
{
    uint8_t first[32], second[32];

    (void)state;
    cz_random_bytes(first, sizeof first);
    cz_random_bytes(second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_int_equal(cz_random_secret(first, sizeof first), 0);
    assert_int_equal(cz_random_secret(second, sizeof second), 0);
    assert_memory_not_equal(first, second, sizeof first);
}

static void every_byte_takes_many_values(void **state)
{
    enum { SIZE = 300, DRAWS = 64 };
    uint8_t seen_bits[SIZE] = {0}, bytes[SIZE];
    int draw, i;

    (void)state;
    for (draw = 0; draw < DRAWS; draw++) {
        memset(bytes, 0, sizeof bytes);
        cz_random_bytes(bytes, sizeof bytes);
        for (i = 0; i < SIZE; i++)
            seen_bits[i] |= bytes[i];
    }
    for (i = 0; i < SIZE; i++)
        assert_int_equal(seen_bits[i], 0xff);
}

static void nothing_beyond_the_size_is_written(void **state)
{
    uint8_t bytes[8];
    int draw;

    (void)state;
    for (draw = 0; draw < 50; draw++) {
        memset(bytes, 0xaa, sizeof bytes);
        cz_random_bytes(bytes, 5);
        cz_random_bytes(bytes, 0);
        assert_memory_equal(bytes + 5, "\xaa\xaa\xaa", 3);
    }
}

static void numbers_rarely_repeat(void **state)
{
    uint32_t first = cz_random_u32();
    int i, repeats = 0;

    (void)state;
    for (i = 0; i < 100; i++)
        repeats += cz_random_u32() == first;
    assert_true(repeats < 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_draws_differ),
        cmocka_unit_test(every_byte_takes_many_values),
        cmocka_unit_test(nothing_beyond_the_size_is_written),
        cmocka_unit_test(numbers_rarely_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
