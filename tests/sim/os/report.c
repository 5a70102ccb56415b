/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The trace, and what is printed when a run goes wrong. However it does
 * (a check, an assertion, a crash, a sanitizer, a hang, an exit in the
 * middle), the seed is printed.
 *
 * Thread: any, and signal handlers. Owns: nothing.
 */
#include "sim/os/world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Real seconds after which a run hangs in a loop without any os call. */
enum { REAL_SECONDS_MAX = 50 };

/* Present where a sanitizer is linked in. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*run)(void));

static void report_print_note(const struct sim_note *note)
{
    fprintf(stderr, "  %12.3f ms  thread %-2u %-12s %lld %lld\n",
            (double)(note->at_ns - sim.start_ns) / 1e6, note->thread,
            note->what, (long long)note->a, (long long)note->b);
}

static uint64_t report_hash(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3U;
}

void sim_note(const char *what, int64_t a, int64_t b)
{
    struct sim_note *note = &sim.notes[sim.note_count++ % SIM_NOTES_MAX];
    const char *letter;

    *note = (struct sim_note){
        .at_ns = sim.now_ns,
        .thread = sim.current ? sim.current->serial : 0,
        .what = what,
        .a = a,
        .b = b,
    };
    for (letter = what; *letter; letter++)
        sim.hash = report_hash(sim.hash, (unsigned char)*letter);
    sim.hash = report_hash(sim.hash, note->thread);
    sim.hash = report_hash(sim.hash, note->at_ns);
    sim.hash = report_hash(sim.hash, (uint64_t)a);
    sim.hash = report_hash(sim.hash, (uint64_t)b);
    if (sim.prints_notes)
        report_print_note(note);
}

static void report_thread(const struct sim_thread *thread)
{
    static const char *const states[] = {"can run", "waits in", "has ended"};
    bool waits = thread->state == SIM_WAITING;

    fprintf(stderr, "  thread %u '%s' %s %s%s\n", thread->serial, thread->name,
            states[thread->state], waits ? thread->waits_in : "",
            waits && thread->deadline_ns != SIM_NEVER ? " with a deadline"
                                                      : "");
}

static void report_print(void)
{
    uint64_t i =
        sim.note_count > SIM_NOTES_MAX ? sim.note_count - SIM_NOTES_MAX : 0;
    unsigned t;

    if (!sim.is_running)
        return;
    sim.is_running = false;
    fprintf(stderr,
            "simulation failed with seed %llu (replay: CERO_SIM_SEED=%llu), "
            "at %.3f ms, step %llu\n",
            (unsigned long long)sim.seed, (unsigned long long)sim.seed,
            (double)(sim.now_ns - sim.start_ns) / 1e6,
            (unsigned long long)sim.steps);
    for (t = 0; t < sim.thread_count; t++)
        report_thread(sim.threads[t]);
    fprintf(stderr, "the last events:\n");
    for (; i < sim.note_count; i++)
        report_print_note(&sim.notes[i % SIM_NOTES_MAX]);
    fflush(stderr);
}

_Noreturn void sim_fail(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "sim: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    report_print();
    abort();
}

/* Printing in a handler is not safe in general; this process is about to
 * die, and in the worst case it dies without the text. */
static void report_on_signal(int number)
{
    if (number == SIGALRM)
        fprintf(stderr, "sim: hangs without any call into os/\n");
    report_print();
    signal(SIGABRT, SIG_DFL);
    abort();
}

void sim_report_install(void)
{
    static bool is_installed;

    alarm(REAL_SECONDS_MAX);
    signal(SIGABRT, report_on_signal);
    signal(SIGALRM, report_on_signal);
    if (!__sanitizer_set_death_callback)
        signal(SIGSEGV, report_on_signal);
    if (is_installed)
        return;
    is_installed = true;
    atexit(report_print);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(report_print);
}
