/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the fuzz targets share: a check that holds in every kind of build,
 * and copies of just the right size, so that AddressSanitizer sees any
 * access beyond them.
 *
 * Thread: the target's. Owns: fuzz_copy's result is the caller's to free.
 */
#ifndef TESTS_FUZZ_CHECK_H
#define TESTS_FUZZ_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,   \
                    #condition);                                               \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* The target itself; libFuzzer declares it nowhere. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline void *fuzz_copy(const void *bytes, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);

    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

#endif
