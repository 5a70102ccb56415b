/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who runs next, and what time it is.
 *
 * Each thread has a semaphore. The one whose turn it is chooses the next,
 * posts that one's semaphore and waits on its own. When no thread can run,
 * time jumps to the next event or deadline.
 *
 * Half of the seeds switch at random with a chance of their own; the other
 * half give each thread a priority that changes now and then, which finds
 * the orders in which one thread is far ahead of another.
 *
 * Thread: the one whose turn it is. Owns: the events.
 */
#include "base/compiler.h"
#include "sim/os/world.h"

#include <errno.h>
#include <stdlib.h>

/* A thread of the highest priority that spins without a pause must not
 * keep the one that it waits for from running. */
enum { TURNS_IN_A_ROW_MAX = 1000 };

struct sim_world sim;

void __sanitizer_cov_trace_pc(void);

uint64_t sim_deadline_ns(uint64_t deadline_us)
{
    return deadline_us >= SIM_NEVER / 1000 ? SIM_NEVER : deadline_us * 1000;
}

void sim_wake_thread(struct sim_thread *thread)
{
    thread->state = SIM_RUNNABLE;
    thread->wait_result = 0;
}

/* Lets everything happen that is due. */
static void sched_catch_up(void)
{
    unsigned i;

    while (sim.events && sim.events->at_ns <= sim.now_ns) {
        struct sim_event *event = sim.events;

        sim.events = event->next;
        event->run(event->arg, event->value);
        free(event);
    }
    for (i = 0; i < sim.thread_count; i++) {
        struct sim_thread *thread = sim.threads[i];

        if (thread->state == SIM_WAITING && thread->deadline_ns <= sim.now_ns) {
            thread->state = SIM_RUNNABLE;
            thread->wait_result = -ETIMEDOUT;
        }
    }
}

static unsigned sched_runnable(struct sim_thread *out[SIM_THREADS_MAX])
{
    unsigned i, count = 0;

    for (i = 0; i < sim.thread_count; i++)
        if (sim.threads[i]->state == SIM_RUNNABLE)
            out[count++] = sim.threads[i];
    return count;
}

/* Nobody can run: on to the next thing that happens. */
static void sched_jump(void)
{
    uint64_t next_ns = sim.events ? sim.events->at_ns : SIM_NEVER;
    unsigned i;

    for (i = 0; i < sim.thread_count; i++) {
        struct sim_thread *thread = sim.threads[i];

        if (thread->state == SIM_WAITING && thread->deadline_ns < next_ns)
            next_ns = thread->deadline_ns;
    }
    if (next_ns == SIM_NEVER)
        sim_fail("stuck: every thread waits, and nothing will ever happen");
    sim.now_ns = next_ns;
    if (sim.now_ns - sim.start_ns > sim.config.time_us_max * 1000)
        sim_fail("hangs: still running after %llu virtual seconds",
                 (unsigned long long)(sim.config.time_us_max / 1000000));
}

static struct sim_thread *sched_by_chance(struct sim_thread *runnable[],
                                          unsigned count)
{
    struct sim_thread *self = sim.current;

    if (self->state == SIM_RUNNABLE && !self->wants_rest &&
        sim_below(SIM_DICE_TURNS, 1000) >= sim.switch_chance)
        return self;
    return runnable[sim_below(SIM_DICE_TURNS, count)];
}

static struct sim_thread *sched_by_priority(struct sim_thread *runnable[],
                                            unsigned count)
{
    struct sim_thread *best = runnable[0];
    unsigned i;

    if (sim_below(SIM_DICE_TURNS, 50) == 0)
        runnable[sim_below(SIM_DICE_TURNS, count)]->priority =
            (int64_t)sim_below(SIM_DICE_TURNS, 1000000);
    for (i = 1; i < count; i++)
        if (runnable[i]->priority > best->priority)
            best = runnable[i];
    return best;
}

static struct sim_thread *sched_choose(void)
{
    struct sim_thread *runnable[SIM_THREADS_MAX], *next;
    unsigned count;

