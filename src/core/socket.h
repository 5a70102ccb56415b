/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets: what all types have in common. A type (src/type) is one table of
 * operations and a struct that begins with a struct cz_socket.
 *
 * Thread: the application's, one at a time; only cz_socket_post_terminate
 * comes from others. Owns: its ends of pipes, its list of endpoints, its
 * mailbox and its monitor.
 */
#ifndef CZ_CORE_SOCKET_H
#define CZ_CORE_SOCKET_H

#include "base/compiler.h"
#include "base/list.h"
#include "core/command.h"
#include "core/mailbox.h"
#include "core/options.h"
#include "core/pipe.h"
#include "msg/frame.h"
#include "os/alarm.h"
#include "os/thread.h"
#include "reactor/timers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cz_ctx;
struct cz_io_object;
struct cz_io_thread;
struct cz_monitor;
struct cz_socket;
struct cz_tenant;
struct cz_transport;

enum {
    CZ_SOCKET_TAG = 0x7a6d7150,
    CZ_SOCKET_DEAD = 0x0dead0cc,
    /* One size for all types, so that a closed one serves for any. */
    CZ_SOCKET_SLOT_SIZE = 1536,
};

enum { CZ_DONTWAIT = 1, CZ_SNDMORE = 2 };     /* ZMQ_DONTWAIT, ... */
enum { CZ_POLLED_IN = 1, CZ_POLLED_OUT = 2 }; /* ZMQ_POLLIN, ... */

/* A type of socket. All run on the socket's thread. */
struct cz_socket_ops {
    const char *name;
    int type; /* ZMQ_PAIR, ... */
    size_t size;
    /* Does zmq_connect to an endpoint already connected to do nothing? */
    bool connects_once;

    void (*init)(struct cz_socket *socket);
    /* All ends have been detached; the type frees what else it has. NULL: it
     * has nothing. */
    void (*fini)(struct cz_socket *socket);

    /* Before an endpoint is connected: 0, or -errno, and it is not. NULL: all
     * are. */
    int (*connecting)(struct cz_socket *socket);

    /* A pipe to a peer has come; the peer has gone (what it sent before may
     * still be unread); the end leaves the socket's lists for good. */
    void (*attach)(struct cz_socket *socket, struct cz_pipe_end *end);
    void (*peer_closed)(struct cz_socket *socket, struct cz_pipe_end *end);
    void (*detach)(struct cz_socket *socket, struct cz_pipe_end *end);

    /* The peer has said who it is: for the first time, or, if the connection
     * was made again, anew. An end whose peer is known before it is attached
     * (end->is_introduced) may stay without. Comes from within cz_pipe_read
     * and cz_pipe_is_readable, so it must not drop the end. NULL: the type
     * does not care. */
    void (*introduced)(struct cz_socket *socket, struct cz_pipe_end *end);

    /* A pipe found empty has something again; one found full has room. */
    void (*readable)(struct cz_socket *socket, struct cz_pipe_end *end);
    void (*writable)(struct cz_socket *socket, struct cz_pipe_end *end);

    /* Sends one frame; takes over its buffer on success. 0, or
     * CZ_PIPE_SENT_AHEAD: should wait a moment, if it may; -EAGAIN: not now,
     * but perhaps after the next command; or another error. */
    int (*send)(struct cz_socket *socket, struct cz_frame *frame);
    /* Receives one frame, valid until the next call; its buffer becomes the
     * caller's. 0, -EAGAIN, or another error. */
    int (*recv)(struct cz_socket *socket, struct cz_frame *frame);

    /* CZ_POLLED_...: what would not block now. */
    unsigned (*events)(struct cz_socket *socket);
    /* The same of one peer: CZ_POLLED_..., -EHOSTUNREACH. NULL: the type does
     * not know its peers by id. */
    int (*peer_events)(struct cz_socket *socket, struct cz_span id);

    /* Options of the type: 0 or -errno; -ENOENT = not one of its own. NULL:
     * it has none. */
    int (*set_option)(struct cz_socket *socket, int number, const void *value,
                      size_t size);
    int (*get_option)(struct cz_socket *socket, int number, void *value,
                      size_t *size);
};

