/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One direction of a pipe: a lock-free stream of frames from one writer to
 * one reader, laid end to end in a chain of chunks (msg/chunk.h).
 *
 * Publishing. The writer fills its open chunk and, with one store of one
 * 64-bit word, publishes whole messages: {messages ever, bytes ever}, both
 * modulo 2^32. Whatever the reader finds behind the bytes it knows was
 * written before the store. A message of several frames is published by its
 * last one, so no reader ever sees half a message.
 *
 * Sleeping. A reader that has read everything marks itself ASLEEP, looks
 * once more, and stops looking. The writer that sees the mark takes it away
 * (claims it) and owes the reader one wake-up; nobody else is woken, ever.
 * That "mark, then look" meets "publish, then see the mark" is guaranteed in
 * one of two ways, and the reader chooses which:
 *
 *   fast    The writer publishes with a plain store and looks at the mark
 *           with a plain load. The reader pays for both with the heavy
 *           barrier of os/membarrier.h between marking and looking.
 *   QUIET   The writer, having published, uses a locked operation on the
 *           control word. The reader needs no barrier. For pipes whose
 *           reader sleeps after every few messages, where interrupting
 *           all processors each time would cost everybody.
 *
 * The writer decides AFTER its store which of the two it is: it loads the
 * control word once, and any bit in it, QUIET or ASLEEP, leads to the locked
 * operation. That is what makes changing the mode safe. The reader sets QUIET
 * only together with ASLEEP and followed by the heavy barrier: a publication
 * whose load came before the barrier is visible to the reader's last look;
 * one whose load comes after it sees QUIET. Clearing QUIET needs no care: a
 * writer that still sees it does more than it must. (Modelled exhaustively
 * in tests/unit/model; docs/models.md.)
 *
 * Where reader and writer are one thread just now, which the reader is told
 * (is_writers), the order of its program is all that is needed: no barrier,
 * and so no reason for the quiet mode.
 *
 * While the mark is claimed and the wake-up has not arrived, the reader
 * touches nothing, so the writer may start again at the beginning of its
 * chunk, or replace it: steady light traffic lives in one small chunk. It
 * may do so only if everything is read, which the mark alone does not say:
 * the reader that has just set it may not have looked once more. Or it takes
 * along what is not, the short beginning of a batch.
 *
 * Credit. The writer may be `hwm` messages ahead. The reader tells every
 * (hwm + 1) / 2 messages how far it is; a writer that found the stream full
 * has left a mark and is owed a wake-up then.
 *
 * Detours. Messages for which there is no credit may be put somewhere else
 * (core/swap.h), from where the reader takes them when it has read what is in
 * the stream. The order stays, because one rule holds: while there is anything
 * in the detour, nothing more goes into the stream. So what the reader finds
 * in the stream is older than what it finds in the detour, if it looks into
 * the detour first; and what it takes from there lies in a chunk of its own
 * that the writer's side never touches. Messages on a detour count: the writer
 * is ahead by them as well.
 *
 * Thread: the writer's functions by one thread at a time, the reader's by
 * one thread at a time. Owns: its chunks and what they refer to.
 */
#ifndef CZ_MSG_STREAM_H
#define CZ_MSG_STREAM_H

#include "base/assert.h"
#include "base/compiler.h"
#include "base/count.h"
#include "msg/chunk.h"
#include "msg/frame.h"
#include "os/membarrier.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

enum {
    CZ_STREAM_ASLEEP = 1,
    CZ_STREAM_QUIET = 2,
    /* Positions are modulo 2^32: nobody may be further ahead than this. */
    CZ_STREAM_SPAN = UINT32_MAX / 2,
    /* How far before itself the writer asks for lines, which the reader had
     * last. Stores leave in order, and the next message's wait for them: 16
     * bytes on two processors, 19 and 34 million messages a second. */
    CZ_STREAM_FETCH_AHEAD = 256,
};

struct cz_latest;

