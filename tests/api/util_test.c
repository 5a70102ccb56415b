/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Versions, capabilities, threads, sleeping and stop-watches.
 *
 * Thread: the main thread, and those that it starts.
 */
#include "common/call.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>

static void the_version_is_that_of_the_header(void **state)
{
    int major = -1, minor = -1, patch = -1;

    (void)state;
    zmq_version(&major, &minor, &patch);
    assert_int_equal(major, ZMQ_VERSION_MAJOR);
    assert_int_equal(minor, ZMQ_VERSION_MINOR);
    if (is_ceromq())
        assert_int_equal(patch, ZMQ_VERSION_PATCH);
}

static void ceromq_has_a_version_of_its_own(void **state)
{
    int major = -1, minor = -1, patch = -1;
    void (*version)(int *, int *, int *);

    (void)state;
    if (!is_ceromq())
        skip();
    *(void **)&version = dlsym(RTLD_DEFAULT, "cero_version");
    version(&major, &minor, &patch);
    assert_int_equal(major, 0);
    assert_int_equal(minor, 1);
    assert_int_equal(patch, 0);
}

static void capabilities_are_known_by_their_exact_names(void **state)
{
    static const char *const unknown[] = {"",   "IPC",   "ipc ",   "tcp",
                                          "ws", "plain", "inproc", "i"};

    (void)state;
    assert_int_equal(zmq_has("ipc"), 1);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(zmq_has(unknown[i]), 0);
}

/* ---- threads -------------------------------------------------------- */

struct errand {
    sem_t begin;
    int has_begun;
    int has_ended;
    sigset_t blocked;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;

    errand->has_begun = 1;
    pthread_sigmask(SIG_BLOCK, NULL, &errand->blocked);
    while (sem_wait(&errand->begin) == -1)
        continue;
    errand->has_ended = 1;
}

static void closing_a_thread_waits_for_its_end(void **state)
{
    struct errand errand = {0};
    void *thread;

    (void)state;
    sem_init(&errand.begin, 0, 0);
    thread = zmq_threadstart(run_errand, &errand);
    assert_non_null(thread);
    sem_post(&errand.begin);
    zmq_threadclose(thread);
    assert_int_equal(errand.has_begun, 1);
    assert_int_equal(errand.has_ended, 1);
    sem_destroy(&errand.begin);
}

static void signals_go_to_the_programs_own_threads(void **state)
{
    struct errand errand = {0};
    void *thread;

    (void)state;
    sem_init(&errand.begin, 0, 1);
    thread = zmq_threadstart(run_errand, &errand);
    assert_non_null(thread);
    zmq_threadclose(thread);
    assert_true(sigismember(&errand.blocked, SIGINT));
    assert_true(sigismember(&errand.blocked, SIGTERM));
    assert_true(sigismember(&errand.blocked, SIGUSR1));
    sem_destroy(&errand.begin);
}

/* ---- time ----------------------------------------------------------- */

static void a_stop_watch_runs_until_it_is_stopped(void **state)
{
    int64_t before_ms = now_ms();
    void *watch = zmq_stopwatch_start();
    unsigned long first_us, second_us, last_us;

    (void)state;
    assert_non_null(watch);
    first_us = zmq_stopwatch_intermediate(watch);
    assert_int_equal(zmq_poll(NULL, 0, 2), 0);
    second_us = zmq_stopwatch_intermediate(watch);
    last_us = zmq_stopwatch_stop(watch);
    assert_true(second_us >= first_us + 1000);
    assert_true(last_us >= second_us);
    assert_true(last_us / 1000 <= (unsigned long)(now_ms() - before_ms) + 1);
}

static void sleeping_lasts_so_many_seconds(void **state)
{
    int64_t before_ms = now_ms();

    (void)state;
    zmq_sleep(0);
    zmq_sleep(1);
    assert_true(now_ms() - before_ms >= 999);
}

static int sleep_for_long(void *arg)
{
    (void)arg;
    zmq_sleep(3600);
    return 0;
}

static void a_signal_ends_sleep(void **state)
{
    struct call call;

    (void)state;
    call_start(&call, sleep_for_long, NULL);
    call_wait_blocked(&call);
    call_interrupt(&call);
    assert_int_equal(call_join(&call), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_header),
        cmocka_unit_test(ceromq_has_a_version_of_its_own),
        cmocka_unit_test(capabilities_are_known_by_their_exact_names),
        cmocka_unit_test(closing_a_thread_waits_for_its_end),
        cmocka_unit_test(signals_go_to_the_programs_own_threads),
        cmocka_unit_test(a_stop_watch_runs_until_it_is_stopped),
        cmocka_unit_test(sleeping_lasts_so_many_seconds),
        cmocka_unit_test(a_signal_ends_sleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
