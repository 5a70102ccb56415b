/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The allocation gateway. Every byte of heap that the library owns comes
 * from here, so that a test can make any single allocation fail and so
 * that usage can be counted in one place.
 *
 * Thread: any.
 */
#ifndef CZ_BASE_ALLOC_H
#define CZ_BASE_ALLOC_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc and free. NULL means no memory. */
void *cz_alloc(size_t size);
void *cz_zalloc(size_t size);
void *cz_realloc(void *old, size_t size);
void cz_free(void *block);

/* Zeroed memory whose address is a multiple of the cache line; give it
 * back with cz_free. */
void *cz_zalloc_lines(size_t size);

char *cz_strdup(const char *text);
void *cz_memdup(const void *data, size_t size);

/* Counts as an allocation, for memory that comes from elsewhere. True: it is to
 * fail, for a test. */
CZ_MUST_CHECK bool cz_alloc_is_refused(void);

/* For tests: the nth allocation from now on fails (1 = the next one), and
 * all later ones succeed. 0 switches it off. */
void cz_alloc_fail_at(uint64_t nth);

/* For tests: the same for `count` allocations in a row, from the nth on. */
void cz_alloc_fail_range(uint64_t nth, uint64_t count);

/* For tests: how many allocations were asked for since the last call of
 * one of these. */
uint64_t cz_alloc_calls(void);

#endif
