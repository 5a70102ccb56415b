/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CRC-32C by the instruction that the processor has for it: of x86 from SSE 4.2
 * on, which is found out when it runs, and of ARM where the compiler may take
 * it for granted. Elsewhere by a small table.
 *
 * Each instruction waits for the one before it, three cycles, and another could
 * begin in each cycle. So on x86 longer pieces go through three lanes at once.
 *
 * Thread: any. Owns: nothing.
 */
#include "base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <wmmintrin.h>
#define CRC_TARGET __attribute__((target("sse4.2")))
#define CRC_IS_AVAILABLE __builtin_cpu_supports("sse4.2")
#define CRC_NEXT_8(crc, word) ((uint32_t)__builtin_ia32_crc32di(crc, word))
#define CRC_NEXT_1(crc, byte) __builtin_ia32_crc32qi(crc, byte)
#define LANES_TARGET __attribute__((target("sse4.2,pclmul")))
#define LANES_ARE_AVAILABLE __builtin_cpu_supports("pclmul")
#elif defined(__ARM_FEATURE_CRC32) && !defined(__ARM_BIG_ENDIAN)
#include <arm_acle.h>
#define CRC_TARGET
#define CRC_IS_AVAILABLE 1
#define CRC_NEXT_8(crc, word) __crc32cd(crc, word)
#define CRC_NEXT_1(crc, byte) __crc32cb(crc, byte)
#endif

#ifdef LANES_TARGET
#define LANE_SIZE ((size_t)256)
#define RUN_SIZE (3 * LANE_SIZE)

/* x^(8n - 33) modulo the polynomial, reversed, for n zeros: 33 because the
 * product of two reversed numbers lies one bit lower, and the instruction that
 * reduces it adds 32. */
#define SKIP_LANE 0xb9e02b86
#define SKIP_TWO_LANES 0xdd7e3b0c
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

    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        crc = CRC_NEXT_8(crc, word);
    }
    for (; size > 0; at++, size--)
        crc = CRC_NEXT_1(crc, *at);
    return crc;
}
#endif

#ifdef LANES_TARGET
/* What the checksum becomes behind so many zeros as the factor stands for. */
LANES_TARGET static uint32_t crc_skip(uint32_t crc, uint32_t factor)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc),
                                           _mm_cvtsi32_si128((int)factor), 0);

    return CRC_NEXT_8(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* Whole runs of three lanes: 26 GB/s instead of 8. */
LANES_TARGET static uint32_t crc_by_lanes(uint32_t crc, const uint8_t *at,
                                          size_t size)
{
    for (; size >= RUN_SIZE; at += RUN_SIZE, size -= RUN_SIZE) {
        uint32_t second = 0, third = 0;

        for (size_t i = 0; i < LANE_SIZE; i += sizeof(uint64_t)) {
            uint64_t word[3];

            memcpy(&word[0], at + i, sizeof word[0]);
            memcpy(&word[1], at + LANE_SIZE + i, sizeof word[1]);
            memcpy(&word[2], at + 2 * LANE_SIZE + i, sizeof word[2]);
            crc = CRC_NEXT_8(crc, word[0]);
            second = CRC_NEXT_8(second, word[1]);
            third = CRC_NEXT_8(third, word[2]);
        }
        crc =
            crc_skip(crc, SKIP_TWO_LANES) ^ crc_skip(second, SKIP_LANE) ^ third;
    }
    return crc;
}
#endif

uint32_t cz_crc32c(uint32_t crc, const void *data, size_t size)
{
#ifdef LANES_TARGET
    if (size >= RUN_SIZE && CRC_IS_AVAILABLE && LANES_ARE_AVAILABLE) {
        size_t rest = size % RUN_SIZE;

        crc = ~crc_by_lanes(~crc, data, size);
        data = (const uint8_t *)data + (size - rest);
        size = rest;
    }
#endif
#ifdef CRC_TARGET
    if (CRC_IS_AVAILABLE)
        return ~crc_by_instruction(~crc, data, size);
#endif
    return cz_crc32c_by_table(crc, data, size);
}
