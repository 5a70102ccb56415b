/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The allocation gateway, with the fault injection that tests use.
 *
 * Thread: any. Owns: nothing; callers own what they get.
 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The only mutable globals in the library: test switches. `armed` is read
 * once per allocation and is false in every real program, so that the
 * counting below costs nothing there. */
static atomic_bool armed;
static atomic_uint_fast64_t calls;
static atomic_uint_fast64_t fail_at;
static atomic_uint_fast64_t fail_count;

static bool alloc_must_fail(void)
{
    uint64_t number;

    if (CZ_LIKELY(!atomic_load_explicit(&armed, memory_order_relaxed)))
        return false;
    number = atomic_fetch_add(&calls, 1) + 1;
    return number - atomic_load(&fail_at) < atomic_load(&fail_count);
}

bool cz_alloc_is_refused(void)
{
    return alloc_must_fail();
}

void *cz_alloc(size_t size)
{
    return alloc_must_fail() ? NULL : malloc(size);
}

void *cz_zalloc(size_t size)
{
    return alloc_must_fail() ? NULL : calloc(1, size);
}

void *cz_realloc(void *old, size_t size)
{
    return alloc_must_fail() ? NULL : realloc(old, size);
}

void cz_free(void *block)
{
    free(block);
}

void *cz_zalloc_lines(size_t size)
{
    size_t rounded = (size + CZ_CACHE_LINE - 1) & ~(size_t)(CZ_CACHE_LINE - 1);
    void *block;

    if (alloc_must_fail())
        return NULL;
    block = aligned_alloc(CZ_CACHE_LINE, rounded);
    if (block)
        memset(block, 0, rounded);
    return block;
}

char *cz_strdup(const char *text)
{
    return cz_memdup(text, strlen(text) + 1);
}

void *cz_memdup(const void *data, size_t size)
{
    void *copy = cz_alloc(size ? size : 1);

    if (copy && size)
        memcpy(copy, data, size);
    return copy;
}

void cz_alloc_fail_range(uint64_t nth, uint64_t count)
{
    atomic_store(&fail_count, 0);
    atomic_store(&calls, 0);
    atomic_store(&fail_at, nth);
    atomic_store(&fail_count, count);
    atomic_store(&armed, true);
}

void cz_alloc_fail_at(uint64_t nth)
{
    cz_alloc_fail_range(nth, nth > 0);
}

uint64_t cz_alloc_calls(void)
{
    return atomic_load(&calls);
}
