/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Looking through frames: what is passed over is whole frames and nothing
 * else, counted as a plain walk counts them, and a cut changes nothing but
 * how far it goes.
 *
 * Input: the limit (one byte, 255 = none), then what a peer sends.
 */
#include "fuzz/check.h"

#include "wire/frame_scan.h"

#include <stdbool.h>

static void check_walk(const uint8_t *bytes, size_t size,
                       const struct cz_frame_scan *scan)
{
    size_t at = 0;
    size_t complete = 0;
    uint32_t messages = 0;
    bool is_in_message = false;

    while (at < scan->end) {
        uint8_t flags;
        uint64_t body;
        size_t header;

        CHECK(size - at >= 2);
        header = cz_frame_get_header(bytes + at, size - at, &flags, &body);
        CHECK(header > 0);
        CHECK((flags & ~(CZ_FRAME_MORE | CZ_FRAME_LONG)) == 0);
        CHECK(body < CZ_REF_MIN && body <= size - at - header);
        at += header + body;
        is_in_message = flags & CZ_FRAME_MORE;
        if (!is_in_message) {
            complete = at;
            messages++;
        }
    }
    CHECK(at == scan->end);
    CHECK(complete == scan->complete);
    CHECK(messages == scan->messages);
    CHECK(is_in_message == scan->is_in_message);
}

static enum cz_scan_stop scan_copy(const uint8_t *bytes, size_t size,
                                   int64_t limit, struct cz_frame_scan *scan)
{
    uint8_t *copy = fuzz_copy(bytes, size);
    enum cz_scan_stop stop;

    memset(scan, 0, sizeof *scan);
    stop = cz_frame_scan(scan, copy, size, limit);
    CHECK(scan->end <= size);
    check_walk(copy, size, scan);
    free(copy);
    return stop;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cz_frame_scan whole;
    enum cz_scan_stop stop;
    int64_t limit;

    if (size < 1)
        return 0;
    limit = bytes[0] == 255 ? -1 : bytes[0];
    bytes++;
    size--;
    stop = scan_copy(bytes, size, limit, &whole);
    for (size_t cut = 0; cut < size && cut < 64; cut++) {
        struct cz_frame_scan part;
        enum cz_scan_stop part_stop = scan_copy(bytes, cut, limit, &part);

        CHECK(part.end <= whole.end);
        CHECK(part_stop == CZ_SCAN_MORE || part_stop == stop);
    }
    return 0;
}