/* Something that was bound or connected. */
struct cz_endpoint_entry {
    struct cz_list link;
    char *name;                  /* what unbind and disconnect look for */
    struct cz_io_object *object; /* listener or session; NULL for inproc */
    bool is_bound;
};

/* Learns whether waiting may spin. Only a wait for the answer to something
 * that was sent does, and only while that succeeds: failures switch it off
 * for longer and longer. With the peer on the same processor it "succeeds"
 * when the kernel puts us aside for it, which is found out by a look at our
 * processor time now and then. (In a one-way stream a spinning receiver would
 * take messages one by one and keep batches from forming.) */
struct cz_spin {
    uint32_t sends; /* the mailbox's count when it last waited */
    uint16_t skip;
    uint16_t backoff;
    uint8_t checks;   /* waits until the next such look */
    bool is_checked;  /* it began with this wait, */
    uint64_t used_us; /* with so much of the processor's time used */
};

struct cz_socket {
    struct cz_list link; /* of the context's sockets; first, see ctx.c */
    uint32_t tag;

    /* What every send and receive looks at. */
    bool is_terminated;
    bool must_process; /* before all: see cz_socket_review */
    bool has_more;     /* ZMQ_RCVMORE */
    bool has_fd;       /* ZMQ_FD was asked for */
    bool has_held;     /* a frame was put back */
    const struct cz_socket_ops *ops;
    struct cz_mailbox *mailbox;
    /* Room for any frame without a buffer of its own, so that one that has been
     * taken from its pipe is not lost for lack of memory; or NULL. */
    struct cz_buffer *reserve;
    /* What was put back; it keeps its metadata, until the next one is. */
    struct cz_frame held;

    struct cz_ctx *ctx;
    struct cz_list ends;
    struct cz_list endpoints;
    struct cz_list names; /* in the registry, under its lock */
    char *last_endpoint;
    struct cz_monitor *monitor;
    struct cz_tenant **tenants; /* one per I/O thread of the context, or NULL */
    struct cz_io_thread *sole_io; /* if all its I/O is on one thread */
    int tenant_count;
    struct cz_spin spin;
    uint32_t spin_us_max;
    bool may_drive;
    int pid; /* of the process that made it */

    struct cz_timers timers;
    struct cz_alarm *alarm; /* behind ZMQ_FD, if timers may come; or NULL */

    struct cz_command terminate;
    struct cz_options options;
};

/* ---- life ----------------------------------------------------------- */

/* 0, -ETERM, -EMFILE, -ENOMEM. */
CZ_MUST_CHECK int cz_socket_create(struct cz_ctx *ctx,
                                   const struct cz_socket_ops *ops,
                                   struct cz_socket **socket);
/* Never blocks: what has still to be sent lingers on the I/O threads. */
void cz_socket_close(struct cz_socket *socket);

static inline bool cz_socket_is_alive(const struct cz_socket *socket)
{
    return CZ_LIKELY(socket != NULL) && CZ_LIKELY(socket->tag == CZ_SOCKET_TAG);
}

/* A forked child has copies of its parent's sockets: not for it to use. */
static inline bool cz_socket_is_ours(const struct cz_socket *socket)
{
    return CZ_LIKELY(socket->pid == cz_process_id());
}

/* For the context, which knows sockets by their links. */
void cz_socket_post_terminate(struct cz_list *link);
void cz_socket_free(struct cz_list *link);

/* ---- traffic -------------------------------------------------------- */

/* Runs the commands that have come, and the timers that are due. 0, -ETERM, or
 * -EINTR in a forked child. */
CZ_MUST_CHECK int cz_socket_process(struct cz_socket *socket);

CZ_MUST_CHECK int cz_socket_send_slow(struct cz_socket *socket,
                                      struct cz_frame *frame, int flags);
CZ_MUST_CHECK int cz_socket_recv_slow(struct cz_socket *socket,
                                      struct cz_frame *frame, int flags);

