/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an engine is made of, for its files: engine.c (life, events,
 * heartbeat), engine_in.c (from the descriptor to the pipe), engine_large.c
 * (large frames on that way), engine_out.c (from the pipe to the descriptor)
 * and engine_codec.c (connections on which frames look different from those in
 * the pipe).
 *
 * Thread: with the helm.
 */
#ifndef CZ_NET_ENGINE_STATE_H
#define CZ_NET_ENGINE_STATE_H

#include "core/io_thread.h"
#include "core/pipe.h"
#include "net/session.h"
#include "wire/command.h"
#include "wire/frame_scan.h"
#include "wire/socket_type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_engine;

/* How frames look on a connection. */
struct cz_engine_codec {
    /* Understands bytes that have come and hands frames to the pipe; may write
     * to the bytes. False: the engine has ended. */
    bool (*decode)(struct cz_engine *engine, uint8_t *bytes, size_t size);
    /* Writes the header of a frame, at most CZ_ENGINE_HEADER_MAX bytes, and
     * returns its size. NULL: what lies in the pipe goes out as it is. */
    size_t (*put_header)(uint8_t *to, uint8_t flags, size_t size);
};

enum {
    CZ_ENGINE_HEADER_MAX = 10,
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
    const struct cz_engine_codec *codec;
    bool has_commands;      /* ZMTP 3.x */
    bool has_phantom;       /* ZMTP 1.0: wants everything without a word */
    bool has_subscriptions; /* as commands: ZMTP 3.1 */

    struct {
        /* Beginning of a frame, to be put before what is read next. */
        uint8_t *carry;
        size_t carry_size;
        /* A large frame that is being received into its own memory. */
        struct cz_buffer *large;
        size_t large_got;
        size_t habit_size; /* of the last one */
        uint8_t habit;     /* how many had that size, up to a few */
        uint8_t large_flags;
        bool is_in_message;
        uint64_t unfinished; /* bytes so far of a message that is not whole */
        bool is_stopped;     /* the pipe is full */
        bool is_last; /* but what is left to be read comes all the same */
    } in;

    struct {
        size_t sent;       /* bytes of this turn */
        size_t uncredited; /* and since credit was given */
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
        /* With put_header: a batch of frames, encoded; batch_left bytes of it
         * have still to go. */
        uint8_t *encoded;
        size_t encoded_size;
        size_t encoded_capacity;
        struct cz_io_napper napper;
    } out;

    /* All has been written, and the kernel has not sent it yet. */
    struct {
        struct cz_timer look;
        size_t unsent;        /* at the last look */
        uint64_t stuck_at_us; /* when that last became less */
    } farewell;

    struct cz_io_sweeper sweeper;
    struct {
        struct cz_timer interval; /* the next PING is due */
        struct cz_timer timeout;  /* the answer to ours is overdue */
        struct cz_timer ttl;      /* the peer said it would have spoken */
    } heartbeat;
};

void cz_engine_set_interest(struct cz_engine *engine, unsigned interest);

/* Do peers send subscriptions here? */
static inline bool cz_engine_publishes(const struct cz_engine *engine)
{
    uint8_t type = engine->session->options->socket_type;

    return type == CZ_SOCKET_PUB || type == CZ_SOCKET_XPUB;
}

/* Sets a heartbeat timer unless it runs already. */
void cz_engine_start_timer(struct cz_engine *engine, struct cz_timer *timer,
                           uint64_t delay_ms);

/* Chooses the codec for what the handshake has found out. */
void cz_engine_choose_codec(struct cz_engine *engine,
                            const struct cz_handshake_result *result);

/* Ends the engine for a reason that does, or does not, speak against dialling
 * again; always false. */
bool cz_engine_fail(struct cz_engine *engine, bool is_fatal);

/* There is no memory for what has come: that passes, so it is no reason to
 * give the peer up. Always false. */
bool cz_engine_starve(struct cz_engine *engine);

/* Something has come. */
void cz_engine_on_life(struct cz_engine *engine);

/* What was read behind what was carried over. False: the engine has ended. */
CZ_MUST_CHECK bool cz_engine_take(struct cz_engine *engine, uint8_t *at,
                                  size_t size);

/* The buffer stays the caller's. False: the engine has ended. */
CZ_MUST_CHECK bool cz_engine_on_command(struct cz_engine *engine,
                                        const struct cz_frame *frame);

/* Keeps the beginning of a frame for the next read. False: the engine has
 * ended. */
CZ_MUST_CHECK bool cz_engine_carry(struct cz_engine *engine,
                                   const uint8_t *bytes, size_t size);

/* The header of a large frame stands at `at`; takes what is there of its
 * body. The bytes used, or 0: the engine has ended. */
CZ_MUST_CHECK size_t cz_engine_begin_large(struct cz_engine *engine,
                                           const struct cz_frame_scan *scan,
                                           const uint8_t *at, size_t size);

/* Is a large frame being received, or are the next ones probably large? */
bool cz_engine_expects_large(const struct cz_engine *engine);

/* Reads once, then; `to` is for what does not belong to large frames. False:
 * the engine has ended. */
CZ_MUST_CHECK bool cz_engine_read_large(struct cz_engine *engine, uint8_t *to,
                                        size_t room, bool *may_go_on);

/* So many bytes more of a message that may not be whole yet. False: it is too
 * large, and the engine has ended. */
CZ_MUST_CHECK bool cz_engine_grow_message(struct cz_engine *engine,
                                          uint64_t size);

/* Hands one frame to the pipe. The frame's buffer becomes the pipe's. False:
 * the engine has ended. */
CZ_MUST_CHECK bool cz_engine_deliver_frame(struct cz_engine *engine,
                                           const struct cz_frame *frame);

/* The decoder for frames that look as in the pipe. */
CZ_MUST_CHECK bool cz_engine_decode_plain(struct cz_engine *engine,
                                          uint8_t *bytes, size_t size);

/* Takes frames from the pipe and encodes them. 1: something is there; 0:
 * nothing is left; -ENOMEM: a message is lost. */
CZ_MUST_CHECK int cz_engine_encode(struct cz_engine *engine);

/* Reads what there is. False: the engine has ended. */
CZ_MUST_CHECK bool cz_engine_read(struct cz_engine *engine);

/* Writes what there is; false as above. */
CZ_MUST_CHECK bool cz_engine_write(struct cz_engine *engine);

/* Nothing can be written any more: sees to it that the end of the connection
 * is noticed, even if nobody reads. False as above. */
CZ_MUST_CHECK bool cz_engine_hear_out(struct cz_engine *engine);

/* Reads and throws away, so that closing does not reset the connection. */
void cz_engine_discard_input(struct cz_engine *engine);

#endif
