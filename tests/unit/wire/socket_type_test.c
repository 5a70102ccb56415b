/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Socket types: numbers, names, and who may talk to whom (wire.md 5.3).
 */
#include "hex.h"

#include "base/compiler.h"
#include "wire/socket_type.h"

#include <errno.h>
#include <stdio.h>

/* Numbers as in api.md 4, peers as in wire.md 5.3. */
static const struct {
    int number;
    const char *name;
    const char *peers;
} types[] = {
    {0, "PAIR", "PAIR"},
    {1, "PUB", "SUB XSUB"},
    {2, "SUB", "PUB XPUB"},
    {3, "REQ", "REP ROUTER"},
    {4, "REP", "REQ DEALER"},
    {5, "DEALER", "REP DEALER ROUTER"},
    {6, "ROUTER", "REQ DEALER ROUTER"},
    {7, "PULL", "PUSH"},
    {8, "PUSH", "PULL"},
    {9, "XPUB", "SUB XSUB"},
    {10, "XSUB", "PUB XPUB"},
    {11, "STREAM", ""},
    {12, "SERVER", "CLIENT"},
    {13, "CLIENT", "SERVER"},
    {14, "RADIO", "DISH"},
    {15, "DISH", "RADIO"},
    {16, "GATHER", "SCATTER"},
    {17, "SCATTER", "GATHER"},
    {18, "DGRAM", "DGRAM"},
    {19, "PEER", "PEER"},
    {20, "CHANNEL", "CHANNEL"},
};

static bool is_listed(const char *list, const char *name)
{
    char padded_list[64];
    char padded_name[16];

    snprintf(padded_list, sizeof padded_list, " %s ", list);
    snprintf(padded_name, sizeof padded_name, " %s ", name);
    return strstr(padded_list, padded_name) != NULL;
}

static void numbers_have_names_and_names_have_numbers(void **state)
{
    (void)state;
    assert_int_equal(CZ_COUNT_OF(types), CZ_SOCKET_TYPE_COUNT);
    for (size_t i = 0; i < CZ_COUNT_OF(types); i++) {
        assert_string_equal(cz_socket_type_name(types[i].number),
                            types[i].name);
        assert_int_equal(cz_socket_type_number(cz_span_of_text(types[i].name)),
                         types[i].number);
    }
}

static void other_numbers_have_no_name(void **state)
{
    (void)state;
    assert_null(cz_socket_type_name(-1));
    assert_null(cz_socket_type_name(21));
    assert_null(cz_socket_type_name(255));
}

static void names_are_exact(void **state)
{
    const char *names[] = {"",      "pull",   "Pull",  "PUL",
                           "PULL ", "PULLER", "XPULL", "XREP"};

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(names); i++)
        assert_int_equal(cz_socket_type_number(cz_span_of_text(names[i])),
                         -EINVAL);
    assert_int_equal(cz_socket_type_number(cz_span("PULL", 5)), -EINVAL);
}

static void compatibility_is_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(types); i++) {
        for (size_t k = 0; k < CZ_COUNT_OF(types); k++) {
            bool expected = is_listed(types[i].peers, types[k].name);

            if (cz_socket_types_match((int)i, (int)k) != expected)
                fail_msg("%s and %s: not %d", types[i].name, types[k].name,
                         expected);
        }
    }
}

static void unknown_types_match_nobody(void **state)
{
    const int unknown[] = {-EINVAL, -1, 21, 32, 37, 1000};

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(unknown); i++) {
        for (int type = 0; type < CZ_SOCKET_TYPE_COUNT; type++) {
            assert_false(cz_socket_types_match(type, unknown[i]));
            assert_false(cz_socket_types_match(unknown[i], type));
        }
        assert_false(cz_socket_type_sends_identity(unknown[i]));
        assert_false(cz_socket_type_takes_identity(unknown[i]));
    }
}

static void identity_is_sent_and_taken_by_the_types_of_5_2(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(types); i++) {
        assert_int_equal(cz_socket_type_sends_identity((int)i),
                         is_listed("REQ DEALER ROUTER", types[i].name));
        assert_int_equal(cz_socket_type_takes_identity((int)i),
                         is_listed("REP ROUTER", types[i].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_names_and_names_have_numbers),
        cmocka_unit_test(other_numbers_have_no_name),
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(compatibility_is_as_the_table_says),
        cmocka_unit_test(unknown_types_match_nobody),
        cmocka_unit_test(identity_is_sent_and_taken_by_the_types_of_5_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