    if (++sim.steps > sim.config.steps_max)
        sim_fail("spins: still running after %llu steps",
                 (unsigned long long)sim.config.steps_max);
    sched_catch_up();
    while ((count = sched_runnable(runnable)) == 0) {
        sched_jump();
        sched_catch_up();
    }
    next = sim.switch_chance > 0 ? sched_by_chance(runnable, count)
                                 : sched_by_priority(runnable, count);
    if (next != sim.current) {
        next->turns_in_a_row = 0;
    } else if (++next->turns_in_a_row > TURNS_IN_A_ROW_MAX) {
        next->turns_in_a_row = 0;
        next->priority = --sim.lowest_priority;
    }
    return next;
}

void sim_await_turn(struct sim_thread *self)
{
    while (sem_wait(&self->turn) != 0)
        continue;
}

/* From the post on the other thread runs, and this one may touch nothing
 * until its own turn comes. */
static void sched_hand_over(struct sim_thread *next)
{
    sim.current = next;
    sim_note("turn", next->serial, 0);
    sem_post(&next->turn);
}

void sim_point(void)
{
    struct sim_thread *self = sim.current, *next;

    if (!self)
        return;
    next = sched_choose();
    if (next == self)
        return;
    sched_hand_over(next);
    sim_await_turn(self);
}

void cz_sim_point(void)
{
    sim_point();
}

/* Code that is compiled with -fsanitize-coverage=trace-pc calls this in
 * every basic block. So threads also change between two accesses to shared
 * memory, with no call into os/ near. */
void __sanitizer_cov_trace_pc(void)
{
    if (!sim.current || sim.blocks_mean == 0 || sim.blocks_left-- > 0)
        return;
    sim.blocks_left = sim_below(SIM_DICE_TURNS, 2 * sim.blocks_mean);
    sim_point();
}

void sim_pause(uint64_t ns)
{
    sim.now_ns += ns;
    if (!sim.current)
        return;
    sim.current->priority = --sim.lowest_priority;
    sim.current->wants_rest = true;
    sim_point();
    sim.current->wants_rest = false;
}

int sim_wait(const char *what, const void *channel, uint64_t deadline_ns)
{
    struct sim_thread *self = sim.current;

    if (!self)
        sim_fail("%s would block outside of a simulated thread", what);
    self->state = SIM_WAITING;
    self->channel = channel;
    self->waits_in = what;
    self->deadline_ns = deadline_ns;
    sim_point();
    self->channel = NULL;
    return self->wait_result;
}

void sim_wake(const void *channel, int count)
{
    while (count-- > 0) {
        struct sim_thread *waiting[SIM_THREADS_MAX];
        unsigned i, found = 0;

        for (i = 0; i < sim.thread_count; i++)
            if (sim.threads[i]->state == SIM_WAITING &&
                sim.threads[i]->channel == channel)
                waiting[found++] = sim.threads[i];
        if (found == 0)
            return;
        sim_wake_thread(waiting[sim_below(SIM_DICE_TURNS, found)]);
    }
}

void sim_after(uint64_t delay_ns, void (*run)(void *arg, uint64_t value),
               void *arg, uint64_t value)
{
    struct sim_event *event = malloc(sizeof *event);
    struct sim_event **at = &sim.events;

    if (!event)
        sim_fail("no memory");
    *event = (struct sim_event){
        .at_ns = sim.now_ns + delay_ns, .run = run, .arg = arg, .value = value};
    while (*at && (*at)->at_ns <= event->at_ns)
        at = &(*at)->next;
    event->next = *at;
    *at = event;
}

void sim_leave(void)
{
    struct sim_thread *self = sim.current;
    unsigned i;

    self->state = SIM_ENDED;
    sim_note("end", self->serial, 0);
    sim_wake(self, SIM_THREADS_MAX);
    for (i = 0; i < sim.thread_count; i++)
        if (sim.threads[i]->state != SIM_ENDED)
            break;
    if (i == sim.thread_count) {
        sim.current = NULL;
        sem_post(&sim.all_ended);
        return;
    }
    sched_hand_over(sched_choose());
}
