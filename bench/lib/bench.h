/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What every benchmark program needs and no library gives: arguments written
 * as key=value, clocks, pinning, a second process that cannot outlive the
 * first, and one line of results.
 *
 * A benchmark program takes one measurement per run and prints one line of
 * `key=value` pairs. It uses nothing of the library but zmq.h, so that the
 * same binary measures whichever libzmq.so.5 the loader finds.
 *
 * Thread: any, as nothing here keeps state.
 * Owns:   nothing; shared memory lives until the process ends.
 */
#ifndef BENCH_LIB_BENCH_H
#define BENCH_LIB_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The command line of a program, as given to main. */
struct bench_args {
    int count;
    char **words;
};

/* The value of the word `key=value`, or `fallback` if there is none. */
const char *bench_text(const struct bench_args *args, const char *key,
                       const char *fallback);
double bench_number(const struct bench_args *args, const char *key,
                    double fallback);
size_t bench_size(const struct bench_args *args, const char *key,
                  size_t fallback);
bool bench_is(const struct bench_args *args, const char *key,
              const char *fallback, const char *wanted);

/* Monotonic time; the same clock in all processes of the machine. */
uint64_t bench_now_ns(void);

/* CPU time, user and system, that all threads of `process` have used. */
uint64_t bench_cpu_ns(pid_t process);

/* The resident memory of the calling process, in bytes (VmRSS). */
size_t bench_resident_bytes(void);

/*
 * Pins the calling thread, and with it all threads it will start, to the CPU
 * of one side: with place `split` side 0 and side 1 have CPU 0 and CPU 1,
 * with `same` they share CPU 0, with `free` nothing is pinned. Dies if there
 * is no such CPU.
 */
void bench_pin(const char *place, int side);

/* Ends the program: says what failed and why (errno), exits with 1. */
_Noreturn void bench_die(const char *what);

/* Dies unless `is_true`. */
void bench_check(bool is_true, const char *what);

/* Zeroed memory that a forked process shares. */
void *bench_shared(size_t bytes);

/* Raises the limit on descriptors as far as the machine allows. */
void bench_raise_descriptor_limit(void);

/* The middle (0.5) or another quantile of `count` samples, which it sorts. */
double bench_quantile(uint32_t *samples, size_t count, double quantile);

/* Adds a sample in nanoseconds, unless the array is full. */
struct bench_samples {
    uint32_t *values;
    size_t count;
    size_t limit;
};

void bench_samples_init(struct bench_samples *samples, size_t limit);
void bench_samples_add(struct bench_samples *samples, uint64_t ns);

#endif
