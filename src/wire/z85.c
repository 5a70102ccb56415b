/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Z85: one big-endian 32-bit number as five digits of base 85, the most
 * significant first (security.md 7).
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/z85.h"

#include "base/bytes.h"

#include <errno.h>

enum { Z85_BASE = 85, Z85_FIRST = 32, Z85_GROUP = 5, Z85_BYTES = 4 };

static const char z85_alphabet[Z85_BASE + 1] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ".-:+=^!/*?&<>()[]{}@%$#";

/* The digit of each character from ' ' on, plus one; 0 = no digit. */
static const uint8_t z85_digits[96] = {
    /* clang-format off */
     0, 69,  0, 85, 84, 83, 73,  0, 76, 77, 71, 66,
     0, 64, 63, 70,  1,  2,  3,  4,  5,  6,  7,  8,
     9, 10, 65,  0, 74, 67, 75, 72, 82, 37, 38, 39,
    40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 78,
     0, 79, 68,  0,  0, 11, 12, 13, 14, 15, 16, 17,
    18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    30, 31, 32, 33, 34, 35, 36, 80,  0, 81,  0,  0,
    /* clang-format on */
};

int cz_z85_encode(char *to, const uint8_t *bytes, size_t size)
{
    if (size % Z85_BYTES != 0)
        return -EINVAL;
    for (size_t at = 0; at < size; at += Z85_BYTES) {
        uint32_t value = cz_get_be32(bytes + at);

        for (int place = Z85_GROUP - 1; place >= 0; place--) {
            to[place] = z85_alphabet[value % Z85_BASE];
            value /= Z85_BASE;
        }
        to += Z85_GROUP;
    }
    *to = '\0';
    return 0;
}

/* 0 to 84, or -EINVAL. */
static int z85_digit(char character)
{
    unsigned index = (unsigned)(unsigned char)character - Z85_FIRST;

    if (index >= sizeof z85_digits || z85_digits[index] == 0)
        return -EINVAL;
    return z85_digits[index] - 1;
}

int cz_z85_decode(uint8_t *to, const char *text, size_t size)
{
    if (size == 0 || size % Z85_GROUP != 0)
        return -EINVAL;
    for (size_t at = 0; at < size; at += Z85_GROUP) {
        uint64_t value = 0;

        for (size_t place = 0; place < Z85_GROUP; place++) {
            int digit = z85_digit(text[at + place]);

            if (digit < 0)
                return digit;
            value = value * Z85_BASE + (unsigned)digit;
        }
        if (value > UINT32_MAX)
            return -EINVAL;
        cz_put_be32(to, (uint32_t)value);
        to += Z85_BYTES;
    }
    return 0;
}
