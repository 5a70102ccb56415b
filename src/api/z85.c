/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys as text, and keys for CURVE: zmq_z85_encode(3), zmq_z85_decode(3),
 * zmq_curve_keypair(3), zmq_curve_public(3).
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/z85.h"
#include "zmq.h"

#include <errno.h>
#include <string.h>

char *zmq_z85_encode(char *to, const uint8_t *bytes, size_t size)
{
    int rc = cz_z85_encode(to, bytes, size);

    if (rc < 0) {
        errno = -rc;
        return NULL;
    }
    return to;
}

uint8_t *zmq_z85_decode(uint8_t *to, const char *text)
{
    int rc = cz_z85_decode(to, text, strlen(text));

    if (rc < 0) {
        errno = -rc;
        return NULL;
    }
    return to;
}

/* CURVE is not built yet; see docs/compat.md. */

int zmq_curve_keypair(char *public_key, char *secret_key)
{
    (void)public_key;
    (void)secret_key;
    errno = ENOTSUP;
    return -1;
}

int zmq_curve_public(char *public_key, const char *secret_key)
{
    (void)public_key;
    (void)secret_key;
    errno = ENOTSUP;
    return -1;
}
