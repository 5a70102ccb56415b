/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Randomness. For identities and jitter it never fails: where the kernel's
 * source is not available it falls back to the clock. For keys it does not.
 *
 * Thread: any.
 */
#ifndef CZ_OS_RANDOM_H
#define CZ_OS_RANDOM_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

void cz_random_bytes(void *to, size_t size);
uint32_t cz_random_u32(void);

/* What nobody can guess. May wait, soon after the system has started. 0 or
 * -errno. */
CZ_MUST_CHECK int cz_random_secret(void *to, size_t size);

#endif
