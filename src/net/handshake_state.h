/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a handshake is made of, for its files: handshake.c (the descriptor,
 * beginning and end) and handshake_steps.c (what the bytes mean).
 *
 *     GREETING ──▶ IDENTITY   (ZMTP 1.0, 2.0: one frame each way) ──▶ done
 *         └──────▶ MECHANISM  (ZMTP 3.x)                          ──▶ done
 *
 * Thread: with the helm.
 */
#ifndef CZ_NET_HANDSHAKE_STATE_H
#define CZ_NET_HANDSHAKE_STATE_H

#include "base/compiler.h"
#include "core/monitor.h"
#include "net/session.h"
#include "reactor/poller.h"
#include "reactor/timers.h"
#include "wire/greeting.h"
#include "wire/null_handshake.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cz_handshake_stage {
    CZ_HANDSHAKE_AT_GREETING,
    CZ_HANDSHAKE_AT_IDENTITY,
    CZ_HANDSHAKE_AT_MECHANISM,
};

struct cz_handshake {
    struct cz_session *session;
    int fd;
    struct cz_poll_handler handler;
    cz_poll_id poll_id;
    struct cz_timer timeout;
    enum cz_handshake_stage stage;
    bool has_mechanism;    /* begun; maybe while still at the greeting */
    bool is_done;          /* only the output has still to go */
    bool is_out_of_memory; /* worth another attempt */
    struct cz_greeting greeting;
    struct cz_null_handshake mechanism;
    struct cz_peer_sink sink;
    struct cz_metadata *metadata;

    uint8_t *in; /* received and not yet understood */
    size_t in_size;
    size_t in_capacity;
    uint8_t *out;
    size_t out_size;
    size_t out_sent;
};

/* What to tell of one that failed. */
struct cz_handshake_outcome {
    enum cz_event event; /* 0 = nothing in particular */
    uint32_t value;
};

/* Has the greeting ready to be sent. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_handshake_greet(struct cz_handshake *handshake);

/* Understands what has come, and has ready what is due in turn. 0: go on, or
 * see `is_done`; -errno: failed, and the outcome says what to tell. */
CZ_MUST_CHECK int cz_handshake_feed(struct cz_handshake *handshake,
                                    const uint8_t *bytes, size_t size,
                                    struct cz_handshake_outcome *outcome);

#endif