/* What is in the place of a stream that is full. */
struct cz_detour {
    /* The reader's: the next whole messages in a chunk, which becomes the
     * caller's, with their count and the bytes of their frames. NULL: there is
     * no memory, and has_data stays set; or *messages are lost. */
    struct cz_chunk *(*take)(struct cz_detour *detour, uint32_t *size,
                             uint32_t *messages);
    /* There are whole messages to take. Set by the writer, cleared by take;
     * what decides is said where it is used. */
    _Atomic uint32_t has_data;
    /* The writer's: a message was begun there; nothing may go into the
     * stream, ever. */
    bool is_in_message;
    bool takes_all;
};

struct cz_stream_writer {
    uint8_t *at;           /* where the next byte goes */
    uint32_t room;         /* contiguous bytes left there */
    uint32_t pos;          /* bytes ever, the unpublished included */
    uint32_t messages;     /* completed ever */
    uint32_t credit;       /* messages that may begin before asking again */
    uint16_t chunk_wanted; /* size of the next chunk, in units of 64 bytes */
    bool is_in_message;
    bool has_claim; /* took the reader's ASLEEP mark, owes the wake-up */
    bool is_armed;  /* asked to be woken when there is credit */
    struct cz_chunk *chunk;
    /* Where the incomplete message began; valid while is_in_message. */
    struct {
        struct cz_chunk *chunk;
        uint8_t *at;
        uint32_t room;
        uint32_t pos;
    } mark;
};

CZ_STATIC_ASSERT(sizeof(struct cz_stream_writer) <= CZ_CACHE_LINE,
                 "a message touches one line of it");

struct cz_stream_reader {
    const uint8_t *at; /* the next byte */
    uint32_t run;      /* contiguous published bytes there */
    uint32_t left;     /* published bytes in later chunks */
    uint32_t seen;     /* position up to which `run` and `left` are known */
    uint32_t messages_seen; /* messages up to `seen` */
    uint32_t consumed;      /* messages read ever */
    uint32_t credited;      /* `consumed` when it was last told */
    struct cz_chunk *chunk;
    uint32_t capacity; /* of that chunk, as long as nobody was asked for it */
    size_t sent; /* wire reading: bytes of the frame at `at` already gone */
    uint32_t slept_at;  /* `consumed` when it last fell asleep */
    uint32_t depth_max; /* the most that it found waiting; see below */
    uint8_t small_batches;
    /* Of a busy stream, see reader_hang_back: is it too close behind the
     * writer, and how many looks not to wait at, since waiting was no use. */
    bool is_close;
    uint8_t skip;
    uint8_t backoff;
    bool is_asleep;
    bool is_quiet;
    bool stays_quiet; /* the writer publishes batches: it can pay */
    bool is_writers;  /* for now, reader and writer are one thread */
    bool dallies;     /* in a busy stream, waits a moment before it sleeps */
    bool owes_wake;   /* falling asleep gave credit that the writer waits for */
    struct cz_latest *held; /* what the frame read last refers to */
    /* Reading a chunk of the detour: that, and the stream's own one. */
    struct cz_chunk *side;
    struct cz_chunk *main;
    const uint8_t *main_at;
    /* There is something, and no memory to take it from the detour. Then the
     * reader does not fall asleep, and nobody will wake it. */
    bool is_starved;
};

/* What the writer counts for those who look from outside, when it opens a chunk
 * or does something as slow as that: `published`, widened, which never gets
 * further from it than what a chunk holds. */
struct cz_stream_count {
    cz_count messages;
    cz_count bytes;
    cz_count elsewhere; /* to be added to bytes: what is not in the chunks */
    _Atomic uint32_t depth_max; /* the most that was ahead of the reader */
    _Atomic uint32_t full;      /* how often the mark was met */
    _Atomic uint32_t told_max;  /* the most that those who looked were told */
};

