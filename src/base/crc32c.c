/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CRC-32C by the instruction that the processor has for it: of x86 from SSE 4.2
 * on, which is found out when it runs, and of ARM where the compiler may take
 * it for granted. Elsewhere by a small table.
 *
 * Thread: any. Owns: nothing.
 */
#include "base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#define CRC_TARGET __attribute__((target("sse4.2")))
#define CRC_IS_AVAILABLE __builtin_cpu_supports("sse4.2")
#define CRC_NEXT_8(crc, word) ((uint32_t)__builtin_ia32_crc32di(crc, word))
#define CRC_NEXT_1(crc, byte) __builtin_ia32_crc32qi(crc, byte)
#elif defined(__ARM_FEATURE_CRC32) && !defined(__ARM_BIG_ENDIAN)
#include <arm_acle.h>
#define CRC_TARGET
#define CRC_IS_AVAILABLE 1
#define CRC_NEXT_8(crc, word) __crc32cd(crc, word)
#define CRC_NEXT_1(crc, byte) __crc32cb(crc, byte)
#endif

/* For each half of a byte the remainder of it, by the reversed polynomial
 * 0x82f63b78. */
static const uint32_t table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t cz_crc32c_by_table(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = data;

    crc = ~crc;
    for (; size > 0; at++, size--) {
        crc ^= *at;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

#ifdef CRC_TARGET
CRC_TARGET static uint32_t crc_by_instruction(uint32_t crc, const uint8_t *at,
                                              size_t size)
{
    uint64_t word;

    crc = ~crc;
    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        crc = CRC_NEXT_8(crc, word);
    }
    for (; size > 0; at++, size--)
        crc = CRC_NEXT_1(crc, *at);
    return ~crc;
}
#endif

uint32_t cz_crc32c(uint32_t crc, const void *data, size_t size)
{
#ifdef CRC_TARGET
    if (CRC_IS_AVAILABLE)
        return crc_by_instruction(crc, data, size);
#endif
    return cz_crc32c_by_table(crc, data, size);
}
