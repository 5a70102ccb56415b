/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Forks, pins and joins the second process of a measurement.
 *
 * Thread: the main thread of each process.
 * Owns:   the pipes of struct bench_peer.
 */
#include "lib/peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bench.h"

bool bench_peer_fork(struct bench_peer *peer, const char *place)
{
    int down[2], up[2];

    bench_check(pipe(down) == 0 && pipe(up) == 0, "pipe");
    fflush(stdout);
    peer->process = fork();
    bench_check(peer->process >= 0, "fork");
    bool is_child = peer->process == 0;
    if (is_child)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    peer->read_fd = is_child ? down[0] : up[0];
    peer->write_fd = is_child ? up[1] : down[1];
    close(is_child ? down[1] : down[0]);
    close(is_child ? up[0] : up[1]);
    bench_pin(place, is_child ? 1 : 0);
    return is_child;
}

void bench_peer_tell(struct bench_peer *peer, const char *word)
{
    char frame[BENCH_WORD_MAX] = {0};

    snprintf(frame, sizeof frame, "%s", word);
    bench_check(write(peer->write_fd, frame, sizeof frame) == sizeof frame,
                "tell the other process");
}

void bench_peer_hear(struct bench_peer *peer, char word[BENCH_WORD_MAX])
{
    size_t have = 0;

    while (have < BENCH_WORD_MAX) {
        ssize_t more = read(peer->read_fd, word + have, BENCH_WORD_MAX - have);

        if (more == 0)
            errno = EPIPE;
        bench_check(more > 0, "hear from the other process");
        have += (size_t)more;
    }
    word[BENCH_WORD_MAX - 1] = '\0';
}

void bench_peer_join(struct bench_peer *peer)
{
    int status = 0;

    bench_check(waitpid(peer->process, &status, 0) == peer->process, "wait");
    errno = ECHILD;
    bench_check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                "the other process");
}
