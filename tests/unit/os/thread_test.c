/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Threads and processors: signals blocked, options applied where allowed,
 * numbers that differ.
 *
 * Thread: one, and helpers that it joins. Owns: nothing.
 */
#include "os/thread.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/park.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
    uintptr_t self;
    char name[16];
    sigset_t blocked;
    cpu_set_t cpus;
    int policy;
    struct sched_param param;
    _Atomic uint32_t is_done;
};

static void report_write(void *arg)
{
    struct report *report = arg;

    report->self = cz_thread_self();
    pthread_getname_np(pthread_self(), report->name, sizeof report->name);
    pthread_sigmask(SIG_SETMASK, NULL, &report->blocked);
    sched_getaffinity(0, sizeof report->cpus, &report->cpus);
    pthread_getschedparam(pthread_self(), &report->policy, &report->param);
    atomic_store_explicit(&report->is_done, 1, memory_order_release);
    cz_unpark(&report->is_done, 1);
}

static void run_with(const struct cz_thread_options *options,
                     struct report *report)
{
    struct cz_thread thread;

    memset(report, 0, sizeof *report);
    assert_int_equal(cz_thread_start(&thread, options, report_write, report),
                     0);
    cz_thread_join(&thread);
    assert_int_equal(report->is_done, 1);
}

static void a_started_thread_has_all_signals_blocked(void **state)
{
    struct report report;
    sigset_t mine;
    int number;

    (void)state;
    run_with(NULL, &report);
    for (number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            assert_int_equal(sigismember(&report.blocked, number), 1);
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_int_equal(sigismember(&mine, SIGUSR1), 0);
}

static void numbers_of_live_threads_differ(void **state)
{
    struct report report;

    (void)state;
    run_with(NULL, &report);
    assert_int_not_equal(report.self, 0);
    assert_int_not_equal(report.self, cz_thread_self());
    assert_int_equal(cz_thread_self(), cz_thread_self());
}

static void the_name_is_applied_or_inherited(void **state)
{
    struct cz_thread_options options = {
        .name = "cero/io/0", .priority = -1, .sched_policy = -1};
    struct report report;
    char mine[16];

    (void)state;
    run_with(&options, &report);
    assert_string_equal(report.name, "cero/io/0");
    options.name[0] = '\0';
    run_with(&options, &report);
    pthread_getname_np(pthread_self(), mine, sizeof mine);
    assert_string_equal(report.name, mine);
}

static void the_affinity_is_applied(void **state)
{
    struct cz_thread_options options = {
        .priority = -1, .sched_policy = -1, .has_affinity = true};
    struct report report;
    cpu_set_t allowed;
    int cpu = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET(cpu, &allowed))
        cpu++;
    CPU_ZERO(&options.cpus);
    CPU_SET(cpu, &options.cpus);
    run_with(&options, &report);
    assert_int_equal(CPU_COUNT(&report.cpus), 1);
    assert_true(CPU_ISSET(cpu, &report.cpus));
}

static void the_policy_is_applied(void **state)
{
    struct cz_thread_options options = {.priority = -1,
                                        .sched_policy = SCHED_BATCH};
    struct report report;

    (void)state;
    run_with(&options, &report);
    assert_int_equal(report.policy, SCHED_BATCH);
}

/* No processors at all, a policy that does not exist, and a priority out
 * of range: the kernel refuses each, and the thread runs all the same. */
static void what_the_kernel_refuses_is_ignored(void **state)
{
    struct cz_thread_options options = {.priority = 1000, .sched_policy = 77};
    struct report report;

    (void)state;
    options.has_affinity = true;
    CPU_ZERO(&options.cpus);
    run_with(&options, &report);
    options.sched_policy = SCHED_FIFO;
    run_with(&options, &report);
    assert_int_equal(report.policy, SCHED_OTHER);
}

static void joining_what_never_started_is_harmless(void **state)
{
    struct cz_thread thread = {.is_started = false};

    (void)state;
    cz_thread_join(&thread);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_thread_start(&thread, NULL, report_write, NULL),
                     -ENOMEM);
    cz_thread_join(&thread);
    cz_alloc_fail_at(1);
    assert_int_equal(cz_thread_start_detached("x", report_write, NULL),
                     -ENOMEM);
    cz_alloc_fail_at(0);
}

static void a_detached_thread_runs_under_its_name(void **state)
{
    static struct report report;

    (void)state;
    assert_int_equal(cz_thread_start_detached("a name that is too long",
                                              report_write, &report),
                     0);
    while (!atomic_load_explicit(&report.is_done, memory_order_acquire))
        (void)!cz_park(&report.is_done, 0, CZ_CLOCK_NEVER);
    assert_string_equal(report.name, "a name that is ");
}

static void the_processor_count_is_within_the_machine(void **state)
{
    unsigned count = cz_cpu_count();

    (void)state;
    assert_in_range(count, 1, sysconf(_SC_NPROCESSORS_CONF));
    assert_int_equal(cz_cpu_count(), count);
}

static void the_process_number_is_the_kernels_also_in_a_child(void **state)
{
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(cz_process_id(), getpid());
    assert_int_equal(cz_process_id(), getpid());
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(cz_process_id() == getpid() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_started_thread_has_all_signals_blocked),
        cmocka_unit_test(numbers_of_live_threads_differ),
        cmocka_unit_test(the_name_is_applied_or_inherited),
        cmocka_unit_test(the_affinity_is_applied),
        cmocka_unit_test(the_policy_is_applied),
        cmocka_unit_test(what_the_kernel_refuses_is_ignored),
        cmocka_unit_test(joining_what_never_started_is_harmless),
        cmocka_unit_test(a_detached_thread_runs_under_its_name),
        cmocka_unit_test(the_processor_count_is_within_the_machine),
        cmocka_unit_test(the_process_number_is_the_kernels_also_in_a_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
