/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Looking through frames: one pass, a few instructions a frame.
 *
 * Thread: any. Owns: nothing.
 */
#include "wire/frame_scan.h"

enum { FLAGS_KNOWN = CZ_FRAME_MORE | CZ_FRAME_LONG | CZ_FRAME_COMMAND };

/* A frame that is not a short message frame, at bytes[scan->end]. -1: it may
 * be passed over, its footprint is in *used. */
static int scan_other(struct cz_frame_scan *scan, uint8_t *at, size_t left,
                      int64_t size_max, size_t *used)
{
    at[0] &= FLAGS_KNOWN;
    scan->header = cz_frame_get_header(at, left, &scan->flags, &scan->body);
    if (scan->header == 0)
        return CZ_SCAN_MORE;
    if (scan->body > INT64_MAX ||
        (size_max >= 0 && scan->body > (uint64_t)size_max))
        return CZ_SCAN_TOO_LARGE;
    if (scan->flags & CZ_FRAME_COMMAND)
        return CZ_SCAN_COMMAND;
    if (scan->body >= CZ_REF_MIN)
        return CZ_SCAN_LARGE;
    *used = scan->header + scan->body;
    return *used <= left ? -1 : CZ_SCAN_MORE;
}

enum cz_scan_stop cz_frame_scan(struct cz_frame_scan *scan, uint8_t *bytes,
                                size_t size, int64_t size_max)
{
    /* Short frames need no comparison if none of them can be too long. */
    bool checks_short = size_max >= 0 && size_max < CZ_FRAME_SHORT_MAX;
    size_t at = 0;

    scan->complete = 0;
    scan->messages = 0;
    scan->end = 0;
    while (size - at >= 2) {
        size_t used = 2 + (size_t)bytes[at + 1];

        if (CZ_UNLIKELY(bytes[at] & ~CZ_FRAME_MORE || checks_short)) {
            int stop = scan_other(scan, bytes + at, size - at, size_max, &used);

            if (stop >= 0)
                return (enum cz_scan_stop)stop;
        } else if (used > size - at) {
            break;
        }
        scan->is_in_message = bytes[at] & CZ_FRAME_MORE;
        at += used;
        scan->end = at;
        if (CZ_LIKELY(!scan->is_in_message)) {
            scan->complete = at;
            scan->messages++;
        }
    }
    return CZ_SCAN_MORE;
}
