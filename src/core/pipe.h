/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pipes: two streams of frames (msg/stream.h) between two ends. An end
 * belongs to a socket, or to a session on an I/O thread.
 *
 *      socket                                     session
 *      end[0]  out ───────── stream[0] ────────▶ in   end[1]
 *              in  ◀──────── stream[1] ───────── out
 *
 * Lifetime. A pipe is one object with two ends and a reference count: one
 * for each open end and one for each command under way. Either end closes by
 * itself and at any time; what it sent before stays readable for the other,
 * which is told by a command.
 *
 * What an end writes may have a swap (core/swap.h), for messages that are over
 * the mark. It is nobody's business but that of the functions here: a pipe
 * whose swap has room is writable.
 *
 * Thread: an end is used by the thread that owns it. Owns: both streams and
 * their swaps.
 */
#ifndef CZ_CORE_PIPE_H
#define CZ_CORE_PIPE_H

#include "base/compiler.h"
#include "base/list.h"
#include "core/command.h"
#include "core/mailbox.h"
#include "core/stats.h"
#include "msg/stream.h"
#include "wire/span.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_io_thread;
struct cz_loan;
struct cz_pipe_end;
struct cz_sheet;
struct cz_swap;

/* How the owner of an end learns what happens. All run on its thread. */
struct cz_pipe_events {
    /* A new end for the owner; from cz_pipe_post_attach. */
    void (*on_attach)(void *owner, struct cz_pipe_end *end);
    /* There is something to read again. */
    void (*on_readable)(void *owner, struct cz_pipe_end *end);
    /* There is room to write again. */
    void (*on_writable)(void *owner, struct cz_pipe_end *end);
    /* The other end has closed: nothing is read there any more, and nothing
     * will come after what is already here. */
    void (*on_peer_closed)(void *owner, struct cz_pipe_end *end);
    /* The far end has said who it is, the first time or, over a connection
     * that was made again, anew. Comes from within cz_pipe_read and
     * cz_pipe_is_readable. May be NULL. */
    void (*on_introduced)(void *owner, struct cz_pipe_end *end);
};

struct cz_pipe_end {
    /* What its socket looks at for every message: one line. */
    struct cz_stream *out;
    struct cz_stream *in;
    struct cz_metadata *metadata; /* what the owner knows of the far end */
    void *type_data;        /* what the type of the socket keeps about it */
    struct cz_list lb_link; /* pattern/lb */
    struct cz_list fq_link; /* pattern/fq */

    struct cz_pipe *pipe;
    struct cz_pipe_end *peer;
    struct cz_swap *swap; /* of `out`, or NULL */

    /* Where commands for the owner go. Set once; NULL while a connected
     * inproc end waits for somebody to bind its name. */
    _Atomic(struct cz_mailbox *) home;
    /* Commands that found no home: bits for cz_pipe_adopt. */
    _Atomic uint32_t missed;
    const struct cz_pipe_events *events;
    void *owner;

    /* What the application has lent for messages on their way here. */
    _Atomic(struct cz_loan *) loans;
    _Atomic uint32_t loan_count;

    struct cz_command readable;
    struct cz_command writable;
    struct cz_command closed;
    struct cz_command attach;
    struct cz_command trim;
    _Atomic uint32_t is_trim_posted;

    struct cz_list link; /* of all ends of the owner */
    void *endpoint;      /* the endpoint it was made for, or NULL: */
    char *name;          /* what that is called, or NULL; the pipe frees it */
    _Atomic int sndhwm;  /* the owner's marks */
    _Atomic int rcvhwm;
    /* Of the socket, if it is one's (core/stats.h). */
    struct cz_account *account;
    struct cz_list account_link;
    uint64_t id;
    uint32_t full_told;    /* how often it was full when the log was told */
    uint64_t full_told_us; /* and when that was */
    cz_count drops[CZ_DROPS];
    size_t unpushed;    /* bytes written since they were last pushed on, */
    uint32_t naps_seen; /* and since all naps were ended */
    /* Of what the network has not taken: longer frames have so many bytes since
     * that message. See cz_pipe_has_run_ahead. */
    size_t lead;
    uint32_t lead_since;
    uint16_t lead_skip;
    uint16_t lead_backoff;
    bool is_open;
    bool is_peer_closed;
    bool is_introduced; /* the far end has said who it is */
    bool is_left;       /* closed by cz_pipe_leave */
    bool has_run_ahead;
    bool is_called_again; /* `readable` is under way, from this end itself */
    /* Said with `readable`: what is there may rest so long, more will come.
     * The writer's, until it has posted that. */
    uint32_t rest_us;
    /* Introductions of the far end: written there, and taken here. */
    uint32_t notes_written;
    _Atomic uint32_t notes_taken;