/* A message was sent that is far ahead of the network: waits a moment, if it
 * may. */
void cz_socket_keep_step(struct cz_socket *socket, int flags);

/* Sends a frame, blocking as flags and ZMQ_SNDTIMEO say. Takes over the
 * frame's buffer on success. 0 or -errno. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE int
cz_socket_send(struct cz_socket *s, struct cz_frame *frame, int flags)
{
    int rc;

    frame->flags = flags & CZ_SNDMORE ? CZ_FRAME_MORE : 0;
    if (CZ_LIKELY(cz_mailbox_is_empty(s->mailbox)) &&
        CZ_LIKELY(!s->must_process) && cz_socket_is_ours(s)) {
        rc = s->ops->send(s, frame);
        if (CZ_LIKELY(rc == 0))
            return 0;
        if (rc == CZ_PIPE_SENT_AHEAD) {
            cz_socket_keep_step(s, flags);
            return 0;
        }
        if (rc != -EAGAIN)
            return rc;
    }
    return cz_socket_send_slow(s, frame, flags);
}

/* Receives a frame, likewise. */
CZ_MUST_CHECK static CZ_ALWAYS_INLINE int
cz_socket_recv(struct cz_socket *s, struct cz_frame *frame, int flags)
{
    int rc;

    if (CZ_LIKELY(cz_mailbox_is_empty(s->mailbox)) &&
        CZ_LIKELY(!s->must_process) && cz_socket_is_ours(s)) {
        rc = s->ops->recv(s, frame);
        if (CZ_LIKELY(rc == 0)) {
            s->has_more = frame->flags & CZ_FRAME_MORE;
            return 0;
        }
    }
    return cz_socket_recv_slow(s, frame, flags);
}

/* What would not block now; runs commands. CZ_POLLED_... or -errno as
 * cz_socket_process. */
CZ_MUST_CHECK int cz_socket_events(struct cz_socket *socket);

/* The same without regard to what may have arrived while nobody reads the
 * connections: a few loads, as long as there is no command. */
CZ_MUST_CHECK static inline int cz_socket_glance(struct cz_socket *s)
{
    if (CZ_UNLIKELY(!cz_mailbox_is_quiet(s->mailbox)) ||
        CZ_UNLIKELY(s->must_process) || CZ_UNLIKELY(!cz_socket_is_ours(s))) {
        int rc = cz_socket_process(s);

        if (rc != 0)
            return rc;
        if (s->has_held)
            return (int)(s->ops->events(s) | CZ_POLLED_IN);
    }
    return (int)s->ops->events(s);
}

/* ---- frames that nobody has room for -------------------------------- */

/* Sees to it that there is a reserve, before anything is taken from a pipe. 0
 * or -ENOMEM. */
CZ_MUST_CHECK int cz_socket_make_reserve(struct cz_socket *socket);

/* Puts back the frame that was just received, to be received again; there is a
 * reserve. `had_more`: what has_more was before. */
void cz_socket_put_back(struct cz_socket *socket, const struct cz_frame *frame,
                        bool had_more);
void cz_socket_take_held(struct cz_socket *socket, struct cz_frame *frame);
void cz_socket_drop_held(struct cz_socket *socket);

/* What is sent between these two goes out together: the I/O side is not told
 * before the end, which writes it. Nothing may be waited for meanwhile. */
static inline void cz_socket_begin_batch(struct cz_socket *s)
{
    s->mailbox->is_in_batch = true;
}

void cz_socket_end_batch(struct cz_socket *socket);

/* Sends what rests (core/pace.h): there is nothing more to do. */
void cz_socket_flush_rest(struct cz_socket *socket);

/* Waits for the next command, or timer: 0, -ETIMEDOUT, -EINTR. */
CZ_MUST_CHECK int cz_socket_wait(struct cz_socket *socket,
                                 uint64_t deadline_us);

/* The thread is going to wait for the mailbox's descriptor instead. */
void cz_socket_wait_elsewhere(struct cz_socket *socket);

/* ---- timers --------------------------------------------------------- */

/* Timers without an I/O thread: they run when the thread of the socket uses it,
 * and who waits for it is woken for them. */
