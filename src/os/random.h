/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Randomness for identities, jitter and keys. Never fails: where the
 * kernel's source is not available it falls back to the clock.
 *
 * Thread: any.
 */
#ifndef CZ_OS_RANDOM_H
#define CZ_OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void cz_random_bytes(void *to, size_t size);
uint32_t cz_random_u32(void);

#endif
