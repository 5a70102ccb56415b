/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys for CURVE: zmq_curve_keypair and zmq_curve_public.
 *
 * Thread: the main thread.
 */
#include "common/suite.h"

#include <errno.h>

enum { TEXT_SIZE = 41 };

/* Whether the library has them; without libsodium they say so. */
static bool has_keys(void)
{
    char public_key[TEXT_SIZE], secret_key[TEXT_SIZE];

    errno = 0;
    if (zmq_curve_keypair(public_key, secret_key) == 0)
        return true;
    assert_int_equal(errno, ENOTSUP);
    assert_fails(zmq_curve_public(public_key, secret_key), ENOTSUP);
    return false;
}

static void pairs_differ_and_are_text(void **state)
{
    char keys[4][TEXT_SIZE];
    uint8_t bytes[32];

    (void)state;
    if (!has_keys())
        skip();
    assert_ok(zmq_curve_keypair(keys[0], keys[1]));
    assert_ok(zmq_curve_keypair(keys[2], keys[3]));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(strlen(keys[i]), TEXT_SIZE - 1);
        assert_non_null(zmq_z85_decode(bytes, keys[i]));
        for (int other = 0; other < i; other++)
            assert_string_not_equal(keys[i], keys[other]);
    }
}

static void the_public_key_follows_from_the_secret_one(void **state)
{
    char public_key[TEXT_SIZE], secret_key[TEXT_SIZE], derived[TEXT_SIZE];

    (void)state;
    if (!has_keys())
        skip();
    for (int i = 0; i < 20; i++) {
        assert_ok(zmq_curve_keypair(public_key, secret_key));
        memset(derived, 'x', sizeof(derived));
        assert_ok(zmq_curve_public(derived, secret_key));
        assert_string_equal(derived, public_key);
    }
}

/* The two keys of RFC 7748, 6.1. */
static void known_keys_come_out_right(void **state)
{
    static const uint8_t secret_key[32] = {
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
        0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
        0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a};
    static const uint8_t public_key[32] = {
        0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
        0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
        0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a};
    char secret_text[TEXT_SIZE], derived[TEXT_SIZE];
    uint8_t bytes[32];

    (void)state;
    if (!has_keys())
        skip();
    assert_non_null(zmq_z85_encode(secret_text, secret_key, 32));
    assert_ok(zmq_curve_public(derived, secret_text));
    assert_non_null(zmq_z85_decode(bytes, derived));
    assert_memory_equal(bytes, public_key, 32);
}

static void what_is_no_key_is_refused(void **state)
{
    char derived[TEXT_SIZE];

    (void)state;
    if (!has_keys())
        skip();
    assert_fails(
        zmq_curve_public(derived, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~"),
        EINVAL);
    assert_fails(zmq_curve_public(derived, "rq:r"), EINVAL);
    if (is_ceromq()) /* libzmq reads on behind a text that is too short. */
        assert_fails(zmq_curve_public(derived, "rq:rM"), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_differ_and_are_text),
        cmocka_unit_test(the_public_key_follows_from_the_secret_one),
        cmocka_unit_test(known_keys_come_out_right),
        cmocka_unit_test(what_is_no_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
