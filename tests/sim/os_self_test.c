/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulation itself: a seed is a run, the scheduler finds what it
 * should, time and threads behave.
 *
 * CTest: TIMEOUT 120
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/clock.h"
#include "os/mutex.h"
#include "os/park.h"
#include "os/random.h"
#include "os/thread.h"
#include "sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A seed is a run ---- */

struct shop {
    struct cz_mutex mutex;
    _Atomic uint32_t is_open;
    int served;
    int port_listener;
    uint16_t port;
};

static void customer_run(void *arg)
{
    struct shop *shop = arg;
    char text[100] = {0};
    int fd;

    while (atomic_load(&shop->is_open) == 0)
        (void)!cz_park(&shop->is_open, 0, CZ_CLOCK_NEVER);
    fd = sim_dial(NULL, shop->port);
    SIM_CHECK(fd >= 0);
    SIM_CHECK(sim_recv(fd, text, sizeof text) == sizeof text);
    sim_close(fd);
    cz_mutex_lock(&shop->mutex);
    shop->served++;
    cz_mutex_unlock(&shop->mutex);
}

/* A little of everything. */
static void shop_run(void *arg)
{
    static const char goods[100];
    struct shop shop = {.served = 0};
    struct cz_thread customers[3];
    size_t i;

    (void)arg;
    cz_mutex_init(&shop.mutex);
    shop.port_listener = sim_listen(NULL, &shop.port);
    for (i = 0; i < CZ_COUNT_OF(customers); i++)
        SIM_CHECK(cz_thread_start(&customers[i], NULL, customer_run, &shop) ==
                  0);
    sim_sleep_us(cz_random_u32() % 1000);
    atomic_store(&shop.is_open, 1);
    cz_unpark(&shop.is_open, 100);
    for (i = 0; i < CZ_COUNT_OF(customers); i++) {
        int fd = sim_accept(shop.port_listener);

        SIM_CHECK(sim_send(fd, goods, sizeof goods) == 0);
        sim_close(fd);
    }
    for (i = 0; i < CZ_COUNT_OF(customers); i++)
        cz_thread_join(&customers[i]);
    SIM_CHECK(shop.served == 3);
    cz_mutex_fini(&shop.mutex);
    sim_close(shop.port_listener);
}

static void the_same_seed_gives_the_same_run(void **state)
{
    struct sim_config config = sim_stormy();
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 30; seed++) {
        struct sim_result first = sim_run(seed, &config, shop_run, NULL);
        struct sim_result second = sim_run(seed, &config, shop_run, NULL);

        assert_int_equal(first.trace_hash, second.trace_hash);
        assert_int_equal(first.steps, second.steps);
        assert_int_equal(first.time_us, second.time_us);
        assert_int_equal(first.fds_open, 0);
    }
}

static void different_seeds_give_different_runs(void **state)
{
    enum { SEEDS = 30 };
    struct sim_config config = sim_stormy();
    uint64_t hashes[SEEDS];
    int i, j;

    (void)state;
    for (i = 0; i < SEEDS; i++) {
        hashes[i] =
            sim_run((uint64_t)i + 1, &config, shop_run, NULL).trace_hash;
        for (j = 0; j < i; j++)
            assert_int_not_equal(hashes[i], hashes[j]);
    }
}

/* ---- Threads and time ---- */

/* What the compiler calls between basic blocks. */
void __sanitizer_cov_trace_pc(void);

struct counter {
    void (*point)(void);
    int rounds;
    int count;
};

static void increment_carelessly(void *arg)
{
    struct counter *counter = arg;
    int i;

    for (i = 0; i < counter->rounds; i++) {
        int before = counter->count;

        counter->point();
        counter->count = before + 1;
    }
}

static void careless_run(void *arg)
{
    struct cz_thread threads[2];
    struct counter *counter = arg;
    size_t i;

    counter->count = 0;
    for (i = 0; i < CZ_COUNT_OF(threads); i++)
        SIM_CHECK(cz_thread_start(&threads[i], NULL, increment_carelessly,
                                  counter) == 0);
    for (i = 0; i < CZ_COUNT_OF(threads); i++)
        cz_thread_join(&threads[i]);
}

