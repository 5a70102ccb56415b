/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Signals become a flag and a readable pipe: the flag is for loops that
 * are busy, the pipe for those that wait, which could otherwise miss a
 * signal that comes just before they fall asleep.
 *
 * Thread: the main thread; stop_on_signal interrupts it.
 * Owns: the pipe, until the process ends.
 */
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A signal handler has no argument to carry its state. */
static struct {
    volatile sig_atomic_t signal;
    int pipe[2];
} stop;

static void stop_on_signal(int signal)
{
    int saved_errno = errno;

    if (stop.signal)
        _exit(128 + signal);
    stop.signal = signal;
    (void)!write(stop.pipe[1], "", 1);
    errno = saved_errno;
}

static int stop_catch(int signal)
{
    /* No SA_RESTART: a blocked write to the output must return. */
    struct sigaction action = {.sa_handler = stop_on_signal};
    struct sigaction old;

    if (sigaction(signal, NULL, &old) != 0)
        return -errno;
    if (old.sa_handler == SIG_IGN)
        return 0;
    return sigaction(signal, &action, NULL) == 0 ? 0 : -errno;
}

int stop_install(void)
{
    int rc;

    if (pipe2(stop.pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return -errno;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    rc = stop_catch(SIGINT);
    return rc ? rc : stop_catch(SIGTERM);
}

int stop_signal(void)
{
    return stop.signal;
}

int stop_fd(void)
{
    return stop.pipe[0];
}
