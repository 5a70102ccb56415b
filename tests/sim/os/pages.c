/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated system has no pages: all memory comes from the C library, so
 * that its sanitizers see every block.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/pages.h"

void *cz_pages_map(size_t size CZ_UNUSED)
{
    return NULL;
}

void cz_pages_unmap(void *pages CZ_UNUSED, size_t size CZ_UNUSED)
{
}