static void some_seeds_lose_an_increment_and_some_do_not(void **state)
{
    struct counter counter = {.point = cz_sim_point, .rounds = 3};
    int seen[7] = {0}, count;
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 200; seed++) {
        sim_run(seed, NULL, careless_run, &counter);
        assert_in_range(counter.count, 1, 6);
        seen[counter.count]++;
    }
    for (count = 3; count <= 6; count++)
        assert_true(seen[count] > 0);
}

static void points_that_are_compiled_in_switch_threads_too(void **state)
{
    struct counter counter = {.point = __sanitizer_cov_trace_pc, .rounds = 300};
    int complete = 0;
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 100; seed++) {
        sim_run(seed, NULL, careless_run, &counter);
        complete += counter.count == 600;
    }
    assert_in_range(complete, 10, 90);
}

struct bank {
    struct cz_mutex mutex;
    int inside;
    int visits;
};

static void visit_bank(void *arg)
{
    struct bank *bank = arg;
    int i;

    for (i = 0; i < 5; i++) {
        if (i % 2 == 0 || !cz_mutex_try_lock(&bank->mutex))
            cz_mutex_lock(&bank->mutex);
        SIM_CHECK(++bank->inside == 1);
        cz_thread_yield();
        bank->inside--;
        bank->visits++;
        cz_mutex_unlock(&bank->mutex);
    }
}

static void bank_run(void *arg)
{
    struct bank bank = {.inside = 0};
    struct cz_thread visitors[4];
    size_t i;

    (void)arg;
    cz_mutex_init(&bank.mutex);
    for (i = 0; i < CZ_COUNT_OF(visitors); i++)
        SIM_CHECK(cz_thread_start(&visitors[i], NULL, visit_bank, &bank) == 0);
    for (i = 0; i < CZ_COUNT_OF(visitors); i++)
        cz_thread_join(&visitors[i]);
    SIM_CHECK(bank.visits == 20);
    cz_mutex_fini(&bank.mutex);
}

static void a_lock_admits_one(void **state)
{
    (void)state;
    sim_run_seeds(100, NULL, bank_run, NULL);
}

static void time_run(void *arg)
{
    _Atomic uint32_t word = 0;
    uint64_t start = cz_clock_us();

    (void)arg;
    sim_sleep_us(600000000);
    SIM_CHECK(cz_clock_us() - start >= 600000000);
    SIM_CHECK(cz_clock_us() - start < 600000100);
    start = cz_clock_us();
    while (cz_park(&word, 0, start + 5000) != -ETIMEDOUT)
        SIM_CHECK(cz_clock_us() < start + 5000);
    SIM_CHECK(cz_clock_us() - start >= 5000);
    SIM_CHECK(cz_park(&word, 1, CZ_CLOCK_NEVER) == 0);
}

static void ten_minutes_pass_at_once(void **state)
{
    struct sim_config config = {.spurious_park = 500};

    (void)state;
    sim_run_seeds(20, &config, time_run, NULL);
    assert_in_range(sim_run(1, NULL, time_run, NULL).time_us, 600005000,
                    600006000);
}

static void spin_run(void *arg)
{
    uint64_t start = cz_clock_ns();

    (void)arg;
    while (cz_clock_ns() - start < 20000)
        continue;
    start = cz_clock_ns();
    while (cz_clock_ns() - start < 20000)
        cz_cpu_relax();
}

static void a_spin_that_is_bounded_by_time_ends(void **state)
{
    (void)state;
    sim_run_seeds(20, NULL, spin_run, NULL);
}

static void flag_raise(void *arg)
{
    atomic_store((_Atomic uint32_t *)arg, 1);
}

static void spin_on_flag_run(void *arg)
{
    _Atomic uint32_t flag = 0;

    (void)arg;
    SIM_CHECK(cz_thread_start_detached("raiser", flag_raise, (void *)&flag) ==
              0);
    while (atomic_load(&flag) == 0)
        cz_sim_point();
}

static void a_spin_on_a_flag_lets_the_other_thread_run(void **state)
{
    (void)state;
    sim_run_seeds(100, NULL, spin_on_flag_run, NULL);
}

