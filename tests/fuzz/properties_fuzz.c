/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Properties: each lies within the string, and encoded again they are the
 * string.
 *
 * Input: encoded properties.
 */
#include "fuzz/check.h"

#include "wire/properties.h"

#include <errno.h>

/* The property, encoded again, is what stands at `at`. */
static void check_encoding(const uint8_t *at, const struct cz_property *p)
{
    size_t size = cz_property_size(p);
    uint8_t *to = fuzz_copy(at, size);

    memset(to, 0xa5, size);
    CHECK(cz_property_encode(to, size - 1, p) == 0);
    if (p->name.size == 0) {
        CHECK(cz_property_encode(to, size, p) == 0);
    } else {
        CHECK(cz_property_encode(to, size, p) == size);
        CHECK(memcmp(to, at, size) == 0);
    }
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = fuzz_copy(bytes, size);
    struct cz_span rest = cz_span(copy, size);
    struct cz_property property;
    const uint8_t *at = copy;
    int rc;

    while ((rc = cz_properties_next(&rest, &property)) > 0) {
        CHECK(rc == 1);
        CHECK(rest.bytes == at + cz_property_size(&property));
        CHECK(rest.bytes + rest.size == copy + size);
        check_encoding(at, &property);
        at = rest.bytes;
    }
    CHECK(rc == -EPROTO || (rc == 0 && at == copy + size));
    CHECK(rest.size == (size_t)(copy + size - at));
    CHECK(cz_properties_check(cz_span(copy, size)) == rc);
    free(copy);
    return 0;
}
