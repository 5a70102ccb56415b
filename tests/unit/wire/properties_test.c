/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The encoding of properties (wire.md 5.2).
 */
#include "hex.h"

#include "base/compiler.h"
#include "wire/properties.h"

#include <errno.h>

#define DEALER "0B'Socket-Type' 00000006'DEALER' 08'Identity' 00000000"

static struct cz_property property(const char *name, const char *value)
{
    return (struct cz_property){cz_span_of_text(name), cz_span_of_text(value)};
}

static void properties_are_read_in_order(void **state)
{
    struct hex input = hex(DEALER "03'X-A' 00000002 00FF");
    struct cz_span rest = hex_span(&input);
    struct cz_property p;

    (void)state;
    assert_int_equal(cz_properties_next(&rest, &p), 1);
    assert_span(p.name, "'Socket-Type'");
    assert_span(p.value, "'DEALER'");
    assert_int_equal(cz_properties_next(&rest, &p), 1);
    assert_span(p.name, "'Identity'");
    assert_span(p.value, "");
    assert_int_equal(cz_properties_next(&rest, &p), 1);
    assert_span(p.name, "'X-A'");
    assert_span(p.value, "00FF");
    assert_int_equal(cz_properties_next(&rest, &p), 0);
    assert_int_equal(cz_properties_next(&rest, &p), 0);
}

static void nothing_is_well_formed(void **state)
{
    struct cz_span rest = {NULL, 0};
    struct cz_property p;

    (void)state;
    assert_int_equal(cz_properties_next(&rest, &p), 0);
    assert_int_equal(cz_properties_check(rest), 0);
}

static void truncation_at_every_byte_is_an_error(void **state)
{
    struct hex input = hex(DEALER "03'X-A' 00000002 00FF");
    /* Where one property ends and the next would begin. */
    const size_t whole[] = {0, 22, 35, input.size};

    (void)state;
    assert_int_equal(input.size, 45);
    for (size_t size = 0; size <= input.size; size++) {
        uint8_t *exact = hex_exact(input.bytes, size);
        bool is_whole = false;

        for (size_t i = 0; i < CZ_COUNT_OF(whole); i++)
            is_whole = is_whole || size == whole[i];
        assert_int_equal(cz_properties_check(cz_span(exact, size)),
                         is_whole ? 0 : -EPROTO);
        free(exact);
    }
}

static void an_error_leaves_the_rest_as_it_was(void **state)
{
    struct hex input = hex("01'A' 00000003 'ab'");
    struct cz_span rest = hex_span(&input);
    struct cz_property p;

    (void)state;
    assert_int_equal(cz_properties_next(&rest, &p), -EPROTO);
    assert_ptr_equal(rest.bytes, input.bytes);
    assert_int_equal(rest.size, input.size);
}

static void malformed_strings_are_errors(void **state)
{
    const char *inputs[] = {
        "00",                            /* one stray byte */
        "FF",                            /* a name longer than the string */
        "05 'Name' 00000000",            /* a name that eats the length */
        "04 'Name' 000000",              /* half a length */
        "04 'Name' 00000001",            /* a value that is not there */
        "04 'Name' 7FFFFFFF 'x'",        /* the longest value there may be */
        "04 'Name' 80000000 'x'",        /* a negative one */
        "04 'Name' FFFFFFFF 'x'",        /* all bits */
        "04 'Name' 00000001 'x' 00",     /* a stray byte behind */
        "04 'Name' 00000001 'x' 000000", /* three of them */
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(inputs); i++) {
        struct hex input = hex(inputs[i]);
        uint8_t *exact = hex_exact(input.bytes, input.size);

        assert_int_equal(cz_properties_check(cz_span(exact, input.size)),
                         -EPROTO);
        free(exact);
    }
}

static void an_empty_name_is_tolerated(void **state)
{
    struct hex input = hex("00 00000001 'x'");
    struct cz_span rest = hex_span(&input);
    struct cz_property p;

    (void)state;
    assert_int_equal(cz_properties_next(&rest, &p), 1);
    assert_span(p.name, "");
    assert_span(p.value, "'x'");
    assert_int_equal(rest.size, 0);
}

static void names_match_in_any_case(void **state)
{
    struct cz_property p = property("SOCKET-type", "");

    (void)state;
    assert_true(cz_property_is(&p, "Socket-Type"));
    assert_false(cz_property_is(&p, "Socket-Typ"));
    assert_false(cz_property_is(&p, "Socket_Type"));
    p = property("@[`{", "");
    assert_false(cz_property_is(&p, "`{@["));
    p = property("", "");
    assert_false(cz_property_is(&p, "Identity"));
}

static void properties_are_written_to_the_byte(void **state)
{
    struct cz_property p = property("Socket-Type", "PULL");
    uint8_t to[32];

    (void)state;
    assert_int_equal(cz_property_size(&p), 20);
    assert_bytes(to, cz_property_encode(to, sizeof to, &p),
                 "0B'Socket-Type' 00000004'PULL'");
    p = property("Identity", "");
    assert_bytes(to, cz_property_encode(to, sizeof to, &p),
                 "08'Identity' 00000000");
}

static void nothing_is_written_beyond_the_capacity(void **state)
{
    struct cz_property p = property("X-Name", "value");
    size_t size = cz_property_size(&p);

    (void)state;
    for (size_t capacity = 0; capacity < size; capacity++) {
        uint8_t to[32] = {0};

        assert_int_equal(cz_property_encode(to, capacity, &p), 0);
        for (size_t i = 0; i < sizeof to; i++)
            assert_int_equal(to[i], 0);
    }
    {
        uint8_t to[32];

        assert_int_equal(cz_property_encode(to, size, &p), size);
    }
}

static void unencodable_names_are_refused(void **state)
{
    static uint8_t to[600];
    static uint8_t long_name[256];
    struct cz_property p = property("", "x");

    (void)state;
    assert_int_equal(cz_property_encode(to, sizeof to, &p), 0);
    memset(long_name, 'n', sizeof long_name);
    p.name = cz_span(long_name, 256);
    assert_int_equal(cz_property_encode(to, sizeof to, &p), 0);
    p.name = cz_span(long_name, 255);
    assert_int_equal(cz_property_encode(to, sizeof to, &p), 261);
    assert_int_equal(to[0], 255);
}

static void unencodable_values_are_refused(void **state)
{
    struct cz_property p = property("X", "");
    uint8_t to[16];

    (void)state;
    /* Refused for its size alone: the bytes are never looked at. */
    p.value.size = (size_t)CZ_PROPERTY_VALUE_MAX + 1;
    assert_int_equal(cz_property_encode(to, SIZE_MAX, &p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_are_read_in_order),
        cmocka_unit_test(nothing_is_well_formed),
        cmocka_unit_test(truncation_at_every_byte_is_an_error),
        cmocka_unit_test(an_error_leaves_the_rest_as_it_was),
        cmocka_unit_test(malformed_strings_are_errors),
        cmocka_unit_test(an_empty_name_is_tolerated),
        cmocka_unit_test(names_match_in_any_case),
        cmocka_unit_test(properties_are_written_to_the_byte),
        cmocka_unit_test(nothing_is_written_beyond_the_capacity),
        cmocka_unit_test(unencodable_names_are_refused),
        cmocka_unit_test(unencodable_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
