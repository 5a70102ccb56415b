/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The other process of a two-process measurement. It is forked before any
 * context exists, pinned to its own CPU, and told by a pipe what to do next,
 * so that neither side ever spins on the other.
 *
 *     parent                               child
 *     peer_fork() ------------------------> pinned to side 1
 *     bind, peer_tell(endpoint) ----------> peer_hear(endpoint), connect
 *     ... the measurement ...
 *     peer_tell("end") -------------------> peer_hear(), close, exit 0
 *     peer_join() dies unless the child ended well
 *
 * Thread: the main thread of each process.
 * Owns:   two pipes, closed when the processes end.
 */
#ifndef BENCH_LIB_PEER_H
#define BENCH_LIB_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct bench_peer {
    pid_t process; /* the child's id in the parent, 0 in the child */
    int read_fd;
    int write_fd;
};

#define BENCH_WORD_MAX 256

/* Forks; the parent is pinned to side 0 and the child to side 1 of `place`.
 * Returns true in the child. */
bool bench_peer_fork(struct bench_peer *peer, const char *place);

/* Sends a word to the other process, and waits for one. */
void bench_peer_tell(struct bench_peer *peer, const char *word);
void bench_peer_hear(struct bench_peer *peer, char word[BENCH_WORD_MAX]);

/* Waits for the child's end; dies if it failed. */
void bench_peer_join(struct bench_peer *peer);

#endif
