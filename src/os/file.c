/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files, directories and the environment.
 *
 * Thread: any. Owns: nothing.
 */
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int cz_file_unlink(const char *path)
{
    return unlink(path) == 0 ? 0 : -errno;
}

int cz_dir_remove(const char *path)
{
    return rmdir(path) == 0 ? 0 : -errno;
}

int cz_dir_make_temporary(char *path_template)
{
    return mkdtemp(path_template) ? 0 : -errno;
}

bool cz_dir_exists(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

const char *cz_environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}
