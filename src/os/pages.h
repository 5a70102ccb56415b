/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory straight from the kernel, which goes back there when it is freed.
 *
 * Thread: any.
 */
#ifndef CZ_OS_PAGES_H
#define CZ_OS_PAGES_H

#include "base/compiler.h"

#include <stddef.h>

/* `size` zeroed bytes, a power of two, at a multiple of it. NULL = none: no
 * memory, or a build that wants to see every block by itself (ASan). */
void *cz_pages_map(size_t size);
void cz_pages_unmap(void *pages, size_t size);

#endif