void cz_socket_set_timer(struct cz_socket *socket, struct cz_timer *timer,
                         uint64_t delay_us);
void cz_socket_cancel_timer(struct cz_socket *socket, struct cz_timer *timer);

/* Runs those that are due, and the commands that they post. */
void cz_socket_run_timers(struct cz_socket *socket);

/* When to come back at the latest, or CZ_CLOCK_NEVER. */
static inline uint64_t cz_socket_due(const struct cz_socket *s)
{
    return cz_timers_next(&s->timers);
}

/* Decides anew whether something has to be looked at before all: then the fast
 * paths are closed. */
void cz_socket_review(struct cz_socket *socket);

/* The descriptor that is readable while there are commands or timers to run.
 * It, or -errno. */
CZ_MUST_CHECK int cz_socket_fd(struct cz_socket *socket);
void cz_socket_close_fd(struct cz_socket *socket);

/* ---- endpoints ------------------------------------------------------ */

CZ_MUST_CHECK int cz_socket_bind(struct cz_socket *socket,
                                 const char *endpoint);
CZ_MUST_CHECK int cz_socket_connect(struct cz_socket *socket,
                                    const char *endpoint);
/* Both zmq_unbind and zmq_disconnect. */
CZ_MUST_CHECK int cz_socket_unbind(struct cz_socket *socket,
                                   const char *endpoint);

/* ---- options -------------------------------------------------------- */

CZ_MUST_CHECK int cz_socket_set_option(struct cz_socket *socket, int number,
                                       const void *value, size_t size);
CZ_MUST_CHECK int cz_socket_get_option(struct cz_socket *socket, int number,
                                       void *value, size_t *size);

/* ---- for transports ------------------------------------------------- */

extern const struct cz_pipe_events cz_socket_pipe_events;

/* Takes an end of a pipe; `entry` is what it was made for, or NULL. */
void cz_socket_attach(struct cz_socket *socket, struct cz_pipe_end *end,
                      void *entry);

/* Closes an end whose far end has closed, and forgets it, with the endpoint
 * that it was made for: nothing will come from there any more. */
void cz_socket_drop_end(struct cz_socket *socket, struct cz_pipe_end *end);

/* The same for one whose far end still listens: what was sent goes out before
 * the connection ends, as long as the socket is open, and no longer than
 * ZMQ_LINGER if that is more than 0. It is no reason to cut an answer short
 * that the socket would not wait when it closes. */
void cz_socket_hang_up(struct cz_socket *socket, struct cz_pipe_end *end);

/* What the endpoint of an end is called; NULL if that is not known. */
const char *cz_socket_end_name(const struct cz_pipe_end *end);

/* A message that the socket was to send is thrown away, and it is not one
 * pipe's fault (cz_pipe_count_drop). */
void cz_socket_count_drop(struct cz_socket *socket, enum cz_drop reason);

/* Enters an endpoint, which becomes ZMQ_LAST_ENDPOINT. `object` may be NULL.
 * NULL = no memory. */
struct cz_endpoint_entry *cz_socket_add_endpoint(struct cz_socket *socket,
                                                 const char *name,
                                                 struct cz_io_object *object,
                                                 bool is_bound);
void cz_socket_remove_endpoint(struct cz_endpoint_entry *entry);

/* Makes ZMQ_LAST_ENDPOINT this. 0 or -ENOMEM. */
CZ_MUST_CHECK int cz_socket_set_last_endpoint(struct cz_socket *socket,
                                              const char *name);

/* Chooses an I/O thread for something new and returns what the socket has
 * there. 0, -EMTHREAD, -ENOMEM, -EMFILE. */
CZ_MUST_CHECK int cz_socket_tenant(struct cz_socket *socket,
                                   struct cz_tenant **tenant);

/* Makes sure that the socket has a tenant on every I/O thread that its
 * affinity allows, so that what a listener accepts can go to any of them. 0
 * or -ENOMEM. */
CZ_MUST_CHECK int cz_socket_settle(struct cz_socket *socket);

#endif
