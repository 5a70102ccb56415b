/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writing JSON: structure, escapes, growth, and no memory.
 *
 * Thread: one. Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"

#include <string.h>

static void expect(const struct cz_json *json, const char *text)
{
    assert_false(json->has_failed);
    assert_int_equal(json->size, strlen(text));
    assert_memory_equal(json->text, text, json->size);
}

static void commas_stand_between_and_nowhere_else(void **state)
{
    struct cz_json json;

    (void)state;
    cz_json_init(&json);
    cz_json_open(&json, NULL, '{');
    cz_json_number(&json, "a", 1);
    cz_json_open(&json, "list", '[');
    cz_json_open(&json, NULL, '{');
    cz_json_close(&json, '}');
    cz_json_number(&json, NULL, UINT64_MAX);
    cz_json_close(&json, ']');
    cz_json_text(&json, "b", "");
    cz_json_close(&json, '}');
    expect(&json, "{\"a\":1,\"list\":[{},18446744073709551615],\"b\":\"\"}");
    cz_json_fini(&json);
}

static void every_byte_of_a_text_comes_out_as_ascii(void **state)
{
    struct cz_json json;

    (void)state;
    cz_json_init(&json);
    cz_json_text(&json, NULL, "a\"\\/\n\x01\x7f\xff b");
    expect(&json, "\"a\\\"\\\\/\\u000a\\u0001\\u007f\\u00ff b\"");
    cz_json_fini(&json);
}

static void seconds_have_six_digits(void **state)
{
    struct cz_json json;

    (void)state;
    cz_json_init(&json);
    cz_json_open(&json, NULL, '[');
    cz_json_seconds(&json, NULL, 0);
    cz_json_seconds(&json, NULL, 1732628400000042);
    cz_json_close(&json, ']');
    expect(&json, "[0.000000,1732628400.000042]");
    cz_json_fini(&json);
}

static void it_grows_as_needed(void **state)
{
    char large[5000];
    struct cz_json json;

    (void)state;
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    cz_json_init(&json);
    cz_json_text(&json, NULL, large);
    assert_int_equal(json.size, sizeof large + 1);
    cz_json_fini(&json);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        struct cz_json json;

        cz_alloc_fail_at(nth);
        cz_json_init(&json);
        for (int i = 0; i < 100; i++)
            cz_json_text(&json, "key", "value");
        assert_true(json.has_failed);
        cz_json_fini(&json);
    }
    cz_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
        cmocka_unit_test(every_byte_of_a_text_comes_out_as_ascii),
        cmocka_unit_test(seconds_have_six_digits),
        cmocka_unit_test(it_grows_as_needed),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
