/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys as text: zmq_z85_encode(3), zmq_z85_decode(3).
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