/* ---- Runs that go wrong, each in a process of its own ---- */

static void take_two(struct cz_mutex *first, struct cz_mutex *second)
{
    cz_mutex_lock(first);
    cz_mutex_lock(second);
    cz_mutex_unlock(second);
    cz_mutex_unlock(first);
}

static void take_backwards(void *arg)
{
    struct cz_mutex *mutexes = arg;

    take_two(&mutexes[1], &mutexes[0]);
}

static void fail_by_deadlock(void *arg)
{
    struct cz_mutex mutexes[2];
    struct cz_thread other;

    (void)arg;
    cz_mutex_init(&mutexes[0]);
    cz_mutex_init(&mutexes[1]);
    SIM_CHECK(cz_thread_start(&other, NULL, take_backwards, mutexes) == 0);
    take_two(&mutexes[0], &mutexes[1]);
    cz_thread_join(&other);
}

static void fail_by_waiting_for_ever(void *arg)
{
    _Atomic uint32_t word = 0;

    (void)arg;
    (void)!cz_park(&word, 0, CZ_CLOCK_NEVER);
}

static void fail_by_endless_timers(void *arg)
{
    (void)arg;
    for (;;)
        sim_sleep_us(1000000);
}

static void fail_by_spinning(void *arg)
{
    (void)arg;
    for (;;)
        cz_cpu_relax();
}

static void fail_by_closed_descriptor(void *arg)
{
    int fd = sim_listen(NULL, NULL);

    (void)arg;
    sim_close(fd);
    sim_close(fd);
}

static void fail_by_leak(void *arg)
{
    (void)arg;
    sim_listen(NULL, NULL);
}

static void fail_by_exit(void *arg)
{
    (void)arg;
    exit(1);
}

static const struct failure {
    const char *name;
    void (*run)(void *arg);
    const char *text;
} failures[] = {
    {"deadlock", fail_by_deadlock, "stuck"},
    {"forever", fail_by_waiting_for_ever, "waits in park"},
    {"timers", fail_by_endless_timers, "hangs"},
    {"spin", fail_by_spinning, "spins"},
    {"closed", fail_by_closed_descriptor, "used but not open"},
    {"leak", fail_by_leak, "descriptors open"},
    {"exit", fail_by_exit, "simulation failed"},
};

/* This program once more, which then runs that failure only. */
static void rerun(const char *name, char *output, size_t size)
{
    char command[4096], self[2048];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    size_t got;
    FILE *pipe;

    assert_true(length > 0);
    self[length] = '\0';
    snprintf(command, sizeof command, "CERO_SIM_SELF=%s '%s' 2>&1", name, self);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    got = fread(output, 1, size - 1, pipe);
    output[got] = '\0';
    assert_int_not_equal(pclose(pipe), 0);
}

static void every_way_to_go_wrong_is_found_and_tells_the_seed(void **state)
{
    static char output[65536];
    size_t i;

    (void)state;
    for (i = 0; i < CZ_COUNT_OF(failures); i++) {
        rerun(failures[i].name, output, sizeof output);
        if (!strstr(output, failures[i].text) || !strstr(output, "seed "))
            fail_msg("%s: printed only: %s", failures[i].name, output);
    }
}

static int run_failure(const char *name)
{
    struct sim_config config = {.steps_max = 100000};
    size_t i;

    for (i = 0; i < CZ_COUNT_OF(failures); i++)
        if (strcmp(failures[i].name, name) == 0)
            sim_run_seeds(200, &config, failures[i].run, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_seeds_lose_an_increment_and_some_do_not),
        cmocka_unit_test(points_that_are_compiled_in_switch_threads_too),
        cmocka_unit_test(a_lock_admits_one),
        cmocka_unit_test(ten_minutes_pass_at_once),
        cmocka_unit_test(a_spin_that_is_bounded_by_time_ends),
        cmocka_unit_test(a_spin_on_a_flag_lets_the_other_thread_run),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(different_seeds_give_different_runs),
        cmocka_unit_test(every_way_to_go_wrong_is_found_and_tells_the_seed),
    };
    const char *failure = getenv("CERO_SIM_SELF");

    if (failure)
        return run_failure(failure);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
