/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the system tells about this process.
 *
 * Thread: the main thread of a test.
 */
#include "common/proc.h"

#include <dirent.h>
#include <sched.h>

/* The names in a directory of /proc that are numbers. */
static struct proc_numbers list(const char *path)
{
    struct proc_numbers numbers = {.count = 0};
    DIR *directory = opendir(path);
    struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        int number = atoi(entry->d_name);

        if (entry->d_name[0] == '.' ||
            (strstr(path, "/fd") != NULL && number == dirfd(directory)))
            continue;
        assert_true(numbers.count < PROC_NUMBERS_MAX);
        numbers.items[numbers.count++] = number;
    }
    closedir(directory);
    return numbers;
}

struct proc_numbers proc_descriptors(void)
{
    return list("/proc/self/fd");
}

struct proc_numbers proc_threads(void)
{
    return list("/proc/self/task");
}

bool proc_has(const struct proc_numbers *numbers, int number)
{
    for (int i = 0; i < numbers->count; i++) {
        if (numbers->items[i] == number)
            return true;
    }
    return false;
}

bool proc_is_subset(const struct proc_numbers *part,
                    const struct proc_numbers *all)
{
    for (int i = 0; i < part->count; i++) {
        if (!proc_has(all, part->items[i]))
            return false;
    }
    return true;
}

int proc_threads_since(const struct proc_numbers *before)
{
    struct proc_numbers now = proc_threads();
    int count = 0;

    for (int i = 0; i < now.count; i++)
        count += !proc_has(before, now.items[i]);
    return count;
}

void proc_await_no_threads_since(const struct proc_numbers *before)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;

    while (proc_threads_since(before) != 0) {
        assert_true(now_ms() < end_ms);
        sched_yield();
    }
}

bool proc_status(int thread, const char *key, char *text, size_t size)
{
    char path[64];
    char line[1024];
    bool is_found = false;
    bool is_ending = false;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *value = line + strlen(key);

        /* Of a thread that is just ending the kernel says that its process has
         * no threads, and that it blocks no signals. */
        is_ending |= strcmp(line, "Threads:\t0\n") == 0;
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        value += strspn(value, " \t");
        snprintf(text, size, "%.*s", (int)strcspn(value, "\n"), value);
        is_found = true;
    }
    fclose(file);
    return is_found && !is_ending;
}

struct proc_numbers proc_threads_named(const char *prefix)
{
    struct proc_numbers all = proc_threads();
    struct proc_numbers named = {.count = 0};
    char name[64];

    for (int i = 0; i < all.count; i++) {
        if (proc_status(all.items[i], "Name:", name, sizeof(name)) &&
            strncmp(name, prefix, strlen(prefix)) == 0)
            named.items[named.count++] = all.items[i];
    }
    return named;
}