    /* Set before closing: how long the far end may go on sending what is
     * still in the pipe; -1 = for ever. */
    int linger_ms;
};

struct cz_pipe {
    struct cz_stream streams[2];
    struct cz_pipe_end ends[2];
    _Atomic uint32_t refs;
};

/* hwm[i]: the mark of the stream that ends[i] writes. `pool` may be NULL, else
 * outlives both ends. NULL = no memory. */
struct cz_pipe *cz_pipe_create(const uint32_t hwm[2], struct cz_pool *pool);

/* Changes the marks of an end's owner. From socket to socket a stream is
 * limited by the sum of its writer's sending and its reader's receiving mark,
 * with no limit if either has none; else by its socket's mark alone. While
 * the far end has no owner, by the writer's. Any thread that owns the end. */
void cz_pipe_set_marks(struct cz_pipe_end *end, int sndhwm, int rcvhwm);

/* Does it lead from socket to socket, both of which know of it? */
bool cz_pipe_joins_sockets(const struct cz_pipe_end *end);

/* Gives what an end writes a swap, which becomes the pipe's; or NULL. Before
 * anything is written there. */
void cz_pipe_set_swap(struct cz_pipe_end *end, struct cz_swap *swap);

/* If something is in the swap from the beginning: wakes the far end. Not before
 * it may be posted to. */
void cz_pipe_kick(struct cz_pipe_end *end);

/* Says who owns an end and where it is reached. Before the far end may post
 * anything, or with cz_pipe_adopt. Takes a reference to the mailbox. */
void cz_pipe_own(struct cz_pipe_end *end, struct cz_mailbox *home,
                 const struct cz_pipe_events *events, void *owner);

/* Posts on_attach to the owner. False: its mailbox is closed; then close the
 * end on its behalf with cz_pipe_close. */
CZ_MUST_CHECK bool cz_pipe_post_attach(struct cz_pipe_end *end);

/* Owns an end whose far end has been in use already, and makes up for what it
 * missed: calls on_readable if something is there; on_peer_closed comes by
 * command. */
void cz_pipe_adopt(struct cz_pipe_end *end, struct cz_mailbox *home,
                   const struct cz_pipe_events *events, void *owner);

/* Says who the far end is, if that is known before the end is in use. The
 * reference passes on; NULL = there is nothing to know. */
void cz_pipe_introduce(struct cz_pipe_end *end, struct cz_metadata *metadata);

/* What the peer calls itself (ZMQ_ROUTING_ID); empty if it has no name. Valid
 * until the next introduction. */
struct cz_span cz_pipe_peer_id(const struct cz_pipe_end *end);

/* Closes an end: an incomplete message is dropped, the far end is told. The
 * end must not be used any more. */
void cz_pipe_close(struct cz_pipe_end *end, int linger_ms);

/* The same for a session whose connection is gone. The socket has the pipe as
 * long as something in it is unread, or the socket takes no notice; and while
 * it has too many of these, there should be no new connections. Else peers that
 * come and go could fill the memory. */
void cz_pipe_leave(struct cz_pipe_end *end);
bool cz_pipe_are_too_many_left(struct cz_mailbox *home);

/* The cold halves of the functions below. */
void cz_pipe_wake_reader(struct cz_pipe_end *end);
/* When many pipes are written at once: leaves the command with the I/O thread
 * that is returned, which is to be woken after the last one (cz_io_wake).
 * NULL: none needs to be. */
