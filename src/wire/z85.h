/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Z85 (RFC 32): four bytes as five printable characters.
 *
 * Thread: any. Owns: nothing.
 */
#ifndef CZ_WIRE_Z85_H
#define CZ_WIRE_Z85_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

/* Writes size / 4 * 5 characters and a NUL. 0, or -EINVAL if `size` is not
 * a multiple of 4; 0 is one. */
CZ_MUST_CHECK int cz_z85_encode(char *to, const uint8_t *bytes, size_t size);

/* Writes size / 5 * 4 bytes. 0, or -EINVAL, possibly after some bytes were
 * written: `size` is 0 or no multiple of 5, a character is not in the
 * alphabet, or a group's value exceeds 32 bits. */
CZ_MUST_CHECK int cz_z85_decode(uint8_t *to, const char *text, size_t size);

#endif
