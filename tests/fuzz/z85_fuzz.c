/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Z85: what decodes, encodes to the same text; what encodes, decodes to the
 * same bytes.
 *
 * Input: both the text to decode and the bytes to encode.
 */
#include "fuzz/check.h"

#include "wire/z85.h"

#include <errno.h>

static void check_decoding(const uint8_t *text, size_t size)
{
    uint8_t *bytes = malloc(size / 5 * 4 + 1);
    char *again = malloc(size + 1);
    char *copy = fuzz_copy(text, size);
    int rc = cz_z85_decode(bytes, copy, size);

    CHECK(rc == 0 || rc == -EINVAL);
    CHECK(rc != 0 || (size > 0 && size % 5 == 0));
    if (rc == 0) {
        CHECK(cz_z85_encode(again, bytes, size / 5 * 4) == 0);
        CHECK(memcmp(again, text, size) == 0 && again[size] == '\0');
    }
    free(copy);
    free(again);
    free(bytes);
}

static void check_encoding(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size / 4 * 5 + 1);
    uint8_t *again = malloc(size + 1);
    uint8_t *copy = fuzz_copy(bytes, size);
    int rc = cz_z85_encode(text, copy, size);

    CHECK(rc == (size % 4 == 0 ? 0 : -EINVAL));
    if (rc == 0 && size > 0) {
        CHECK(strlen(text) == size / 4 * 5);
        CHECK(cz_z85_decode(again, text, size / 4 * 5) == 0);
        CHECK(memcmp(again, bytes, size) == 0);
    }
    free(copy);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_decoding(bytes, size);
    check_encoding(bytes, size);
    return 0;
}
