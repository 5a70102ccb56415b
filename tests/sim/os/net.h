/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated network: descriptors, connections, and who hears of what.
 *
 *     sim_sock (end 0, dialled) ── streams[0] ──▶ sim_sock (end 1, accepted)
 *                               ◀── streams[1] ──
 *
 * A stream is a ring of bytes with three offsets, counted from its begin:
 *
 *     taken ≤ visible ≤ written ≤ taken + capacity
 *
 * What is written becomes visible to the reader when its delivery event
 * comes; the end of the stream and a reset are events behind the bytes.
 *
 * Thread: the one whose turn it is.
 */
#ifndef CZ_SIM_OS_NET_H
#define CZ_SIM_OS_NET_H

#include "os/addr.h"
#include "sim/os/world.h"

#include <sys/uio.h>

enum { SIM_FD_FIRST = 100, SIM_FDS_MAX = 4096, SIM_BACKLOG_MAX = 64 };

enum sim_sock_state {
    SIM_SOCK_NEW,
    SIM_SOCK_LISTENING,
    SIM_SOCK_CONNECTING,
    SIM_SOCK_CONNECTED,
    SIM_SOCK_FAILED, /* a connect that came to nothing */
    SIM_SOCK_WAKER,
};

struct sim_sock {
    struct sim_sock *all_next; /* every one of the run */
    enum sim_sock_state state;
    int family;
    bool is_closed;
    bool is_bound;
    struct cz_addr local, remote;
    int error; /* pending, as -errno */

    struct sim_link *link; /* connected: through this, */
    int end;               /* as this end of it */
    bool is_dead;          /* was reset */

    struct sim_sock *backlog[SIM_BACKLOG_MAX]; /* listening */
    unsigned backlog_count, backlog_max;

    unsigned dial_tries; /* connecting */

    bool is_signalled; /* waker */
};

struct sim_stream {
    uint8_t *bytes;
    uint64_t taken, visible, written;
    bool has_ended;      /* nothing more will be written */
    bool end_is_visible; /* ... and the reader may know */
    uint64_t last_at_ns; /* when its latest event is due */
};

struct sim_link {
    struct sim_link *all_next;
    bool is_local; /* ipc: nothing is ever late */
    bool is_reset;
    size_t capacity;
    enum sim_direction reset_direction; /* of the bytes that count */
    uint64_t reset_left;                /* how many more; or SIM_NEVER */
    bool reset_was_asked;               /* by sim_reset_after */
    struct sim_stream streams[2];       /* [i] is written by end i */
    struct sim_sock *ends[2];           /* NULL = closed */
};

/* net.c: descriptors */
/* Calls the run off if the descriptor is not open. */
struct sim_sock *sim_sock_of(int fd);
struct sim_sock *sim_sock_peek(int fd); /* NULL if it is not open */
struct sim_sock *sim_sock_new(int family, enum sim_sock_state state);
int sim_fd_give(struct sim_sock *sock); /* or -EMFILE */
struct sim_sock *sim_fd_take(int fd);
void sim_link_keep(struct sim_link *link);
struct sim_sock *sim_sock_find_bound(const struct cz_addr *addr);
/* The path is gone: whoever is bound to it cannot be dialled any more. */
void sim_sock_unlinked(const char *path);

/* stream.c: connections */
struct sim_link *sim_link_open(struct sim_sock *dialled,
                               struct sim_sock *accepted);
void sim_link_close_end(struct sim_sock *sock);
void sim_link_reset(struct sim_link *link);
ssize_t sim_link_read(struct sim_sock *sock, const struct iovec *to, int count);
ssize_t sim_link_write(struct sim_sock *sock, const struct iovec *from,
                       int count);

/* poll.c */
/* What the descriptor is ready for, as poll's bits. */
short sim_sock_ready(const struct sim_sock *sock);
/* Something has changed: pollers that now find something ready wake. */
void sim_poll_recheck(void);

/* addr.c */
/* Would a socket that is bound to `bound` hear of `wanted`? */
bool sim_addr_serves(const struct cz_addr *bound, const struct cz_addr *wanted);
bool sim_addr_is_ours(const struct cz_addr *addr);

/* file.c: 0, -ENOENT (no such directory), -EADDRINUSE (is there already) */
int sim_file_create(const char *path);
bool sim_file_exists(const char *path);
/* Is the directory that the path is in there? */
bool sim_file_has_place(const char *path);

/* data_file.c: false, it is none of these. */
bool sim_data_unlink(const char *path);

#endif