CZ_MUST_CHECK struct cz_io_thread *
cz_pipe_wake_reader_later(struct cz_pipe_end *end);
void cz_pipe_give_credit(struct cz_pipe_end *end);
void cz_pipe_found_full(struct cz_pipe_end *end);
void cz_pipe_ran_dry(struct cz_pipe_end *end);
bool cz_pipe_find_message(struct cz_pipe_end *end);
void cz_pipe_take_note(struct cz_pipe_end *end, const struct cz_frame *note);
bool cz_pipe_find_room(struct cz_pipe_end *end);
void cz_pipe_ran_dry_of_swap(struct cz_pipe_end *end);

/* Tells the far end that there is room. */
void cz_pipe_wake_writer(struct cz_pipe_end *end);

/* Where there is a swap; see the functions that write. beyond: in any case.
 * short: only the commonest case, false: nothing was done. */
CZ_MUST_CHECK bool cz_pipe_swap_short(struct cz_pipe_end *end,
                                      const struct cz_frame *frame,
                                      bool *must_wake);
CZ_MUST_CHECK int cz_pipe_write_or_swap(struct cz_pipe_end *end,
                                        const struct cz_frame *frame,
                                        bool *must_wake);
CZ_MUST_CHECK int cz_pipe_write_or_swap_beyond(struct cz_pipe_end *end,
                                               const struct cz_frame *frame,
                                               bool *must_wake);

/* Writes a frame. 0; -EAGAIN: full, on_writable follows; -ENOMEM. On success
 * the frame's buffer is the pipe's. */
CZ_MUST_CHECK int cz_pipe_write(struct cz_pipe_end *end,
                                const struct cz_frame *frame);

/* The same for one of many pipes that get the frame: leaves it to the caller
 * to wake the far end, with either of the above, if *must_wake says so, and to
 * push on what was written. */
CZ_MUST_CHECK int cz_pipe_write_quietly(struct cz_pipe_end *end,
                                        const struct cz_frame *frame,
                                        bool *must_wake);

/* The same by way of a sheet, which the pipes share. False: not that way;
 * nothing was done. */
CZ_MUST_CHECK bool cz_pipe_share(struct cz_pipe_end *end,
                                 struct cz_sheet *sheet,
                                 const struct cz_frame *frame, bool *must_wake);

/* The same without regard to the high-water mark, for what must not be lost.
 * 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_pipe_write_beyond(struct cz_pipe_end *end,
                                       const struct cz_frame *frame);

/* The same for the commonest case; false: it is not that, use the above. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_pipe_write_short(struct cz_pipe_end *end, const struct cz_frame *frame)
{
    /* Bytes may be written anywhere: what is needed after that is held. */
    struct cz_stream *out = end->out;

    if (!cz_stream_put_short(out, frame))
        return false;
    if (CZ_UNLIKELY(cz_stream_flush(out)))
        cz_pipe_wake_reader(end);
    return true;
}

/* May a message be begun? If not, on_writable follows. */
static inline bool cz_pipe_is_writable(struct cz_pipe_end *end)
{
    return CZ_LIKELY(end->out->w.credit > 0) || cz_pipe_find_room(end);
}

/* A message was begun with cz_pipe_write_beyond, without room for it. Is there
 * now? If not, take it back with cz_pipe_rollback. */
bool cz_pipe_has_room_by_now(struct cz_pipe_end *end);

/* Can what is written here never be sent, because a durable swap cannot be
 * read? Then writing fails with -EIO from now on. */
bool cz_pipe_is_broken(struct cz_pipe_end *end);

/* Has a message been begun and not ended? */
static inline bool cz_pipe_is_in_message(const struct cz_pipe_end *end)
{
    return end->out->w.is_in_message ||
           (end->swap && cz_stream_detour(end->out)->is_in_message);
}

/* How many messages the far end has still to read; more or less, since it
 * tells only now and then. */
static inline uint32_t cz_pipe_ahead(struct cz_pipe_end *end)
{
    return cz_stream_ahead(end->out);
}

/* Takes back the frames of the message that has been begun. */
void cz_pipe_rollback(struct cz_pipe_end *end);