struct cz_stream {
    CZ_LINE_ALIGNED struct cz_stream_writer w;
    /* Written by the writer at every message, read when the reader runs dry.
     * Release/acquire pair: publishing and refreshing. */
    CZ_LINE_ALIGNED _Atomic uint64_t published;
    struct cz_pool *pool; /* for its large chunks, or NULL */
    /* Set before the wake-up that follows a claim: where reading goes on. */
    struct cz_chunk *restart;
    struct cz_stream_count count;
    /* Mostly written by the reader, when it falls asleep or gives credit. */
    CZ_LINE_ALIGNED _Atomic uint32_t ctl;
    _Atomic uint32_t consumed;
    _Atomic uint32_t consumed_pos; /* bytes read ever, more or less */
    _Atomic uint32_t hwm;
    _Atomic uint32_t credit_step; /* give credit every so many messages */
    _Atomic uint32_t is_writer_waiting;
    /* Keeps only the latest message (msg/stream_latest.c). Set before use. */
    bool is_conflating;
    _Atomic(struct cz_latest *) latest;
    cz_count conflated; /* how many a later one has replaced */
    /* Or NULL; by cz_stream_detour. It may come while there is a reader. */
    _Atomic(struct cz_detour *) detour;
    /* A chunk on its way back from the reader to the writer. */
    _Atomic(struct cz_chunk *) spare;
    CZ_LINE_ALIGNED struct cz_stream_reader r;
};

/* What goes around it, or NULL. Acquire: pairs with cz_pipe_set_swap. */
static inline struct cz_detour *cz_stream_detour(const struct cz_stream *s)
{
    return atomic_load_explicit(&s->detour, memory_order_acquire);
}

/* Begins with the reader asleep. hwm 0 = no limit. `pool`, for its memory,
 * may be NULL, else outlives the writer. */
void cz_stream_init(struct cz_stream *stream, uint32_t hwm,
                    struct cz_pool *pool);

/* Frees everything, unread messages too. Both sides have finished. */
void cz_stream_fini(struct cz_stream *stream);

/* Any thread; takes effect with the next message that asks for credit. */
void cz_stream_set_hwm(struct cz_stream *stream, uint32_t hwm);

/* ---- the writer ---------------------------------------------------- */

/* After the mark has changed: asks for credit anew, not only when what was
 * granted under the old one is used up. The message begun keeps its own. */
static inline void cz_stream_forget_credit(struct cz_stream *s)
{
    s->w.credit = s->w.is_in_message;
}

/* The slow halves of the inline functions below. */
uint8_t *cz_stream_grow(struct cz_stream *stream, size_t need);
bool cz_stream_refill(struct cz_stream *stream);
bool cz_stream_flush_slow(struct cz_stream *stream);

/* How many messages the reader has not said to have read. */
static inline uint32_t cz_stream_ahead(struct cz_stream *s)
{
    /* Relaxed: a number on its own. */
    return s->w.messages -
           atomic_load_explicit(&s->consumed, memory_order_relaxed);
}

/* Have so many bytes not been read, of whole messages or of one that never
 * ends, that no more may be added? */
static inline bool cz_stream_is_too_far_ahead(struct cz_stream *s)
{
    /* Relaxed: a number on its own. */
    return s->w.pos -
               atomic_load_explicit(&s->consumed_pos, memory_order_relaxed) >
           CZ_STREAM_SPAN;
}
/* With a detour: asks to be woken when something changes for the better. True:
 * the caller looks once more, for what it has missed. */
CZ_MUST_CHECK bool cz_stream_arm(struct cz_stream *stream);

/* There is something in the detour, and its has_data is set (seq_cst);
 * went_around counts it as a message. True: the caller owes the reader a
 * wake-up. */
CZ_MUST_CHECK static inline bool cz_stream_nudge(struct cz_stream *s)
{
    /* seq_cst: after has_data was set, and pairs with the reader's mark, after
     * which it looks at has_data. */
    return CZ_UNLIKELY((atomic_load(&s->ctl) & CZ_STREAM_ASLEEP) |
                       s->w.has_claim) &&
           cz_stream_flush_slow(s);
}

CZ_MUST_CHECK static inline bool cz_stream_went_around(struct cz_stream *s)
{
    s->w.messages++;
    cz_count_follow(&s->count.messages, s->w.messages);
    return cz_stream_nudge(s);
}

/* Now and then, when messages go around: how far is the writer ahead? */
void cz_stream_count_ahead(struct cz_stream *stream);

/* May a message begin? If not, a wake-up follows as soon as it may. */
static inline bool cz_stream_has_credit(struct cz_stream *s)
{
    return CZ_LIKELY(s->w.credit > 0) || cz_stream_refill(s);
}

