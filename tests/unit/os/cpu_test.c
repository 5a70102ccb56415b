/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The quota of control groups, from files as the kernel has them.
 *
 * Thread: the main thread. Owns: a directory, removed after each test.
 */
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

static int root_open(void **state)
{
    char *root = strdup("/tmp/cz-cpu-XXXXXX");

    *state = root;
    return root && mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static int root_close(void **state)
{
    int rc = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

    free(*state);
    return rc;
}

/* A file below the root, and the directories on the way. */
static void put(const char *root, const char *name, const char *text)
{
    char path[PATH_SIZE];
    size_t length = strlen(root);
    FILE *file;

    assert_true((size_t)snprintf(path, sizeof path, "%s%s", root, name) <
                sizeof path);
    for (char *slash = path + length; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_v1(const char *root, const char *group, const char *quota,
                   const char *period)
{
    char name[PATH_SIZE];

    snprintf(name, sizeof name, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", group);
    put(root, name, quota);
    snprintf(name, sizeof name, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us",
             group);
    put(root, name, period);
}

struct row {
    const char *text;
    unsigned limit;
};

static const struct row v2_rows[] = {
    {"max 100000\n", 0},
    {"50000 100000\n", 1},
    {"100000 100000\n", 1},
    {"100001 100000\n", 2},
    {"150000 100000\n", 2},
    {"200000 100000\n", 2},
    {"1000 1000000\n", 1},
    {"6400000 100000\n", 64},
    {"150000 100000", 2},
    /* Malformed: no limit, rather than one that nobody set. */
    {"", 0},
    {"\n", 0},
    {"max\n", 0},
    {"50000\n", 0},
    {"50000 max\n", 0},
    {"50000 0\n", 0},
    {"0 100000\n", 0},
    {"-1 100000\n", 0},
    {"50000 -100000\n", 0},
    {"cpu 50000 100000\n", 0},
};

static void a_v2_quota_is_rounded_up(void **state)
{
    put(*state, "/proc/self/cgroup", "0::/box\n");
    for (size_t i = 0; i < sizeof v2_rows / sizeof v2_rows[0]; i++) {
        put(*state, "/sys/fs/cgroup/box/cpu.max", v2_rows[i].text);
        assert_int_equal(cz_cpu_quota(*state), v2_rows[i].limit);
    }
}

static void a_v1_quota_is_rounded_up(void **state)
{
    static const struct {
        const char *quota, *period;
        unsigned limit;
    } rows[] = {
        {"-1\n", "100000\n", 0},     {"50000\n", "100000\n", 1},
        {"100000\n", "100000\n", 1}, {"150000\n", "100000\n", 2},
        {"150000", "100000", 2},     {"400000\n", "50000\n", 8},
        {"", "100000\n", 0},         {"50000\n", "", 0},
        {"max\n", "100000\n", 0},    {"50000\n", "0\n", 0},
        {"0\n", "100000\n", 0},      {"50000\n", "-1\n", 0},
    };

    put(*state, "/proc/self/cgroup", "4:cpu,cpuacct:/box\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_v1(*state, "/box", rows[i].quota, rows[i].period);
        assert_int_equal(cz_cpu_quota(*state), rows[i].limit);
    }
}

static void a_quota_beyond_all_numbers_is_no_tight_one(void **state)
{
    static const char *const texts[] = {
        "9223372036854775807 100000\n",
        "99999999999999999999999 1\n",
        "4294967297000 1000\n", /* 2^32 + 1 processors */
        "4294967296000 1000\n",
    };

    put(*state, "/proc/self/cgroup", "0::/\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(*state, "/sys/fs/cgroup/cpu.max", texts[i]);
        assert_int_equal(cz_cpu_quota(*state), UINT_MAX);
    }
}

static void what_is_missing_limits_nothing(void **state)
{
    char path[PATH_SIZE];

    assert_int_equal(cz_cpu_quota(*state), 0);
    put(*state, "/proc/self/cgroup", "");
    assert_int_equal(cz_cpu_quota(*state), 0);
    put(*state, "/proc/self/cgroup", "0::/box\n4:cpu:/box\n");
    assert_int_equal(cz_cpu_quota(*state), 0);
    put_v1(*state, "/box", "50000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 1);
    snprintf(path, sizeof path, "%s/sys/fs/cgroup/cpu/box/cpu.cfs_period_us",
             (char *)*state);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cz_cpu_quota(*state), 0);
}

static void the_tightest_of_nested_v2_groups_counts(void **state)
{
    put(*state, "/proc/self/cgroup", "0::/a/b/c\n");
    put(*state, "/sys/fs/cgroup/cpu.max", "900000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 9);
    put(*state, "/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 3);
    put(*state, "/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 3);
    put(*state, "/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 3);
    put(*state, "/sys/fs/cgroup/a/b/cpu.max", "200000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 2);
    put(*state, "/sys/fs/cgroup/a/b/c/cpu.max", "10000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 1);
}

static void the_tightest_of_nested_v1_groups_counts(void **state)
{
    put(*state, "/proc/self/cgroup", "4:cpu:/a/b\n");
    put_v1(*state, "", "-1\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 0);
    put_v1(*state, "/a/b", "700000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 7);
    put_v1(*state, "/a", "500000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 5);
    put_v1(*state, "", "300000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 3);
}

/* Neither those beside the own group, nor those below it, nor what lies above
 * the place where they are mounted. */
static void other_groups_do_not_count(void **state)
{
    put(*state, "/proc/self/cgroup", "0::/a\n4:cpu:/a\n");
    put(*state, "/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    put(*state, "/sys/fs/cgroup/ab/cpu.max", "100000 100000\n");
    put(*state, "/sys/fs/cgroup/b/cpu.max", "100000 100000\n");
    put(*state, "/sys/fs/cgroup/a/b/cpu.max", "100000 100000\n");
    put(*state, "/sys/fs/cpu.max", "100000 100000\n");
    put(*state, "/cpu.max", "100000 100000\n");
    put_v1(*state, "/b", "100000\n", "100000\n");
    put_v1(*state, "/a/b", "100000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 0);
}

/* A container without a namespace of its own is told the host's path, while
 * its own group is mounted as the root. */
static void a_group_that_is_not_mounted_is_found_at_the_root(void **state)
{
    put(*state, "/proc/self/cgroup", "0::/docker/0123456789abcdef\n");
    put(*state, "/sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 2);
}

static void only_the_cpu_controller_of_v1_counts(void **state)
{
    static const struct row rows[] = {
        {"4:cpu:/a\n", 1},
        {"4:cpu,cpuacct:/a\n", 1},
        {"4:cpuacct,cpu:/a\n", 1},
        {"4:cpuacct,cpu,cpuset:/a\n", 1},
        {"4:cpuset:/a\n", 0},
        {"4:cpuacct,cpuset:/a\n", 0},
        {"4:name=cpu:/a\n", 0},
        {"4:cp:/a\n", 0},
        {"12:memory:/a\n4:cpu:/a\n1:name=systemd:/\n", 1},
        /* Malformed. */
        {"4:cpu\n", 0},
        {"cpu\n", 0},
        {":\n", 0},
        {"\n", 0},
        {"\n\n4:cpu:/a", 1},
    };

    put_v1(*state, "/a", "100000\n", "100000\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put(*state, "/proc/self/cgroup", rows[i].text);
        assert_int_equal(cz_cpu_quota(*state), rows[i].limit);
    }
}

static void where_both_versions_are_the_tightest_counts(void **state)
{
    put(*state, "/proc/self/cgroup", "4:cpu:/a\n0::/a\n");
    put_v1(*state, "/a", "300000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 3);
    put(*state, "/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 2);
    put_v1(*state, "/a", "100000\n", "100000\n");
    assert_int_equal(cz_cpu_quota(*state), 1);
}

static void a_path_that_is_too_long_limits_nothing(void **state)
{
    char text[2000];

    memset(text, 'x', sizeof text);
    memcpy(text, "0::/", 4);
    text[sizeof text - 1] = '\0';
    put(*state, "/proc/self/cgroup", text);
    put(*state, "/sys/fs/cgroup/cpu.max", "100000 100000\n");
    assert_int_equal(cz_cpu_quota(*state), 0);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(cz_cpu_quota(text), 0);
}

static void the_count_is_cut_down_to_the_quota(void **state)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    assert_int_equal(cz_cpu_count_under(*state), online);
    put(*state, "/proc/self/cgroup", "0::/\n");
    put(*state, "/sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_int_equal(cz_cpu_count_under(*state), online);
    put(*state, "/sys/fs/cgroup/cpu.max", "6553600000 100000\n");
    assert_int_equal(cz_cpu_count_under(*state), online);
    put(*state, "/sys/fs/cgroup/cpu.max", "50000 100000\n");
    assert_int_equal(cz_cpu_count_under(*state), 1);
    assert_int_equal(cz_cpu_count(), cz_cpu_count_under(""));
}

int main(void)
{
#define IN_ROOT(test)                                                          \
    cmocka_unit_test_setup_teardown(test, root_open, root_close)
    const struct CMUnitTest tests[] = {
        IN_ROOT(a_v2_quota_is_rounded_up),
        IN_ROOT(a_v1_quota_is_rounded_up),
        IN_ROOT(what_is_missing_limits_nothing),
        IN_ROOT(the_tightest_of_nested_v2_groups_counts),
        IN_ROOT(the_tightest_of_nested_v1_groups_counts),
        IN_ROOT(other_groups_do_not_count),
        IN_ROOT(a_group_that_is_not_mounted_is_found_at_the_root),
        IN_ROOT(only_the_cpu_controller_of_v1_counts),
        IN_ROOT(where_both_versions_are_the_tightest_counts),
        IN_ROOT(a_quota_beyond_all_numbers_is_no_tight_one),
        IN_ROOT(a_path_that_is_too_long_limits_nothing),
        IN_ROOT(the_count_is_cut_down_to_the_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
