/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For compiled clients, in C and C++: which library is under them.
 *
 * Thread: any.
 */
#ifndef TESTS_CLIENTS_LOADED_H
#define TESTS_CLIENTS_LOADED_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the process has the library in $CZ_CLIENT_LIB in its memory, and
 * no other libzmq. */
static inline bool is_expected_library_loaded(void)
{
    const char *directory = getenv("CZ_CLIENT_LIB");
    char name[PATH_MAX + 16];
    char expected[PATH_MAX];
    char line[PATH_MAX + 128];
    unsigned found = 0;
    unsigned others = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    snprintf(name, sizeof name, "%s/libzmq.so.5", directory ? directory : ".");
    if (!maps || !realpath(name, expected))
        return false;
    while (fgets(line, sizeof line, maps)) {
        const char *path = strchr(line, '/');

        line[strcspn(line, "\n")] = '\0';
        if (!path || !strstr(path, "/libzmq"))
            continue;
        if (strcmp(path, expected) == 0)
            found++;
        else
            others++;
    }
    fclose(maps);
    return found > 0 && others == 0;
}

#endif
