/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A call that is made in another thread.
 *
 * Thread: call_main() is the other thread; the rest is the main thread.
 */
#include "common/call.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALL_SIGNAL SIGUSR1
#define CALL_SIGNAL_EVERY_MS 5

static void *call_main(void *arg)
{
    struct call *call = arg;

    atomic_store(&call->tid, (int)syscall(SYS_gettid));
    errno = 0;
    call->result = call->run(call->arg);
    call->error = errno;
    sem_post(&call->done);
    return NULL;
}

void call_start(struct call *call, int (*run)(void *arg), void *arg)
{
    memset(call, 0, sizeof(*call));
    call->run = run;
    call->arg = arg;
    assert_int_equal(sem_init(&call->done, 0, 0), 0);
    assert_int_equal(pthread_create(&call->thread, NULL, call_main, call), 0);
}

/* The state is the letter after the name, which stands in brackets. */
static char call_state(int tid)
{
    char path[64];
    char line[256] = "";
    char *bracket;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    file = fopen(path, "r");
    if (file == NULL)
        return 'X';
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    fclose(file);
    bracket = strrchr(line, ')');
    return bracket != NULL && bracket[1] != '\0' ? bracket[2] : 'X';
}

void call_wait_blocked(struct call *call)
{
    for (;;) {
        int tid = atomic_load(&call->tid);
        char state = tid == 0 ? 'R' : call_state(tid);

        if (state == 'S' || state == 'X' || state == 'Z')
            return;
        sched_yield();
    }
}

bool call_returns_within(struct call *call, int timeout_ms)
{
    struct timespec until;
    int rc;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    do {
        rc = sem_timedwait(&call->done, &until);
    } while (rc == -1 && errno == EINTR);
    if (rc == 0)
        sem_post(&call->done);
    return rc == 0;
}

static void call_on_signal(int number)
{
    (void)number;
}

void call_interrupt(struct call *call)
{
    /* As signal() does it; waits of libzmq end all the same. */
    struct sigaction action = {.sa_handler = call_on_signal,
                               .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(CALL_SIGNAL, &action, NULL), 0);
    call_wait_blocked(call);
    /* A signal that comes before the call waits is lost: repeat it. */
    do {
        pthread_kill(call->thread, CALL_SIGNAL);
    } while (!call_returns_within(call, CALL_SIGNAL_EVERY_MS));
}

int call_join(struct call *call)
{
    assert_int_equal(pthread_join(call->thread, NULL), 0);
    sem_destroy(&call->done);
    errno = call->error;
    return call->result;
}