static inline void cz_stream_remember(struct cz_stream_writer *w)
{
    w->mark.chunk = w->chunk;
    w->mark.at = w->at;
    w->mark.room = w->room;
    w->mark.pos = w->pos;
}

/* Appends one frame, unpublished. On success the frame's buffer is the
 * stream's. 0 or -ENOMEM: then nothing has changed. */
CZ_MUST_CHECK int cz_stream_put(struct cz_stream *stream,
                                const struct cz_frame *frame, uint8_t flags);

/* Publishes everything appended so far. True: the caller owes the reader one
 * wake-up. */
CZ_MUST_CHECK static inline bool cz_stream_flush(struct cz_stream *s)
{
    uint64_t word = (uint64_t)s->w.messages << 32 | s->w.pos;

    /* Release: pairs with the acquire in cz_stream_refresh. */
    atomic_store_explicit(&s->published, word, memory_order_release);
    cz_light_barrier();
    /* Relaxed: ordered against the reader's mark by its heavy barrier, or
     * else by the locked operation that any bit here leads to. */
    if (CZ_LIKELY((atomic_load_explicit(&s->ctl, memory_order_relaxed) |
                   s->w.has_claim) == 0))
        return false;
    return cz_stream_flush_slow(s);
}

/* Writes one frame of a message, and publishes the message if it was its last
 * one; then *must_wake says whether the reader is owed a wake-up.
 * 0, -EAGAIN (no credit; only for the first frame) or -ENOMEM. */
CZ_MUST_CHECK int cz_stream_write(struct cz_stream *stream,
                                  const struct cz_frame *frame,
                                  bool *must_wake);

/* Lays a short frame, for which there is room, at the writer's place. */
static CZ_ALWAYS_INLINE void cz_stream_lay_short(struct cz_stream_writer *w,
                                                 uint8_t flags,
                                                 const struct cz_frame *frame)
{
    uint8_t *to = w->at;
    size_t size;

    CZ_PREFETCH_WRITE(to + CZ_STREAM_FETCH_AHEAD);
    size = cz_frame_lay_short(to, flags, frame);
    w->at = to + size;
    w->room -= (uint32_t)size;
    w->pos += (uint32_t)size;
}

/* The commonest case by far, a message of one short frame for which there is
 * credit and room: calls nothing. False: it is not that case, nothing was
 * done. Then cz_stream_flush. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_stream_put_short(struct cz_stream *s, const struct cz_frame *frame)
{
    struct cz_stream_writer *w = &s->w;

    if (CZ_UNLIKELY((frame->size > CZ_FRAME_SHORT_MAX) |
                    (frame->flags & CZ_FRAME_MORE) | w->is_in_message |
                    (w->credit == 0) | (frame->size + 2 > w->room)))
        return false;
    cz_stream_lay_short(w, 0, frame);
    w->credit--;
    w->messages++;
    return true;
}

/* The same for a short frame of any message; cz_stream_flush after the last
 * one. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_stream_put_part(struct cz_stream *s, const struct cz_frame *frame)
{
    struct cz_stream_writer *w = &s->w;
    bool has_more = frame->flags & CZ_FRAME_MORE;

    if (CZ_UNLIKELY((frame->size > CZ_FRAME_SHORT_MAX) | (w->credit == 0) |
                    (frame->size + 2 > w->room)))
        return false;
    if (has_more && !w->is_in_message)
        cz_stream_remember(w);
    w->is_in_message = has_more;
    cz_stream_lay_short(w, has_more ? CZ_FRAME_MORE : 0, frame);
    w->credit -= !has_more;
    w->messages += !has_more;
    return true;
}

/* The same for the network side, which does not mind if there is no credit.
 * 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_stream_write_beyond(struct cz_stream *stream,
                                         const struct cz_frame *frame,
                                         bool *must_wake);

/* Gives back the credit that a message begun so was lent. */
static inline void cz_stream_return_loan(struct cz_stream *s)
{
    s->w.credit = 0;
}

/* For a conflating stream: the frame takes the place of one that has not been
 * read yet. Flags do not matter: it is a message. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_stream_write_latest(struct cz_stream *stream,
                                         const struct cz_frame *frame,
                                         bool *must_wake);

/* Drops the references in `left` bytes of frames from `at` on. Once nobody
 * reads them. */
