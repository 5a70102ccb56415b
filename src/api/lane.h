/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One way through a proxy: from a socket to another one.
 *
 * A lane moves frames, not message objects: what one socket gives out goes into
 * the other as it is, a large body by its buffer. It receives a message only if
 * the far socket has room, so what cannot be delivered stays in the queue that
 * it came from.
 *
 * Where there is room, but not for this message (a ROUTER that refuses to
 * drop what its peer does not take), the lane keeps the frame until there is.
 *
 * Thread: that of both sockets. Owns: what it keeps, until cz_lane_close.
 */
#ifndef CZ_API_LANE_H
#define CZ_API_LANE_H

#include "base/compiler.h"
#include "core/socket.h"
#include "msg/msg.h"

#include <stdbool.h>
#include <stdint.h>

struct cz_lane_traffic {
    uint64_t messages;
    uint64_t bytes;
};

struct cz_lane_side {
    struct cz_socket *socket;
    struct cz_lane_traffic received;
    struct cz_lane_traffic sent;
};

/* Begins with the first two, and perhaps must_keep. */
struct cz_lane {
    struct cz_lane_side *from;
    struct cz_lane_side *to;
    /* The near socket is also one that is sent to, which runs its commands:
     * what was received may be gone then, unless it is kept. */
    bool must_keep;
    bool has_kept;
    bool is_in_message;
    struct cz_msg kept; /* if has_kept: received, and not sent yet */
};

/* Moves messages as long as there are some and there is room for them, up
 * to a burst. `capture` gets a copy; it may be NULL. 1: there may be more; 0:
 * not now; or -errno. */
CZ_MUST_CHECK int cz_lane_run(struct cz_lane *lane, struct cz_socket *capture);

void cz_lane_close(struct cz_lane *lane);

/* Is this for lack of memory? Then waits a moment; true: try again. */
CZ_MUST_CHECK bool cz_lane_outlasts(const struct cz_socket *socket, int rc);

/* As cz_socket_send, for as long as memory is short. */
CZ_MUST_CHECK int cz_lane_put(struct cz_socket *socket, struct cz_frame *frame,
                              int flags);

#endif
