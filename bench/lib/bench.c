/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Arguments, clocks, pinning and samples of the benchmark programs.
 *
 * Thread: any.
 * Owns:   nothing.
 */
#include "lib/bench.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *bench_text(const struct bench_args *args, const char *key,
                       const char *fallback)
{
    size_t length = strlen(key);

    for (int i = 1; i < args->count; i++) {
        const char *word = args->words[i];

        if (strncmp(word, key, length) == 0 && word[length] == '=')
            return word + length + 1;
    }
    return fallback;
}

double bench_number(const struct bench_args *args, const char *key,
                    double fallback)
{
    const char *text = bench_text(args, key, NULL);

    return text ? strtod(text, NULL) : fallback;
}

size_t bench_size(const struct bench_args *args, const char *key,
                  size_t fallback)
{
    const char *text = bench_text(args, key, NULL);

    return text ? strtoull(text, NULL, 10) : fallback;
}

bool bench_is(const struct bench_args *args, const char *key,
              const char *fallback, const char *wanted)
{
    return strcmp(bench_text(args, key, fallback), wanted) == 0;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now))
        bench_die("clock_gettime");
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(pid_t process)
{
    clockid_t clock;

    /* The same sum as getrusage's, but readable from the other process and
     * not rounded to ticks. */
    errno = clock_getcpuclockid(process, &clock);
    if (errno)
        bench_die("clock_getcpuclockid");
    return clock_ns(clock);
}

size_t bench_resident_bytes(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    size_t kib = 0;

    bench_check(status != NULL, "open /proc/self/status");
    while (fgets(line, sizeof line, status)) {
        if (sscanf(line, "VmRSS: %zu kB", &kib) == 1)
            break;
    }
    fclose(status);
    return kib * 1024;
}

void bench_pin(const char *place, int side)
{
    cpu_set_t wanted;

    if (strcmp(place, "free") == 0)
        return;
    int cpu = strcmp(place, "same") == 0 ? 0 : side;
    CPU_ZERO(&wanted);
    CPU_SET((size_t)cpu, &wanted);
    if (sched_setaffinity(0, sizeof wanted, &wanted))
        bench_die("sched_setaffinity");
}

void bench_die(const char *what)
{
    fprintf(stderr, "benchmark: %s: %s\n", what, strerror(errno));
    _exit(1);
}

void bench_check(bool is_true, const char *what)
{
    if (!is_true)
        bench_die(what);
}

void *bench_shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    bench_check(memory != MAP_FAILED, "mmap");
    return memory;
}

void bench_raise_descriptor_limit(void)
{
    struct rlimit limit;

    bench_check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    bench_check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static int compare_samples(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

double bench_quantile(uint32_t *samples, size_t count, double quantile)
{
    bench_check(count > 0, "take a quantile of no samples");
    qsort(samples, count, sizeof *samples, compare_samples);
    return samples[(size_t)((double)(count - 1) * quantile)];
}

void bench_samples_init(struct bench_samples *samples, size_t limit)
{
    samples->values = calloc(limit, sizeof *samples->values);
    bench_check(samples->values != NULL, "allocate the samples");
    samples->count = 0;
    samples->limit = limit;
}

void bench_samples_add(struct bench_samples *samples, uint64_t ns)
{
    if (samples->count < samples->limit)
        samples->values[samples->count++] =
            ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}