void cz_stream_drop_frames(struct cz_stream *stream, struct cz_chunk *chunk,
                           const uint8_t *at, uint32_t left);

/* Takes back the frames of a message that was not completed. */
void cz_stream_rollback(struct cz_stream *stream);

/* A note for the reader, published at once with what is complete. Only
 * between messages. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_stream_write_note(struct cz_stream *stream,
                                       const void *note, size_t size,
                                       bool *must_wake);

/* For the network side: `size` bytes of frames as they came, without any of
 * CZ_REF_MIN or more, of which the first `complete` bytes end `messages`
 * messages. Publishes those and keeps the rest, whole frames too, as the
 * beginning of the next one. Uses up credit and does not mind if there is
 * none. 0 or -ENOMEM: then nothing has changed. */
CZ_MUST_CHECK int cz_stream_write_run(struct cz_stream *stream,
                                      const uint8_t *bytes, size_t complete,
                                      size_t size, uint32_t messages,
                                      bool *must_wake);

/* The same for bytes that lie in a chunk, from offset `begin` on; the chunk
 * becomes the stream's, and nothing is added to it. Cannot fail, but nobody may
 * be too far ahead. True: the caller owes the reader one wake-up. */
CZ_MUST_CHECK bool cz_stream_write_chunk(struct cz_stream *stream,
                                         struct cz_chunk *chunk, uint32_t begin,
                                         size_t complete, size_t size,
                                         uint32_t messages);

/* Is the reader asleep, and has it read all? Until the next message it stays
 * so. */
static inline bool cz_stream_is_read(struct cz_stream *s)
{
    /* Acquire: pairs with the setting of the mark, before which the reader
     * stores how far it is. */
    return (atomic_load_explicit(&s->ctl, memory_order_acquire) &
            CZ_STREAM_ASLEEP) &&
           atomic_load_explicit(&s->consumed_pos, memory_order_relaxed) ==
               s->w.pos;
}

/* For msg/sheet.h: goes on in a view of that chunk, after the one that is
 * open. False: no memory. */
CZ_MUST_CHECK bool cz_stream_open_view(struct cz_stream *stream,
                                       struct cz_chunk *chunk,
                                       const uint8_t *at);

/* Gives the open chunk back if the reader has read everything. */
void cz_stream_trim(struct cz_stream *stream);

/* Does the writer hold memory that an idle stream can do without? */
bool cz_stream_is_fat(const struct cz_stream *stream);

/* ---- the reader ---------------------------------------------------- */

bool cz_stream_refresh(struct cz_stream *stream);

/* Reads one frame; its data stay valid until the next call. The buffer of a
 * large one becomes the caller's. False: nothing there, and the reader is
 * asleep until it is woken. */
CZ_MUST_CHECK bool cz_stream_read(struct cz_stream *stream,
                                  struct cz_frame *frame);

/* Puts the latest message in the place of the frame that stands for it. */
void cz_stream_read_latest(struct cz_stream *stream, struct cz_frame *frame);

/* Frees what a conflating stream still holds. */
void cz_stream_drop_latest(struct cz_stream *stream);

/* The commonest case by far, a short frame that is known to be there: calls
 * nothing. False: it is not that case, nothing was done. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_stream_read_part(struct cz_stream *s, struct cz_frame *frame)
{
    struct cz_stream_reader *r = &s->r;
    const uint8_t *at = r->at;
    uint32_t size;

    if (CZ_UNLIKELY(r->run == 0) || CZ_UNLIKELY(at[0] > CZ_FRAME_MORE))
        return false;
    size = at[1];
    frame->flags = at[0];
    frame->data = at + 2;
    frame->size = size;
    frame->buffer = NULL;
    r->at = at + 2 + size;
    r->run -= 2 + size;
    return true;
}

/* The same for a message of one frame, or the last of one. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE bool
cz_stream_read_short(struct cz_stream *s, struct cz_frame *frame)
{
    return CZ_LIKELY(s->r.run > 0) && CZ_LIKELY(s->r.at[0] == 0) &&
           cz_stream_read_part(s, frame);
}

/* Is there anything to read? If not, the reader falls asleep; then, and when
 * cz_stream_read says false, `r.owes_wake` may say that the writer is owed a
 * wake-up. */
