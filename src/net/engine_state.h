/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an engine is made of, for its three files: engine.c (life, events,
 * heartbeat), engine_in.c (from the descriptor to the pipe) and engine_out.c
 * (from the pipe to the descriptor).
 *
 * Thread: with the helm.
 */
#ifndef CZ_NET_ENGINE_STATE_H
#define CZ_NET_ENGINE_STATE_H

#include "core/io_thread.h"
#include "core/pipe.h"
#include "net/session.h"
#include "wire/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CZ_ENGINE_CONTROL_SIZE = 2 * (CZ_FRAME_HEADER_MAX + CZ_PING_SIZE_MAX),
};

struct cz_engine {
    struct cz_session *session;
    struct cz_io_thread *io;
    struct cz_pipe_end *pipe;
    int fd;
    unsigned interest;
    cz_poll_id poll_id;
    struct cz_poll_handler handler;
    bool has_old_frames; /* ZMTP 1.0 */
    bool has_commands;   /* ZMTP 3.x */

    struct {
        /* Beginning of a frame, to be put before what is read next. */
        uint8_t *carry;
        size_t carry_size;
        /* A large frame that is being received into its own memory. */
        struct cz_buffer *large;
        size_t large_got;
        uint8_t large_flags;
        bool is_in_message;
        bool is_stopped; /* the pipe is full */
    } in;

    struct {
        size_t sent;       /* bytes of this turn */
        size_t batch_left; /* bytes up to the next border between frames */
        bool is_blocked;   /* until the descriptor is writable */
        bool is_broken;    /* nothing can be written any more */
        /* Frames of our own, to go out at a border. */
        uint8_t control[CZ_ENGINE_CONTROL_SIZE];
        uint8_t control_size;
        uint8_t control_sent;
        bool has_ping;
        bool has_pong;
        uint8_t pong_size;
        uint8_t pong_context[CZ_PING_CONTEXT_MAX];
        /* ZMTP 1.0: bytes encoded and not yet written. */
        uint8_t *old;
        size_t old_size;
        size_t old_sent;
        struct cz_io_napper napper;
    } out;

    struct cz_io_sweeper sweeper;
    struct {
        struct cz_timer interval; /* the next PING is due */
        struct cz_timer timeout;  /* the answer to ours is overdue */
        struct cz_timer ttl;      /* the peer said it would have spoken */
    } heartbeat;
};

void cz_engine_set_interest(struct cz_engine *engine, unsigned interest);

/* Sets a heartbeat timer unless it runs already. */
void cz_engine_start_timer(struct cz_engine *engine, struct cz_timer *timer,
                           uint64_t delay_ms);

/* Reads what there is. False: the engine has ended. */
CZ_MUST_CHECK bool cz_engine_read(struct cz_engine *engine);

/* Understands bytes that have come; false as above. */
CZ_MUST_CHECK bool cz_engine_understand(struct cz_engine *engine,
                                        uint8_t *bytes, size_t size);

/* Writes what there is; false as above. */
CZ_MUST_CHECK bool cz_engine_write(struct cz_engine *engine);

/* Reads and throws away, so that closing does not reset the connection. */
void cz_engine_discard_input(struct cz_engine *engine);

#endif