/* The pipe is full, perhaps only because its messages wait for somebody to
 * write them to the network: does that, unless somebody is at it. Is there
 * room now? For types that would drop a message otherwise. */
bool cz_pipe_make_room(struct cz_pipe_end *end);

/* After CZ_PUSH_BYTES in longer frames the writer sees to it that they are
 * written to the network while they are still in its cache: one system call
 * (WRITE_MAX of net/engine_out.c), and no fewer bytes than make waking the
 * reader worth its price. */
enum { CZ_PUSH_BYTES = 196608 };
void cz_pipe_push(struct cz_pipe_end *end);

/* After a message was written: is the writer so many bytes ahead of the network
 * that they would grow cold, or lie in fresh memory? If it may wait, it should,
 * for a moment: on_writable follows when some of them have gone. Where that was
 * too long a moment, it is not asked to so soon again. Says so once. */
enum { CZ_PIPE_SENT_AHEAD = 1 };
static inline bool cz_pipe_has_run_ahead(struct cz_pipe_end *end)
{
    bool has = end->has_run_ahead;

    end->has_run_ahead = false;
    return has;
}

/* Reads a frame, valid until the next call. False: nothing; on_readable
 * follows. */
CZ_MUST_CHECK bool cz_pipe_read(struct cz_pipe_end *end,
                                struct cz_frame *frame);

/* The same for the commonest case; false: it is not that, use the above. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_pipe_read_short(struct cz_pipe_end *end, struct cz_frame *frame)
{
    struct cz_stream *in = end->in;

    if (!cz_stream_read_short(in, frame))
        return false;
    frame->metadata = end->metadata;
    if (CZ_UNLIKELY(cz_stream_count(in)))
        cz_pipe_give_credit(end);
    return true;
}

/* A message that was for this end's socket to send is thrown away. */
void cz_pipe_count_drop(struct cz_pipe_end *end, enum cz_drop reason);
/* For the network, if a durable swap is at the far end: what was taken from the
 * pipe so far has been handed over; the connection broke, and what was not
 * comes again, else the message that went in part is dropped. */
void cz_pipe_acknowledge(struct cz_pipe_end *end);
void cz_pipe_drop_partial(struct cz_pipe_end *end);

/* Is a message at hand? If not, there may be one all the same. */
static inline bool cz_pipe_has_message(const struct cz_pipe_end *end)
{
    const struct cz_stream_reader *r = &end->in->r;

    return CZ_LIKELY(r->run > 0) && CZ_LIKELY(!(r->at[0] & CZ_FRAME_NOTE));
}

/* Is there a message? If not, on_readable follows. */
static inline bool cz_pipe_is_readable(struct cz_pipe_end *end)
{
    return cz_pipe_has_message(end) || cz_pipe_find_message(end);
}

/* For who reads a pipe by itself, from within on_readable, and must not be
 * kept at it by a writer that is as fast: how many messages there are just
 * now; and has on_readable come again, after other commands. Until then
 * nothing may be read. */
static inline uint32_t cz_pipe_waiting(struct cz_pipe_end *end)
{
    return cz_stream_waiting(end->in);
}
void cz_pipe_read_later(struct cz_pipe_end *end);

/* Gives back memory that the pipe does not need while it is idle, and asks
 * the far end for its part. True: nothing is left to give. */
bool cz_pipe_slim(struct cz_pipe_end *end);

/* How many introductions the far end has not taken yet. */
static inline uint32_t cz_pipe_unseen_notes(struct cz_pipe_end *end)
{
    /* Relaxed: a number on its own. */
    return end->notes_written -
           atomic_load_explicit(&end->peer->notes_taken, memory_order_relaxed);
}

/* Tells the far end who messages come from, from here on; between messages
 * only. The reference passes on, unless it is NULL. 0 or -ENOMEM: then it is
 * dropped. If very many have not been read yet, this one is not written: those
 * will do. */
CZ_MUST_CHECK int cz_pipe_write_metadata(struct cz_pipe_end *end,
                                         struct cz_metadata *metadata);

#endif