static inline bool cz_stream_has_data(struct cz_stream *s)
{
    return s->r.run > 0 || cz_stream_refresh(s);
}

/* How many bytes have been written and not read, as they lie in the stream.
 * For who is the writer as well, or when both sides have finished. */
static inline uint32_t cz_stream_unread(const struct cz_stream *s)
{
    return s->w.pos - s->r.seen + s->r.run + s->r.left;
}

/* How many messages are published and not read yet; of a detour, those that
 * have been taken, or else one, if there is any. */
static inline uint32_t cz_stream_waiting(struct cz_stream *s)
{
    /* Relaxed: a number on its own. */
    uint64_t word = atomic_load_explicit(&s->published, memory_order_relaxed);
    uint32_t waiting = (uint32_t)(word >> 32) - s->r.consumed;

    if (CZ_LIKELY(!cz_stream_detour(s)))
        return waiting;
    if ((int32_t)waiting <= 0)
        waiting = s->r.messages_seen - s->r.consumed;
    return (int32_t)waiting > 0
               ? waiting
               : atomic_load_explicit(&cz_stream_detour(s)->has_data,
                                      memory_order_relaxed);
}

/* Any thread may look at the number (cz_stream_tally), the reader alone changes
 * it: so it need not be an atomic object, only be stored and loaded whole. */
static inline void cz_stream_set_consumed(struct cz_stream_reader *r,
                                          uint32_t messages)
{
    __atomic_store_n(&r->consumed, messages, __ATOMIC_RELAXED);
}

/* Counts one message as read. True: credit is due now. */
CZ_MUST_CHECK static inline bool cz_stream_count(struct cz_stream *s)
{
    cz_stream_set_consumed(&s->r, s->r.consumed + 1);
    return s->r.consumed - s->r.credited >=
           atomic_load_explicit(&s->credit_step, memory_order_relaxed);
}

/* Tells how much was read. True: the writer waits and is owed a wake-up. */
CZ_MUST_CHECK bool cz_stream_give_credit(struct cz_stream *stream);

/* Frees what the reader can, and says, once, whether the writer should be
 * asked for its chunk (cz_stream_trim), because it is large and read. */
CZ_MUST_CHECK bool cz_stream_slim(struct cz_stream *stream);

/* The wake-up has arrived. */
void cz_stream_on_wake(struct cz_stream *stream);

/* The writer's answer to the wake-up that credit brings. */
static inline void cz_stream_on_credit(struct cz_stream *s)
{
    s->w.is_armed = false;
}

/* For the network side: describes published bytes as they go on the wire, at
 * most `count` pieces, which is 2 or more, and about `size_max` bytes. Returns
 * the number of pieces; 0: nothing there, and the reader is asleep. */
CZ_MUST_CHECK int cz_stream_gather(struct cz_stream *stream,
                                   struct iovec *pieces, int count,
                                   size_t size_max);

/* Has anything been published that was not gathered yet? Does not fall
 * asleep. */
static inline bool cz_stream_has_more(const struct cz_stream *s)
{
    /* Relaxed: whoever acts on it looks again. */
    return s->r.run + s->r.left > 0 ||
           (cz_stream_detour(s) &&
            atomic_load_explicit(&cz_stream_detour(s)->has_data,
                                 memory_order_relaxed)) ||
           (uint32_t)atomic_load_explicit(&s->published,
                                          memory_order_relaxed) != s->r.seen;
}

/* The first `size` bytes of what was gathered have gone. True: credit is
 * due. */
CZ_MUST_CHECK bool cz_stream_sent(struct cz_stream *stream, size_t size);

/* The connection broke: drops the message of which a part has gone, so that
 * the next one starts clean. */
void cz_stream_drop_partial(struct cz_stream *stream);

/* For the detour, when it has room again. True: the writer waits for that, and
 * is owed a wake-up. */
CZ_MUST_CHECK bool cz_stream_disarm(struct cz_stream *stream);

/* Drops what is left of what was taken from the detour. */
void cz_stream_drop_side(struct cz_stream *stream);

#endif
