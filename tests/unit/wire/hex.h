/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Byte strings as a test likes to read them: hex digits, with text between
 * apostrophes and blanks anywhere, as in "04 1A 05'READY'".
 *
 * Thread: the test's. Owns: hex_exact's result is the caller's to free.
 */
#ifndef TESTS_UNIT_WIRE_HEX_H
#define TESTS_UNIT_WIRE_HEX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/span.h"

enum { HEX_MAX = 1024 };

struct hex {
    uint8_t bytes[HEX_MAX];
    size_t size;
};

static inline int hex_digit(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = strchr(digits, c);

    if (c == '\0' || at == NULL)
        fail_msg("'%c' is no hex digit", c);
    return (int)(at - digits);
}

static inline struct hex hex(const char *text)
{
    struct hex result = {.size = 0};

    while (*text != '\0') {
        assert_true(result.size < HEX_MAX);
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            for (text++; *text != '\''; text++)
                result.bytes[result.size++] = (uint8_t)*text;
            text++;
        } else {
            result.bytes[result.size++] =
                (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
            text += 2;
        }
    }
    return result;
}

static inline struct cz_span hex_span(const struct hex *from)
{
    return cz_span(from->bytes, from->size);
}

/* A copy in a block of just this size, so that a sanitizer sees any access
 * beyond it. */
static inline uint8_t *hex_exact(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

#define assert_bytes(bytes_, size_, text_)                                     \
    do {                                                                       \
        struct hex expected_ = hex(text_);                                     \
        assert_int_equal(size_, expected_.size);                               \
        if (expected_.size > 0)                                                \
            assert_memory_equal(bytes_, expected_.bytes, expected_.size);      \
    } while (0)

#define assert_span(span_, text_)                                              \
    do {                                                                       \
        struct cz_span actual_ = (span_);                                      \
        assert_bytes(actual_.bytes, actual_.size, text_);                      \
    } while (0)

#endif
