/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the system tells about this process: its descriptors and its threads.
 *
 * Thread: the main thread of a test.
 */
#ifndef TESTS_COMMON_PROC_H
#define TESTS_COMMON_PROC_H

#include "common/suite.h"

#define PROC_NUMBERS_MAX 4096

/* Descriptors or threads, by number. */
struct proc_numbers {
    int items[PROC_NUMBERS_MAX];
    int count;
};

struct proc_numbers proc_descriptors(void);
struct proc_numbers proc_threads(void);

/* How many threads there are now that were not there before. A thread that was
 * joined may still be listed for a moment: to compare counts would be wrong. */
int proc_threads_since(const struct proc_numbers *before);

/* Waits until none of those is left, and fails when one stays. */
void proc_await_no_threads_since(const struct proc_numbers *before);

bool proc_has(const struct proc_numbers *numbers, int number);
bool proc_is_subset(const struct proc_numbers *part,
                    const struct proc_numbers *all);

/* The value of a key, "SigBlk:" for one, of a thread's status, without the
 * blanks around it. False for a thread that has ended by now. */
bool proc_status(int thread, const char *key, char *text, size_t size);

/* The threads whose names begin with this; names are cut to 15 bytes. */
struct proc_numbers proc_threads_named(const char *prefix);

#endif
