/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMTP 1.0 frame headers (wire.md 3.1).
 */
#include "hex.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "wire/zmtp1.h"

#include <errno.h>

static const struct {
    uint64_t body_size;
    bool has_more;
    const char *header;
} frames[] = {
    {0, false, "01 00"},
    {0, true, "01 01"},
    {1, false, "02 00"},
    {252, true, "FD 01"},
    {253, false, "FE 00"},
    {254, false, "FF 00000000000000FF 00"},
    {255, true, "FF 0000000000000100 01"},
    {65535, false, "FF 0000000000010000 00"},
    {0xffffffff, true, "FF 0000000100000000 01"},
    {INT64_MAX, false, "FF 8000000000000000 00"},
};

static void headers_are_written_to_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(frames); i++) {
        uint8_t header[CZ_ZMTP1_HEADER_MAX];
        size_t size =
            cz_zmtp1_header(header, frames[i].body_size, frames[i].has_more);

        assert_bytes(header, size, frames[i].header);
    }
}

/* Parses a copy of just these bytes. */
static int parse(const struct hex *input, size_t size, size_t *header_size,
                 uint64_t *body_size, bool *has_more)
{
    uint8_t *exact = hex_exact(input->bytes, size);
    int rc = cz_zmtp1_parse(exact, size, header_size, body_size, has_more);

    free(exact);
    return rc;
}

static void headers_are_read_back_whatever_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(frames); i++) {
        struct hex input = hex(frames[i].header);
        size_t size = input.size;

        for (size_t extra = 0; extra < 3; extra++) {
            size_t header_size;
            uint64_t body_size;
            bool has_more;

            assert_int_equal(parse(&input, size + extra, &header_size,
                                   &body_size, &has_more),
                             1);
            assert_int_equal(header_size, size);
            assert_true(body_size == frames[i].body_size);
            assert_int_equal(has_more, frames[i].has_more);
        }
    }
}

static void truncated_headers_ask_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(frames); i++) {
        struct hex input = hex(frames[i].header);

        for (size_t size = 0; size < input.size; size++) {
            size_t header_size = 77;
            uint64_t body_size = 77;
            bool has_more = true;

            assert_int_equal(
                parse(&input, size, &header_size, &body_size, &has_more), 0);
            assert_int_equal(header_size, 77);
            assert_int_equal(body_size, 77);
        }
    }
}

static void long_form_is_accepted_for_any_length(void **state)
{
    (void)state;
    for (unsigned length = 1; length < 300; length++) {
        struct hex input = hex("FF 0000000000000000 01");
        size_t header_size;
        uint64_t body_size;
        bool has_more;

        cz_put_be64(input.bytes + 1, length);
        assert_int_equal(
            parse(&input, input.size, &header_size, &body_size, &has_more), 1);
        assert_int_equal(header_size, 10);
        assert_int_equal(body_size, length - 1);
        assert_true(has_more);
    }
}

static void only_bit_0_of_the_flags_counts(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= 255; flags++) {
        struct hex input = hex("03 00");
        size_t header_size;
        uint64_t body_size;
        bool has_more;

        input.bytes[1] = (uint8_t)flags;
        assert_int_equal(
            parse(&input, input.size, &header_size, &body_size, &has_more), 1);
        assert_int_equal(has_more, flags & 1);
        assert_int_equal(body_size, 2);
    }
}

static void impossible_lengths_are_errors(void **state)
{
    const char *inputs[] = {
        "00",
        "00 00",
        "FF 0000000000000000",
        "FF 0000000000000000 00",
        "FF 8000000000000001",
        "FF 8000000000000001 00",
        "FF FFFFFFFFFFFFFFFF 00",
    };

    (void)state;
    for (size_t i = 0; i < CZ_COUNT_OF(inputs); i++) {
        struct hex input = hex(inputs[i]);
        size_t header_size;
        uint64_t body_size;
        bool has_more;

        assert_int_equal(
            parse(&input, input.size, &header_size, &body_size, &has_more),
            -EPROTO);
    }
}

static void signature_of_a_newer_peer_is_an_identity_header(void **state)
{
    struct hex input = hex("FF 0000000000000006 7F");
    size_t header_size;
    uint64_t body_size;
    bool has_more;

    (void)state;
    assert_int_equal(
        parse(&input, input.size, &header_size, &body_size, &has_more), 1);
    assert_int_equal(header_size, 10);
    assert_int_equal(body_size, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_written_to_the_byte),
        cmocka_unit_test(headers_are_read_back_whatever_follows),
        cmocka_unit_test(truncated_headers_ask_for_more),
        cmocka_unit_test(long_form_is_accepted_for_any_length),
        cmocka_unit_test(only_bit_0_of_the_flags_counts),
        cmocka_unit_test(impossible_lengths_are_errors),
        cmocka_unit_test(signature_of_a_newer_peer_is_an_identity_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
