/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys for CURVE: zmq_curve_keypair(3), zmq_curve_public(3). They need
 * libsodium (CZ_HAVE_SODIUM); without it they fail with ENOTSUP, as in a
 * libzmq built without CURVE.
 *
 * Thread: any. Owns: nothing; secrets are wiped from the stack.
 */
#include "api/internal.h"
#include "core/options.h"
#include "os/random.h"
#include "wire/z85.h"
#include "zmq.h"

#include <stdbool.h>
#include <string.h>

enum { KEY_TEXT_SIZE = CZ_CURVE_KEY_SIZE / 4 * 5 };

#ifdef CZ_HAVE_SODIUM
#include <sodium/crypto_scalarmult.h>

enum { HAVE_CURVE = true };

/* The public key of a secret one: X25519 with the base point. */
static int curve_derive(uint8_t *public_key, const uint8_t *secret_key)
{
    return crypto_scalarmult_base(public_key, secret_key) == 0 ? 0 : -EINVAL;
}
#else
enum { HAVE_CURVE = false };

static int curve_derive(uint8_t *public_key, const uint8_t *secret_key)
{
    (void)public_key;
    (void)secret_key;
    return -ENOTSUP;
}
#endif

int zmq_curve_keypair(char *public_text, char *secret_text)
{
    uint8_t public_key[CZ_CURVE_KEY_SIZE];
    uint8_t secret_key[CZ_CURVE_KEY_SIZE];
    int rc =
        HAVE_CURVE ? cz_random_secret(secret_key, sizeof secret_key) : -ENOTSUP;

    if (rc == 0)
        rc = curve_derive(public_key, secret_key);
    if (rc == 0)
        rc = cz_z85_encode(public_text, public_key, sizeof public_key);
    if (rc == 0)
        rc = cz_z85_encode(secret_text, secret_key, sizeof secret_key);
    explicit_bzero(secret_key, sizeof secret_key);
    return api_result(rc);
}

int zmq_curve_public(char *public_text, const char *secret_text)
{
    uint8_t public_key[CZ_CURVE_KEY_SIZE];
    uint8_t secret_key[CZ_CURVE_KEY_SIZE];
    int rc = HAVE_CURVE ? -EINVAL : -ENOTSUP;

    if (HAVE_CURVE && strlen(secret_text) == KEY_TEXT_SIZE)
        rc = cz_z85_decode(secret_key, secret_text, KEY_TEXT_SIZE);
    if (rc == 0)
        rc = curve_derive(public_key, secret_key);
    if (rc == 0)
        rc = cz_z85_encode(public_text, public_key, sizeof public_key);
    explicit_bzero(secret_key, sizeof secret_key);
    return api_result(rc);
}
