/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A SOCKS5 proxy that says anything: the client neither reads nor writes
 * beyond its ends, always wants something until it is done or has failed, and
 * does not care how the bytes come.
 *
 * Input: the lengths of name, password and target, then the proxy's bytes.
 */
#include "fuzz/check.h"

#include "wire/socks5.h"

enum { HEAD_SIZE = 3 };

static void begin(struct cz_socks5 *socks, const uint8_t *head,
                  const uint8_t *text)
{
    struct cz_socks5_target target = {
        .kind = CZ_SOCKS5_NAME, .address = {text, head[2]}, .port = 80};

    cz_socks5_init(socks, cz_span(text, head[0]), cz_span(text, head[1]),
                   &target);
}

/* The result, and in *used how many bytes it took. */
static int talk(struct cz_socks5 *socks, const uint8_t *bytes, size_t size,
                size_t step, size_t *used)
{
    int rc = 0;

    *used = 0;
    while (rc == 0) {
        struct cz_span out = cz_socks5_output(socks);
        size_t part = cz_socks5_wanted(socks);
        uint8_t *copy;

        free(fuzz_copy(out.bytes, out.size));
        CHECK(out.size <= CZ_SOCKS5_OUT_MAX);
        cz_socks5_sent(socks, out.size);
        CHECK(part > 0 && part <= CZ_SOCKS5_TEXT_MAX + 7);
        if (part > step)
            part = step;
        if (part > size - *used)
            part = size - *used;
        if (part == 0)
            return 0;
        copy = fuzz_copy(bytes + *used, part);
        rc = cz_socks5_feed(socks, copy, part);
        free(copy);
        *used += part;
    }
    CHECK(rc < 0 || (rc == 1 && cz_socks5_wanted(socks) == 0));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t text[CZ_SOCKS5_TEXT_MAX];
    struct cz_socks5 whole, split;
    size_t used, used_split;

    if (size < HEAD_SIZE)
        return 0;
    memset(text, 't', sizeof text);
    begin(&whole, bytes, text);
    begin(&split, bytes, text);
    CHECK(talk(&whole, bytes + HEAD_SIZE, size - HEAD_SIZE, SIZE_MAX, &used) ==
          talk(&split, bytes + HEAD_SIZE, size - HEAD_SIZE, 1, &used_split));
    CHECK(used == used_split);
    return 0;
}
