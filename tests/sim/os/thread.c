/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Simulated threads: real ones that wait for their turn.
 *
 * Thread: the one whose turn it is. Owns: the thread records, until the
 * run has ended.
 */
#include "os/thread.h"

#include "sim/os/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void *thread_main(void *arg)
{
    struct sim_thread *self = arg;

    sim_await_turn(self);
    self->run(self->arg);
    sim_leave();
    return NULL;
}

struct sim_thread *sim_thread_create(const char *name, void (*run)(void *arg),
                                     void *arg)
{
    struct sim_thread *thread = calloc(1, sizeof *thread);

    if (!thread || sim.thread_count == SIM_THREADS_MAX)
        sim_fail("too many threads");
    thread->serial = sim.thread_count + 1;
    snprintf(thread->name, sizeof thread->name, "%s", name);
    thread->run = run;
    thread->arg = arg;
    thread->priority = (int64_t)sim_below(SIM_DICE_TURNS, 1000000);
    sem_init(&thread->turn, 0, 0);
    if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0)
        sim_fail("the real system refused a thread");
    sim.threads[sim.thread_count++] = thread;
    return thread;
}

/* Also the detached ones: a run leaves nothing behind. */
void sim_threads_join_all(void)
{
    unsigned i;

    for (i = 0; i < sim.thread_count; i++) {
        pthread_join(sim.threads[i]->handle, NULL);
        sem_destroy(&sim.threads[i]->turn);
        free(sim.threads[i]);
    }
    sim.thread_count = 0;
}

int cz_thread_start(struct cz_thread *thread,
                    const struct cz_thread_options *options,
                    void (*run)(void *arg), void *arg)
{
    struct sim_thread *made;

    if (!sim.current)
        sim_fail("a thread was started outside of a simulated thread");
    made = sim_thread_create(options ? options->name : "", run, arg);
    thread->handle = made->handle;
    thread->run = run;
    thread->arg = arg;
    thread->is_started = true;
    sim_note("start", made->serial, 0);
    sim_point();
    return 0;
}

void cz_thread_join(struct cz_thread *thread)
{
    struct sim_thread *target = NULL;
    unsigned i;

    if (!thread->is_started)
        return;
    for (i = 0; i < sim.thread_count; i++)
        if (pthread_equal(sim.threads[i]->handle, thread->handle))
            target = sim.threads[i];
    if (!target || target == sim.current)
        sim_fail("join of a thread that cannot be joined");
    sim_point();
    while (target->state != SIM_ENDED)
        (void)!sim_wait("join", target, SIM_NEVER);
    sim_note("join", target->serial, 0);
    thread->is_started = false;
}

int cz_thread_start_detached(const char *name, void (*run)(void *arg),
                             void *arg)
{
    if (!sim.current)
        sim_fail("a thread was started outside of a simulated thread");
    sim_note("detach", sim_thread_create(name, run, arg)->serial, 0);
    sim_point();
    return 0;
}

/* The thread that is not simulated has a number, too. */
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
    return sim.current ? sim.current->serial : SIM_THREADS_MAX + 1;
}

unsigned cz_cpu_count(void)
{
    return sim.config.cpus ? sim.config.cpus : 1;
}

void cz_thread_yield(void)
{
    sim_pause(1000);
}

void cz_cpu_relax(void)
{
    sim_pause(50);
}

_Atomic int cz_process_remembered = 4242; /* nothing forks here */

void cz_process_name(char *name, size_t size)
{
    snprintf(name, size, "simulation");
}

int cz_process_ask(void)
{
    return cz_process_remembered;
}
