/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bytes: big-endian integers, as every ZeroMQ protocol has them, and copying
 * few of them.
 */
#ifndef CZ_BASE_BYTES_H
#define CZ_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void cz_put_be16(uint8_t *to, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(to, &value, sizeof value);
}

static inline void cz_put_be32(uint8_t *to, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof value);
}

static inline void cz_put_be64(uint8_t *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof value);
}

static inline uint16_t cz_get_be16(const uint8_t *from)
{
    uint16_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap16(value);
}

static inline uint32_t cz_get_be32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap32(value);
}

static inline uint64_t cz_get_be64(const uint8_t *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap64(value);
}

/* memcpy for bodies of up to 255 bytes, in moves that may overlap: a call
 * less, and functions that call nothing need not save registers (a sixth of
 * the time of a 1-byte message). */
static inline void cz_copy_short(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (size >= 32) {
        for (size_t i = 0; i + 32 < size; i += 32) {
            memcpy(t + i, f + i, 16);
            memcpy(t + i + 16, f + i + 16, 16);
        }
        memcpy(t + size - 32, f + size - 32, 16);
        memcpy(t + size - 16, f + size - 16, 16);
    } else if (size >= 16) {
        memcpy(t, f, 16);
        memcpy(t + size - 16, f + size - 16, 16);
    } else if (size >= 8) {
        uint64_t first, last;

        memcpy(&first, f, 8);
        memcpy(&last, f + size - 8, 8);
        memcpy(t, &first, 8);
        memcpy(t + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t first, last;

        memcpy(&first, f, 4);
        memcpy(&last, f + size - 4, 4);
        memcpy(t, &first, 4);
        memcpy(t + size - 4, &last, 4);
    } else {
        for (size_t i = 0; i < size; i++)
            t[i] = f[i];
    }
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the byte swaps above assume a little-endian machine");

#endif
