/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated file system: a list of paths, of which some are
 * directories and the others what binding an ipc socket leaves there. Files
 * that data is kept in are in data_file.c.
 * "/", "." and "/tmp" are there from the start.
 *
 * Thread: the one whose turn it is. Owns: the paths, until the run ends.
 */
#include "os/file.h"

#include "sim/os/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
    struct file *next;
    bool is_dir;
    char path[256];
};

static struct file *files;

static struct file **file_find(const char *path)
{
    struct file **at = &files;

    while (*at && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    return at;
}

static void file_add(const char *path, bool is_dir)
{
    struct file *file = calloc(1, sizeof *file);

    if (!file || strlen(path) >= sizeof file->path)
        sim_fail("no memory for the path '%s'", path);
    snprintf(file->path, sizeof file->path, "%s", path);
    file->is_dir = is_dir;
    file->next = files;
    files = file;
}

static void file_drop(struct file **at)
{
    struct file *file = *at;

    *at = file->next;
    free(file);
}

bool cz_dir_exists(const char *path)
{
    const struct file *file = *file_find(path);

    return strcmp(path, "/") == 0 || strcmp(path, ".") == 0 ||
           strcmp(path, "/tmp") == 0 || (file && file->is_dir);
}

bool sim_file_has_place(const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[256] = "/";
    size_t length;

    if (!slash)
        return true;
    length = (size_t)(slash - path);
    if (length >= sizeof dir)
        return false;
    if (length > 0)
        memcpy(dir, path, length);
    return cz_dir_exists(dir);
}

int sim_file_create(const char *path)
{
    if (!sim_file_has_place(path))
        return -ENOENT;
    if (*file_find(path) || cz_dir_exists(path))
        return -EADDRINUSE;
    file_add(path, false);
    return 0;
}

bool sim_file_exists(const char *path)
{
    return *file_find(path) != NULL;
}

int cz_file_unlink(const char *path)
{
    struct file **at;

    sim_point();
    if (sim_data_unlink(path))
        return 0;
    at = file_find(path);
    sim_note("unlink", *at != NULL, 0);
    if (!*at)
        return cz_dir_exists(path) ? -EISDIR : -ENOENT;
    if ((*at)->is_dir)
        return -EISDIR;
    file_drop(at);
    sim_sock_unlinked(path);
    return 0;
}

int cz_dir_remove(const char *path)
{
    struct file **at = file_find(path);
    const struct file *file;
    size_t length = strlen(path);

    if (!*at)
        return -ENOENT;
    if (!(*at)->is_dir)
        return -ENOTDIR;
    for (file = files; file; file = file->next)
        if (strncmp(file->path, path, length) == 0 && file->path[length] == '/')
            return -ENOTEMPTY;
    file_drop(at);
    return 0;
}

int cz_dir_make_temporary(char *path_template)
{
    size_t length = strlen(path_template);
    char *place = path_template + length - 6;

    if (length < 6 || strcmp(place, "XXXXXX") != 0)
        return -EINVAL;
    if (!sim_file_has_place(path_template))
        return -ENOENT;
    snprintf(place, 7, "%06u", sim.next_name++ % 1000000);
    file_add(path_template, true);
    return 0;
}

/* The environment is the real one. */
const char *cz_environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

void sim_files_end(void)
{
    while (files)
        file_drop(&files);
}
