/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMTP 1.0 frames (wire.md 3.1). The length counts the flags octet:
 *
 *     short   len(1) flags(1) body              body of 0 to 253 bytes
 *     long    FF len(8) flags(1) body           longer ones
 *
 * Thread: any. Owns: nothing.
 */
#ifndef CZ_WIRE_ZMTP1_H
#define CZ_WIRE_ZMTP1_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CZ_ZMTP1_HEADER_MAX = 10, CZ_ZMTP1_SHORT_BODY_MAX = 253 };

/* Writes the header of a frame with a body of `body_size` bytes (at most
 * 2^63 - 1); returns the header's size, 2 or 10. */
size_t cz_zmtp1_header(uint8_t to[CZ_ZMTP1_HEADER_MAX], uint64_t body_size,
                       bool has_more);

/* Reads the header at the start of `bytes`. 1: complete, all three results
 * are set, and `body_size` is at most 2^63 - 1. 0: more bytes are needed,
 * nothing is set. -EPROTO: a length of 0 or a hopeless one; close. */
CZ_MUST_CHECK int cz_zmtp1_parse(const uint8_t *bytes, size_t size,
                                 size_t *header_size, uint64_t *body_size,
                                 bool *has_more);

#endif
