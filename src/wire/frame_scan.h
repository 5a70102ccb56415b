/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Looking through ZMTP 2.0 and 3.x frames as they come from a connection
 * (wire.md 3.2): how far plain message frames reach, and what stops them.
 * What was looked through can go into a pipe as it is.
 *
 * Thread: any. Owns: nothing.
 */
#ifndef CZ_WIRE_FRAME_SCAN_H
#define CZ_WIRE_FRAME_SCAN_H

#include "base/compiler.h"
#include "msg/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cz_scan_stop {
    CZ_SCAN_MORE,     /* the rest is the beginning of a frame */
    CZ_SCAN_COMMAND,  /* a command frame begins; its header is complete */
    CZ_SCAN_LARGE,    /* a frame of CZ_REF_MIN or more; the header likewise */
    CZ_SCAN_TOO_LARGE /* a frame beyond the limit, or beyond all reason */
};

struct cz_frame_scan {
    bool is_in_message; /* before the call: of the frames that went before;
                           after it: of those up to `end` */
    size_t complete;    /* bytes up to the end of the last whole message */
    size_t end;         /* bytes up to the end of the last whole frame */
    uint32_t messages;  /* how many messages end there */
    /* Of the frame at `end`, if `stop` is COMMAND or LARGE. */
    uint8_t flags;
    uint64_t body;
    size_t header;
};

/* `size_max`: of a frame's body, ZMQ_MAXMSGSIZE; negative = no limit. Flags
 * that mean nothing are cleared in place, so that they go no further. */
enum cz_scan_stop cz_frame_scan(struct cz_frame_scan *scan, uint8_t *bytes,
                                size_t size, int64_t size_max);

#endif
