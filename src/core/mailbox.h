/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The mailbox: where commands for the objects of one owner arrive. Many
 * writers, one reader, at most one wake-up per wait.
 *
 * The owner is a socket (then the reader is whichever thread uses it) or an
 * I/O thread (then it is whoever holds its helm, see core/io_thread.h).
 *
 * How the owner waits is told by `state`; a writer that has posted looks at
 * it and wakes accordingly. Besides, the first command that arrives in an
 * empty mailbox rings its bell, if somebody waits there for several at once
 * (core/bell.h), and makes the socket's descriptor readable, if that was asked
 * for (ZMQ_FD).
 *
 * Thread: post by any; everything else by the owner. Owns: its descriptor.
 */
#ifndef CZ_CORE_MAILBOX_H
#define CZ_CORE_MAILBOX_H

#include "base/compiler.h"
#include "core/command.h"
#include "core/pace.h"
#include "os/waker.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_bell;
struct cz_io_thread;

enum cz_mailbox_state {
    CZ_MAILBOX_AWAKE = 0,
    CZ_MAILBOX_PARKED = 1,  /* sleeps on the word itself */
    CZ_MAILBOX_IN_LOOP = 2, /* waits in a reactor: signal `loop_waker` */
};

struct cz_mailbox {
    _Atomic(struct cz_command *) head;
    _Atomic uint32_t state;
    _Atomic uint32_t refs;
    _Atomic(struct cz_waker *) loop_waker;
    _Atomic(struct cz_bell *) bell; /* that its owner last waited with */
    _Atomic uint32_t has_fd;
    _Atomic uint32_t is_signaled;
    struct cz_waker waker;
    /* The I/O thread that owns it, or NULL if a socket does. */
    struct cz_io_thread *io;
    /* May the owner's thread do I/O itself? */
    bool has_baton;
    uint32_t sends;      /* how often the owner woke a reader by what it sent */
    struct cz_pace pace; /* and how it does that */
    uint32_t runs;       /* how often there was something to run */
    /* Pipes of the owner, a socket, whose connection is gone and which it still
     * has, see cz_pipe_leave. */
    _Atomic uint32_t leftovers;
    bool is_in_batch; /* see cz_socket_begin_batch */
};

/* One reference. NULL = no memory. */
struct cz_mailbox *cz_mailbox_create(struct cz_io_thread *io);
struct cz_mailbox *cz_mailbox_ref(struct cz_mailbox *mailbox);
void cz_mailbox_unref(struct cz_mailbox *mailbox);

/* Queues the command and wakes the owner if it waits. False: the mailbox is
 * closed and the command was not taken. Any thread. */
CZ_MUST_CHECK bool cz_mailbox_post(struct cz_mailbox *mailbox,
                                   struct cz_command *command);

/* The same in two steps: waking must follow. */
CZ_MUST_CHECK bool cz_mailbox_leave(struct cz_mailbox *mailbox,
                                    struct cz_command *command);
void cz_mailbox_wake(struct cz_mailbox *mailbox);

static inline bool cz_mailbox_is_empty(struct cz_mailbox *mailbox)
{
    /* Relaxed: a hint; cz_mailbox_run looks again. */
    return atomic_load_explicit(&mailbox->head, memory_order_relaxed) == NULL;
}

/* The same for who has just said that it waits, and must not miss what comes
 * before somebody looks whether it does. */
static inline bool cz_mailbox_is_still_empty(struct cz_mailbox *mailbox)
{
    /* seq_cst: pairs with posting, see cz_mailbox_arm and core/bell.h. */
    return atomic_load(&mailbox->head) == NULL;
}

/* Is there nothing for cz_mailbox_run to do? A descriptor may be signalled
 * although the command that it was signalled for has run. */
static inline bool cz_mailbox_is_quiet(struct cz_mailbox *mailbox)
{
    return cz_mailbox_is_empty(mailbox) &&
           atomic_load_explicit(&mailbox->is_signaled, memory_order_relaxed) ==
               0;
}

/* Runs everything that has arrived, in order. True: there was something. */
bool cz_mailbox_run(struct cz_mailbox *mailbox);

/* Refuses commands from now on and runs those that have arrived. */
void cz_mailbox_close(struct cz_mailbox *mailbox);

/* Says that the owner is about to wait in this way. False: something has
 * arrived, do not wait. After waiting: cz_mailbox_awake. */
CZ_MUST_CHECK bool cz_mailbox_arm(struct cz_mailbox *mailbox,
                                  enum cz_mailbox_state state,
                                  struct cz_waker *loop_waker);
void cz_mailbox_awake(struct cz_mailbox *mailbox);

/* Sleeps until something arrives: 0, -ETIMEDOUT or -EINTR. 0 may be early: a
 * writer whose command has run already may only now come to waking. */
CZ_MUST_CHECK int cz_mailbox_park(struct cz_mailbox *mailbox,
                                  uint64_t deadline_us);

/* Has the next command ring this bell, of whose lifetime the owner takes care;
 * NULL = none. */
static inline void cz_mailbox_hang_bell(struct cz_mailbox *mailbox,
                                        struct cz_bell *bell)
{
    /* seq_cst: pairs with posting, see core/bell.h. */
    atomic_store(&mailbox->bell, bell);
}

static inline struct cz_bell *cz_mailbox_bell(struct cz_mailbox *mailbox)
{
    /* Relaxed: only the owner changes it. */
    return atomic_load_explicit(&mailbox->bell, memory_order_relaxed);
}

/* The descriptor that is readable while commands wait; made at the first
 * call. The descriptor or -errno. */
CZ_MUST_CHECK int cz_mailbox_fd(struct cz_mailbox *mailbox);

#endif
