/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Threads and processors.
 */
#ifndef CZ_OS_THREAD_H
#define CZ_OS_THREAD_H

#include "base/compiler.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cz_thread {
    pthread_t handle;
    void (*run)(void *arg);
    void *arg;
    bool is_started;
};

struct cz_thread_options {
    char name[16];     /* NUL-terminated; "" = keep the parent's */
    int priority;      /* -1 = leave alone */
    int sched_policy;  /* SCHED_*; -1 = leave alone */
    bool has_affinity; /* is `cpus` set? */
    cpu_set_t cpus;
};

/* Starts a thread with all signals blocked. `options` may be NULL. A
 * priority or affinity that the kernel refuses is ignored. `thread` must
 * stay in place until it is joined. 0 or -errno. */
CZ_MUST_CHECK int cz_thread_start(struct cz_thread *thread,
                                  const struct cz_thread_options *options,
                                  void (*run)(void *arg), void *arg);

/* Waits for the thread to end; harmless if it was never started. */
void cz_thread_join(struct cz_thread *thread);

/* Starts a thread that nobody joins. 0 or -errno. */
CZ_MUST_CHECK int cz_thread_start_detached(const char *name,
                                           void (*run)(void *arg), void *arg);

/* One pointer for each thread. `on_end` gets it when a thread ends that has
 * set it, and not NULL. 0 or -errno. */
typedef pthread_key_t cz_thread_slot;
CZ_MUST_CHECK int cz_thread_slot_create(cz_thread_slot *slot,
                                        void (*on_end)(void *value));

void *cz_thread_slot_get(cz_thread_slot slot);

/* 0 or -errno. To NULL it cannot fail. */
CZ_MUST_CHECK int cz_thread_slot_set(cz_thread_slot slot, void *value);

/* Runs `init` once, whoever comes first; the others wait for it. */
typedef pthread_once_t cz_once;
#define CZ_ONCE_INIT PTHREAD_ONCE_INIT
void cz_once_run(cz_once *once, void (*init)(void));

/* A number that differs between live threads and is never 0. */
uintptr_t cz_thread_self(void);

/* How many processors this process and its peers run on: the machine's, cut
 * down to the cgroup's quota, at least 1. Slow; ask once. */
unsigned cz_cpu_count(void);

/* For tests: the same, and the quota alone (in whole processors, rounded up;
 * 0 = none), where this stands before the paths of the control groups. */
unsigned cz_cpu_count_under(const char *root);
unsigned cz_cpu_quota(const char *root);

/* Gives the processor to another runnable thread, if there is one. */
void cz_thread_yield(void);

/* One turn of a spin loop (about 44 ns on some machines: bound spins by
 * time, not by count). */
void cz_cpu_relax(void);

/* What the process is called, cut to fit and NUL-terminated. */
void cz_process_name(char *name, size_t size);

/* The process's number; differs in a forked child. Asked on every call of a
 * socket, so it is remembered here and forgotten by a fork. */
extern _Atomic int cz_process_remembered;
int cz_process_ask(void);

static inline int cz_process_id(void)
{
    int pid =
        atomic_load_explicit(&cz_process_remembered, memory_order_relaxed);

    return CZ_LIKELY(pid != 0) ? pid : cz_process_ask();
}

#endif
