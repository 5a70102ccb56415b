/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One run from its seed to its result, and runs over many seeds.
 *
 * Thread: the test's own, which is not simulated. Owns: the world.
 */
#include "base/compiler.h"
#include "os/clock.h"
#include "os/park.h"
#include "sim/os/world.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim_config sim_stormy(void)
{
    return (struct sim_config){
        .split_read = 300,
        .split_write = 300,
        .again = 100,
        .spurious_park = 50,
        .spurious_poll = 50,
        .delay_us_max = 2000,
    };
}

uint64_t sim_seed(void)
{
    return sim.seed;
}

/* What a zero in the configuration leaves to the seed. */
static void run_complete_config(struct sim_config *config)
{
    static const size_t buffers[] = {64, 700, 8192, 65536};

    if (!config->buffer_bytes)
        config->buffer_bytes = buffers[sim_below(SIM_DICE_FAULTS, 4)];
    if (!config->cpus)
        config->cpus = 1 + (unsigned)sim_below(SIM_DICE_FAULTS, 3);
    if (!config->fds_max)
        config->fds_max = 1000;
    if (!config->time_us_max)
        config->time_us_max = 3600000000U;
    if (!config->steps_max)
        config->steps_max = 5000000;
}

static void run_begin(uint64_t seed, const struct sim_config *config)
{
    static const unsigned chances[] = {0, 20, 0, 200, 0, 500, 0, 1000};
    static const unsigned blocks[] = {0, 20, 200, 2000};

    memset(&sim, 0, sizeof sim);
    sim.seed = seed;
    sim.hash = 0xcbf29ce484222325U;
    sim.start_ns = sim.now_ns = 1000000000U;
    sim_dice_init(seed);
    sim.switch_chance = chances[sim_below(SIM_DICE_TURNS, 8)];
    sim.blocks_mean = blocks[sim_below(SIM_DICE_TURNS, 4)];
    if (config)
        sim.config = *config;
    if (sim.config.blocks_mean)
        sim.blocks_mean = sim.config.blocks_mean;
    run_complete_config(&sim.config);
    sim.prints_notes = getenv("CERO_SIM_TRACE") != NULL;
    sem_init(&sim.all_ended, 0, 0);
    sim_report_install();
    sim.is_running = true;
}

/* Everything on one processor: a hand-over to a thread on another one
 * takes twenty times as long. */
static void run_pin(cpu_set_t *before)
{
    cpu_set_t here;
    int cpu = sched_getcpu();

    CPU_ZERO(&here);
    CPU_SET(cpu < 0 ? 0 : cpu, &here);
    sched_getaffinity(0, sizeof *before, before);
    sched_setaffinity(0, sizeof here, &here);
}

static struct sim_result run_end(void)
{
    struct sim_result result = {
        .trace_hash = sim.hash,
        .steps = sim.steps,
        .time_us = (sim.now_ns - sim.start_ns) / 1000,
    };

    sim_threads_join_all();
    while (sim.events) {
        struct sim_event *event = sim.events;

        sim.events = event->next;
        free(event);
    }
    result.fds_open = sim_net_end() + sim_data_end();
    sim_files_end();
    sem_destroy(&sim.all_ended);
    sim.is_running = false;
    alarm(0);
    return result;
}

struct sim_result sim_run(uint64_t seed, const struct sim_config *config,
                          void (*main_fn)(void *arg), void *arg)
{
    struct sim_result result;
    cpu_set_t affinity;

    if (sim.is_running)
        sim_fail("a run inside a run");
    run_begin(seed, config);
    run_pin(&affinity);
    sim.current = sim_thread_create("main", main_fn, arg);
    sem_post(&sim.current->turn);
    while (sem_wait(&sim.all_ended) != 0)
        continue;
    result = run_end();
    sched_setaffinity(0, sizeof affinity, &affinity);
    return result;
}

static void run_one(uint64_t seed, const struct sim_config *config,
                    void (*main_fn)(void *arg), void *arg)
{
    struct sim_result result = sim_run(seed, config, main_fn, arg);

    if (result.fds_open > 0) {
        fprintf(stderr, "sim: seed %llu leaves %u descriptors open\n",
                (unsigned long long)seed, result.fds_open);
        abort();
    }
}

/* The threads take turns: there is little for a race detector to see, and it
 * makes them slow. */
static unsigned seeds_of(unsigned count)
{
    return CZ_TSAN ? (count + 3) / 4 : count;
}

void sim_run_seeds(unsigned count, const struct sim_config *config,
                   void (*main_fn)(void *arg), void *arg)
{
    const char *one = getenv("CERO_SIM_SEED");
    const char *many = getenv("CERO_SIM_SEEDS");
    uint64_t seed, last = many ? strtoull(many, NULL, 0) : seeds_of(count);

    if (one) {
        run_one(strtoull(one, NULL, 0), config, main_fn, arg);
        return;
    }
    for (seed = 1; seed <= last; seed++)
        run_one(seed, config, main_fn, arg);
}

void sim_set_faults(const struct sim_config *config)
{
    struct sim_config next = *config;

    next.buffer_bytes = sim.config.buffer_bytes;
    next.fds_max = sim.config.fds_max;
    next.cpus = sim.config.cpus;
    next.time_us_max = sim.config.time_us_max;
    next.steps_max = sim.config.steps_max;
    sim.config = next;
}

void sim_sleep_us(uint64_t us)
{
    static const char nobody_wakes_this;

    (void)!sim_wait("sleep", &nobody_wakes_this, sim.now_ns + us * 1000);
}
