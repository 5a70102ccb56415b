/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How many processors there are for this process and its peers: those of the
 * machine, cut down to the quota of its control groups. A process pinned to
 * one of many may still spin for a peer on another. A container with a quota of
 * one processor on a machine with 64 must count as one, or spinning would
 * burn the quota that the peer needs.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/thread.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CPU_PATH_MAX = 512 };

static unsigned cpu_online_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count > 0 ? (unsigned)count : 1;
}

/* The quota in whole processors, rounded up; 0 = no limit. */
static unsigned cpu_from_quota(long long quota, long long period)
{
    long long count;

    if (quota <= 0 || period <= 0)
        return 0;
    count = (quota - 1) / period + 1;
    return count < UINT_MAX ? (unsigned)count : UINT_MAX;
}

/* The first line of a file. */
static bool cpu_read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool has_line;

    if (!file)
        return false;
    has_line = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return has_line;
}

/* Version 2: one file with "quota period", where quota may be "max", which is
 * no number and taken for none. */
static unsigned cpu_read_v2(const char *dir)
{
    char path[CPU_PATH_MAX + 16];
    char line[64];
    char *rest;
    long long quota;

    snprintf(path, sizeof path, "%s/cpu.max", dir);
    if (!cpu_read_line(path, line, sizeof line))
        return 0;
    quota = strtoll(line, &rest, 10);
    return cpu_from_quota(quota, strtoll(rest, NULL, 10));
}

static long long cpu_read_number(const char *dir, const char *name)
{
    char path[CPU_PATH_MAX + 32];
    char line[64];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (!cpu_read_line(path, line, sizeof line))
        return 0;
    return strtoll(line, NULL, 10);
}

/* Version 1: a file each, and a quota of -1 for no limit. */
static unsigned cpu_read_v1(const char *dir)
{
    return cpu_from_quota(cpu_read_number(dir, "cpu.cfs_quota_us"),
                          cpu_read_number(dir, "cpu.cfs_period_us"));
}

/* The tightest limit on the way from this group up to where all are mounted. */
static unsigned cpu_walk_up(const char *root, const char *mount,
                            const char *group,
                            unsigned (*read_limit)(const char *dir))
{
    char dir[CPU_PATH_MAX];
    size_t mount_length = strlen(root) + strlen(mount);
    unsigned tightest = 0;

    if ((size_t)snprintf(dir, sizeof dir, "%s%s%s", root, mount, group) >=
        sizeof dir)
        return 0;
    for (;;) {
        unsigned limit = read_limit(dir);
        char *slash = strrchr(dir, '/');

        if (limit && (!tightest || limit < tightest))
            tightest = limit;
        if (strlen(dir) <= mount_length)
            return tightest;
        *slash = '\0';
    }
}

/* Does a comma-separated list name the "cpu" controller? */
static bool cpu_is_listed(const char *controllers)
{
    while (*controllers) {
        size_t length = strcspn(controllers, ",");

        if (length == 3 && memcmp(controllers, "cpu", 3) == 0)
            return true;
        controllers += length + (controllers[length] == ',');
    }
    return false;
}

/* Lines are "number:controllers:group"; version 2 has no controllers. */
static unsigned cpu_line_limit(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!group)
        return 0;
    *group++ = '\0';
    controllers++;
    group[strcspn(group, "\n")] = '\0';
    if (!*controllers)
        return cpu_walk_up(root, "/sys/fs/cgroup", group, cpu_read_v2);
    if (cpu_is_listed(controllers))
        return cpu_walk_up(root, "/sys/fs/cgroup/cpu", group, cpu_read_v1);
    return 0;
}

unsigned cz_cpu_quota(const char *root)
{
    char line[CPU_PATH_MAX];
    unsigned tightest = 0;
    FILE *file;

    if ((size_t)snprintf(line, sizeof line, "%s/proc/self/cgroup", root) >=
        sizeof line)
        return 0;
    file = fopen(line, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        unsigned limit = cpu_line_limit(root, line);

        if (limit && (!tightest || limit < tightest))
            tightest = limit;
    }
    fclose(file);
    return tightest;
}

unsigned cz_cpu_count_under(const char *root)
{
    unsigned count = cpu_online_count();
    unsigned limit = cz_cpu_quota(root);

    if (limit && limit < count)
        count = limit;
    return count ? count : 1;
}

unsigned cz_cpu_count(void)
{
    return cz_cpu_count_under("");
}
