/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Threads. All signals stay blocked in them: a program's handlers run on
 * the program's own threads.
 *
 * Thread: any. Owns: the start block of each thread until it runs.
 */
#include "os/thread.h"

#include "base/alloc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a new thread needs to begin. Its own block, because the caller's
 * options may be gone by then. */
struct thread_start {
    struct cz_thread_options options;
    void (*run)(void *arg);
    void *arg;
};

static const struct cz_thread_options thread_defaults = {
    .priority = -1,
    .sched_policy = -1,
};

/* A policy without priorities of its own (SCHED_OTHER and its kin) is given
 * the best nice value instead, as zmq_ctx_set(3) has it. */
static void thread_apply_priority(const struct cz_thread_options *options)
{
    struct sched_param param;
    int policy;

    if (options->priority < 0 && options->sched_policy < 0)
        return;
    if (pthread_getschedparam(pthread_self(), &policy, &param) != 0)
        return;
    if (options->sched_policy >= 0) {
        policy = options->sched_policy;
        param.sched_priority = sched_get_priority_min(policy);
    }
    if (options->priority >= 0) {
        if (sched_get_priority_max(policy) > 0)
            param.sched_priority = options->priority;
        else
            setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), -20);
    }
    pthread_setschedparam(pthread_self(), policy, &param);
}

/* Every refusal is ignored: a library thread with an ordinary priority is
 * better than none. */
static void thread_apply(const struct cz_thread_options *options)
{
    if (options->name[0])
        pthread_setname_np(pthread_self(), options->name);
    if (options->has_affinity)
        pthread_setaffinity_np(pthread_self(), sizeof options->cpus,
                               &options->cpus);
    thread_apply_priority(options);
}

static void *thread_main(void *start_block)
{
    struct thread_start *start = start_block;
    void (*run)(void *) = start->run;
    void *arg = start->arg;

    thread_apply(&start->options);
    cz_free(start);
    run(arg);
    return NULL;
}

/* Takes over the start block, whether it succeeds or not. */
static int thread_create(pthread_t *handle, struct thread_start *start)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(handle, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        cz_free(start);
    return -rc;
}

int cz_thread_start(struct cz_thread *thread,
                    const struct cz_thread_options *options,
                    void (*run)(void *arg), void *arg)
{
    struct thread_start *start = cz_alloc(sizeof *start);
    int rc;

    thread->run = run;
    thread->arg = arg;
    thread->is_started = false;
    if (!start)
        return -ENOMEM;
    start->options = options ? *options : thread_defaults;
    start->run = run;
    start->arg = arg;
    rc = thread_create(&thread->handle, start);
    thread->is_started = rc == 0;
    return rc;
}

void cz_thread_join(struct cz_thread *thread)
{
    if (!thread->is_started)
        return;
    pthread_join(thread->handle, NULL);
    thread->is_started = false;
}

int cz_thread_start_detached(const char *name, void (*run)(void *arg),
                             void *arg)
{
    struct thread_start *start = cz_alloc(sizeof *start);
    pthread_t handle;
    int rc;

    if (!start)
        return -ENOMEM;
    start->options = thread_defaults;
    snprintf(start->options.name, sizeof start->options.name, "%s", name);
    start->run = run;
    start->arg = arg;
    rc = thread_create(&handle, start);
    if (rc == 0)
        pthread_detach(handle);
    return rc;
}

int cz_thread_slot_create(cz_thread_slot *slot, void (*on_end)(void *value))
{
    return -pthread_key_create(slot, on_end);
}

void *cz_thread_slot_get(cz_thread_slot slot)
{
    return pthread_getspecific(slot);
}

int cz_thread_slot_set(cz_thread_slot slot, void *value)
{
    return -pthread_setspecific(slot, value);
}

void cz_once_run(cz_once *once, void (*init)(void))
{
    pthread_once(once, init);
}

uintptr_t cz_thread_self(void)
{
    return (uintptr_t)pthread_self();
}

void cz_thread_yield(void)
{
    sched_yield();
}

void cz_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#else
    __asm__ volatile("");
#endif
}
