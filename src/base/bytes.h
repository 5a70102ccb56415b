/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Big-endian integers in byte strings, as every ZeroMQ protocol has them.
 */
#ifndef CZ_BASE_BYTES_H
#define CZ_BASE_BYTES_H

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

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the byte swaps above assume a little-endian machine");

#endif
