/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMTP 1.0 headers: a prefix never contradicts the whole, and a header that
 * is written for what was read reads the same.
 *
 * Input: the beginning of a frame.
 */
#include "fuzz/check.h"

#include "wire/zmtp1.h"

#include <errno.h>
#include <stdbool.h>

struct outcome {
    int rc;
    size_t header_size;
    uint64_t body_size;
    bool has_more;
};

static struct outcome parse(const uint8_t *bytes, size_t size)
{
    struct outcome result = {.rc = 0};
    uint8_t *copy = fuzz_copy(bytes, size);

    result.rc = cz_zmtp1_parse(copy, size, &result.header_size,
                               &result.body_size, &result.has_more);
    free(copy);
    return result;
}

static void check_prefixes(const uint8_t *bytes, size_t size,
                           const struct outcome *whole)
{
    for (size_t cut = 0; cut < size && cut <= CZ_ZMTP1_HEADER_MAX; cut++) {
        struct outcome part = parse(bytes, cut);

        CHECK(part.rc == 0 || part.rc == whole->rc);
        CHECK(part.rc != 1 || cut >= whole->header_size);
        CHECK(part.rc != 1 || (part.body_size == whole->body_size &&
                               part.has_more == whole->has_more));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct outcome whole = parse(bytes, size);
    uint8_t header[CZ_ZMTP1_HEADER_MAX];
    struct outcome again;
    size_t header_size;

    CHECK(whole.rc == 0 || whole.rc == 1 || whole.rc == -EPROTO);
    CHECK(whole.rc != 0 || size < CZ_ZMTP1_HEADER_MAX);
    check_prefixes(bytes, size, &whole);
    if (whole.rc != 1)
        return 0;
    CHECK(whole.header_size == 2 || whole.header_size == 10);
    CHECK(whole.header_size <= size && whole.body_size <= INT64_MAX);
    header_size = cz_zmtp1_header(header, whole.body_size, whole.has_more);
    CHECK(header_size <= whole.header_size);
    again = parse(header, header_size);
    CHECK(again.rc == 1 && again.header_size == header_size);
    CHECK(again.body_size == whole.body_size);
    CHECK(again.has_more == whole.has_more);
    return 0;
}
