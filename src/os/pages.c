/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory straight from the kernel.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef __SANITIZE_ADDRESS__

static void pages_cut(char *from, char *to)
{
    if (from < to)
        (void)munmap(from, (size_t)(to - from));
}

/* Twice as much, of which what lies before and behind is given back. */
void *cz_pages_map(size_t size)
{
    char *all = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *pages;

    if (all == MAP_FAILED)
        return NULL;
    pages = all + (-(uintptr_t)all & (size - 1));
    pages_cut(all, pages);
    pages_cut(pages + size, all + 2 * size);
    return pages;
}

#else

void *cz_pages_map(size_t size CZ_UNUSED)
{
    return NULL;
}

#endif

void cz_pages_unmap(void *pages, size_t size)
{
    (void)munmap(pages, size);
}
